//! A way with what is on it.

use std::collections::VecDeque;

use engine::stepped::Told;
use engine::time::Instant;

use crate::check::Message;
use crate::network::Way;

/// Something on its way.
#[derive(Debug)]
pub enum Parcel {
    /// Bytes for the server; whether they are a frame of the caller's.
    Bytes(Vec<u8>, bool),
    /// The caller's sound without a wire, by its stamp.
    Frame(u32),
    /// Anything else for the server without a wire.
    Told(Told),
    /// A message for the carrier.
    Letter(Letter),
    /// Nothing more comes.
    End,
}

impl Parcel {
    fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes, _) => bytes.len(),
            Self::Letter(letter) => letter.bytes,
            Self::Frame(_) | Self::Told(_) | Self::End => 0,
        }
    }
}

/// A message of the server's.
#[derive(Debug)]
pub struct Letter {
    /// What it says.
    pub message: Message,
    /// As it came, where there is a wire.
    pub text: Option<String>,
    /// Whether anything is to be heard in it.
    pub audible: bool,
    /// How long it is on a wire.
    pub bytes: usize,
}

/// A way with what is on it.
#[derive(Debug)]
pub struct Lane {
    /// What it is.
    pub way: Way,
    parcels: VecDeque<(Instant, Parcel)>,
    /// Bytes on it, those included that will never arrive.
    pub bytes: usize,
}

impl Lane {
    /// An empty one.
    #[must_use]
    pub const fn new(way: Way) -> Self {
        Self { way, parcels: VecDeque::new(), bytes: 0 }
    }

    /// Sends a parcel; gives when it arrives if it ever does and nothing is before it.
    pub fn send(&mut self, now: Instant, parcel: Parcel) -> Option<Instant> {
        self.bytes += parcel.bytes();
        let at = self.way.arrival(now)?;
        self.parcels.push_back((at, parcel));
        (self.parcels.len() == 1).then_some(at)
    }

    /// Puts a parcel on it that arrives then.
    pub fn put(&mut self, at: Instant, parcel: Parcel) {
        self.bytes += parcel.bytes();
        self.parcels.push_back((at, parcel));
    }

    /// The next parcel that has arrived.
    pub fn arrived(&mut self, now: Instant) -> Option<Parcel> {
        self.arrived_at(now).map(|(_, parcel)| parcel)
    }

    /// The same, and when it arrived.
    pub fn arrived_at(&mut self, now: Instant) -> Option<(Instant, Parcel)> {
        self.parcels.front().filter(|(at, _)| *at <= now)?;
        let (at, parcel) = self.parcels.pop_front()?;
        self.bytes -= parcel.bytes();
        Some((at, parcel))
    }

    /// When the next one arrives.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.parcels.front().map(|(at, _)| *at)
    }

    /// Whether what arrives next is bytes.
    #[must_use]
    pub fn carries_bytes(&self) -> bool {
        matches!(self.parcels.front(), Some((_, Parcel::Bytes(..))))
    }

    /// Nothing arrives any more.
    pub fn die(&mut self, now: Instant) {
        self.way.die(now);
        self.parcels.clear();
    }

    /// What would arrive before `until` arrives then.
    pub fn hold(&mut self, until: Instant) {
        self.parcels.iter_mut().for_each(|(at, _)| *at = (*at).max(until));
        self.way.hold(until);
    }
}

//! From socket to ring: parse, bound, push. Decides nothing.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use rtrb::Producer;

use super::assembler::{Assembler, Message};
use super::frame::{Fault, Kind, Piece};
use super::pace::Pace;
use super::socket::{self, ReadEnd, Takes};
use crate::audio::frame::FRAME_MS;
use crate::limits::{RX_PATIENCE, RX_RESERVED, RX_ROOM_FRAMES};
use crate::planted::Planted;
use crate::port::Digit;
use crate::ring::{NO_STAMP, Rx, push_unreserved};
use crate::stats::{Counters, count};
use crate::time::Instant;
use crate::wire::{self, Chop, Header, Inbound, MarkName, Media, Sid, Track, twilio};
use crate::worker::{Lease, Side};

/// The pong that the writer owes. A newer ping replaces it, as RFC 6455 §5.5.3 allows.
pub(super) type Pong = Arc<Mutex<Option<Bytes>>>;

/// Reads until the socket ends or must be ended.
pub(super) async fn run(socket: &mut socket::Reader, stream: &mut StreamReader) -> ReadEnd {
    loop {
        room(stream).await;
        if let Err(end) = poll_fn(|context| socket.poll(context, stream)).await {
            return end;
        }
    }
}

/// Waits while the worker has not taken enough of what was read: a burst passes in a few ticks, nothing is lost. A
/// worker that takes nothing for long is not waited for.
async fn room(stream: &mut StreamReader) {
    if stream.has_room() {
        return;
    }
    let room = poll_fn(|context| stream.poll_room(context));
    if tokio::time::timeout(RX_PATIENCE, room).await.is_err() {
        stream.lose_patience();
    }
}

/// What takes the frames of a stream that has started.
#[derive(Debug)]
pub(super) struct StreamReader {
    stream_sid: Sid,
    rx: Producer<Rx>,
    lease: Arc<Lease>,
    pong: Pong,
    assembler: Assembler,
    pace: Pace,
    chop: Chop,
    /// The worker has taken nothing for too long: what finds no place is dropped, until there is one again.
    impatient: bool,
}

impl Takes for StreamReader {
    fn has_room(&mut self) -> bool {
        if self.rx.slots() >= RX_RESERVED + RX_ROOM_FRAMES {
            self.impatient = false;
            return true;
        }
        self.impatient
    }

    fn take(&mut self, now: Instant, piece: Piece<'_>) -> Result<(), ReadEnd> {
        self.pace.frame(now).map_err(ReadEnd::Fault)?;
        match piece.kind {
            Kind::Close => Err(ReadEnd::Gone),
            Kind::Pong => Ok(()),
            Kind::Ping => {
                self.pace.ping().map_err(ReadEnd::Fault)?;
                if let Ok(mut pong) = self.pong.lock() {
                    *pong = Some(Bytes::copy_from_slice(piece.bytes));
                }
                Ok(())
            }
            Kind::Text | Kind::Binary | Kind::Continuation => {
                match self.assembler.push(now, piece).map_err(ReadEnd::Fault)? {
                    Some(message) => self.message(now, &message).map_err(ReadEnd::Fault),
                    None => Ok(()),
                }
            }
        }
    }
}

impl StreamReader {
    /// The reading half of a stream that has just started.
    pub(super) fn new(stream_sid: Sid, rx: Producer<Rx>, lease: Arc<Lease>, pong: Pong) -> Self {
        let (assembler, pace, chop) = (Assembler::default(), Pace::default(), Chop::new());
        Self { stream_sid, rx, lease, pong, assembler, pace, chop, impatient: false }
    }

    /// Ready when the worker has taken enough of what was read.
    pub(super) fn poll_room(&mut self, context: &Context<'_>) -> Poll<()> {
        self.lease.register_socket(context.waker());
        if self.has_room() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The worker has taken nothing for [`RX_PATIENCE`].
    pub(super) fn lose_patience(&mut self) {
        self.impatient = true;
    }

    fn message(&mut self, now: Instant, message: &Message<'_>) -> Result<(), Fault> {
        let Message::Text(text) = message else {
            return Err(Fault::new(1003, "binary messages are not understood"));
        };
        match twilio::parse(text) {
            Ok(Inbound::Media(media)) if self.is_ours(&media.header) => self.media(now, &media),
            Ok(Inbound::Mark(mark)) if self.is_ours(&mark.header) => match MarkName::parse(&mark.name) {
                Some(name) => self.push(Rx::Mark(name)),
                None => Ok(()),
            },
            Ok(Inbound::Dtmf(dtmf)) if self.is_ours(&dtmf.header) => self.push(Rx::Digit(Digit(dtmf.digit))),
            Ok(Inbound::Stop(stop)) if self.is_ours(&stop.header) => {
                self.flush(now);
                self.push(Rx::Stop)
            }
            Ok(Inbound::Start(_)) => Err(Fault::new(1002, "a second start")),
            Ok(Inbound::Connected) => Ok(()),
            Ok(Inbound::Unknown(_)) => {
                count(&self.counters().messages_unknown, 1);
                Ok(())
            }
            Ok(_) => {
                count(&self.counters().messages_foreign, 1);
                self.pace.bad()
            }
            Err(wire::Error::NotText) => Err(Fault::new(1007, "text that is not UTF-8")),
            Err(_) => self.bad(),
        }
    }

    /// A carrier that leaves the stream out is believed: there is one stream per socket.
    fn is_ours(&self, header: &Header<'_>) -> bool {
        header.stream_sid.as_ref().is_none_or(|sid| **sid == *self.stream_sid.as_str())
    }

    fn media(&mut self, now: Instant, media: &Media<'_>) -> Result<(), Fault> {
        if media.track != Track::Inbound {
            return Ok(());
        }
        let read_us = now.micros() as u32;
        let Self { chop, rx, lease, .. } = self;
        let held_ms = chop.held_samples() as u64 / 8;
        let stamp = media.timestamp_ms.map(|stamp| stamp.saturating_sub(held_ms));
        let mut stamp_ms = stamp.and_then(|stamp| u32::try_from(stamp).ok()).unwrap_or(NO_STAMP);
        let decoded = media.payload.frames(chop, |frame| {
            push_frame(rx, lease, Rx::Media { frame, stamp_ms, read_us });
            stamp_ms = stamp_ms.saturating_add(FRAME_MS);
        });
        self.lease.set_due(Side::Socket);
        if decoded.is_err() { self.bad() } else { Ok(()) }
    }

    /// The last piece of the caller's sound may be short.
    fn flush(&mut self, now: Instant) {
        if let Some(frame) = self.chop.flush() {
            let read_us = now.micros() as u32;
            push_frame(&mut self.rx, &self.lease, Rx::Media { frame, stamp_ms: NO_STAMP, read_us });
        }
    }

    /// A frame that was parsed elsewhere.
    pub(super) fn push_frame(&mut self, frame: Rx) {
        push_frame(&mut self.rx, &self.lease, frame);
        self.lease.set_due(Side::Socket);
    }

    /// What is no sound has places of its own; a peer that fills them floods us.
    pub(super) fn push(&mut self, message: Rx) -> Result<(), Fault> {
        let pushed = self.rx.push(message);
        self.lease.set_due(Side::Socket);
        pushed.map_err(|_| Fault::new(1008, "marks or digits come faster than they can be taken"))
    }

    fn bad(&mut self) -> Result<(), Fault> {
        count(&self.counters().messages_bad, 1);
        self.pace.bad()
    }

    fn counters(&self) -> &Counters {
        &self.lease.shared().counters
    }
}

fn push_frame(rx: &mut Producer<Rx>, lease: &Lease, frame: Rx) {
    let counters = &lease.shared().counters;
    count(&counters.frames_in, 1);
    if !push_unreserved(rx, frame, RX_RESERVED) && !lease.shared().has(Planted::LosesFrames) {
        count(&counters.frames_dropped, 1);
        lease.cell().lost.fetch_add(1, Ordering::Relaxed);
    }
}

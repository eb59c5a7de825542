//! What has come for a stepped stream and was not taken.

use std::collections::VecDeque;
use std::task::Context;

use super::super::frame::Piece;
use super::super::reader::StreamReader;
use super::super::socket::{ReadEnd, Takes, take_frames};
use super::super::stream::Carried;
use super::values::{self, Told};
use crate::limits::RX_PATIENCE;
use crate::time::Instant;

/// What the kernel has received.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) bytes: Vec<u8>,
    /// What it says without a wire, where it does; behind all bytes.
    pub(super) told: VecDeque<Told>,
    /// Frames of the protocol, or values, that were taken so far.
    pub(super) taken: u64,
    /// The peer has closed or broken the connection.
    pub(super) ended: bool,
    /// Until when a worker that takes nothing is waited for.
    pub(super) patience: Option<Instant>,
}

/// Counts what is taken.
struct Counting<'a, T> {
    to: &'a mut T,
    taken: &'a mut u64,
}

impl<T: Takes> Takes for Counting<'_, T> {
    fn has_room(&mut self) -> bool {
        self.to.has_room()
    }

    fn take(&mut self, now: Instant, piece: Piece<'_>) -> Result<(), ReadEnd> {
        *self.taken += 1;
        self.to.take(now, piece)
    }
}

impl Inbox {
    /// What [`reader::run`](super::super::reader::run) does between two waits; says how reading ends, if it does.
    pub(super) fn read(&mut self, now: Instant, context: &Context<'_>, carried: &mut Carried) -> Option<ReadEnd> {
        let reading = &mut carried.reading;
        loop {
            if !reading.has_room() && reading.poll_room(context).is_pending() {
                let until = *self.patience.get_or_insert(now + RX_PATIENCE);
                if now < until {
                    return None;
                }
                reading.lose_patience();
            }
            self.patience = None;
            if let Err(end) = self.take(now, reading).and_then(|()| self.take_told(now, reading)) {
                return Some(end);
            }
            if reading.has_room() {
                return self.ended.then_some(ReadEnd::Gone);
            }
        }
    }

    pub(super) fn take(&mut self, now: Instant, to: &mut impl Takes) -> Result<(), ReadEnd> {
        let mut counting = Counting { to, taken: &mut self.taken };
        let taken = take_frames(now, &mut self.bytes, &mut counting)?;
        self.bytes.drain(..taken);
        Ok(())
    }

    fn take_told(&mut self, now: Instant, to: &mut StreamReader) -> Result<(), ReadEnd> {
        while !self.told.is_empty() && to.has_room() {
            if let Some(told) = self.told.pop_front() {
                self.taken += 1;
                values::take(now, told, to)?;
            }
        }
        Ok(())
    }

    /// Takes it at once where nothing waits before it and there is room, as almost always; false where it must wait.
    pub(super) fn take_now(&mut self, now: Instant, told: Told, to: &mut StreamReader) -> Result<bool, ReadEnd> {
        if !self.bytes.is_empty() || !self.told.is_empty() || self.patience.is_some() || !to.has_room() {
            self.told.push_back(told);
            return Ok(false);
        }
        self.taken += 1;
        values::take(now, told, to).map(|()| true)
    }
}

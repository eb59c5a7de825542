//! Values instead of a wire: what peer and stream say to each other without JSON, base64 and WebSocket frames.
//!
//! Rings, patience, epochs and the joining of frames are those of every stream; only the parser and the batch of bytes
//! are left out.

use std::task::Poll;

use super::super::frame::Fault;
use super::super::reader::StreamReader;
use super::super::socket::ReadEnd;
use super::super::writer::Page;
use super::outbox::Leaves;
use crate::audio::frame::{FRAME_SAMPLES, Frame, ULAW_ZERO};
use crate::audio::level::BLOCK_SAMPLES;
use crate::limits::WRITE_TIME;
use crate::port::{Digit, EndCause};
use crate::ring::Rx;
use crate::time::Instant;
use crate::wire::{MarkName, Outbound, Sid};

/// What a peer says once its `start` was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// 20 ms of the caller, as labels.
    Frame {
        /// Whether each 10 ms of it are a voice.
        voiced: [bool; 2],
        /// When it was said, in ms from the start of the stream.
        stamp_ms: u32,
    },
    /// A mark came back.
    Mark(MarkName),
    /// A key.
    Digit(char),
    /// The stream is over.
    Stop,
    /// Goodbye.
    Close,
}

/// What a stream says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// A message.
    Message(Outbound<'a>),
    /// Goodbye, with its code.
    Close(u16),
}

/// A µ-law code that is no zero, as a label of a voice.
const VOICE: u8 = 0x90;

/// The frames of all labels.
static FRAMES: [Frame; 4] = [frame([false; 2]), frame([true, false]), frame([false, true]), frame([true; 2])];

const fn frame(voiced: [bool; 2]) -> Frame {
    let mut bytes = [ULAW_ZERO; FRAME_SAMPLES];
    let mut at = 0;
    while at < FRAME_SAMPLES {
        if voiced[at / BLOCK_SAMPLES] {
            bytes[at] = VOICE;
        }
        at += 1;
    }
    Frame::full(bytes)
}

/// What the reader makes of a message, without the message.
pub(super) fn take(now: Instant, told: Told, to: &mut StreamReader) -> Result<(), ReadEnd> {
    match told {
        Told::Frame { voiced: [first, second], stamp_ms } => {
            let frame = FRAMES[usize::from(first) + 2 * usize::from(second)];
            to.push_frame(Rx::Media { frame, stamp_ms, read_us: now.micros() as u32 });
            Ok(())
        }
        Told::Mark(name) => to.push(Rx::Mark(name)).map_err(ReadEnd::Fault),
        Told::Digit(digit) => to.push(Rx::Digit(Digit(digit))).map_err(ReadEnd::Fault),
        Told::Stop => to.push(Rx::Stop).map_err(ReadEnd::Fault),
        Told::Close => Err(ReadEnd::Gone),
    }
}

/// Hands on what is said as it is said.
pub(super) struct Values<'a, S> {
    pub(super) said: Speaker<S>,
    /// The peer takes what is sent.
    pub(super) room: bool,
    /// The connection is gone.
    pub(super) reset: bool,
    /// Until when it must take it.
    pub(super) until: &'a mut Option<Instant>,
}

/// Where it goes.
pub(super) struct Speaker<S> {
    pub(super) to: S,
    /// Something was said since the last flush.
    pub(super) spoke: bool,
}

impl<S: FnMut(Said<'_>)> Page for Speaker<S> {
    fn is_full(&self) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        !self.spoke
    }

    fn add(&mut self, _: &Sid, message: Outbound<'_>) -> u64 {
        self.spoke = true;
        (self.to)(Said::Message(message));
        1
    }

    fn add_pong(&mut self, _: &[u8]) {}
}

impl<S: FnMut(Said<'_>)> Leaves for Values<'_, S> {
    type Page = Speaker<S>;

    fn page(&mut self) -> &mut Speaker<S> {
        &mut self.said
    }

    fn flush(&mut self, now: Instant) -> Poll<Result<(), EndCause>> {
        if self.reset {
            self.drop_rest();
            return Poll::Ready(Err(EndCause::SocketLost));
        }
        if self.room || !self.said.spoke {
            self.drop_rest();
            return Poll::Ready(Ok(()));
        }
        if now < *self.until.get_or_insert(now + WRITE_TIME) {
            return Poll::Pending;
        }
        self.drop_rest();
        Poll::Ready(Err(EndCause::SocketLost))
    }

    fn add_close(&mut self, fault: Fault) {
        self.said.spoke = true;
        (self.said.to)(Said::Close(fault.code));
    }

    fn drop_rest(&mut self) {
        self.said.spoke = false;
        *self.until = None;
    }
}

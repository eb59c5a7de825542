//! Whole frames of the WebSocket protocol as a server sends them, put together to be written at once.
//!
//! A write costs more than all the rest. A server's frame is a header of two or four bytes and the payload as it is
//! (RFC 6455, 5.2).

use super::frame::{Fault, Kind};

/// Room for a mark and the longest message of sound, which is ten frames: 2,135 characters and its frame around it.
const ROOM: usize = 2_400;

/// First byte of a frame: the last of its message.
const FIN: u8 = 0x80;
/// Second byte of a frame whose length follows in two bytes; below it, the length itself.
const LENGTH_16_BITS: u8 = 126;

/// Frames that wait to be written. Keeps its room.
#[derive(Debug)]
pub(super) struct Batch(Vec<u8>);

impl Batch {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(ROOM))
    }

    /// Adds a text message; `fill` appends its payload. Gives how many messages were added: none for no payload.
    pub(super) fn add_text(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> u64 {
        u64::from(self.add(Kind::Text, fill))
    }

    /// Adds the answer to a ping.
    pub(super) fn add_pong(&mut self, payload: &[u8]) {
        self.add(Kind::Pong, |batch| batch.extend_from_slice(payload));
    }

    /// Adds a goodbye.
    pub(super) fn add_close(&mut self, fault: Fault) {
        self.add(Kind::Close, |batch| {
            batch.extend_from_slice(&fault.code.to_be_bytes());
            batch.extend_from_slice(fault.reason.as_bytes());
        });
    }

    /// What waits to be written.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// All of it has been written.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends one frame. A text without payload is none: false, and nothing is appended.
    fn add(&mut self, kind: Kind, fill: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.0.len();
        self.0.extend_from_slice(&[FIN | kind.opcode(), LENGTH_16_BITS, 0, 0]);
        fill(&mut self.0);
        let payload = self.0.len() - start - 4;
        if payload == 0 && kind == Kind::Text {
            self.0.truncate(start);
            return false;
        }
        if payload < usize::from(LENGTH_16_BITS) {
            self.0[start + 1] = payload as u8;
            self.0.drain(start + 2..start + 4);
        } else {
            // Outbound messages are a few kilobytes: the lead bounds them.
            let length = u16::try_from(payload).unwrap_or(u16::MAX);
            self.0[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        true
    }
}

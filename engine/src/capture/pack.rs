//! Packing: numbers and bytes into a record of bounded size, without allocating.

/// The longest record: time, kind, stamp, length and a frame.
const BYTES_MAX: usize = 192;

/// A record that is being written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pack {
    bytes: [u8; BYTES_MAX],
    len: usize,
}

impl Pack {
    pub(super) const fn new() -> Pack {
        Pack { bytes: [0; BYTES_MAX], len: 0 }
    }

    /// What was packed.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Bytes as they are. No record is longer than [`BYTES_MAX`]: that it fits is for whoever adds a kind to see to.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    pub(super) fn u8(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    /// Seven bits a byte, lowest first, the eighth bit set on all but the last (LEB128).
    pub(super) fn number(&mut self, number: impl Into<u64>) {
        let mut rest = number.into();
        while rest >= 0x80 {
            self.u8(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.u8(rest as u8);
    }

    pub(super) fn f32(&mut self, number: f32) {
        self.bytes(&number.to_le_bytes());
    }
}

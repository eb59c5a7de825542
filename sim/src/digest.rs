//! A number for everything that happened, in order: two runs of a seed have the same, or something is not deterministic.

/// What was seen so far. Eight bytes at a time: it hears every message of every call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Default for Digest {
    fn default() -> Self {
        Self(0x243F_6A88_85A3_08D3)
    }
}

impl Digest {
    /// A number.
    pub const fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(ODD).rotate_left(29);
    }

    /// Bytes, and how many they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.number(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.number(u64::from_le_bytes(last));
    }

    /// The number so far.
    #[must_use]
    pub const fn value(&self) -> u64 {
        self.0
    }
}

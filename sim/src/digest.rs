//! A number for everything that happened, in order: two runs of a seed have the same, or something is not deterministic.

use engine::port::{AgentEvent, Playout};
use engine::stepped::Told;
use engine::wire::MarkName;

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

    /// What an agent was told.
    pub fn event(&mut self, event: &AgentEvent) {
        let [kind, one, two] = match *event {
            AgentEvent::Started => [1, 0, 0],
            AgentEvent::Audio(frame) => return self.bytes(frame.bytes()),
            AgentEvent::TurnStarted => [2, 0, 0],
            AgentEvent::TurnEnded { speech } => [3, speech.0, 0],
            AgentEvent::BargeIn { utterance, heard } => [4, utterance.0.into(), heard.0],
            AgentEvent::Digit(digit) => [5, u32::from(digit.0).into(), 0],
            AgentEvent::Played { utterance, playout: Playout::Finished, heard } => [6, utterance.0.into(), heard.0],
            AgentEvent::Played { utterance, playout: Playout::Cut, heard } => [7, utterance.0.into(), heard.0],
            AgentEvent::Ended(cause) => return self.bytes(format!("{cause:?}").as_bytes()),
        };
        self.number(kind ^ one << 8);
        self.number(two);
    }

    /// What a server is told without a wire.
    pub fn told(&mut self, told: &Told) {
        match *told {
            Told::Frame { voiced, stamp_ms } => {
                self.number(u64::from(stamp_ms) << 2 | u64::from(voiced[0]) << 1 | u64::from(voiced[1]));
            }
            Told::Mark(MarkName { epoch, sequence, kind }) => {
                self.number(u64::from(epoch) << 32 | u64::from(sequence));
                self.number(kind as u64);
            }
            Told::Digit(digit) => self.number(u32::from(digit).into()),
            Told::Stop => self.number(1),
            Told::Close => self.number(2),
        }
    }

    /// Bytes, and how many they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (fours, rest) = bytes.as_chunks::<32>();
        if !fours.is_empty() {
            // Each number waits for the one before it: four digests side by side wait for each other once.
            let mut lanes = [0, 1, 2, 3].map(|lane| Self(self.0 ^ lane));
            for four in fours {
                let words = four.as_chunks::<8>().0.iter();
                lanes.iter_mut().zip(words).for_each(|(lane, word)| lane.number(u64::from_le_bytes(*word)));
            }
            lanes.iter().for_each(|lane| self.number(lane.0));
        }
        let (words, rest) = rest.as_chunks::<8>();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let of = |bytes: &[u8]| {
            let mut digest = Digest::default();
            digest.bytes(bytes);
            digest.value()
        };
        for length in [0, 1, 7, 8, 31, 32, 33, 64, 100] {
            let mut bytes = vec![7; length];
            let whole = of(&bytes);
            assert_ne!(whole, of(&[&bytes[..], &[0]].concat()));
            for at in 0..length {
                bytes[at] ^= 1;
                assert_ne!(whole, of(&bytes), "byte {at} of {length}");
                bytes[at] ^= 1;
            }
        }
    }
}

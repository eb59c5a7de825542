//! Knows a sound again by the signs of its samples, piece by piece: however loud it is, and though it has gaps.

use crate::audio::level::{dbfs, rms};
use crate::audio::mulaw;

/// Samples in a word of signs.
const WORD: usize = 64;
/// Words in a piece: 24 ms.
const WORDS: usize = 3;
/// What is softer is mostly the noise of the line.
const LOUD_DBFS: f64 = -35.0;
/// Signs that may differ in a piece that is the same, of 192: with noise at -60 dBFS at most 4 do in two pieces of
/// three, while two of three pieces of another recording differ in 41 or more.
const DIFFER_MAX: u32 = 20;
/// Such a share of the pieces has come back when the sound has, as a gap breaks those beside it.
const ENOUGH: (usize, usize) = (1, 3);

/// Waits for one sound.
#[derive(Debug)]
pub struct Recogniser {
    /// The loud pieces that were not heard yet.
    missing: Vec<[u64; WORDS]>,
    all: usize,
    heard: Signs,
}

/// The signs of the newest samples, treble raised so that they change often.
#[derive(Clone, Copy, Debug, Default)]
struct Signs {
    /// The newest of all is the lowest bit of the last word.
    words: [u64; WORDS],
    before: i16,
}

impl Recogniser {
    /// Waits for these samples.
    #[must_use]
    pub fn new(samples: &[i16]) -> Self {
        let pieces = samples.chunks_exact(WORD * WORDS).filter(|piece| dbfs(rms(piece)) > LOUD_DBFS);
        let signs = |piece: &[i16]| {
            let mut signs = Signs::default();
            piece.iter().for_each(|&sample| signs.push(sample));
            signs.words
        };
        let missing: Vec<_> = pieces.map(signs).collect();
        Self { all: missing.len(), missing, heard: Signs::default() }
    }

    /// More was heard.
    pub fn hear(&mut self, mulaw: &[u8]) {
        for &byte in mulaw {
            self.heard.push(mulaw::decode(byte));
            self.missing.retain(|piece| self.heard.differ(piece) > DIFFER_MAX);
        }
    }

    /// Whether the sound has come back. A sound without anything loud never does.
    #[must_use]
    pub const fn has_heard(&self) -> bool {
        self.all > 0 && (self.all - self.missing.len()) * ENOUGH.1 >= self.all * ENOUGH.0
    }
}

impl Signs {
    fn push(&mut self, sample: i16) {
        let raised = 10 * i32::from(sample) - 9 * i32::from(self.before);
        self.before = sample;
        let mut newest = u64::from(raised < 0);
        for word in self.words.iter_mut().rev() {
            let oldest = *word >> (WORD - 1);
            *word = *word << 1 | newest;
            newest = oldest;
        }
    }

    fn differ(&self, piece: &[u64; WORDS]) -> u32 {
        self.words.iter().zip(piece).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::clips;
    use super::*;
    use crate::rng::Rng;

    fn clip(name: &str) -> Vec<i16> {
        clips::load(name, Path::new(".")).unwrap().samples.clone()
    }

    /// Whether it is known again when it comes back half as loud, with noise, and with a gap behind so many frames of
    /// a hundred.
    fn known(said: &[i16], heard: &[i16], percent: u64) -> bool {
        let (mut rng, mut recogniser) = (Rng::new(7), Recogniser::new(said));
        for frame in heard.chunks(160) {
            if rng.below(100) < percent {
                let gap = 16 + usize::try_from(rng.below(2_400)).unwrap();
                recogniser.hear(&vec![0xFF; gap]);
            }
            #[expect(clippy::cast_possible_truncation, reason = "a few samples")]
            let noisy = frame.iter().map(|&s| mulaw::encode(s / 2 + (rng.normal() * 8.0) as i16));
            recogniser.hear(&noisy.collect::<Vec<u8>>());
        }
        recogniser.has_heard()
    }

    #[test]
    fn every_clip_is_known_again_even_in_pieces() {
        for entry in clips::catalogue().iter().step_by(2) {
            let said = clip(&entry.name);
            assert!(known(&said, &said, 0) && known(&said, &said, 30), "{}", entry.name);
        }
    }

    #[test]
    fn no_clip_is_taken_for_another() {
        let all = clips::catalogue();
        for entry in all.iter().step_by(4) {
            let others: Vec<i16> = all.iter().filter(|o| o.name != entry.name).flat_map(|o| clip(&o.name)).collect();
            assert!(!known(&clip(&entry.name), &others, 0), "{}", entry.name);
        }
    }

    #[test]
    fn silence_is_never_known_again() {
        assert!(!known(&[0; 8_000], &[0; 8_000], 0));
    }
}

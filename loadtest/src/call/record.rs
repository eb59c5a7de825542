//! The sound of a call, both sides on one sample-exact time axis that begins with the first `start`.

use crate::audio::mulaw;
use crate::time::Micros;

/// The longest recording: one hour, 29 MB a side. What comes after is not kept.
const MAX_SAMPLES: usize = 3_600 * 8_000;

/// What was said and what was heard, µ-law at 8,000 Hz.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    origin: Option<Micros>,
    /// What the caller said.
    pub said: Vec<u8>,
    /// What the caller heard.
    pub heard: Vec<u8>,
}

impl Record {
    /// The moment of sample 0; the first call counts.
    pub fn begin(&mut self, at: Micros) {
        self.origin.get_or_insert(at);
    }

    /// Whether there is nothing to be heard.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.said.is_empty() && self.heard.is_empty()
    }

    /// The caller's line carried `mulaw` from `at` on.
    pub fn said(&mut self, at: Micros, mulaw: &[u8]) {
        place(self.origin, &mut self.said, at, mulaw);
    }

    /// The caller heard `mulaw` from `at` on.
    pub fn heard(&mut self, at: Micros, mulaw: &[u8]) {
        place(self.origin, &mut self.heard, at, mulaw);
    }
}

fn place(origin: Option<Micros>, track: &mut Vec<u8>, at: Micros, mulaw: &[u8]) {
    let Some(origin) = origin else { return };
    let begins = usize::try_from((at - origin).samples()).unwrap_or(usize::MAX);
    let ends = begins.saturating_add(mulaw.len());
    if ends > MAX_SAMPLES {
        return;
    }
    if track.len() < ends {
        track.resize(ends, mulaw::SILENCE);
    }
    track[begins..ends].copy_from_slice(mulaw);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_lands_on_its_sample_and_gaps_are_silence() {
        let mut record = Record::default();
        record.heard(Micros(0), &[9]);
        record.begin(Micros(1_000));
        record.begin(Micros(9_000));
        record.heard(Micros(1_250), &[1, 2]);
        record.heard(Micros(1_750), &[3]);
        assert_eq!(record.heard, [0xFF, 0xFF, 1, 2, 0xFF, 0xFF, 3]);
    }
}

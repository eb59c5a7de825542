//! The bot's own sound in the caller's line, quieter and later: a speakerphone, or a bad hybrid.

use std::collections::VecDeque;

use serde::Deserialize;

use crate::audio::level::linear;
use crate::audio::mulaw;
use crate::time::{Micros, SAMPLE_US};

/// How the line echoes.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct EchoPlan {
    /// Against what was heard, such as −20.
    pub db: f64,
    /// How much later, at most [`MAX_DELAY_MS`].
    pub after_ms: u64,
}

/// The longest way round.
pub const MAX_DELAY_MS: u64 = 2_000;
/// Behind the delay, what a frame may still need: a run whose frames are later than this echoes less.
const SLACK: Micros = Micros::from_ms(1_000);

/// What was heard, as long as it can still come back.
///
/// Full (3 s at most): the oldest is forgotten. Empty, or not heard: nothing is added.
#[derive(Debug)]
pub struct Echo {
    gain: f64,
    delay: Micros,
    heard: VecDeque<i16>,
    /// The index, on the call's time axis, of the first sample in `heard`.
    first: u64,
}

impl Echo {
    /// An echo of nothing yet.
    #[must_use]
    pub fn new(plan: EchoPlan) -> Self {
        let delay = Micros::from_ms(plan.after_ms.min(MAX_DELAY_MS));
        Self { gain: linear(plan.db) / linear(0.0), delay, heard: VecDeque::new(), first: 0 }
    }

    /// The caller heard `mulaw` from `at` on.
    pub fn heard(&mut self, at: Micros, mulaw: &[u8]) {
        let begins = at.samples();
        let ends = self.first + self.heard.len() as u64;
        let limit = (self.delay + SLACK).samples();
        if self.heard.is_empty() || begins > ends + limit {
            self.heard.clear();
            self.first = begins;
        } else {
            // Between two sounds there was silence; sound never comes twice for the same time.
            self.heard.extend((ends..begins).map(|_| 0));
        }
        self.heard.extend(mulaw.iter().map(|&byte| mulaw::decode(byte)));
        let surplus = (self.heard.len() as u64).saturating_sub(limit);
        self.heard.drain(..usize::try_from(surplus).unwrap_or(usize::MAX));
        self.first += surplus;
    }

    /// Adds to the frame whose first sample is spoken at `start` what comes back in it.
    pub fn add(&self, start: Micros, frame: &mut [f64]) {
        for (n, sample) in (0..).zip(frame.iter_mut()) {
            let Some(source) = (start.0 + n * SAMPLE_US).checked_sub(self.delay.0) else { continue };
            let place = (source / SAMPLE_US).checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
            *sample += place.and_then(|index| self.heard.get(index)).map_or(0.0, |&s| f64::from(s) * self.gain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_comes_back_later_and_quieter_and_only_once() {
        let mut echo = Echo::new(EchoPlan { db: -20.0, after_ms: 100 });
        let loud = mulaw::encode(10_000);
        echo.heard(Micros::from_ms(1_000), &[loud; 80]);
        echo.heard(Micros::from_ms(1_020), &[loud; 80]);
        let level = |echo: &Echo, at_ms: u64| {
            let mut frame = [0.0; 8];
            echo.add(Micros::from_ms(at_ms), &mut frame);
            frame[0]
        };
        let expected = f64::from(mulaw::decode(loud)) * 0.1;
        for (at_ms, there) in [
            (1_000, false),
            (1_099, false),
            (1_100, true),
            (1_109, true),
            (1_110, false),
            (1_119, false),
            (1_120, true),
            (1_130, false),
        ] {
            let expected = if there { expected } else { 0.0 };
            assert!((level(&echo, at_ms) - expected).abs() < 1e-6, "{at_ms}: {}", level(&echo, at_ms));
        }
    }

    #[test]
    fn no_more_is_kept_than_can_come_back() {
        let mut echo = Echo::new(EchoPlan { db: -20.0, after_ms: 500 });
        for second in 0..20 {
            echo.heard(Micros::from_ms(second * 1_000), &[0; 8_000]);
        }
        assert_eq!(echo.heard.len(), 12_000);
        echo.heard(Micros::from_ms(100_000), &[0; 80]);
        assert_eq!(echo.heard.len(), 80);
    }
}

//! The caller's ear: when the bot is audible, since when, and whether what was said comes back.

use super::recogniser::Recogniser;
use crate::audio::level::{dbfs, rms};
use crate::audio::mulaw;
use crate::time::{Micros, SAMPLE_US};

/// Length of one hop.
pub const HOP: Micros = Micros::from_ms(10);
const HOP_SAMPLES: u64 = HOP.0 / SAMPLE_US;
/// A hop louder than this is audible.
pub const AUDIBLE_DBFS: f64 = -50.0;
/// A pause inside a sentence is shorter than this; a longer one means that the bot has stopped.
pub const PAUSE: Micros = Micros::from_ms(700);

/// What the ear noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// The bot became audible after a pause.
    Starts(Micros),
    /// The bot has been inaudible since then: for longer than a pause, or cut off.
    Stops(Micros),
}

/// The ear of one caller.
#[derive(Debug, Default)]
pub struct Ear {
    /// The hop being filled, counted from time zero.
    hop: u64,
    filled: Vec<i16>,
    /// When the first sample of this hop was heard.
    first_heard: Option<Micros>,
    speaking_since: Option<Micros>,
    /// End of the last audible hop.
    last_loud: Option<Micros>,
    recogniser: Option<Recogniser>,
}

impl Ear {
    /// Sound that reached the ear from `at` on.
    pub fn hear(&mut self, at: Micros, mulaw: &[u8], notice: &mut dyn FnMut(Noticed)) {
        self.recogniser.iter_mut().for_each(|recogniser| recogniser.hear(mulaw));
        for (index, &byte) in (at.samples()..).zip(mulaw) {
            self.move_to(index / HOP_SAMPLES, notice);
            self.first_heard.get_or_insert(Micros::from_samples(index).max(at));
            self.filled.push(mulaw::decode(byte));
        }
    }

    /// Time has passed; what was not heard was silence.
    pub fn advance(&mut self, now: Micros, notice: &mut dyn FnMut(Noticed)) {
        self.move_to(now.samples() / HOP_SAMPLES, notice);
    }

    /// The bot was cut off at `now`: no pause needs to be waited for.
    pub fn cut(&mut self, now: Micros, notice: &mut dyn FnMut(Noticed)) {
        self.advance(now, notice);
        // What is left of this hop would otherwise make the bot speak again.
        self.filled.clear();
        self.first_heard = None;
        if self.speaking_since.take().is_some() {
            notice(Noticed::Stops(now));
        }
    }

    /// Since when the bot has been speaking, short pauses included.
    #[must_use]
    pub const fn speaking_since(&self) -> Option<Micros> {
        self.speaking_since
    }

    /// End of the last audible 10 ms.
    #[must_use]
    pub const fn last_loud(&self) -> Option<Micros> {
        self.last_loud
    }

    /// When silence will have lasted long enough to say that the bot has stopped.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.speaking_since?;
        self.last_loud.map(|at| at + PAUSE + HOP)
    }

    /// From now on, waits for these samples to come back.
    pub fn listen_for(&mut self, samples: &[i16]) {
        self.recogniser = Some(Recogniser::new(samples));
    }

    /// Whether what was last listened for has come back.
    #[must_use]
    pub fn heard_again(&self) -> bool {
        self.recogniser.as_ref().is_some_and(Recogniser::has_heard)
    }

    fn move_to(&mut self, hop: u64, notice: &mut dyn FnMut(Noticed)) {
        while self.hop < hop {
            let level = hop_level(&self.filled);
            self.filled.clear();
            let ends = Micros((self.hop + 1) * HOP.0);
            let begins = self.first_heard.take().unwrap_or(Micros(self.hop * HOP.0));
            self.hop += 1;
            if dbfs(level) > AUDIBLE_DBFS {
                self.last_loud = Some(ends);
                if self.speaking_since.is_none() {
                    self.speaking_since = Some(begins);
                    notice(Noticed::Starts(begins));
                }
            } else if let (Some(_), Some(loud)) = (self.speaking_since, self.last_loud)
                && ends.since(loud) >= PAUSE
            {
                self.speaking_since = None;
                notice(Noticed::Stops(loud));
            }
        }
    }
}

/// A hop that was only partly filled was otherwise silent.
fn hop_level(filled: &[i16]) -> f64 {
    let whole = HOP_SAMPLES as usize;
    #[expect(clippy::cast_precision_loss, reason = "at most 80")]
    let share = (filled.len().min(whole) as f64 / whole as f64).sqrt();
    rms(filled) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: u8 = 0x10;

    fn hear(ear: &mut Ear, at_ms: u64, ms: usize) -> Vec<Noticed> {
        let mut seen = Vec::new();
        ear.hear(Micros::from_ms(at_ms), &vec![LOUD; ms * 8], &mut |n| seen.push(n));
        seen
    }

    #[test]
    fn short_pauses_belong_to_the_sentence_and_long_ones_end_it() {
        let mut ear = Ear::default();
        assert_eq!(hear(&mut ear, 100, 200), [Noticed::Starts(Micros::from_ms(100))]);
        assert_eq!(hear(&mut ear, 600, 200), []);
        let mut seen = Vec::new();
        ear.advance(Micros::from_ms(2_000), &mut |n| seen.push(n));
        assert_eq!(seen, [Noticed::Stops(Micros::from_ms(800))]);
        assert_eq!(hear(&mut ear, 2_100, 50), [Noticed::Starts(Micros::from_ms(2_100))]);
    }

    #[test]
    fn the_bot_speaks_from_its_first_sample_on() {
        assert_eq!(hear(&mut Ear::default(), 2, 100), [Noticed::Starts(Micros::from_ms(2))]);
    }

    #[test]
    fn a_cut_stops_at_once() {
        let mut ear = Ear::default();
        hear(&mut ear, 0, 134);
        let mut seen = Vec::new();
        ear.cut(Micros::from_ms(134), &mut |n| seen.push(n));
        ear.advance(Micros::from_ms(2_000), &mut |n| seen.push(n));
        assert_eq!(seen, [Noticed::Stops(Micros::from_ms(134))]);
        assert_eq!(ear.speaking_since(), None);
    }
}

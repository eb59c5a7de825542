//! The caller's ear: when the bot is audible, since when, and how loud it was in each 10 ms.

use std::collections::VecDeque;

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
/// How much is remembered: 30 s.
const MEMORY_HOPS: usize = 3_000;

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
    /// Linear levels of the last hops; the newest is that of `hop - 1`.
    levels: VecDeque<f64>,
    speaking_since: Option<Micros>,
    /// End of the last audible hop.
    last_loud: Option<Micros>,
}

impl Ear {
    /// Sound that reached the ear from `at` on.
    pub fn hear(&mut self, at: Micros, mulaw: &[u8], notice: &mut dyn FnMut(Noticed)) {
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

    /// How well `said` (linear levels per 10 ms) is found again in what was heard since `since`: the best correlation of
    /// the two envelopes, −1 to 1, and where it begins.
    #[must_use]
    pub fn find(&self, said: &[f64], since: Micros) -> Option<(f64, Micros)> {
        let oldest = self.hop.saturating_sub(self.levels.len() as u64);
        let skip = (since.0 / HOP.0).saturating_sub(oldest);
        let levels: Vec<f64> = self.levels.iter().copied().skip(usize::try_from(skip).ok()?).collect();
        let first = oldest.max(since.0 / HOP.0);
        levels
            .windows(said.len().max(1))
            .zip(first..)
            .map(|(heard, hop)| (correlation(said, heard), Micros(hop * HOP.0)))
            .max_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn move_to(&mut self, hop: u64, notice: &mut dyn FnMut(Noticed)) {
        while self.hop < hop {
            let level = hop_level(&self.filled);
            self.filled.clear();
            if self.levels.len() >= MEMORY_HOPS {
                self.levels.pop_front();
            }
            self.levels.push_back(level);
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

/// The envelope of a recording: its linear level per 10 ms.
#[must_use]
pub fn envelope(samples: &[i16]) -> Vec<f64> {
    samples.chunks(HOP_SAMPLES as usize).map(rms).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred hops")]
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len()).max(1) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - mean_a) * (y - mean_b);
        aa += (x - mean_a).powi(2);
        bb += (y - mean_b).powi(2);
    }
    if aa <= 0.0 || bb <= 0.0 { 0.0 } else { ab / (aa * bb).sqrt() }
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

    #[test]
    fn an_echo_is_found_where_it_began() {
        let clip = super::super::clips::load("en/im-sorry", std::path::Path::new(".")).unwrap();
        let bytes: Vec<u8> = clip.samples.iter().map(|&s| mulaw::encode(s)).collect();
        let mut ear = Ear::default();
        ear.hear(Micros::from_ms(3_000), &bytes, &mut |_| ());
        ear.advance(Micros::from_ms(6_000), &mut |_| ());
        let (score, at) = ear.find(&envelope(&clip.samples), Micros::from_ms(1_000)).unwrap();
        assert!(score > 0.99 && at == Micros::from_ms(3_000), "{score} at {at}");
    }
}

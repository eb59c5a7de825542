//! The caller's ear: when the bot is audible, since when, and whether what was said comes back.

use std::sync::LazyLock;

use super::recogniser::Recogniser;
use crate::audio::level::linear;
use crate::audio::mulaw;
use crate::time::{Micros, SAMPLE_US};
use crate::twilio::playback::Label;

/// Length of one hop.
pub const HOP: Micros = Micros::from_ms(10);
const HOP_SAMPLES: u64 = HOP.0 / SAMPLE_US;
/// A hop louder than this is audible.
pub const AUDIBLE_DBFS: f64 = -50.0;
/// A pause inside a sentence is shorter than this; a longer one means that the bot has stopped.
pub const PAUSE: Micros = Micros::from_ms(700);

/// [`AUDIBLE_DBFS`] as a linear level, and the square of every µ-law code's sample: no logarithm for each hop and no
/// arithmetic for each sample.
static AUDIBLE: LazyLock<f64> = LazyLock::new(|| linear(AUDIBLE_DBFS));
static SQUARES: LazyLock<[u64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|code| {
        u8::try_from(code).map_or(0, |code| u64::from(mulaw::decode(code).unsigned_abs()).pow(2))
    })
});

/// The samples that a label of something audible stands for.
const LABELLED: u64 = 8_000;

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
    /// The sum of the squares of what was heard of it.
    squares: u64,
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
        let (mut index, mut rest, squares) = (at.samples(), mulaw, &*SQUARES);
        while !rest.is_empty() {
            self.move_to(index / HOP_SAMPLES, notice);
            self.first_heard.get_or_insert(Micros::from_samples(index).max(at));
            let room = usize::try_from(HOP_SAMPLES - index % HOP_SAMPLES).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.squares += now.iter().map(|&byte| squares[usize::from(byte)]).sum::<u64>();
            index += now.len() as u64;
            rest = later;
        }
    }

    /// Sound that reached the ear from `at` on, of which only this is known.
    pub fn pass(&mut self, at: Micros, label: Label, notice: &mut dyn FnMut(Noticed)) {
        if !label.audible {
            return;
        }
        let (mut index, ends) = (at.samples(), at.samples() + label.bytes);
        while index < ends {
            self.move_to(index / HOP_SAMPLES, notice);
            self.first_heard.get_or_insert(Micros::from_samples(index).max(at));
            let until = ends.min((index / HOP_SAMPLES + 1) * HOP_SAMPLES);
            self.squares += (until - index) * LABELLED.pow(2);
            index = until;
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
        self.squares = 0;
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
            let level = hop_level(std::mem::take(&mut self.squares));
            let ends = Micros((self.hop + 1) * HOP.0);
            let begins = self.first_heard.take().unwrap_or(Micros(self.hop * HOP.0));
            self.hop += 1;
            if level > *AUDIBLE {
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
#[expect(clippy::cast_precision_loss, reason = "80 squares are below 2^37")]
fn hop_level(squares: u64) -> f64 {
    if squares == 0 { 0.0 } else { (squares as f64 / HOP_SAMPLES as f64).sqrt() }
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
    fn a_label_is_heard_as_sound_is() {
        let (mut by_label, mut by_sound, mut seen) = (Ear::default(), Ear::default(), [Vec::new(), Vec::new()]);
        for (at_ms, ms) in [(2, 100), (500, 3), (900, 400), (2_000, 7)] {
            let at = Micros::from_ms(at_ms);
            by_label.pass(at, Label { bytes: ms * 8, audible: true }, &mut |n| seen[0].push(n));
            by_sound.hear(at, &vec![LOUD; ms as usize * 8], &mut |n| seen[1].push(n));
        }
        by_label.pass(Micros::from_ms(4_000), Label { bytes: 800, audible: false }, &mut |n| seen[0].push(n));
        by_label.advance(Micros::from_ms(5_000), &mut |n| seen[0].push(n));
        by_sound.advance(Micros::from_ms(5_000), &mut |n| seen[1].push(n));
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0].len(), 4, "{seen:?}");
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

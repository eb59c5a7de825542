//! Clips made by arithmetic: a synthetic voice whose onset and offset are exact by construction, coughs and tones.
//!
//! The voice is a pulse train through three resonances (the formants of a vowel), five vowels in turn, one syllable of
//! 180 ms after the other. It is voiced from its first sample to its last, never silent in between, and the same for
//! the same name on every machine.

use crate::audio::level::linear;
use crate::rng::Rng;

/// The shortest and the longest clip that is made, ms.
const LENGTHS_MS: std::ops::RangeInclusive<u64> = 20..=60_000;
/// The level of the voice over its whole length.
const VOICE_DBFS: f64 = -20.0;
/// The level of a tone.
const TONE_DBFS: f64 = -20.0;
/// How loud a cough begins.
const COUGH_DBFS: f64 = -18.0;
/// One syllable.
const SYLLABLE: usize = 180 * 8;
/// From one vowel to the next.
const GLIDE: usize = 40 * 8;
/// Three formants, Hz, of five vowels.
const VOWELS: [[f64; 3]; 5] = [
    [730.0, 1_090.0, 2_440.0],
    [530.0, 1_840.0, 2_480.0],
    [300.0, 870.0, 2_240.0],
    [570.0, 840.0, 2_410.0],
    [400.0, 1_990.0, 2_550.0],
];
/// How wide they are, Hz.
const WIDTHS: [f64; 3] = [80.0, 100.0, 150.0];

/// A clip that is made, as its name asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Linear samples at 8,000 Hz.
    pub samples: Vec<i16>,
    /// Whether it is speech, all of it; else none of it is.
    pub speech: bool,
}

/// What names a clip that is made.
pub const NAMES: &str =
    "voice:MS, voice:MS:high, cough:MS, tone:HZ:MS (from 20 to 60000 ms, 50 to 3900 Hz), espeak:WORDS";

/// The clip of this name; `None` when the name is no such name.
#[must_use]
pub fn make(name: &str) -> Option<Made> {
    let parts: Vec<&str> = name.split(':').collect();
    let ms = |text: &str| text.parse().ok().filter(|ms| LENGTHS_MS.contains(ms)).map(samples);
    let (samples, speech) = match parts.as_slice() {
        ["voice", length] => (voice(ms(length)?, 118.0, name), true),
        ["voice", length, "high"] => (voice(ms(length)?, 205.0, name), true),
        ["cough", length] => (cough(ms(length)?, name), false),
        ["tone", hz, length] => {
            let hz = hz.parse().ok().filter(|hz| (50.0..=3_900.0).contains(hz))?;
            (tone(hz, ms(length)?), false)
        }
        _ => return None,
    };
    Some(Made { samples, speech })
}

fn samples(ms: u64) -> usize {
    usize::try_from(ms * 8).unwrap_or_default()
}

/// A voice of about `pitch_hz`, which wanders as a speaking voice does.
fn voice(length: usize, pitch_hz: f64, name: &str) -> Vec<i16> {
    let mut rng = seeded(name);
    let first = usize::try_from(rng.below(VOWELS.len() as u64)).unwrap_or_default();
    let mut throat = [Resonance::default(); 3];
    // The first pulse falls on the first sample.
    let mut phase = 1.0;
    let raw: Vec<f64> = (0..length)
        .map(|n| {
            let seconds = seconds(n);
            let pitch = pitch_hz * (1.0 + 0.08 * wave(2.3, seconds) + 0.04 * wave(0.7, seconds));
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase - pulse + pitch / 8_000.0;
            let mut sound = (pulse + 0.01 * rng.normal()) * loudness(n);
            for (formant, resonance) in formants(first, n).into_iter().zip(WIDTHS).zip(&mut throat) {
                sound = resonance.next(sound, formant.0, formant.1);
            }
            sound
        })
        .collect();
    at_level(&raw, VOICE_DBFS)
}

/// A syllable swells and fades, but never to silence.
fn loudness(n: usize) -> f64 {
    let place = seconds(n % SYLLABLE) / seconds(SYLLABLE);
    0.45 + 0.55 * (std::f64::consts::PI * place).sin()
}

/// The formants of the vowel at hand, gliding from the one before.
fn formants(first: usize, n: usize) -> [f64; 3] {
    let (syllable, inside) = (n / SYLLABLE, n % SYLLABLE);
    let now = VOWELS[(first + syllable) % VOWELS.len()];
    let before = VOWELS[(first + syllable + VOWELS.len() - usize::from(syllable > 0)) % VOWELS.len()];
    let share = (seconds(inside) / seconds(GLIDE)).min(1.0);
    std::array::from_fn(|i| before[i] + (now[i] - before[i]) * share)
}

/// A burst of noise with a throat, which dies away.
fn cough(length: usize, name: &str) -> Vec<i16> {
    let mut rng = seeded(name);
    let mut throat = Resonance::default();
    let raw: Vec<f64> = (0..length)
        .map(|n| {
            let done = seconds(n) / seconds(length);
            throat.next(rng.normal(), 900.0, 700.0) * (-4.0 * done).exp()
        })
        .collect();
    // The level is that of its beginning, where all its energy is.
    let head = &raw[..raw.len().min(400)];
    scaled(&raw, linear(COUGH_DBFS) / rms(head).max(1e-9))
}

fn tone(hz: f64, length: usize) -> Vec<i16> {
    at_level(&(0..length).map(|n| wave(hz, seconds(n))).collect::<Vec<f64>>(), TONE_DBFS)
}

/// A resonance of two poles.
#[derive(Clone, Copy, Debug, Default)]
struct Resonance([f64; 2]);

impl Resonance {
    fn next(&mut self, input: f64, hz: f64, width_hz: f64) -> f64 {
        let radius = (-std::f64::consts::PI * width_hz / 8_000.0).exp();
        let angle = std::f64::consts::TAU * hz / 8_000.0;
        let output = input * (1.0 - radius) + 2.0 * radius * angle.cos() * self.0[0] - radius * radius * self.0[1];
        self.0 = [output, self.0[0]];
        output
    }
}

/// The same number for the same name.
fn seeded(name: &str) -> Rng {
    Rng::new(
        name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)),
    )
}

#[expect(clippy::cast_precision_loss, reason = "at most a minute of samples")]
fn seconds(samples: usize) -> f64 {
    samples as f64 / 8_000.0
}

fn wave(hz: f64, seconds: f64) -> f64 {
    (std::f64::consts::TAU * hz * seconds).sin()
}

#[expect(clippy::cast_precision_loss, reason = "at most a minute of samples")]
fn rms(raw: &[f64]) -> f64 {
    (raw.iter().map(|x| x * x).sum::<f64>() / raw.len().max(1) as f64).sqrt()
}

fn at_level(raw: &[f64], dbfs: f64) -> Vec<i16> {
    scaled(raw, linear(dbfs) / rms(raw).max(1e-9))
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn scaled(raw: &[f64], gain: f64) -> Vec<i16> {
    raw.iter().map(|x| (x * gain).round().clamp(-32_768.0, 32_767.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    use webrtc_vad::{SampleRate, Vad, VadMode};

    use super::*;
    use crate::audio::level::{dbfs, rms};
    use crate::caller::label::label;

    fn voiced(samples: &[i16]) -> f64 {
        let mut vad = Vad::new_with_rate_and_mode(SampleRate::Rate8kHz, VadMode::VeryAggressive);
        let frames: Vec<bool> =
            samples.chunks_exact(160).map(|f| vad.is_voice_segment(f).unwrap_or_default()).collect();
        frames.iter().filter(|&&v| v).count() as f64 / frames.len() as f64
    }

    #[test]
    fn the_voice_begins_and_ends_on_its_first_and_last_sample_and_a_detector_takes_it_for_one() {
        for name in ["voice:300", "voice:1200", "voice:1210:high", "voice:5000"] {
            let made = make(name).unwrap();
            let found = label(&made.samples).unwrap();
            let length = made.samples.len() as u64 * 125;
            assert_eq!(found.onset.0, 0, "{name}");
            assert!(length - found.offset.0 <= 10_000, "{name}: {} of {length}", found.offset.0);
            assert!((dbfs(rms(&made.samples)) + 20.0).abs() < 0.5, "{name}: {}", dbfs(rms(&made.samples)));
            assert!(voiced(&made.samples) > 0.85, "{name}: {}", voiced(&made.samples));
            assert_eq!(make(name), Some(made), "the same again");
        }
        assert_ne!(make("voice:1200"), make("voice:1200:high"));
    }

    #[test]
    fn a_cough_and_a_tone_have_their_length_and_level_and_are_no_speech() {
        let cough = make("cough:300").unwrap();
        assert_eq!((cough.samples.len(), cough.speech), (2_400, false));
        assert!((dbfs(rms(&cough.samples[..400])) + 18.0).abs() < 0.5);
        let tone = make("tone:1000:500").unwrap();
        assert_eq!((tone.samples.len(), tone.speech), (4_000, false));
        assert!((dbfs(rms(&tone.samples)) + 20.0).abs() < 0.1);
    }

    #[test]
    fn other_names_are_none() {
        for name in ["voice", "voice:x", "voice:5", "voice:90000", "voice:100:low", "tone:9000:100", "en/im-sorry"] {
            assert_eq!(make(name), None, "{name}");
        }
    }
}

//! What goes on around the caller: other people talking, a tone, music. Endless, seeded, at a given level.

use std::path::Path;

use super::clips;
use super::noise::NoisePlan;
use crate::audio::level::linear;
use crate::rng::Rng;

/// Voices that babble at the same time.
const VOICES: usize = 6;
/// The babble repeats after so long: 20 s.
const BABBLE_SAMPLES: usize = 20 * 8_000;
/// One note of the music: 250 ms.
const NOTE_SAMPLES: u64 = 2_000;
/// The notes: a pentatonic scale over two octaves, Hz.
const NOTES_HZ: [f64; 10] = [196.0, 220.0, 261.6, 293.7, 329.6, 392.0, 440.0, 523.3, 587.3, 659.3];

/// The background of one line.
#[derive(Debug)]
pub struct Background {
    babble: Option<Vec<f64>>,
    tone: Option<(f64, f64)>,
    music: Option<f64>,
    rng: Rng,
    notes: [f64; 3],
    /// Samples so far.
    at: u64,
}

impl Background {
    /// What `plan` asks for; `None` when it asks for nothing.
    #[must_use]
    pub fn new(plan: &NoisePlan, mut rng: Rng) -> Option<Self> {
        let tone = plan.tone_dbfs.map(|dbfs| (plan.tone_hz, linear(dbfs) * std::f64::consts::SQRT_2));
        let music = plan.music_dbfs.map(linear);
        let babble = plan.babble_dbfs.map(|dbfs| babble(linear(dbfs), &mut rng));
        let silent = babble.is_none() && tone.is_none() && music.is_none();
        (!silent).then_some(Self { babble, tone, music, rng, notes: [NOTES_HZ[0]; 3], at: 0 })
    }

    /// Adds the next samples.
    pub fn add(&mut self, frame: &mut [f64]) {
        for sample in frame {
            let index = usize::try_from(self.at).unwrap_or_default();
            *sample += self.babble.as_ref().map_or(0.0, |all| all[index % all.len()]);
            *sample += self.tone.map_or(0.0, |(hz, peak)| peak * wave(hz, self.at));
            if let Some(level) = self.music {
                *sample += level * self.music();
            }
            self.at += 1;
        }
    }

    /// Three plucked notes at a time with their overtones, about 1 in level.
    fn music(&mut self) -> f64 {
        let inside = self.at % NOTE_SAMPLES;
        if inside == 0 {
            let newest = usize::try_from(self.at / NOTE_SAMPLES % 3).unwrap_or_default();
            let note = usize::try_from(self.rng.below(NOTES_HZ.len() as u64)).unwrap_or_default();
            self.notes[newest] = NOTES_HZ[note];
        }
        let string = |hz: f64| wave(hz, self.at) + 0.5 * wave(2.0 * hz, self.at) + 0.25 * wave(3.0 * hz, self.at);
        #[expect(clippy::cast_precision_loss, reason = "below 2,000")]
        let fade = (-1.5 * inside as f64 / NOTE_SAMPLES as f64).exp();
        // Three strings of level 0.81 (squares of 1, 0.5 and 0.25, halved), faded to 0.56 on average: 0.78 in all.
        self.notes.into_iter().map(string).sum::<f64>() * fade / 0.78
    }
}

#[expect(clippy::cast_precision_loss, reason = "an hour of samples is far below 2^52")]
fn wave(hz: f64, at: u64) -> f64 {
    (std::f64::consts::TAU * hz * at as f64 / 8_000.0).sin()
}

/// Built-in voices one after the other on each of [`VOICES`] tracks, together at this level.
fn babble(level: f64, rng: &mut Rng) -> Vec<f64> {
    let speech: Vec<Vec<i16>> = clips::names()
        .iter()
        .filter_map(|name| clips::load(name, Path::new(".")).ok())
        .map(|clip| clip.samples.clone())
        .collect();
    let mut mix = vec![0.0; BABBLE_SAMPLES];
    for _ in 0..VOICES {
        let mut at = usize::try_from(rng.below(BABBLE_SAMPLES as u64)).unwrap_or_default();
        let mut filled = 0;
        while filled < BABBLE_SAMPLES && !speech.is_empty() {
            let clip = &speech[usize::try_from(rng.below(speech.len() as u64)).unwrap_or_default()];
            for &sample in clip {
                mix[at % BABBLE_SAMPLES] += f64::from(sample);
                at += 1;
            }
            filled += clip.len();
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "160,000")]
    let rms = (mix.iter().map(|x| x * x).sum::<f64>() / BABBLE_SAMPLES as f64).sqrt().max(1e-9);
    mix.iter_mut().for_each(|x| *x *= level / rms);
    mix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::dbfs;

    fn level(plan: NoisePlan, seed: u64) -> (f64, Vec<f64>) {
        let mut background = Background::new(&plan, Rng::new(seed)).unwrap();
        let mut all = vec![0.0; 20 * 8_000];
        all.chunks_mut(160).for_each(|frame| background.add(frame));
        (dbfs((all.iter().map(|x| x * x).sum::<f64>() / all.len() as f64).sqrt()), all)
    }

    #[test]
    fn each_kind_has_the_level_asked_for_and_is_the_same_for_the_same_seed() {
        let quiet = NoisePlan::default();
        for (name, plan) in [
            ("babble", NoisePlan { babble_dbfs: Some(-30.0), ..quiet }),
            ("tone", NoisePlan { tone_dbfs: Some(-30.0), ..quiet }),
            ("music", NoisePlan { music_dbfs: Some(-30.0), ..quiet }),
        ] {
            let (found, all) = level(plan, 1);
            assert!((found + 30.0).abs() < 1.5, "{name}: {found}");
            assert_eq!(level(plan, 1).1, all, "{name}");
        }
        assert!(Background::new(&quiet, Rng::new(1)).is_none());
    }
}

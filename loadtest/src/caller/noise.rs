//! What a telephone line carries when nobody speaks: comfort noise always; coughs, clicks, typing and a background on
//! request.

use std::sync::Arc;

use serde::Deserialize;

use super::background::Background;
use super::comfort::Comfort;
use crate::audio::FRAME_SAMPLES;
use crate::audio::level::linear;
use crate::rng::Rng;

/// What disturbs the line. Levels in dBFS, rates per minute of call.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct NoisePlan {
    /// Steady noise under everything; a real line is never digitally silent.
    pub comfort_dbfs: f64,
    /// Coughs: bursts of shaped noise, 120–350 ms.
    pub coughs_per_min: f64,
    /// Level of a cough at its loudest.
    pub cough_dbfs: f64,
    /// Clicks: 1–3 ms.
    pub clicks_per_min: f64,
    /// Level of a click.
    pub click_dbfs: f64,
    /// Bouts of typing: 5–20 keystrokes.
    pub typing_per_min: f64,
    /// Level of a keystroke.
    pub typing_dbfs: f64,
    /// Level of people talking around the caller.
    pub babble_dbfs: Option<f64>,
    /// Level of music around the caller.
    pub music_dbfs: Option<f64>,
    /// Level of a tone on the line.
    pub tone_dbfs: Option<f64>,
    /// Its frequency.
    pub tone_hz: f64,
}

impl Default for NoisePlan {
    fn default() -> Self {
        Self {
            comfort_dbfs: -65.0,
            coughs_per_min: 0.0,
            cough_dbfs: -18.0,
            clicks_per_min: 0.0,
            click_dbfs: -12.0,
            typing_per_min: 0.0,
            typing_dbfs: -30.0,
            babble_dbfs: None,
            music_dbfs: None,
            tone_dbfs: None,
            tone_hz: 440.0,
        }
    }
}

impl NoisePlan {
    /// What is louder than usual, in words.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let usual = Self::default();
        let mut said = Vec::new();
        if self.comfort_dbfs > usual.comfort_dbfs {
            said.push(format!("noise {} dBFS", self.comfort_dbfs));
        }
        let backgrounds = [("babble", self.babble_dbfs), ("music", self.music_dbfs), ("tone", self.tone_dbfs)];
        let there = backgrounds.into_iter().filter_map(|(name, level)| level.map(|dbfs| format!("{name} {dbfs} dBFS")));
        said.extend(there);
        let rates = [("coughs", self.coughs_per_min), ("clicks", self.clicks_per_min), ("typing", self.typing_per_min)];
        let there = rates.into_iter().filter(|(_, rate)| *rate > 0.0);
        said.extend(there.map(|(name, rate)| format!("{name} {rate} per minute")));
        said
    }
}

/// What kind of disturbance began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// A cough.
    Cough,
    /// A click.
    Click,
    /// A bout of typing.
    Typing,
}

/// The seeded source of one line.
#[derive(Debug)]
pub struct Noise {
    plan: NoisePlan,
    rng: Rng,
    comfort: Arc<Comfort>,
    bursts: Vec<Burst>,
    background: Option<Background>,
}

#[derive(Debug)]
struct Burst {
    /// Samples until it begins.
    wait: u32,
    length: u32,
    played: u32,
    peak: f64,
    /// Two resonances (poles at 2·r·cos, −r²) that give a cough its throat; zero for clicks.
    a: [f64; 2],
    history: [f64; 2],
}

/// Disturbances that sound at the same time at most; more would be a din, not a telephone call.
const MAX_BURSTS: usize = 64;

impl Noise {
    /// Noise that is the same for the same seed.
    #[must_use]
    pub fn new(plan: NoisePlan, mut rng: Rng) -> Self {
        let background = Background::new(&plan, Rng::new(rng.next_u64()));
        Self { plan, rng, comfort: Comfort::of(plan.comfort_dbfs), bursts: Vec::new(), background }
    }

    /// The next frame where there is nothing but comfort noise in it, in µ-law.
    pub fn alone(&mut self) -> Option<[u8; FRAME_SAMPLES]> {
        let wait = FRAME_SAMPLES as u32;
        if self.background.is_some() || self.bursts.iter().any(|burst| burst.wait < wait) {
            return None;
        }
        self.bursts.iter_mut().for_each(|burst| burst.wait -= wait);
        Some(self.comfort.frame(&mut self.rng))
    }

    /// Adds one frame of noise to `frame`. Call [`Self::begin`] before it.
    pub fn add(&mut self, frame: &mut [f64; FRAME_SAMPLES]) {
        self.comfort.add(&mut self.rng, frame);
        for burst in &mut self.bursts {
            let wait = frame.len().min(burst.wait as usize);
            burst.wait -= u32::try_from(wait).unwrap_or_default();
            frame[wait..].iter_mut().for_each(|sample| *sample += burst.next(&mut self.rng));
        }
        if let Some(background) = &mut self.background {
            background.add(frame);
        }
        self.bursts.retain(|burst| burst.played < burst.length);
    }

    /// Which disturbance begins in the next frame, of so many samples, if any does.
    #[expect(clippy::cast_precision_loss, reason = "frames are short")]
    pub fn begin(&mut self, samples: usize) -> Option<Disturbance> {
        let minutes = samples as f64 / 8_000.0 / 60.0;
        let plan = self.plan;
        let rates = plan.coughs_per_min + plan.clicks_per_min + plan.typing_per_min;
        if rates <= 0.0 || self.bursts.len() >= MAX_BURSTS {
            return None;
        }
        if self.rng.unit() < plan.coughs_per_min * minutes {
            let (length, pole) = (960 + self.rng.below(1_840), 0.55 + 0.35 * self.rng.unit());
            self.burst(0, length, plan.cough_dbfs, [1.6 * pole, -0.81]);
            return Some(Disturbance::Cough);
        }
        if self.rng.unit() < plan.clicks_per_min * minutes {
            let length = 8 + self.rng.below(16);
            self.burst(0, length, plan.click_dbfs, [0.0, 0.0]);
            return Some(Disturbance::Click);
        }
        if self.rng.unit() < plan.typing_per_min * minutes {
            let mut wait = 0;
            for _ in 0..5 + self.rng.below(16) {
                wait += 640 + self.rng.below(1_600);
                let length = 24 + self.rng.below(60);
                self.burst(wait, length, plan.typing_dbfs, [0.0, 0.0]);
            }
            return Some(Disturbance::Typing);
        }
        None
    }

    fn burst(&mut self, wait: u64, length: u64, peak_dbfs: f64, a: [f64; 2]) {
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        // A resonance amplifies; this brings it back to about the level asked for.
        let gain = (1.0 - a[0] - a[1]).abs().clamp(0.2, 1.0);
        let peak = linear(peak_dbfs) * gain;
        self.bursts.push(Burst { wait: small(wait), length: small(length), played: 0, peak, a, history: [0.0; 2] });
    }
}

impl Burst {
    fn next(&mut self, rng: &mut Rng) -> f64 {
        if self.played >= self.length {
            return 0.0;
        }
        let done = f64::from(self.played) / f64::from(self.length);
        self.played += 1;
        // A sudden attack in the first twentieth, then decay.
        let envelope = if done < 0.05 { done / 0.05 } else { (-4.0 * (done - 0.05)).exp() };
        let value = rng.normal() * envelope * self.peak + self.a[0] * self.history[0] + self.a[1] * self.history[1];
        self.history = [value, self.history[0]];
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::dbfs;

    fn minute(plan: NoisePlan, seed: u64) -> (Vec<f64>, Vec<Disturbance>) {
        let mut noise = Noise::new(plan, Rng::new(seed));
        let (mut all, mut began) = (Vec::new(), Vec::new());
        for _ in 0..3_000 {
            let mut frame = [0.0; FRAME_SAMPLES];
            began.extend(noise.begin(FRAME_SAMPLES));
            noise.add(&mut frame);
            all.extend(frame);
        }
        (all, began)
    }

    fn level(samples: &[f64]) -> f64 {
        dbfs((samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64).sqrt())
    }

    #[test]
    fn comfort_noise_has_the_level_asked_for() {
        let (samples, began) = minute(NoisePlan::default(), 1);
        assert!((level(&samples) + 65.0).abs() < 1.0, "{}", level(&samples));
        assert!(began.is_empty());
    }

    #[test]
    fn disturbances_come_at_about_their_rate_and_the_same_seed_repeats_them() {
        let plan =
            NoisePlan { coughs_per_min: 12.0, clicks_per_min: 20.0, typing_per_min: 6.0, ..NoisePlan::default() };
        let (samples, began) = minute(plan, 7);
        assert!((20..60).contains(&began.len()), "{}", began.len());
        let loudest = samples.chunks(80).map(level).fold(-96.0, f64::max);
        assert!((-25.0..0.0).contains(&loudest), "{loudest}");
        assert_eq!(minute(plan, 7), (samples, began));
    }
}

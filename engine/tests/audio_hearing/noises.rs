//! Sounds that are no voice, made from a seed.

use std::f32::consts::{PI, TAU};
use std::ops::Range;

/// A sequence of numbers that look random and are always the same.
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn new(seed: u64) -> Seed {
        Seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Evenly between `low` and `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Around 0 like a bell: the sum of four even ones.
    fn bell(&mut self) -> f32 {
        let bits = self.next();
        (0..4).map(|n| ((bits >> (16 * n)) & 0xFFFF) as f32 / 32_768.0 - 1.0).sum()
    }
}

/// What a steady noise sounds like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// What a carrier plays when nobody speaks: gently low-pass.
    Comfort,
    White,
    Pink,
    /// A car: rumble that swells, and an engine's hum at 50, 100 and 150 Hz.
    Road,
}

/// Steady noise of an RMS level in dBFS.
pub(crate) fn noise(kind: Kind, level_dbfs: f32, samples: usize, seed: &mut Seed) -> Vec<f32> {
    let (mut low, mut swell) = ([0.0f32; 3], 0.0f32);
    let mut sound = Vec::with_capacity(samples);
    for n in 0..samples {
        let white = seed.bell();
        sound.push(match kind {
            Kind::White => white,
            Kind::Comfort => {
                low[0] = 0.6 * low[0] + white;
                low[0]
            }
            Kind::Pink => {
                // Paul Kellet's filter: three low-passes an octave or so apart.
                low[0] = 0.997_65 * low[0] + white * 0.099_046;
                low[1] = 0.963 * low[1] + white * 0.296_516;
                low[2] = 0.57 * low[2] + white * 1.052_691;
                low[0] + low[1] + low[2] + white * 0.184_8
            }
            Kind::Road => {
                low[0] = 0.97 * low[0] + white;
                swell = 0.9999 * swell + 0.02 * seed.bell();
                let hum = |hz: f32| (TAU * ((n as f32 * hz) % 8_000.0) / 8_000.0).sin();
                let rumble = (0.5 * low[0] + 0.3 * white) * (1.0 + 0.3 * swell.clamp(-2.0, 2.0));
                rumble + 0.3 * hum(50.0) + 0.6 * hum(100.0) + 0.2 * hum(150.0)
            }
        });
    }
    let rms = (sound.iter().map(|s| s * s).sum::<f32>() / samples as f32).sqrt();
    scale(&mut sound, level_dbfs, rms);
    sound
}

/// A quiet line on which `event` happens again and again, with pauses of `pause_s` seconds.
pub(crate) fn bed_of(
    mut event: impl FnMut(&mut Seed) -> Vec<f32>,
    pause_s: Range<f32>,
    samples: usize,
    seed: &mut Seed,
) -> Vec<f32> {
    let mut line = noise(Kind::Comfort, -65.0, samples, seed);
    let mut at = 8_000;
    loop {
        let sound = event(seed);
        let Some(place) = line.get_mut(at..at + sound.len()) else { return line };
        place.iter_mut().zip(&sound).for_each(|(line, sound)| *line += sound);
        at += sound.len() + (8_000.0 * seed.between(pause_s.start, pause_s.end)) as usize;
    }
}

/// 150–350 ms of breath through two resonances of a throat, bursting open and dying away, half of them twice.
pub(crate) fn cough(seed: &mut Seed) -> Vec<f32> {
    let samples = seed.between(1_200.0, 2_800.0) as usize;
    let breath: Vec<f32> = (0..samples).map(|_| seed.bell()).collect();
    let narrow = seed.between(90.0, 300.0);
    let first = resonance(&breath, seed.between(300.0, 1_000.0), narrow);
    let second = resonance(&breath, seed.between(1_100.0, 2_300.0), seed.between(200.0, 500.0));
    let (attack, decay) = (seed.between(16.0, 120.0), seed.between(240.0, 960.0));
    let again = if seed.between(0.0, 1.0) < 0.5 { seed.between(0.4, 0.7) * samples as f32 } else { f32::MAX };
    let swell = |n: f32| (1.0 - (-n / attack).exp()) * (-n / decay).exp();
    let mut sound: Vec<f32> = (0..samples)
        .map(|n| {
            let t = n as f32;
            let opened = swell(t) + if t > again { 0.6 * swell(t - again) } else { 0.0 };
            opened * (first[n] + 0.7 * second[n] + 0.1 * breath[n])
        })
        .collect();
    scale_loudest(&mut sound, seed.between(-30.0, -10.0));
    sound
}

/// 1–8 ms of noise that rings for as long again.
pub(crate) fn click(seed: &mut Seed) -> Vec<f32> {
    let samples = seed.between(8.0, 64.0) as usize;
    let struck: Vec<f32> = (0..3 * samples).map(|n| if n < samples { seed.bell() } else { 0.0 }).collect();
    let mut sound = resonance(&struck, seed.between(300.0, 3_000.0), seed.between(100.0, 600.0));
    scale_loudest(&mut sound, seed.between(-30.0, -8.0));
    sound
}

/// Two seconds of keys, 3 to 16 a second.
pub(crate) fn typing(seed: &mut Seed) -> Vec<f32> {
    let mut sound = vec![0.0; 16_000];
    let mut at = 0;
    while at + 400 < sound.len() {
        let decay = seed.between(20.0, 60.0);
        let struck: Vec<f32> = (0..400).map(|n| seed.bell() * (-(n as f32) / decay).exp()).collect();
        let mut key = resonance(&struck, seed.between(500.0, 2_500.0), seed.between(150.0, 500.0));
        scale_loudest(&mut key, seed.between(-42.0, -22.0));
        sound[at..].iter_mut().zip(&key).for_each(|(sound, key)| *sound += key);
        at += seed.between(480.0, 2_400.0) as usize;
    }
    sound
}

/// A two-pole resonance of unit energy, `hz` high and `width_hz` wide.
fn resonance(sound: &[f32], hz: f32, width_hz: f32) -> Vec<f32> {
    let radius = (-PI * width_hz / 8_000.0).exp();
    let (a, b) = (2.0 * radius * (TAU * hz / 8_000.0).cos(), radius * radius);
    let (mut last, mut before) = (0.0, 0.0);
    let ring = |s: &f32| {
        let out = s + a * last - b * before;
        (before, last) = (last, out);
        out
    };
    let mut out: Vec<f32> = sound.iter().map(ring).collect();
    let energy = out.iter().map(|s| s * s).sum::<f32>().max(1e-9);
    let gain = (sound.len() as f32 / energy).sqrt();
    out.iter_mut().for_each(|s| *s *= gain);
    out
}

/// Brings the loudest 20 ms to `level_dbfs`.
fn scale_loudest(sound: &mut [f32], level_dbfs: f32) {
    let rms = |part: &[f32]| (part.iter().map(|s| s * s).sum::<f32>() / part.len() as f32).sqrt();
    let loudest = sound.chunks(160).map(rms).fold(1e-9, f32::max);
    scale(sound, level_dbfs, loudest);
}

fn scale(sound: &mut [f32], level_dbfs: f32, rms: f32) {
    let gain = 32_768.0 * 10f32.powf(level_dbfs / 20.0) / rms;
    sound.iter_mut().for_each(|s| *s *= gain);
}

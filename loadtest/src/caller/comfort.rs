//! Comfort noise: what a line carries under everything. Made once for each level that a process needs, so that a frame of
//! it is a copy.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::audio::level::linear;
use crate::audio::{FRAME_SAMPLES, mulaw};
use crate::rng::Rng;

/// Two seconds, of which every frame is taken from another place.
const SAMPLES: usize = 16_384;
/// Levels kept at most; a process that needs more makes them anew.
const LEVELS_MAX: usize = 64;
/// Linear level of noise of which no sample is ever rounded to anything but zero.
const INAUDIBLE: f64 = 0.05;

/// Noise of one level.
#[derive(Debug)]
pub(super) struct Comfort {
    /// Nothing where it is inaudible.
    linear: Vec<f64>,
    mulaw: Vec<u8>,
}

impl Comfort {
    /// Noise of this level, the same for everybody.
    pub(super) fn of(dbfs: f64) -> Arc<Self> {
        static MADE: OnceLock<Mutex<BTreeMap<u64, Arc<Comfort>>>> = OnceLock::new();
        let mut made = MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= LEVELS_MAX {
            made.clear();
        }
        made.entry(dbfs.to_bits()).or_insert_with(|| Arc::new(Self::new(linear(dbfs)))).clone()
    }

    fn new(level: f64) -> Self {
        if level < INAUDIBLE {
            return Self { linear: Vec::new(), mulaw: Vec::new() };
        }
        let (mut rng, mut low) = (Rng::new(0xC0_3F_08_7A), 0.0);
        let sample = |_| {
            // One-pole low-pass: line noise is darker than white. 1.73 restores its level.
            low += 0.5 * (rng.normal() - low);
            low * 1.73 * level
        };
        let linear: Vec<f64> = (0..SAMPLES).map(sample).collect();
        #[expect(clippy::cast_possible_truncation, reason = "a cast stops at the ends of the range")]
        let mulaw = linear.iter().map(|sample| mulaw::encode(sample.round() as i16)).collect();
        Self { linear, mulaw }
    }

    /// A frame of it, in µ-law.
    pub(super) fn frame(&self, rng: &mut Rng) -> [u8; FRAME_SAMPLES] {
        let from = self.place(rng);
        self.mulaw.get(from..).and_then(<[u8]>::first_chunk).copied().unwrap_or([mulaw::SILENCE; FRAME_SAMPLES])
    }

    /// Adds a frame of it.
    pub(super) fn add(&self, rng: &mut Rng, frame: &mut [f64; FRAME_SAMPLES]) {
        let from = self.place(rng);
        let noise = self.linear.get(from..).unwrap_or_default();
        frame.iter_mut().zip(noise).for_each(|(sample, noise)| *sample += noise);
    }

    /// Drawn for every frame: two lines, and two seconds of one, have nothing in common.
    fn place(&self, rng: &mut Rng) -> usize {
        let places = self.linear.len().saturating_sub(FRAME_SAMPLES);
        usize::try_from(rng.below(places as u64)).unwrap_or_default()
    }
}

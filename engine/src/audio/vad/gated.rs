//! WebRTC's detector between gates: level before it, because most of a call is silence; pitch behind it.

use std::fmt;

use webrtc_vad::{SampleRate, Vad, VadMode};

use super::Block;
use super::periodicity::Periodicity;
use crate::audio::level::{BLOCK_SAMPLES, NoiseFloor, level_dbfs};

/// Blocks in which the pitch is looked for: 60 ms.
const PITCH_BLOCKS: u32 = 6;

/// Periodic blocks among them that make a block voiced. One would be 3 ms faster, and takes a cough for a voice every
/// few minutes: a resonance can look periodic once by chance, hardly twice.
const PITCH_BLOCKS_MIN: u32 = 2;

/// Blocks at the end of which two periodic ones spare the next measurement: a voice that goes on is measured half the
/// time.
const PITCH_FRESH_BLOCKS: u32 = 3;

/// What a block must show. The defaults were chosen on some 2,600 recordings of five voices and languages and hours of
/// noise, coughs, clicks and typing; `tests/audio_hearing` holds them to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gates {
    /// dB above the noise floor; default 6. Less lets the swell of noise in, more loses soft speech on a noisy line.
    pub over_floor_db: f32,
    /// dBFS; default −45. What is softer is not meant for us: somebody in the next room, or a far echo.
    pub level_min_dbfs: f32,
    /// Normalised autocorrelation, 0 to 1; default 0.75. Less takes an hour's worst coughs for a voice; at 0.8 rough
    /// voices are heard 200 ms late.
    pub periodicity_min: f32,
}

impl Default for Gates {
    fn default() -> Gates {
        Gates { over_floor_db: 6.0, level_min_dbfs: -45.0, periodicity_min: 0.75 }
    }
}

/// The ear of one call.
///
/// The gates in the order of their price, and what each costs on a 10 ms block: level and floor 0.1 µs, always; WebRTC's
/// detector in its strictest mode 1 µs, on loud blocks; pitch 1 µs, on those that are speech to it.
///
/// The detector does not hear blocks that are not loud. It adapts to noise more slowly for it, which moved no onset
/// by more than 2 ms in our measurements, and its hangover, which counts heard blocks only, ends no later than the level.
pub struct Hearing {
    gates: Gates,
    floor: NoiseFloor,
    periodicity: Periodicity,
    vad: Vad,
    /// One bit per block, the newest lowest: measured and found periodic.
    periodic: u32,
}

impl Hearing {
    /// Allocates the detector, which is bound to its thread: make one per slot and [`reset`](Hearing::reset) it between
    /// calls.
    pub fn new(gates: Gates) -> Hearing {
        Hearing {
            gates,
            floor: NoiseFloor::new(),
            periodicity: Periodicity::new(),
            vad: Vad::new_with_rate_and_mode(SampleRate::Rate8kHz, VadMode::VeryAggressive),
            periodic: 0,
        }
    }

    /// Forgets the call, without allocating.
    pub fn reset(&mut self) {
        self.floor = NoiseFloor::new();
        self.periodicity = Periodicity::new();
        self.periodic = 0;
        // It falls back to its mildest mode, at 8 kHz.
        self.vad.reset();
        self.vad.set_mode(VadMode::VeryAggressive);
    }

    /// Takes the next 10 ms, already decoded, and says what was heard.
    pub fn hear(&mut self, pcm: &[i16; BLOCK_SAMPLES]) -> Block {
        let level_dbfs = level_dbfs(pcm);
        let floor_dbfs = self.floor.update(level_dbfs);
        self.periodicity.push(pcm);
        let loud = level_dbfs >= self.gates.level_min_dbfs && level_dbfs >= floor_dbfs + self.gates.over_floor_db;
        // Blocks of 10 ms are what it takes, so it cannot refuse this one.
        let active = loud && self.vad.is_voice_segment(pcm) == Ok(true);
        self.listen_for_pitch(active);
        let voiced = active && self.periodic_among(PITCH_BLOCKS) >= PITCH_BLOCKS_MIN;
        Block { level_dbfs, floor_dbfs, active, voiced }
    }

    fn listen_for_pitch(&mut self, active: bool) {
        let fresh = self.periodic_among(PITCH_FRESH_BLOCKS) >= PITCH_BLOCKS_MIN;
        let periodic = active && !fresh && self.periodicity.reaches(self.gates.periodicity_min);
        self.periodic = self.periodic << 1 | u32::from(periodic);
    }

    fn periodic_among(&self, blocks: u32) -> u32 {
        (self.periodic & ((1 << blocks) - 1)).count_ones()
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing").field("gates", &self.gates).field("floor", &self.floor).finish_non_exhaustive()
    }
}

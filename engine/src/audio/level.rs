//! How loud a block is, and how quiet the line is when nobody speaks.
//!
//! Levels are RMS in dBFS: `20·log10(rms / 32768)`. A square wave of full scale has 0, a sine −3; telephone speech is
//! around −25, a quiet line −60 to −75.

/// Samples of a block: 10 ms, the grain of all hearing.
pub const BLOCK_SAMPLES: usize = 80;

/// Length of a block in milliseconds.
pub const BLOCK_MS: u32 = 10;

/// The level of digital silence, which has none; also the lowest level ever reported.
pub const SILENCE_DBFS: f32 = -100.0;

/// The RMS level of `samples` in dBFS, [`SILENCE_DBFS`] to 0. One logarithm whatever the length.
pub fn level_dbfs(samples: &[i16]) -> f32 {
    power_dbfs(energy(samples), samples.len())
}

/// The sum of squares.
#[inline]
pub fn energy(samples: &[i16]) -> u64 {
    let square = |&sample: &i16| {
        let sample = i32::from(sample);
        u64::from((sample * sample) as u32)
    };
    samples.iter().map(square).sum()
}

/// The level of `samples` samples whose squares sum up to `energy`.
pub fn power_dbfs(energy: u64, samples: usize) -> f32 {
    const FULL_SCALE: f32 = 32_768.0 * 32_768.0;
    if energy == 0 || samples == 0 {
        return SILENCE_DBFS;
    }
    let mean_square = energy as f32 / samples as f32;
    (10.0 * (mean_square / FULL_SCALE).log10()).max(SILENCE_DBFS)
}

/// The largest magnitude, 0 to 32,768.
pub fn peak(samples: &[i16]) -> u16 {
    samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0)
}

/// Sub-windows of the noise floor: their minima are kept, so that a block costs one comparison.
const FLOOR_SLOTS: usize = 8;

/// Blocks of a sub-window: 200 ms. Eight of them look back 1.4 to 1.6 s.
const FLOOR_SLOT_BLOCKS: u8 = 20;

/// The noise floor: the lowest block level of the last 1.6 s ("minimum statistics").
///
/// Speech has a gap of a block or two in any 1.6 s, so the minimum is the line's noise even while somebody speaks, and
/// a noise that sets in is the floor 1.6 s later. The minimum of many blocks lies 2–3 dB below the mean level of a
/// steady noise; thresholds above it take that into account.
#[derive(Debug, Clone)]
pub struct NoiseFloor {
    /// Lowest level of each sub-window, dBFS.
    minima: [f32; FLOOR_SLOTS],
    /// The sub-window that is being filled, 0..8.
    slot: u8,
    /// Blocks in it, 0..20.
    blocks: u8,
    /// Lowest of `minima`.
    floor_dbfs: f32,
}

impl NoiseFloor {
    /// The floor of a line that nothing is known of, until 1.6 s have passed: low enough to hold nobody back who
    /// speaks at once.
    pub const UNKNOWN_DBFS: f32 = -65.0;

    /// Nothing heard yet.
    pub const fn new() -> NoiseFloor {
        NoiseFloor {
            minima: [NoiseFloor::UNKNOWN_DBFS; FLOOR_SLOTS],
            slot: 0,
            blocks: 0,
            floor_dbfs: NoiseFloor::UNKNOWN_DBFS,
        }
    }

    /// Takes the level of the next block, in dBFS, and gives the floor with it included.
    ///
    /// The floor never falls below [`NoiseFloor::UNKNOWN_DBFS`]: a gap of digital silence must not make the noise
    /// after it look loud.
    pub fn update(&mut self, level_dbfs: f32) -> f32 {
        let level_dbfs = level_dbfs.max(NoiseFloor::UNKNOWN_DBFS);
        if self.blocks == FLOOR_SLOT_BLOCKS {
            self.slot = (self.slot + 1) % FLOOR_SLOTS as u8;
            self.blocks = 0;
            self.minima[usize::from(self.slot)] = level_dbfs;
            self.floor_dbfs = self.minima.iter().copied().fold(0.0, f32::min);
        }
        self.blocks += 1;
        let minimum = &mut self.minima[usize::from(self.slot)];
        *minimum = minimum.min(level_dbfs);
        self.floor_dbfs = self.floor_dbfs.min(level_dbfs);
        self.floor_dbfs
    }

    /// The floor, dBFS.
    pub fn dbfs(&self) -> f32 {
        self.floor_dbfs
    }
}

impl Default for NoiseFloor {
    fn default() -> NoiseFloor {
        NoiseFloor::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f32, b: f32) -> bool {
        (a - b).abs() < 0.01
    }

    #[test]
    fn levels_are_relative_to_a_full_scale_square_wave() {
        assert!(near(level_dbfs(&[i16::MIN; 80]), 0.0));
        assert!(near(level_dbfs(&[328, -328]), -39.99));
        let sine: Vec<i16> =
            (0..80).map(|n| (32_767.0 * (n as f32 * std::f32::consts::FRAC_PI_4).sin()) as i16).collect();
        assert!(near(level_dbfs(&sine), -3.01));
        assert_eq!(level_dbfs(&[0; 80]), SILENCE_DBFS);
        assert_eq!(level_dbfs(&[]), SILENCE_DBFS);
        assert!(near(level_dbfs(&[1; 80]), -90.31));
    }

    #[test]
    fn peak_takes_the_most_negative_sample_for_what_it_is() {
        assert_eq!(peak(&[3, -7, 5]), 7);
        assert_eq!(peak(&[i16::MIN, i16::MAX]), 32_768);
        assert_eq!(peak(&[]), 0);
    }

    #[test]
    fn the_floor_falls_at_once_and_rises_after_the_window() {
        let mut floor = NoiseFloor::new();
        assert_eq!(floor.update(-20.0), NoiseFloor::UNKNOWN_DBFS);
        // The unknown is forgotten after 1.6 s.
        let blocks = (1..200).find(|_| floor.update(-40.0) > NoiseFloor::UNKNOWN_DBFS);
        assert_eq!(blocks, Some(160));
        assert_eq!(floor.dbfs(), -40.0);
        assert_eq!(floor.update(-55.0), -55.0);
        // One quiet block holds the floor for 1.4 to 1.6 s.
        let blocks = (1..200).find(|_| floor.update(-40.0) > -55.0).unwrap();
        assert!((140..=160).contains(&blocks), "{blocks}");
        assert_eq!(floor.update(SILENCE_DBFS), NoiseFloor::UNKNOWN_DBFS);
    }
}

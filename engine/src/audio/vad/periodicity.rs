//! Whether the last 20 ms repeat themselves at the pitch of a voice, as noise never does.

use crate::audio::level::BLOCK_SAMPLES;

/// Shortest period in samples: 2.5 ms, a voice of 400 Hz.
const LAG_MIN: usize = 20;

/// Longest period in samples: 12.5 ms, a voice of 80 Hz.
const LAG_MAX: usize = 100;

/// Samples that are compared with those one period before: 20 ms.
const WINDOW: usize = 160;

/// Sound remembered: the window and the longest period before it.
const HISTORY: usize = WINDOW + LAG_MAX;

/// Bits that a sample may have so that [`WINDOW`] products fit into 32 bits: 160 · 2^22 < 2^30.
const SAMPLE_BITS: u32 = 11;

/// The high-pass in front keeps 1 − 1/8 of its last output: it is 3 dB down at 170 Hz. Pink noise and hum are similar to
/// themselves at every short lag; without it they pass for voices several times a minute.
const HIGH_PASS_SHIFT: u32 = 3;

/// The last 32.5 ms of sound.
#[derive(Debug, Clone)]
pub struct Periodicity {
    history: [i16; HISTORY],
}

impl Periodicity {
    /// After silence.
    pub const fn new() -> Periodicity {
        Periodicity { history: [0; HISTORY] }
    }

    /// Takes the next block; needed for every block, measured or not.
    #[inline]
    pub fn push(&mut self, block: &[i16; BLOCK_SAMPLES]) {
        self.history.copy_within(BLOCK_SAMPLES.., 0);
        self.history[HISTORY - BLOCK_SAMPLES..].copy_from_slice(block);
    }

    /// True when the normalised autocorrelation reaches `min`, 0 to 1, at a pitch period.
    ///
    /// `r(τ) = Σ x[n]·x[n−τ] / √(Σ x[n]² · Σ x[n−τ]²)` over the last 20 ms, for τ of 2.5 to 12.5 ms. Only local maxima
    /// count: a slope comes from below the voice. Stops at the first one that suffices.
    pub fn reaches(&self, min: f32) -> bool {
        let sound = self.without_rumble();
        let window = &sound[LAG_MAX..];
        let own = dot(window, window) as f32;
        // r² with the sign of r, so that no root is taken per lag.
        let min = min * min;
        let (mut before, mut last) = (f32::MAX, f32::MAX);
        let mut shifted_energy = energy_at(&sound, LAG_MIN - 1);
        for lag in LAG_MIN - 1..=LAG_MAX {
            let start = LAG_MAX - lag;
            let product = dot(window, &sound[start..start + WINDOW]) as f32;
            let both = own * shifted_energy as f32;
            let r = if product > 0.0 && both > 0.0 { product * product / both } else { 0.0 };
            if last >= min && last > before && last >= r {
                return true;
            }
            (before, last) = (last, r);
            if start > 0 {
                // At the next lag one sample comes in at the front and one goes out at the back.
                shifted_energy += square(sound[start - 1]) - square(sound[start + WINDOW - 1]);
            }
        }
        false
    }

    /// The history through the high-pass, with the lowest bits dropped that would let a sum overflow. Filtered anew
    /// each time, since most blocks are never measured; the filter has settled before the window begins.
    fn without_rumble(&self) -> [i16; HISTORY] {
        let all_bits = self.history.iter().fold(0, |bits, s| bits | s.unsigned_abs());
        // The filter may double a sample: one bit more.
        let shift = (17 - all_bits.leading_zeros()).saturating_sub(SAMPLE_BITS);
        let mut last_in = i32::from(self.history[0]);
        let mut last_out = 0;
        self.history.map(|sample| {
            let input = i32::from(sample);
            last_out += input - last_in - (last_out >> HIGH_PASS_SHIFT);
            last_in = input;
            (last_out >> shift) as i16
        })
    }
}

impl Default for Periodicity {
    fn default() -> Periodicity {
        Periodicity::new()
    }
}

fn energy_at(sound: &[i16; HISTORY], lag: usize) -> i32 {
    let shifted = &sound[LAG_MAX - lag..][..WINDOW];
    dot(shifted, shifted)
}

/// In integers, because a sum of floats must be taken in order and so is not vectorised.
#[inline]
fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

fn square(sample: i16) -> i32 {
    i32::from(sample) * i32::from(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sample: impl FnMut(usize) -> f32) -> Periodicity {
        let sound: Vec<i16> = (0..1_600).map(sample).map(|s| s as i16).collect();
        let mut periodicity = Periodicity::new();
        for block in sound.as_chunks::<BLOCK_SAMPLES>().0 {
            periodicity.push(block);
        }
        periodicity
    }

    /// Pulses `period` samples apart that ring and decay, as a throat's do.
    fn throat(period: usize, n: usize) -> f32 {
        let t = (n % period) as f32;
        20_000.0 * (-t / 12.0).exp() * (t * 0.6).cos()
    }

    #[test]
    fn a_voice_of_any_pitch_is_periodic() {
        for period in [21, 27, 40, 55, 80, 99] {
            assert!(after(|n| throat(period, n)).reaches(0.95), "period {period}");
            assert!(after(|n| throat(period, n) / 1_000.0).reaches(0.75), "period {period}, soft");
        }
    }

    #[test]
    fn noise_and_rumble_are_not() {
        let mut state = 1u32;
        let noise = after(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 - 32_768.0
        });
        assert!(!noise.reaches(0.5));
        for hz in [15.0, 30.0, 50.0, 60.0] {
            let rumble = after(|n| 32_000.0 * (n as f32 * hz * std::f32::consts::TAU / 8_000.0).sin());
            assert!(!rumble.reaches(0.5), "{hz} Hz");
        }
    }

    #[test]
    fn silence_and_full_scale_are_no_trouble() {
        assert!(!after(|_| 0.0).reaches(0.01));
        let square = |half| after(move |n| if n / half % 2 == 0 { 32_767.0 } else { -32_768.0 });
        assert!(square(20).reaches(0.95));
        // Neither the filter nor a sum overflows, whatever the rhythm: a debug build would panic.
        for half in 1..200 {
            let _ = square(half).reaches(0.95);
        }
    }
}

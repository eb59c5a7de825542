//! Levels in dBFS: how loud a stretch of sound is, relative to a full-scale square wave.

/// Quieter than this is reported as this.
pub const FLOOR_DBFS: f64 = -96.0;

/// The root mean square of `samples`, linear, 0 to 32,768. Empty is silent.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "frames are short")]
pub fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    (sum / samples.len() as f64).sqrt()
}

/// A linear level as dBFS.
#[must_use]
pub fn dbfs(rms: f64) -> f64 {
    if rms <= 0.0 { FLOOR_DBFS } else { (20.0 * (rms / 32_768.0).log10()).max(FLOOR_DBFS) }
}

/// A level in dBFS as linear amplitude.
#[must_use]
pub fn linear(dbfs: f64) -> f64 {
    32_768.0 * 10_f64.powf(dbfs / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_is_zero_and_silence_is_the_floor() {
        assert!(dbfs(rms(&[i16::MIN; 80])).abs() < 1e-9);
        assert!((dbfs(rms(&[0; 80])) - FLOOR_DBFS).abs() < 1e-9);
        assert!((dbfs(linear(-65.0)) + 65.0).abs() < 1e-9);
    }
}

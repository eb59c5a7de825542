//! Words spoken by espeak-ng, where it is installed, at telephone quality.

use std::process::Command;

/// What a telephone carries, Hz.
const PASS_HZ: f64 = 3_500.0;
/// Half the length of the filter, in samples of 8,000 Hz.
const REACH: f64 = 16.0;
/// Longer texts are not spoken.
const MAX_CHARS: usize = 500;

/// The words as samples at 8,000 Hz.
///
/// # Errors
/// One line that says what to mend.
pub fn speak(words: &str) -> Result<Vec<i16>, String> {
    if words.trim().is_empty() || words.chars().count() > MAX_CHARS {
        return Err(format!("espeak: from 1 to {MAX_CHARS} characters of text"));
    }
    let run = Command::new("espeak-ng").args(["--stdout", "-s", "160", "--"]).arg(words).output();
    let wav = match run {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => return Err(format!("espeak-ng failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(e) => return Err(format!("espeak-ng: {e}; install it (apt install espeak-ng), or use voice:MS")),
    };
    let reader = hound::WavReader::new(wav.as_slice()).map_err(|e| format!("espeak-ng's sound: {e}"))?;
    let rate = f64::from(reader.spec().sample_rate);
    // It writes a length that it does not know yet; what is there counts.
    let samples: Vec<i16> = reader.into_samples::<i16>().map_while(Result::ok).collect();
    Ok(to_telephone(&samples, rate))
}

/// From `rate` (above 8,000 Hz) to 8,000 Hz, by a windowed sinc.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "minutes of samples, clamped")]
#[expect(clippy::cast_sign_loss, reason = "clamped at zero")]
fn to_telephone(samples: &[i16], rate: f64) -> Vec<i16> {
    let (step, reach) = (rate / 8_000.0, REACH * rate / 8_000.0);
    let cut = PASS_HZ / rate;
    let count = (samples.len() as f64 / step) as usize;
    let at = |n: usize| {
        let centre = n as f64 * step;
        let (from, to) = ((centre - reach).max(0.0) as usize, ((centre + reach) as usize).min(samples.len() - 1));
        let tap = |i: usize| {
            let x = i as f64 - centre;
            let angle = std::f64::consts::TAU * cut * x;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / reach).cos();
            f64::from(samples[i]) * sinc * window * 2.0 * cut
        };
        (from..=to).map(tap).sum::<f64>().round().clamp(-32_768.0, 32_767.0) as i16
    };
    (0..count).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::{dbfs, rms};

    fn tone(hz: f64) -> Vec<i16> {
        let sample = |n| (10_000.0 * (std::f64::consts::TAU * hz * f64::from(n) / 22_050.0).sin()) as i16;
        (0..22_050).map(sample).collect()
    }

    #[test]
    fn what_a_telephone_carries_stays_and_the_rest_does_not_fold_back() {
        let (low, high) = (to_telephone(&tone(1_000.0), 22_050.0), to_telephone(&tone(5_500.0), 22_050.0));
        assert_eq!(low.len(), 8_000);
        assert!((dbfs(rms(&low)) - dbfs(rms(&tone(1_000.0)))).abs() < 0.2);
        assert!(dbfs(rms(&high[100..7_900])) < dbfs(rms(&low)) - 50.0, "{}", dbfs(rms(&high)));
    }
}

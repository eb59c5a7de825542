//! Resampling: how late it is, how flat, and what it lets through that was never said.

use std::f64::consts::TAU;

use engine::audio::frame::FRAME_SAMPLES;
use engine::audio::resample::{AGENT_FRAME_SAMPLES_MAX, DELAY, Downsampler, Rate, Upsampler};
use proptest::prelude::*;

/// A tone at `peak` of full scale.
fn tone(hz: f64, rate_hz: u32, samples: usize, peak: f64) -> Vec<i16> {
    let sample = |n| (32_767.0 * peak * (TAU * hz * n as f64 / f64::from(rate_hz)).sin()).round() as i16;
    (0..samples).map(sample).collect()
}

fn up(rate: Rate, pcm: &[i16]) -> Vec<i16> {
    let (mut upsampler, mut out) = (Upsampler::new(rate), [0; AGENT_FRAME_SAMPLES_MAX]);
    let frames = pcm.as_chunks::<FRAME_SAMPLES>().0;
    let one = |frame| {
        let samples = upsampler.frame(frame, &mut out);
        out[..samples].to_vec()
    };
    frames.iter().flat_map(one).collect()
}

fn down(rate: Rate, pcm: &[i16]) -> Vec<i16> {
    let (mut downsampler, mut out) = (Downsampler::new(rate), [0; FRAME_SAMPLES]);
    let frames = pcm.chunks(rate.frame_samples());
    let one = |frame| {
        downsampler.frame(frame, &mut out);
        out
    };
    frames.flat_map(one).collect()
}

/// Amplitude of the component at `hz`, as a share of full scale, with 100 ms at either end left out. Goertzel's sum,
/// under a window whose side lobes are 92 dB down.
fn amplitude(pcm: &[i16], hz: f64, rate_hz: u32) -> f64 {
    let edge = rate_hz as usize / 10;
    let pcm = &pcm[edge..pcm.len() - edge];
    let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
    for (n, &sample) in pcm.iter().enumerate() {
        let turn = n as f64 / pcm.len() as f64;
        let window = [0.35875, -0.48829, 0.14128, -0.01168];
        let window: f64 = window.iter().enumerate().map(|(k, a)| a * (TAU * k as f64 * turn).cos()).sum();
        let angle = TAU * hz * n as f64 / f64::from(rate_hz);
        re += window * f64::from(sample) * angle.cos();
        im += window * f64::from(sample) * angle.sin();
        sum += window;
    }
    2.0 * re.hypot(im) / sum / 32_768.0
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-9).log10()
}

/// Where the loudest sample is.
fn peak_at(pcm: &[i16]) -> usize {
    (0..pcm.len()).max_by_key(|&n| pcm[n].unsigned_abs()).expect("samples")
}

#[test]
fn a_click_comes_out_ten_milliseconds_later_at_every_rate_and_either_way() {
    for rate in Rate::ALL {
        let times = (rate.hz() / 8_000) as usize;
        // In the middle of a frame, at its start and at its end.
        for at in [480, 480 + 80, 480 + 159] {
            let mut click = vec![0; FRAME_SAMPLES * 8];
            click[at] = 20_000;
            let delay = peak_at(&up(rate, &click)) - at * times;
            assert_eq!(delay, rate.hz() as usize / 100, "up to {rate:?}, click at {at}");
            let mut click = vec![0; rate.frame_samples() * 8];
            // A click of one sample has little in the telephone's band: one as long as a sample there.
            click[at * times..][..times].fill(20_000);
            let delay = peak_at(&down(rate, &click)).abs_diff(at + 80);
            assert!(delay <= 1, "down from {rate:?}, click at {at}: {delay} samples off");
        }
        let (up, down) = (Upsampler::new(rate), Downsampler::new(rate));
        assert_eq!((up.delay(), down.delay(), DELAY.as_millis()), (DELAY, DELAY, 10));
    }
}

#[test]
fn the_telephone_band_passes_unchanged() {
    let mut worst_db = 0.0f64;
    for rate in Rate::ALL {
        for hz in (300..=3_400).step_by(100).map(f64::from) {
            let out = amplitude(&up(rate, &tone(hz, 8_000, 8_000, 0.5)), hz, rate.hz());
            let back = amplitude(&down(rate, &tone(hz, rate.hz(), rate.hz() as usize, 0.5)), hz, 8_000);
            worst_db = worst_db.max(db(out / 0.5).abs()).max(db(back / 0.5).abs());
        }
    }
    eprintln!("300 to 3,400 Hz: within {worst_db:.3} dB");
    assert!(worst_db < 0.01, "{worst_db:.3} dB");
}

#[test]
fn going_down_nothing_above_the_band_comes_back_as_a_lower_tone() {
    let mut worst_db = -200.0f64;
    for rate in Rate::ALL {
        for hz in (4_010..i32::min(rate.hz() as i32 / 2, 12_000)).step_by(170).map(f64::from) {
            let out = down(rate, &tone(hz, rate.hz(), rate.hz() as usize, 0.5));
            let folded = (hz - 8_000.0 * (hz / 8_000.0).round()).abs();
            worst_db = worst_db.max(db(amplitude(&out, folded, 8_000) / 0.5));
        }
    }
    eprintln!("above 4,010 Hz: {worst_db:.1} dB at most");
    assert!(worst_db < -100.0, "{worst_db:.1} dB");
}

#[test]
fn going_up_there_is_no_image_of_the_sound_above_the_band() {
    let mut worst_db = -200.0f64;
    for rate in Rate::ALL {
        for hz in (300..=3_400).step_by(310).map(f64::from) {
            let out = up(rate, &tone(hz, 8_000, 8_000, 0.5));
            for image in [8_000.0 - hz, 8_000.0 + hz].into_iter().filter(|hz| *hz < f64::from(rate.hz()) / 2.0) {
                worst_db = worst_db.max(db(amplitude(&out, image, rate.hz()) / 0.5));
            }
        }
    }
    eprintln!("images: {worst_db:.1} dB at most");
    assert!(worst_db < -95.0, "{worst_db:.1} dB");
}

#[test]
fn there_and_back_is_the_same_sound_twenty_milliseconds_later() {
    for rate in Rate::ALL {
        // A chord within the band.
        let chord: Vec<i16> = [440.0, 1_234.0, 2_345.0, 3_210.0]
            .iter()
            .map(|&hz| tone(hz, 8_000, 8_000, 0.15))
            .reduce(|sum, tone| sum.iter().zip(tone).map(|(a, b)| a + b).collect())
            .expect("four tones");
        let back = down(rate, &up(rate, &chord));
        let error: f64 = back[800..].iter().zip(&chord[640..]).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let power: f64 = chord[640..7_840].iter().map(|a| f64::from(*a).powi(2)).sum();
        let noise_db = 10.0 * (error / power).log10();
        eprintln!("{rate:?}: {noise_db:.1} dB");
        assert!(noise_db < -90.0, "{rate:?}: {noise_db:.1} dB");
    }
}

#[test]
fn reset_forgets_what_was_heard() {
    for rate in Rate::ALL {
        let (mut upsampler, mut out) = (Upsampler::new(rate), [0; AGENT_FRAME_SAMPLES_MAX]);
        upsampler.frame(&[20_000; FRAME_SAMPLES], &mut out);
        upsampler.reset();
        upsampler.frame(&[0; FRAME_SAMPLES], &mut out);
        assert_eq!(out, [0; AGENT_FRAME_SAMPLES_MAX]);
        let (mut downsampler, mut out) = (Downsampler::new(rate), [0; FRAME_SAMPLES]);
        downsampler.frame(&vec![20_000; rate.frame_samples()], &mut out);
        downsampler.reset();
        downsampler.frame(&[], &mut out);
        assert_eq!(out, [0; FRAME_SAMPLES]);
    }
}

#[test]
fn the_last_of_an_utterance_may_be_short_and_an_empty_frame_brings_out_the_rest() {
    let pcm = tone(1_000.0, 16_000, 500, 0.5);
    let mut padded = pcm.clone();
    padded.resize(960, 0);
    // 500 samples: a full frame and one of 180; then nothing.
    let mut downsampler = Downsampler::new(Rate::Hz16000);
    let mut short = Vec::new();
    for frame in [&pcm[..320], &pcm[320..], &[]] {
        let mut out = [0; FRAME_SAMPLES];
        downsampler.frame(frame, &mut out);
        short.extend_from_slice(&out);
    }
    assert_eq!(short, down(Rate::Hz16000, &padded));
    assert!(short[320..].iter().any(|sample| sample.unsigned_abs() > 100), "the filter held 10 ms");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is fed, at full scale too: no panic, and overshoots are clipped rather than wrapped.
    #[test]
    fn any_sound_goes_through_and_never_turns_over(seed in any::<[i16; 32]>(), square in 1..80usize) {
        for rate in Rate::ALL {
            let noise: Vec<i16> = (0..800).map(|n| seed[n % 32].wrapping_mul(n as i16)).collect();
            prop_assert_eq!(down(rate, &up(rate, &noise)).len(), 800);
            let loud: Vec<i16> = (0..800).map(|n| if n / square % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
            prop_assert_eq!(up(rate, &loud).len(), rate.frame_samples() * 5);
        }
        let steady = up(Rate::Hz16000, &vec![i16::MAX; 1_600]);
        prop_assert!(steady[640..].iter().all(|sample| *sample > 32_000), "full scale stays full scale");
    }
}

//! Made speech on its way to the telephone: a WAV file becomes 8 kHz µ-law, as loud as the demo's own prompts.
//!
//! ```text
//! WAV ─► 8 kHz ─► telephone's band ─► silence off both ends ─► level, peaks ─► fades, a breath of silence ─► µ-law
//! ```
//! The rules are those of `agent/prompts/make.sh`. Runs where nobody waits for a call: it allocates and takes its time.

use bytes::Bytes;
use engine::audio::g711::encode_ulaw_into;
use engine::audio::level::{level_dbfs, peak};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

const RATE_HZ: usize = 8_000;
/// The longest speech that is taken.
pub const SECONDS_MAX: usize = 120;
/// What speech is levelled to, pauses left out.
const LEVEL_DBFS: f32 = -20.0;
/// Blocks below this are pauses, once the loudest sample is at full scale.
const PAUSE_DBFS: f32 = -40.0;
/// Sound at either end below this, of full scale, is silence.
const EDGE: f32 = 0.003;
/// Where the limiter begins to bend, and what no sample exceeds: -6 and -3 dBFS.
const KNEE: f32 = 0.5;
const CEILING: f32 = 0.707;
const BLOCK: usize = RATE_HZ / 100;
const FADE: usize = RATE_HZ / 50;
const BREATH: usize = RATE_HZ / 5;
const FULL_SCALE: f32 = 32_768.0;

/// Why a file is no speech that can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// It is no WAV file of 16-bit mono samples at a rate of 8 to 48 kHz.
    #[error("is no WAV file of 16-bit mono PCM at 8 to 48 kHz")]
    Format,
    /// Nothing is heard in it.
    #[error("is silent")]
    Silent,
    /// It lasts longer than [`SECONDS_MAX`].
    #[error("lasts longer than {SECONDS_MAX} s")]
    TooLong,
}

/// Makes µ-law at 8 kHz of a WAV file.
///
/// # Errors
/// See [`SoundError`].
pub fn from_wav(wav: &[u8]) -> Result<Bytes, SoundError> {
    let (rate_hz, pcm) = parse(wav).ok_or(SoundError::Format)?;
    if pcm.len() > SECONDS_MAX * rate_hz {
        return Err(SoundError::TooLong);
    }
    let mut sound = resample(rate_hz, &pcm).ok_or(SoundError::Format)?;
    highpass(&mut sound);
    let mut sound = trim(&sound).ok_or(SoundError::Silent)?.to_vec();
    level(&mut sound);
    fade(&mut sound);
    sound.resize(sound.len() + BREATH, 0.0);
    let pcm: Vec<i16> = sound.iter().map(|&sample| (sample * FULL_SCALE).round() as i16).collect();
    let mut ulaw = vec![0; pcm.len()];
    encode_ulaw_into(&pcm, &mut ulaw);
    Ok(ulaw.into())
}

/// Rate and samples. A length in the header that is larger than the file, as a program writes that does not yet know
/// it, means all there is.
fn parse(wav: &[u8]) -> Option<(usize, Vec<f32>)> {
    if wav.get(..4)? != b"RIFF" || wav.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut rate_hz) = (12, None);
    loop {
        let name = wav.get(at..at + 4)?;
        let length = u32::from_le_bytes(wav.get(at + 4..at + 8)?.try_into().ok()?) as usize;
        let body = &wav[at + 8..at + 8 + length.min(wav.len() - at - 8)];
        match name {
            b"fmt " => rate_hz = Some(format(body)?),
            b"data" => {
                let samples =
                    body.chunks_exact(2).map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / FULL_SCALE);
                return Some((rate_hz?, samples.collect()));
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
}

/// The rate of 16-bit mono PCM.
fn format(body: &[u8]) -> Option<usize> {
    let word = |at: usize| Some(u16::from_le_bytes(body.get(at..at + 2)?.try_into().ok()?));
    let rate_hz = u32::from_le_bytes(body.get(4..8)?.try_into().ok()?) as usize;
    let plain = word(0)? == 1 && word(2)? == 1 && word(14)? == 16;
    (plain && (RATE_HZ..=48_000).contains(&rate_hz)).then_some(rate_hz)
}

/// In blocks of 20 ms (or what the rate allows); the filter's delay is cut off with the silence at the start.
fn resample(rate_hz: usize, pcm: &[f32]) -> Option<Vec<f32>> {
    if rate_hz == RATE_HZ {
        return Some(pcm.to_vec());
    }
    let mut filter = Fft::<f32>::new(rate_hz, RATE_HZ, rate_hz / 50, 1, FixedSync::Both).ok()?;
    let (takes, gives) = (filter.input_frames_max(), filter.output_frames_max());
    let mut sound = Vec::with_capacity(pcm.len() * RATE_HZ / rate_hz + 2 * gives);
    let (mut input, mut output) = (vec![0.0; takes], vec![0.0; gives]);
    // One block of silence at the end brings out what the filter still holds.
    for block in pcm.chunks(takes).chain([&[][..]]) {
        input[..block.len()].copy_from_slice(block);
        input[block.len()..].fill(0.0);
        let from = InterleavedSlice::new(&input, 1, takes).ok()?;
        let mut to = InterleavedSlice::new_mut(&mut output, 1, gives).ok()?;
        filter.process_into_buffer(&from, &mut to, None).ok()?;
        sound.extend_from_slice(&output);
    }
    Some(sound)
}

/// Takes away what a telephone does not carry below 150 Hz: a Butterworth filter of the second order.
fn highpass(sound: &mut [f32]) {
    let w = std::f32::consts::TAU * 150.0 / RATE_HZ as f32;
    let alpha = w.sin() / std::f32::consts::SQRT_2;
    let (b, a0, a1, a2) = ((1.0 + w.cos()) / 2.0, 1.0 + alpha, -2.0 * w.cos(), 1.0 - alpha);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    for sample in sound {
        let x = *sample;
        let y = (b * (x - 2.0 * x1 + x2) - a1 * y1 - a2 * y2) / a0;
        (x2, x1, y2, y1) = (x1, x, y1, y);
        *sample = y;
    }
}

fn trim(sound: &[f32]) -> Option<&[f32]> {
    let heard = |sample: &f32| sample.abs() > EDGE;
    let start = sound.iter().position(heard)?;
    let end = sound.iter().rposition(heard)?;
    Some(&sound[start..=end])
}

/// Speech to its level; what then stands out is bent below the ceiling.
fn level(sound: &mut [f32]) {
    let pcm: Vec<i16> = sound.iter().map(|&sample| (sample * FULL_SCALE).round() as i16).collect();
    let full_dbfs = 20.0 * (f32::from(peak(&pcm).max(1)) / FULL_SCALE).log10();
    let spoken: Vec<i16> =
        pcm.chunks(BLOCK).filter(|block| level_dbfs(block) > PAUSE_DBFS + full_dbfs).flatten().copied().collect();
    let gain = 10_f32.powf((LEVEL_DBFS - level_dbfs(&spoken)) / 20.0);
    for sample in sound {
        let magnitude = (*sample * gain).abs();
        let room = CEILING - KNEE;
        let bent = if magnitude <= KNEE { magnitude } else { KNEE + room * ((magnitude - KNEE) / room).tanh() };
        *sample = bent.copysign(*sample);
    }
}

fn fade(sound: &mut [f32]) {
    let last = sound.len().saturating_sub(1);
    for at in 0..FADE.min(sound.len()) {
        let part = at as f32 / FADE as f32;
        sound[at] *= part;
        sound[last - at] *= part;
    }
}

#[cfg(test)]
mod tests {
    use engine::audio::g711::decode_ulaw_into;

    use super::*;

    /// A tone at 400 Hz of this peak between two silences of 100 ms, as a WAV file whose header claims `claimed` bytes.
    fn wav(rate_hz: usize, seconds: usize, peak: f32, claimed: Option<u32>) -> Vec<u8> {
        let silence = vec![0_i16; rate_hz / 10];
        let wave = |n: usize| (std::f32::consts::TAU * 400.0 * n as f32 / rate_hz as f32).sin() * peak * FULL_SCALE;
        let tone: Vec<i16> = (0..rate_hz * seconds).map(|n| wave(n) as i16).collect();
        let pcm: Vec<u8> = [&silence, &tone, &silence].into_iter().flatten().flat_map(|s| s.to_le_bytes()).collect();
        let length = claimed.unwrap_or(pcm.len() as u32).to_le_bytes();
        let rate = (rate_hz as u32).to_le_bytes();
        let format: &[u8] = b"\x10\0\0\0\x01\0\x01\0";
        [b"RIFF\0\0\0\0WAVEfmt ", format, &rate, b"\0\0\0\0\x02\0\x10\0", b"data", &length, &pcm].concat()
    }

    fn pcm(ulaw: &[u8]) -> Vec<i16> {
        let mut pcm = vec![0; ulaw.len()];
        decode_ulaw_into(ulaw, &mut pcm);
        pcm
    }

    #[test]
    fn quiet_and_loud_speech_come_out_alike_without_the_silence_around_it() {
        for (rate_hz, loudness) in [(22_050, 0.02), (22_050, 0.9), (16_000, 0.3), (8_000, 0.3)] {
            let ulaw = from_wav(&wav(rate_hz, 1, loudness, None)).unwrap();
            let ms = ulaw.len() / 8;
            assert!((1_180..=1_260).contains(&ms), "{ms} ms at {rate_hz} Hz");
            let pcm = pcm(&ulaw);
            let level = level_dbfs(&pcm[FADE..6_000]);
            assert!((level - LEVEL_DBFS).abs() < 0.7, "{level} dBFS at {rate_hz} Hz from {loudness}");
            assert!(pcm[pcm.len() - BREATH..].iter().all(|sample| sample.abs() < 16), "a breath at the end");
        }
    }

    #[test]
    fn what_stands_out_is_bent_below_minus_3_dbfs() {
        let mut sound = [[0.01; 4_000].as_slice(), &[0.9; 40], &[0.01; 4_000]].concat();
        level(&mut sound);
        assert!(sound.iter().all(|sample| sample.abs() <= CEILING));
    }

    #[test]
    fn a_header_that_claims_too_much_means_all_there_is() {
        let whole = from_wav(&wav(22_050, 1, 0.5, None)).unwrap();
        assert_eq!(from_wav(&wav(22_050, 1, 0.5, Some(0x7fff_f000))), Ok(whole));
    }

    #[test]
    fn what_is_no_speech_is_said_to_be_none() {
        assert_eq!(from_wav(b"not a sound"), Err(SoundError::Format));
        assert_eq!(from_wav(&wav(96_000, 1, 0.5, None)), Err(SoundError::Format));
        assert_eq!(from_wav(&wav(22_050, 1, 0.0, None)), Err(SoundError::Silent));
        assert_eq!(from_wav(&wav(8_000, SECONDS_MAX + 1, 0.5, None)), Err(SoundError::TooLong));
        for cut in [0, 4, 11, 13, 20, 30, 43, 44, 45] {
            let _ = from_wav(&wav(22_050, 1, 0.5, None)[..cut]);
        }
    }
}

//! Sounds that the caller is to hear, as µ-law at 8,000 Hz: decoded from what a URL answered, or made.

mod packed;

use std::sync::Arc;

use crate::audio::mulaw;
use packed::Packed;

/// µ-law at 8,000 Hz.
pub type Sound = Arc<[u8]>;

/// The largest file that is fetched: 16 MB.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
/// The longest sound that is played from one file: twenty minutes.
const MAX_SAMPLES: usize = 20 * 60 * 8_000;
const RATE_HZ: u32 = 8_000;

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// It can be heard.
    Sound(Sound),
    /// A type that Twilio plays and that is not decoded here; silence stands for it.
    Foreign(String),
}

/// Reads a file by its content type.
///
/// # Errors
/// Why Twilio would not play it, and what it would.
pub fn decode(content_type: Option<&str>, body: &[u8]) -> Result<Decoded, String> {
    let kind = content_type.unwrap_or_default().to_ascii_lowercase();
    match kind.as_str() {
        "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => wav(body).map(Decoded::Sound),
        "audio/basic" | "audio/ulaw" | "audio/x-mulaw" | "audio/pcmu" => Ok(Decoded::Sound(raw(body))),
        "audio/mpeg" | "audio/mp3" => packed(body, "mp3").map(Decoded::Sound),
        "audio/aiff" | "audio/x-aiff" | "audio/x-aifc" => packed(body, "aiff").map(Decoded::Sound),
        "audio/gsm" | "audio/x-gsm" => Ok(Decoded::Foreign(kind)),
        _ => {
            let shown = content_type.unwrap_or("(none)");
            Err(format!("content type {shown:?} is no sound; answer audio/wav, audio/mpeg or audio/basic"))
        }
    }
}

/// What a library reads: its packets one after the other, up to the first that is broken.
fn packed(body: &[u8], extension: &str) -> Result<Sound, String> {
    let Packed { mono, rate_hz } = packed::read(body, extension, MAX_SAMPLES / RATE_HZ as usize)?;
    Ok(to_8k(&mono, rate_hz))
}

/// `audio/basic` is raw µ-law, or the same behind an AU header.
fn raw(body: &[u8]) -> Sound {
    let header = if body.starts_with(b".snd") { number(body, 4, 4).unwrap_or_default().swap_bytes() } else { 0 };
    let rest = body.get(usize::try_from(header).unwrap_or(usize::MAX)..).unwrap_or_default();
    rest.iter().copied().take(MAX_SAMPLES).collect()
}

#[derive(Clone, Copy, Debug)]
struct Format {
    tag: u32,
    channels: usize,
    rate_hz: u32,
    bits: u32,
}

fn wav(body: &[u8]) -> Result<Sound, String> {
    if !(body.starts_with(b"RIFF") && body.get(8..12) == Some(b"WAVE")) {
        return Err("it says WAV and is none".into());
    }
    let mut format = None;
    let mut at = 12;
    while let (Some(name), Some(length)) = (body.get(at..at + 4), number(body, at + 4, 4)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let begins = at + 8;
        let ends = begins.saturating_add(length).min(body.len());
        let chunk = body.get(begins..ends).unwrap_or_default();
        match name {
            b"fmt " => format = read_format(chunk),
            b"data" => return format.ok_or_else(|| "the WAV has no format".to_owned()).and_then(|f| samples(f, chunk)),
            _ => {}
        }
        at = begins.saturating_add(length).saturating_add(length % 2);
    }
    Err("the WAV has no data".into())
}

fn read_format(chunk: &[u8]) -> Option<Format> {
    let channels = usize::try_from(number(chunk, 2, 2)?).ok()?;
    Some(Format { tag: number(chunk, 0, 2)?, channels, rate_hz: number(chunk, 4, 4)?, bits: number(chunk, 14, 2)? })
}

fn samples(format: Format, data: &[u8]) -> Result<Sound, String> {
    let Format { tag, channels, rate_hz, bits } = format;
    if !(1..=8).contains(&channels) || !(1_000..=192_000).contains(&rate_hz) {
        return Err(format!("{channels} channels at {rate_hz} Hz are not played"));
    }
    let one: fn(&[u8]) -> i32 = match (tag, bits) {
        (7, 8) => |b| i32::from(mulaw::decode(b[0])),
        (1 | 0xFFFE, 8) => |b| (i32::from(b[0]) - 128) * 256,
        (1 | 0xFFFE, 16) => |b| i32::from(i16::from_le_bytes([b[0], b[1]])),
        (1 | 0xFFFE, 24) => |b| i32::from(i16::from_le_bytes([b[1], b[2]])),
        _ => return Err(format!("WAV format {tag} with {bits} bits is not decoded; use 16-bit PCM or µ-law")),
    };
    let width = (bits / 8) as usize;
    let count = i32::try_from(channels).unwrap_or(1);
    let mono: Vec<i32> = data
        .chunks_exact(width * channels)
        .map(|frame| frame.chunks_exact(width).map(one).sum::<i32>() / count)
        .collect();
    Ok(to_8k(&mono, rate_hz))
}

/// Linear between samples: a telephone hears no difference, and nothing is judged by it.
#[expect(clippy::cast_possible_truncation, reason = "an average of 16-bit samples")]
fn to_8k(mono: &[i32], rate_hz: u32) -> Sound {
    let length = mono.len() as u64 * u64::from(RATE_HZ) / u64::from(rate_hz);
    (0..length.min(MAX_SAMPLES as u64))
        .map(|n| {
            let position = n * u64::from(rate_hz);
            let index = usize::try_from(position / u64::from(RATE_HZ)).unwrap_or(usize::MAX);
            let between = (position % u64::from(RATE_HZ)) as i64;
            let here = i64::from(mono.get(index).copied().unwrap_or_default());
            let next = mono.get(index + 1).map_or(here, |&sample| i64::from(sample));
            let sample = here + (next - here) * between / i64::from(RATE_HZ);
            mulaw::encode(sample.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16)
        })
        .collect()
}

/// A little-endian number of up to four bytes.
fn number(body: &[u8], at: usize, bytes: usize) -> Option<u32> {
    let bytes = body.get(at..at.checked_add(bytes)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

/// What `<Play digits>` sounds like: 100 ms a key and 100 ms between, half a second a `w`.
#[must_use]
pub fn keys(digits: &str) -> Sound {
    const ROWS: [&str; 4] = ["123", "456", "789", "*0#"];
    const LOW: [u32; 4] = [697, 770, 852, 941];
    const HIGH: [u32; 3] = [1_209, 1_336, 1_477];
    let mut sound = Vec::new();
    for digit in digits.chars() {
        let place = ROWS.iter().enumerate().find_map(|(row, keys)| keys.find(digit).map(|column| (row, column)));
        match place {
            Some((row, column)) => {
                sound.extend(tone(&[LOW[row], HIGH[column]], 800));
                sound.resize(sound.len() + 800, mulaw::SILENCE);
            }
            None => sound.resize(sound.len() + 4_000, mulaw::SILENCE),
        }
        if sound.len() > MAX_SAMPLES {
            break;
        }
    }
    sound.into()
}

/// The beep of `<Record>`: half a second at 1,000 Hz.
#[must_use]
pub fn beep() -> Sound {
    tone(&[1_000], 4_000).into()
}

/// What a caller hears who waits: eight seconds of broken chords, softly, to be played again and again.
#[must_use]
pub fn hold_music() -> Sound {
    // A minor, F, C, G.
    const CHORDS: [[u32; 4]; 4] =
        [[220, 262, 330, 440], [175, 220, 262, 349], [262, 330, 392, 523], [196, 247, 294, 392]];
    let soft = |byte: u8| mulaw::encode(mulaw::decode(byte) / 4);
    CHORDS.iter().flatten().flat_map(|&hz| tone(&[hz], 4_000)).map(soft).collect()
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a second of tone")]
fn tone(frequencies_hz: &[u32], samples: usize) -> Vec<u8> {
    let level = 8_000.0 / frequencies_hz.len() as f64;
    (0..samples)
        .map(|n| {
            let angle = |hz: u32| f64::from(hz) * n as f64 / f64::from(RATE_HZ) * std::f64::consts::TAU;
            mulaw::encode(frequencies_hz.iter().map(|&hz| level * angle(hz).sin()).sum::<f64>() as i16)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVELIST\x01\0\0\0x\0fmt \x10\0\0\0".to_vec();
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend([0; 6]);
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    fn heard(file: &[u8]) -> Vec<u8> {
        match decode(Some("audio/wav"), file) {
            Ok(Decoded::Sound(sound)) => sound.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn wavs_of_every_usual_kind_are_heard() {
        assert_eq!(heard(&file(7, 1, 8_000, 8, &[1, 2, 0xFF])), [1, 2, 0xFF]);
        let level = mulaw::encode(1_000);
        let pcm: Vec<u8> = 1_000_i16.to_le_bytes().repeat(48);
        assert_eq!(heard(&file(1, 1, 8_000, 16, &pcm)), vec![level; 48]);
        assert_eq!(heard(&file(1, 2, 48_000, 16, &pcm)), vec![level; 4], "24 frames at 48 kHz are 4 at 8 kHz");
        assert_eq!(heard(&file(1, 1, 16_000, 8, &[128; 8])), vec![mulaw::SILENCE; 4]);
        assert!(decode(Some("audio/wav"), &file(3, 1, 8_000, 32, &[0; 8])).unwrap_err().contains("16-bit PCM"));
        assert!(decode(Some("audio/wav"), b"ID3").unwrap_err().contains("is none"));
    }

    #[test]
    fn types_decide_what_is_played() {
        let sound = |kind| decode(Some(kind), b"abc");
        assert_eq!(sound("audio/basic"), Ok(Decoded::Sound(b"abc".to_vec().into())));
        assert_eq!(raw(b".snd\0\0\0\x08abc").to_vec(), b"abc");
        assert_eq!(sound("audio/gsm"), Ok(Decoded::Foreign("audio/gsm".into())));
        assert!(sound("audio/mpeg").unwrap_err().contains("it says mp3"));
        assert!(sound("text/html").unwrap_err().contains("audio/wav"));
        assert!(decode(None, b"abc").unwrap_err().contains("(none)"));
    }

    #[test]
    fn keys_are_two_tones_and_w_waits() {
        assert_eq!(keys("1w#").len(), 1_600 + 4_000 + 1_600);
        assert!(keys("w").iter().all(|&byte| byte == mulaw::SILENCE));
        assert!(keys("5")[..800].iter().any(|&byte| mulaw::decode(byte) > 5_000));
        assert_eq!(beep().len(), 4_000);
        assert_eq!(hold_music().len(), 64_000);
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..80) {
            let mut file = file(1, 1, 8_000, 16, &body);
            file.truncate(file.len().saturating_sub(cut));
            let _ = decode(Some("audio/wav"), &file);
            for kind in ["audio/basic", "audio/mpeg", "audio/aiff"] {
                let _ = decode(Some(kind), &body);
            }
        }
    }
}

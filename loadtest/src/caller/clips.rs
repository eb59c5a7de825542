//! Recorded human voices: the ones that are built in, and the user's own WAV files.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use super::{espeak, label, made};
use crate::time::Micros;

/// One utterance at 8,000 Hz.
#[derive(Debug, PartialEq, Eq)]
pub struct Clip {
    /// Such as `en/im-sorry`, or the path of the file.
    pub name: String,
    /// What is said, as far as known.
    pub text: String,
    /// Linear 16-bit samples.
    pub samples: Vec<i16>,
    /// From the first sample to the first of speech; what is no speech at all has its onset at its end.
    pub onset: Micros,
    /// From the first sample to behind the last of speech.
    pub offset: Micros,
}

/// Why a clip cannot be used.
#[derive(Debug, Error)]
pub enum BadClip {
    /// Neither built in nor a file.
    #[error("no clip {name:?}: built in are {}; made are {}; or give the path of a WAV file", names().join(", "), made::NAMES)]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read as WAV.
    #[error("{path}: {cause}")]
    Wav {
        /// The file.
        path: String,
        /// What the WAV reader said.
        cause: hound::Error,
    },
    /// The file is a WAV of another kind.
    #[error(
        "{path}: {rate_hz} Hz, {channels} channels, {bits} bits; needed are 8000 Hz, 1 channel, 16 bits: sox in.wav -r 8000 -c 1 -b 16 out.wav"
    )]
    Format {
        /// The file.
        path: String,
        /// Its samples per second.
        rate_hz: u32,
        /// Its channels.
        channels: u16,
        /// Its bits per sample.
        bits: u16,
    },
    /// The file is longer than a caller speaks at a time.
    #[error("{0}: longer than {MAX_SECONDS} s")]
    TooLong(String),
    /// The words cannot be spoken.
    #[error("{0}")]
    Espeak(String),
    /// Nothing in the file is loud enough to be speech.
    #[error("{0}: nothing above -45 dBFS in it, so it has no onset of speech")]
    Silent(String),
}

/// The longest clip that is read.
pub const MAX_SECONDS: u32 = 120;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    clip: Vec<Entry>,
}

/// One line of `clips.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Such as `en/im-sorry`.
    pub name: String,
    /// The WAV next to `clips.toml`.
    pub file: String,
    /// Two letters.
    pub language: String,
    /// Whose voice it is.
    pub speaker: String,
    /// What is said.
    pub text: String,
    /// First sample of speech, ms.
    pub onset_ms: u64,
    /// Behind the last sample of speech, ms.
    pub offset_ms: u64,
}

macro_rules! embed {
    ($($file:literal),* $(,)?) => {
        const FILES: &[(&str, &[u8])] = &[$(($file, include_bytes!(concat!("../../clips/", $file)))),*];
    };
}

embed![
    "en-im-sorry.wav",
    "en-one-moment-please.wav",
    "en-all-circuits-busy-now.wav",
    "en-agent-loggedoff.wav",
    "es-please-try-again.wav",
    "es-agent-loggedoff.wav",
    "fr-one-moment-please.wav",
    "fr-goodbye.wav",
    "it-one-moment-please.wav",
    "it-agent-loginok.wav",
    "ru-please-try-again.wav",
    "ru-activated.wav",
];

/// What is built in, as `clips.toml` describes it.
#[must_use]
pub fn catalogue() -> Vec<Entry> {
    // The file is part of the program, and a test reads it.
    toml::from_str::<Catalogue>(include_str!("../../clips/clips.toml")).map(|c| c.clip).unwrap_or_default()
}

/// The names of all built-in clips.
#[must_use]
pub fn names() -> Vec<String> {
    catalogue().into_iter().map(|entry| entry.name).collect()
}

/// A built-in clip by name, one that is made ([`made::NAMES`]), or a WAV file by path (relative to `folder`).
///
/// # Errors
/// [`BadClip`] says what to mend.
pub fn load(name: &str, folder: &Path) -> Result<Arc<Clip>, BadClip> {
    if let Some(entry) = catalogue().into_iter().find(|entry| entry.name == name) {
        return built_in(entry).map(Arc::new);
    }
    if let Some(made) = made::make(name) {
        let length = Micros::from_samples(made.samples.len() as u64);
        let onset = if made.speech { Micros::ZERO } else { length };
        let clip = Clip { name: name.to_owned(), text: String::new(), samples: made.samples, onset, offset: length };
        return Ok(Arc::new(clip));
    }
    if let Some(words) = name.strip_prefix("espeak:") {
        let samples = espeak::speak(words).map_err(BadClip::Espeak)?;
        return labelled(name, words, samples).map(Arc::new);
    }
    if !Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) {
        return Err(BadClip::Unknown { name: name.to_owned() });
    }
    let path = folder.join(name);
    let shown = path.display().to_string();
    let wav = |cause| BadClip::Wav { path: shown.clone(), cause };
    let file = std::fs::File::open(&path).map_err(|e| wav(hound::Error::IoError(e)))?;
    let samples = read(&shown, std::io::BufReader::new(file))?;
    labelled(name, "", samples).map(Arc::new)
}

fn labelled(name: &str, text: &str, samples: Vec<i16>) -> Result<Clip, BadClip> {
    let found = label::label(&samples).ok_or_else(|| BadClip::Silent(name.to_owned()))?;
    Ok(Clip { name: name.into(), text: text.into(), samples, onset: found.onset, offset: found.offset })
}

fn built_in(entry: Entry) -> Result<Clip, BadClip> {
    let unknown = || BadClip::Unknown { name: entry.name.clone() };
    let bytes = FILES.iter().find(|(file, _)| *file == entry.file).map(|(_, bytes)| *bytes).ok_or_else(unknown)?;
    let samples = read(&entry.file, bytes)?;
    let (onset, offset) = (Micros::from_ms(entry.onset_ms), Micros::from_ms(entry.offset_ms));
    Ok(Clip { name: entry.name, text: entry.text, samples, onset, offset })
}

/// The samples of a WAV that a telephone can carry.
///
/// # Errors
/// [`BadClip`] when it is no WAV, or one of another kind, or too long.
pub fn read(shown: &str, source: impl std::io::Read) -> Result<Vec<i16>, BadClip> {
    let wav = |cause| BadClip::Wav { path: shown.to_owned(), cause };
    let reader = hound::WavReader::new(source).map_err(wav)?;
    let spec = reader.spec();
    if (spec.sample_rate, spec.channels, spec.bits_per_sample) != (8_000, 1, 16) {
        let (rate_hz, channels, bits) = (spec.sample_rate, spec.channels, spec.bits_per_sample);
        return Err(BadClip::Format { path: shown.to_owned(), rate_hz, channels, bits });
    }
    if reader.len() > MAX_SECONDS * 8_000 {
        return Err(BadClip::TooLong(shown.to_owned()));
    }
    reader.into_samples::<i16>().collect::<Result<_, _>>().map_err(wav)
}

impl Clip {
    /// Whether anything in it is speech; a cough or a tone is none.
    #[must_use]
    pub fn is_speech(&self) -> bool {
        self.onset < self.offset
    }

    /// How long the whole recording lasts.
    #[must_use]
    pub fn length(&self) -> Micros {
        Micros::from_samples(self.samples.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_clip_is_labelled_as_the_method_says() {
        assert_eq!(catalogue().len(), FILES.len());
        for name in names() {
            let clip = load(&name, Path::new(".")).unwrap();
            let found = label::label(&clip.samples).unwrap();
            assert_eq!((clip.onset, clip.offset), (found.onset, found.offset), "{name}");
            assert!(clip.offset <= clip.length(), "{name}");
        }
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let said = load("en/nothing", Path::new(".")).unwrap_err().to_string();
        assert!(said.contains("en/im-sorry"), "{said}");
        assert!(load("/nowhere/x.wav", Path::new(".")).unwrap_err().to_string().contains("/nowhere/x.wav"));
    }
}

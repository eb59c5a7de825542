//! The voice: a profile's texts become sound ahead of the call that needs them, and are kept.
//!
//! ```text
//! text, language ─► kept in memory? ─► on the shelf (disk)? ─► espeak-ng, one at a time ─► shelf, memory
//! ```
//! *Full:* memory holds [`KEPT_BYTES_MAX`] of sound that somebody uses; a text more is not rendered, and the carrier's
//! voice says it instead. What nobody uses any more makes room. *Missing:* without espeak-ng nothing is rendered at all.

mod espeak;
mod shelf;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent::sound::{self, SoundError};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use espeak::Espeak;
use shelf::Shelf;

/// Of sound in memory: nine hours.
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Raised when the same text shall sound otherwise.
const EDITION: &str = "1";

/// Why a text has no sound.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VoiceError {
    /// There is no espeak-ng.
    #[error("espeak-ng is not installed")]
    NoVoice,
    /// Its child process failed.
    #[error("espeak-ng {0}")]
    Failed(String),
    /// What it wrote is no sound.
    #[error("what espeak-ng made {0}")]
    Sound(#[from] SoundError),
    /// Memory has all the sound that it may have.
    #[error("there is too much sound in memory already")]
    Full,
}

/// What names a sound on the shelf and in memory.
type Name = [u8; 32];

/// The voice. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Voice(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    espeak: Option<Espeak>,
    shelf: Shelf,
    kept: Mutex<Kept>,
    /// One text at a time: rendering takes a core, and calls need it more.
    turns: Semaphore,
}

#[derive(Debug, Default)]
struct Kept {
    sounds: HashMap<Name, Bytes>,
    bytes: usize,
}

impl Voice {
    /// Looks whether `program` is there and speaks; says so once if not. Sounds are kept below `data_dir`.
    pub(crate) async fn find(program: Option<&Path>, data_dir: &Path) -> Self {
        let espeak = match program {
            Some(program) => Espeak::find(program).await,
            None => None,
        };
        if espeak.is_none() {
            tracing::warn!(
                "no voice for profiles' texts: the carrier says greetings, and own answers of menus are not said; \
                 install espeak-ng, or name it in OFFHOOK_ESPEAK"
            );
        }
        Self::with(espeak, data_dir.join("voice"))
    }

    fn with(espeak: Option<Espeak>, dir: PathBuf) -> Self {
        let shelf = Shelf::new(dir);
        Self(Arc::new(Inner { espeak, shelf, kept: Mutex::default(), turns: Semaphore::new(1) }))
    }

    /// Whether texts can become sound here.
    pub(crate) fn speaks(&self) -> bool {
        self.0.espeak.is_some()
    }

    /// The sound of a text where memory has it. Never waits.
    pub(crate) fn kept(&self, text: &str, language: &str) -> Option<Bytes> {
        self.lock().sounds.get(&name(text, language)).cloned()
    }

    /// The sound of a text, made where it has to be.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn render(&self, text: &str, language: &str) -> Result<Bytes, VoiceError> {
        if let Some(sound) = self.kept(text, language) {
            return Ok(sound);
        }
        let espeak = self.0.espeak.as_ref().ok_or(VoiceError::NoVoice)?;
        // The semaphore is never closed; were it, two at a time would do no harm.
        let _turn = self.0.turns.acquire().await.ok();
        let name = name(text, language);
        if let Some(sound) = self.lock().sounds.get(&name).cloned() {
            return Ok(sound);
        }
        let sound = match self.on_shelf(name).await {
            Some(sound) => sound,
            None => self.make(espeak, name, text, language).await?,
        };
        self.lock().keep(name, sound)
    }

    async fn on_shelf(&self, name: Name) -> Option<Bytes> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || inner.shelf.take(&name)).await.ok().flatten()
    }

    async fn make(&self, espeak: &Espeak, name: Name, text: &str, language: &str) -> Result<Bytes, VoiceError> {
        let wav = espeak.speak(text, language).await?;
        let inner = Arc::clone(&self.0);
        let made = tokio::task::spawn_blocking(move || {
            let sound = sound::from_wav(&wav)?;
            if let Err(error) = inner.shelf.put(&name, &sound) {
                tracing::warn!(%error, "a rendered text could not be kept on disk; it is rendered again after a restart");
            }
            Ok(sound)
        });
        made.await.unwrap_or_else(|_| Err(VoiceError::Failed("made what could not be worked on".into())))
    }

    /// Whole whatever happened: entries are put in one by one.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, name: Name, sound: Bytes) -> Result<Bytes, VoiceError> {
        if self.bytes + sound.len() > KEPT_BYTES_MAX {
            self.sounds.retain(|_, sound| !sound.is_unique());
            self.bytes = self.sounds.values().map(Bytes::len).sum();
        }
        if self.bytes + sound.len() > KEPT_BYTES_MAX {
            return Err(VoiceError::Full);
        }
        self.bytes += sound.len();
        self.sounds.insert(name, sound.clone());
        Ok(sound)
    }
}

fn name(text: &str, language: &str) -> Name {
    Sha256::new()
        .chain_update(EDITION)
        .chain_update([0])
        .chain_update(language)
        .chain_update([0])
        .chain_update(text)
        .finalize()
        .into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A directory with a program of that text in it.
    struct Place(PathBuf);

    impl Place {
        fn new(test: &str, program: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("offhook-voice-{}-{test}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            let path = dir.join("espeak");
            std::fs::write(&path, format!("#!/bin/sh\n{program}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            Self(dir)
        }

        async fn voice(&self) -> Voice {
            Voice::find(Some(&self.0.join("espeak")), &self.0).await
        }

        fn runs(&self) -> usize {
            std::fs::read_to_string(self.0.join("runs")).map_or(0, |runs| runs.lines().count())
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// Says what every program must say that is asked for its version; then a WAV file of a second of noise.
    const SPEAKER: &str = r#"[ "$1" = --version ] && exit 0
cat > /dev/null
echo run >> "$(dirname "$0")/runs"
printf 'RIFF....WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000....\002\000\020\000data\000\000\377\177'
head -c 16000 /dev/zero | tr '\000' '\020'"#;

    #[tokio::test]
    async fn a_text_is_rendered_once_and_found_again_by_the_next_process() {
        let place = Place::new("once", SPEAKER);
        let voice = place.voice().await;
        assert!(voice.kept("Hello.", "en-US").is_none());
        let sound = voice.render("Hello.", "en-US").await.unwrap();
        assert_eq!(voice.render("Hello.", "en-US").await.unwrap(), sound);
        assert_eq!(voice.kept("Hello.", "en-US").unwrap(), sound);
        assert_eq!(place.voice().await.render("Hello.", "en-US").await.unwrap(), sound);
        assert_eq!(place.runs(), 1);
        voice.render("Hello.", "de").await.unwrap();
        assert_eq!(place.runs(), 2, "the language is part of the sound");
    }

    #[tokio::test]
    async fn a_voice_that_fails_says_why() {
        let place = Place::new("fails", "[ \"$1\" = --version ] && exit 0\necho no such voice >&2; exit 1");
        let error = place.voice().await.render("Hello.", "xx").await.unwrap_err().to_string();
        assert!(error.contains("no such voice"), "{error}");
    }

    #[tokio::test]
    async fn a_voice_that_never_stops_is_stopped() {
        let place = Place::new("endless", "[ \"$1\" = --version ] && exit 0\nexec yes");
        let error = place.voice().await.render("Hello.", "en").await.unwrap_err().to_string();
        assert!(error.contains("too much"), "{error}");
    }

    #[tokio::test]
    async fn without_a_voice_nothing_is_rendered() {
        let voice = Voice::find(Some(Path::new("/nonexistent/espeak")), &std::env::temp_dir()).await;
        assert!(!voice.speaks());
        assert!(matches!(voice.render("Hello.", "en").await, Err(VoiceError::NoVoice)));
    }
}

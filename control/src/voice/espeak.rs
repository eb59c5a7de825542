//! The child process that speaks: text in, a WAV file out, both bounded, and so is its time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use agent::sound::SECONDS_MAX;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::VoiceError;

/// Of a text; the API takes less.
const TEXT_CHARS_MAX: usize = 2_000;
/// Of what it writes: the longest sound that is taken, at its rate of 22,050 Hz, and as much more as a header needs.
const WAV_BYTES_MAX: u64 = (SECONDS_MAX * 22_050 * 2 + 4_096) as u64;
/// Of its complaints.
const WORDS_BYTES_MAX: u64 = 400;
const PATIENCE: Duration = Duration::from_secs(10);
/// Words per minute, as the demo's prompts are spoken.
const SPEED: &str = "160";

/// The program.
#[derive(Debug)]
pub(super) struct Espeak {
    program: PathBuf,
}

impl Espeak {
    /// The program, where it runs.
    pub(super) async fn find(program: &Path) -> Option<Self> {
        let mut version = Command::new(program);
        version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let status = tokio::time::timeout(PATIENCE, version.status()).await.ok()?.ok()?;
        status.success().then(|| Self { program: program.to_owned() })
    }

    /// Speaks a text into a WAV file. The process is gone when this returns, or is dropped.
    pub(super) async fn speak(&self, text: &str, language: &str) -> Result<Vec<u8>, VoiceError> {
        let failed = |error: std::io::Error| VoiceError::Failed(format!("did not run: {error}"));
        let mut child = Command::new(&self.program)
            .args(["-v", &voice(language), "-s", SPEED, "-b", "1", "--stdin", "--stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        match tokio::time::timeout(PATIENCE, converse(&mut child, plain(text))).await {
            Ok(wav) => wav,
            Err(_) => Err(VoiceError::Failed(format!("took longer than {} s", PATIENCE.as_secs()))),
        }
    }
}

async fn converse(child: &mut Child, text: String) -> Result<Vec<u8>, VoiceError> {
    let failed = |error: std::io::Error| VoiceError::Failed(format!("went away: {error}"));
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(VoiceError::Failed("has no pipes".into()));
    };
    let (mut words, mut stderr) = (Vec::new(), stderr.take(WORDS_BYTES_MAX));
    let give = async move {
        // Whoever does not read it to the end says so by its exit status.
        let _ = stdin.write_all(text.as_bytes()).await;
    };
    let take = async move {
        let mut wav = Vec::new();
        // Its end closes the pipe, which ends a program that would write for ever.
        stdout.take(WAV_BYTES_MAX + 1).read_to_end(&mut wav).await.map(|_| wav)
    };
    let ((), wav, _) = tokio::join!(give, take, stderr.read_to_end(&mut words));
    let wav = wav.map_err(failed)?;
    if wav.len() as u64 > WAV_BYTES_MAX {
        return Err(VoiceError::Failed("wrote too much: shorten the text".into()));
    }
    let status = child.wait().await.map_err(failed)?;
    if !status.success() {
        let words = String::from_utf8_lossy(&words);
        return Err(VoiceError::Failed(format!("ended with {status}: {}", words.trim().replace('\n', " "))));
    }
    Ok(wav)
}

/// The text without what a terminal or espeak-ng would take as an order.
fn plain(text: &str) -> String {
    let plain = text.chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c });
    plain.collect::<String>().replace("[[", "[ [")
}

/// What espeak-ng calls a language: small letters. Anything that is no language is spoken in English.
fn voice(language: &str) -> String {
    let is_language = language.starts_with(|c: char| c.is_ascii_alphabetic())
        && language.len() <= 35
        && language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_language { language.to_ascii_lowercase() } else { "en-us".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_never_an_option_or_a_path() {
        assert_eq!(voice("en-US"), "en-us");
        assert_eq!(voice("de"), "de");
        for odd in ["", "-w", "--phonout", "../../x", "en us", "de/../x"] {
            assert_eq!(voice(odd), "en-us", "{odd}");
        }
    }

    #[test]
    fn a_text_gives_no_orders() {
        assert_eq!(plain("Hi\u{1}5S\nthere [[h@]]"), "Hi 5S there [ [h@]]");
    }
}

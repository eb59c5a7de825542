//! Speaks what `<Say>` says, with espeak-ng where it is installed: the words are right, the voice is nobody's.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::twilio::executor::Answer;

/// Speakers at work at once, of all calls together; the others wait for them.
static AT_WORK: Semaphore = Semaphore::const_new(2);
/// How long one text may take; a `<Say>` of 4,096 letters takes about a second.
const PATIENCE: Duration = Duration::from_secs(10);
const PROGRAM: &str = "espeak-ng";

/// The words as a WAV; `None` where the program is not installed, so that silence stands for them.
///
/// # Errors
/// One line that says why there is no sound although there is a speaker.
pub async fn say(text: String, language: String) -> Result<Option<Answer>, String> {
    let Ok(_place) = AT_WORK.acquire().await else { return Ok(None) };
    match timeout(PATIENCE, speak(&text, &language)).await {
        Ok(spoken) => spoken,
        Err(_) => Err(format!("{PROGRAM} did not finish within {} s", PATIENCE.as_secs())),
    }
}

async fn speak(text: &str, language: &str) -> Result<Option<Answer>, String> {
    let wrong = |e: std::io::Error| format!("{PROGRAM}: {e}");
    let started = Command::new(PROGRAM)
        .args(["--stdout", "--stdin", "-v", &voice(language)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut speaker = match started {
        Ok(speaker) => speaker,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(wrong(e)),
    };
    // A text of at most 4,096 letters fits into the pipe; the program reads all of it before it speaks.
    if let Some(mut stdin) = speaker.stdin.take() {
        stdin.write_all(text.as_bytes()).await.map_err(wrong)?;
    }
    let output = speaker.wait_with_output().await.map_err(wrong)?;
    if !output.status.success() || output.stdout.is_empty() {
        return Err(format!("{PROGRAM} does not speak {language:?}"));
    }
    let content_type = Some("audio/wav".to_owned());
    Ok(Some(Answer { status: 200, content_type, location: None, body: output.stdout }))
}

/// `en-US` as espeak-ng writes it. Only letters and `-`, so that nothing else reaches its command line.
fn voice(language: &str) -> String {
    let name: String = language.chars().filter(|c| c.is_ascii_alphabetic() || *c == '-').collect();
    match name.to_ascii_lowercase().split_once('-') {
        Some(("en", region)) => format!("en-{region}"),
        Some((language, _)) if !language.is_empty() => language.to_owned(),
        None if !name.is_empty() => name.to_ascii_lowercase(),
        _ => "en-us".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_become_names_of_voices() {
        for (language, name) in [("en-US", "en-us"), ("de-DE", "de"), ("fr", "fr"), ("", "en-us"), ("--help", "en-us")]
        {
            assert_eq!(voice(language), name, "{language}");
        }
    }

    #[tokio::test]
    async fn words_become_sound_where_the_program_is_installed() {
        use crate::twilio::sound::{Decoded, decode};
        match say("One moment please.".into(), "en-US".into()).await {
            Ok(Some(answer)) => {
                let sound = decode(answer.content_type.as_deref(), &answer.body);
                let Ok(Decoded::Sound(sound)) = sound else { panic!("{sound:?}") };
                assert!((4_000..40_000).contains(&sound.len()), "{} samples", sound.len());
                assert!(sound.chunks(160).filter(|frame| crate::twilio::recording::is_loud(frame)).count() > 10);
            }
            Ok(None) => {}
            Err(why) => panic!("{why}"),
        }
        let nobody = say("x".into(), "xx".into()).await;
        assert!(matches!(nobody, Ok(None) | Err(_)), "no such language");
    }
}

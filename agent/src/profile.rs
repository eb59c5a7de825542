//! The profile: what a scripted agent says, as sound, and to whom it may transfer a caller.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::menu::{KeyAction, Menu, OwnAction, OwnKey};

/// Bytes of one second of G.711 at 8 kHz.
const BYTES_PER_SECOND: usize = 8_000;
/// The longest prompt. Nobody listens for longer, and a file of minutes is a mistake.
const PROMPT_SECONDS_MAX: usize = 60;

macro_rules! prompts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A prompt. The words of the demo's are in `agent/prompts/prompts.txt`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Prompt {
            $($(#[$doc])* $variant,)*
            /// One of the profile's own texts, by its place.
            Own(u8),
            /// What somebody wanted said on this one call.
            Told,
        }

        impl Prompt {
            /// Those of the demo.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name of its line in `prompts.txt` and, with `.ulaw`, of its file; `own` or `told` where it has none.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Own(_) => "own", Self::Told => "told" }
            }
        }

        /// The sound that the binary carries, in the order of [`Prompt::ALL`].
        const EMBEDDED: &[&[u8]] = &[$(include_bytes!(concat!("../prompts/", $name, ".ulaw")),)*];
    };
}

prompts! {
    /// Who speaks. First of a new call.
    Welcome = "welcome",
    /// That the caller may interrupt.
    About = "about",
    /// The keys, at length.
    Menu = "menu",
    /// The keys, for someone who has heard of them.
    MenuShort = "menu_short",
    /// First of a call that was connected again.
    Again = "again",
    /// After the first interruption.
    Ack = "ack",
    /// After further interruptions.
    AckShort = "ack_short",
    /// Before what was interrupted is said again.
    Resume = "resume",
    /// After the caller spoke to a silent agent.
    HeardYou = "heard_you",
    /// The same, when they do it again.
    PressKey = "press_key",
    /// Key 1.
    Hours = "hours",
    /// After an answer.
    AnythingElse = "anything_else",
    /// Key 3, when somebody can be reached.
    OneMoment = "one_moment",
    /// Key 3, when nobody can.
    NoOne = "no_one",
    /// Key 9.
    EchoIntro = "echo_intro",
    /// After the echo.
    EchoDone = "echo_done",
    /// Any other key.
    UnknownKey = "unknown_key",
    /// After a silence.
    StillThere = "still_there",
    /// Key 0, or after another silence.
    Goodbye = "goodbye",
}

/// What a scripted agent says and whom it may dial. Made once, shared by calls; a clone shares its sound.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Of the demo's prompts, in the order of [`Prompt::ALL`].
    stock: Arc<[Bytes]>,
    /// Of [`Prompt::Own`].
    own: Vec<Bytes>,
    /// First of a new call, before the menu.
    pub greeting: Vec<Prompt>,
    /// What the keys do.
    pub menu: Menu,
    /// Where [`KeyAction::Person`] leads (E.164); `None`: nobody is available.
    pub transfer: Option<String>,
    /// The call had a stream before: greet as someone who was cut off.
    pub resumed: bool,
    /// How long neither side says anything before the agent does. Default 8 s.
    pub silence: Duration,
    /// How long the echo test lasts. Default 10 s.
    pub echo: Duration,
}

impl Profile {
    /// The demo with the sound that the binary carries.
    #[must_use]
    pub fn demo() -> Self {
        Self::with_sounds(EMBEDDED.iter().copied().map(Bytes::from_static).collect())
    }

    /// The demo with the user's own sound: one `NAME.ulaw` for each [`Prompt`] in `dir`.
    ///
    /// # Errors
    /// The first file that is missing, empty, too long or not raw µ-law.
    pub fn from_dir(dir: &Path) -> Result<Self, PromptError> {
        let read = |prompt: &Prompt| read_prompt(&dir.join(format!("{}.ulaw", prompt.name())));
        Ok(Self::with_sounds(Prompt::ALL.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// The same, with somebody to transfer callers to (or nobody).
    #[must_use]
    pub fn with_transfer(self, number: Option<String>) -> Self {
        Self { transfer: number, ..self }
    }

    /// The same, with a greeting of its own; `None` where somebody else has said it when the stream begins.
    #[must_use]
    pub fn with_greeting(mut self, sound: Option<Bytes>) -> Self {
        self.greeting = sound.map(|sound| self.keep(sound)).into_iter().collect();
        self
    }

    /// The same, with a menu of its own. Where there is no sound for it at all, callers are asked to press a key.
    #[must_use]
    pub fn with_menu(mut self, keys: Vec<OwnKey>) -> Self {
        let (mut offers, mut actions) = (Vec::new(), Vec::new());
        for OwnKey { digit, offer, action } in keys {
            offers.extend(offer.map(|sound| self.keep(sound)));
            let action = match action {
                OwnAction::Say(Some(sound)) => KeyAction::Say(self.keep(sound)),
                OwnAction::Say(None) => continue,
                OwnAction::Transfer(number) => KeyAction::Transfer(number),
                OwnAction::Repeat => KeyAction::RepeatGreeting,
                OwnAction::Echo => KeyAction::Echo,
                OwnAction::Goodbye => KeyAction::Goodbye,
            };
            actions.push((digit, action));
        }
        if offers.is_empty() {
            offers.push(Prompt::PressKey);
        }
        self.menu = Menu { long: offers.clone(), short: offers, keys: actions };
        self
    }

    /// The same, for a call that had a stream before.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { resumed: true, ..self }
    }

    /// The sound of a prompt: µ-law at 8 kHz. Cheap: the bytes are shared. [`Prompt::Told`] belongs to a call, not to a
    /// profile, and is silent here.
    #[must_use]
    pub fn sound(&self, prompt: Prompt) -> Bytes {
        let sound = match prompt {
            Prompt::Own(place) => self.own.get(usize::from(place)),
            stock => Prompt::ALL.iter().position(|known| *known == stock).and_then(|place| self.stock.get(place)),
        };
        sound.cloned().unwrap_or_default()
    }

    /// Whether a prompt leads to the menu: who missed one is given the short menu.
    pub(crate) fn explains_keys(&self, prompt: Prompt) -> bool {
        let demo = matches!(prompt, Prompt::Welcome | Prompt::About | Prompt::Menu | Prompt::MenuShort | Prompt::Again);
        demo || self.greeting.contains(&prompt) || self.menu.long.contains(&prompt)
    }

    /// Whether a prompt is worth taking up again where it was interrupted.
    pub(crate) fn tells_something(&self, prompt: Prompt) -> bool {
        let answers = |action: &KeyAction| matches!(action, KeyAction::Say(answer) if *answer == prompt);
        matches!(prompt, Prompt::NoOne | Prompt::Told) || self.menu.keys.iter().any(|(_, action)| answers(action))
    }

    /// Takes in a sound of its own. A menu has at most 12 keys of two texts, so a byte counts them.
    fn keep(&mut self, sound: Bytes) -> Prompt {
        let place = u8::try_from(self.own.len()).unwrap_or(u8::MAX);
        self.own.push(sound);
        Prompt::Own(place)
    }

    fn with_sounds(stock: Arc<[Bytes]>) -> Self {
        Self {
            stock,
            own: Vec::new(),
            greeting: vec![Prompt::Welcome, Prompt::About],
            menu: Menu::demo(),
            transfer: None,
            resumed: false,
            silence: Duration::from_secs(8),
            echo: Duration::from_secs(10),
        }
    }
}

/// Why a prompt file cannot be used. Says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// It is not there, or not readable.
    #[error(
        "prompt {path}: {error}; every prompt needs its file: make it with agent/prompts/make.sh or copy it from agent/prompts"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// It holds no sound.
    #[error("prompt {path} is empty; it must hold raw 8 kHz µ-law, one byte per sample")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is a sound file of another kind.
    #[error(
        "prompt {path} is {format}, and its header would be heard as noise; make it raw µ-law: \
         sox FILE -r 8000 -c 1 -e mu-law -t raw {name}"
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// Its name, for the command.
        name: String,
        /// What its first bytes say.
        format: &'static str,
    },
    /// It is longer than a prompt may be.
    #[error(
        "prompt {path} lasts {seconds} s at 8 kHz µ-law; at most {PROMPT_SECONDS_MAX} s: shorten it, or check its format"
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How long it sounds.
        seconds: u64,
    },
}

/// Reads no more of a file than a prompt may have, whatever is there.
fn read_prompt(path: &Path) -> Result<Bytes, PromptError> {
    let unreadable = |error| PromptError::Unreadable { path: path.to_owned(), error };
    let bytes_max = PROMPT_SECONDS_MAX * BYTES_PER_SECOND;
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > bytes_max as u64 {
        let seconds = length.div_ceil(BYTES_PER_SECOND as u64);
        return Err(PromptError::TooLong { path: path.to_owned(), seconds });
    }
    let sound = std::fs::read(path).map_err(unreadable)?;
    if let Some(format) = foreign_format(&sound) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(PromptError::Header { path: path.to_owned(), name, format });
    }
    if sound.is_empty() {
        return Err(PromptError::Empty { path: path.to_owned() });
    }
    Ok(Bytes::from(sound))
}

/// What kind of sound file begins with these bytes; `None`: none that we know, so it may be raw µ-law.
fn foreign_format(sound: &[u8]) -> Option<&'static str> {
    const FORMATS: [(&[u8], &str); 5] = [
        (b"RIFF", "a WAV file"),
        (b".snd", "an AU file"),
        (b"ID3", "an MP3 file"),
        (b"OggS", "an Ogg file"),
        (b"fLaC", "a FLAC file"),
    ];
    FORMATS.iter().find(|(magic, _)| sound.starts_with(magic)).map(|(_, format)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of good prompts of our own to spoil; removed when dropped.
    struct Dir(PathBuf);

    impl Dir {
        fn new(test: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("offhook-prompts-{}-{test}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            let dir = Self(dir);
            for prompt in Prompt::ALL {
                dir.write(prompt.name(), &[0xff; 161]);
            }
            dir
        }

        fn write(&self, name: &str, sound: &[u8]) {
            std::fs::write(self.0.join(format!("{name}.ulaw")), sound).unwrap();
        }

        fn error(&self) -> String {
            Profile::from_dir(&self.0).unwrap_err().to_string()
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_line_of_the_text_is_a_prompt_and_every_prompt_has_its_line() {
        let text = include_str!("../prompts/prompts.txt");
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let names: Vec<_> = lines.map(|line| line.split_once('|').unwrap().0).collect();
        let prompts: Vec<_> = Prompt::ALL.iter().map(|prompt| prompt.name()).collect();
        assert_eq!(names, prompts);
    }

    #[test]
    fn the_users_own_sound_of_any_length_replaces_ours() {
        let dir = Dir::new("own");
        dir.write("goodbye", &[0x55; 1_234]);
        let profile = Profile::from_dir(&dir.0).unwrap();
        assert_eq!(profile.sound(Prompt::Goodbye), vec![0x55; 1_234]);
        assert_eq!(profile.sound(Prompt::Welcome), vec![0xff; 161]);
    }

    #[test]
    fn a_missing_file_is_named_with_its_cure() {
        let dir = Dir::new("missing");
        std::fs::remove_file(dir.0.join("hours.ulaw")).unwrap();
        let error = dir.error();
        assert!(error.contains("hours.ulaw") && error.contains("make.sh"), "{error}");
    }

    #[test]
    fn a_sound_file_with_a_header_is_refused_with_the_command_that_converts_it() {
        let dir = Dir::new("header");
        dir.write("ack", b"RIFF....WAVEfmt ");
        let error = dir.error();
        assert!(error.contains("a WAV file") && error.contains("-t raw ack.ulaw"), "{error}");
    }

    #[test]
    fn an_empty_file_and_one_that_is_too_long_are_refused() {
        let dir = Dir::new("length");
        dir.write("menu", &[]);
        assert!(dir.error().contains("menu.ulaw is empty"));
        dir.write("menu", &vec![0xff; PROMPT_SECONDS_MAX * BYTES_PER_SECOND]);
        assert!(Profile::from_dir(&dir.0).is_ok());
        dir.write("menu", &vec![0xff; PROMPT_SECONDS_MAX * BYTES_PER_SECOND + 1]);
        let error = dir.error();
        assert!(error.contains("lasts 61 s") && error.contains("at most 60 s"), "{error}");
    }
}

//! The steps of a script as they stand in TOML, checked and made into plain values.

use serde::Deserialize;
use thiserror::Error;

use crate::time::Micros;

/// One thing that the caller does or expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waits until the bot is audible, or has been silent for a pause.
    Wait {
        /// Audible, rather than silent.
        audible: bool,
        /// At most so long.
        within: Micros,
    },
    /// Says one of these clips (the seed chooses) and waits until it is over.
    Say(Vec<String>),
    /// Says one of these clips while the bot speaks, and expects `clear`.
    Interrupt {
        /// The seed chooses one.
        clips: Vec<String>,
        /// So long after the bot became audible.
        after: Micros,
        /// `clear` must come so soon after the onset of speech.
        within: Micros,
    },
    /// Says one of these clips over the bot and expects nothing: a backchannel, or double talk.
    TalkOver {
        /// The seed chooses one each time.
        clips: Vec<String>,
        /// So long after the bot became audible.
        after: Micros,
        /// From one beginning to the next, at least.
        every: Micros,
        /// So often.
        times: u32,
    },
    /// Presses keys, 250 ms apart.
    Digits(String),
    /// Says nothing for so long.
    Silence(Micros),
    /// Keeps the bot talking by pressing a key whenever it falls silent.
    KeepTalking {
        /// The key.
        digit: char,
        /// For so long.
        lasts: Micros,
    },
    /// Hangs up.
    HangUp,
    /// Something must happen within so long; or may, and then it is only looked for.
    Expect {
        /// What.
        what: Expect,
        /// How soon.
        within: Micros,
        /// Whether the call is good without it, and goes on.
        optional: bool,
    },
}

/// What a caller can expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The server empties the playback buffer.
    Clear,
    /// The bot is audible.
    BotSpeaks,
    /// The bot is inaudible.
    BotSilent,
    /// The TwiML dials this number, or any.
    Transfer(Option<String>),
    /// The server ends the call.
    CallEnds,
    /// What was last said comes back.
    HearsSelf,
    /// The server leaves the playback buffer alone all that time.
    NoClear,
    /// A mark of the server's comes back, played or cleared.
    Mark,
    /// The bot is heard again after the last `clear`, from which the time counts; without one, it speaks.
    BotResumes,
}

/// What is wrong with a step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadStep {
    /// None or several of the actions are there.
    #[error(
        "needs exactly one of wait, say, interrupt, talk_over, digits, silence_ms, keep_talking, hang_up, expect; it has {0}"
    )]
    Actions(usize),
    /// A word that is not known.
    #[error("{key} = {word:?} is unknown; use one of {allowed}")]
    Word {
        /// Where it stands.
        key: &'static str,
        /// What stands there.
        word: String,
        /// What may.
        allowed: &'static str,
    },
    /// A key that this action does not have.
    #[error("{0} does not belong to this action")]
    Extra(&'static str),
    /// A key that is no touch-tone key.
    #[error("digits {0:?}: only 0-9, * and #, at least one")]
    Digits(String),
    /// Never, or without an end.
    #[error("talk_over times = {0}: from 1 to {MAX_TIMES}")]
    Times(u32),
    /// An empty list of clips.
    #[error("needs at least one clip")]
    NoClip,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Clips {
    One(String),
    Several(Vec<String>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInterrupt {
    clip: Clips,
    #[serde(default = "default_after_ms")]
    after_ms: u64,
    #[serde(default = "default_clear_ms")]
    within_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTalkOver {
    clip: Clips,
    #[serde(default = "default_after_ms")]
    after_ms: u64,
    #[serde(default)]
    every_ms: u64,
    #[serde(default = "once")]
    times: u32,
}

/// So often a step talks over the bot at most.
const MAX_TIMES: u32 = 1_000;

const fn once() -> u32 {
    1
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeepTalking {
    digit: char,
    for_ms: u64,
}

/// A step as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawStep {
    wait: Option<String>,
    say: Option<Clips>,
    interrupt: Option<RawInterrupt>,
    talk_over: Option<RawTalkOver>,
    digits: Option<String>,
    silence_ms: Option<u64>,
    keep_talking: Option<RawKeepTalking>,
    hang_up: Option<bool>,
    expect: Option<String>,
    within_ms: Option<u64>,
    to: Option<String>,
    optional: bool,
}

const fn default_after_ms() -> u64 {
    1_000
}

const fn default_clear_ms() -> u64 {
    500
}

const DEFAULT_WITHIN_MS: u64 = 10_000;

impl RawStep {
    /// The step that is meant.
    ///
    /// # Errors
    /// [`BadStep`] says what to mend.
    pub fn check(self) -> Result<Step, BadStep> {
        let actions = [
            self.wait.is_some(),
            self.say.is_some(),
            self.interrupt.is_some(),
            self.talk_over.is_some(),
            self.digits.is_some(),
            self.silence_ms.is_some(),
            self.keep_talking.is_some(),
            self.hang_up.is_some(),
            self.expect.is_some(),
        ];
        let count = actions.iter().filter(|&&there| there).count();
        if count != 1 {
            return Err(BadStep::Actions(count));
        }
        if self.within_ms.is_some() && self.wait.is_none() && self.expect.is_none() {
            return Err(BadStep::Extra("within_ms"));
        }
        if self.to.is_some() && self.expect.as_deref() != Some("transfer") {
            return Err(BadStep::Extra("to"));
        }
        if self.optional && self.expect.is_none() {
            return Err(BadStep::Extra("optional"));
        }
        let within = Micros::from_ms(self.within_ms.unwrap_or(DEFAULT_WITHIN_MS));
        if let Some(word) = self.wait {
            return wait(word, within);
        }
        if let Some(word) = self.expect {
            return expect(word, self.to).map(|what| Step::Expect { what, within, optional: self.optional });
        }
        if let Some(clips) = self.say {
            return clips.check().map(Step::Say);
        }
        if let Some(raw) = self.interrupt {
            let (after, within) = (Micros::from_ms(raw.after_ms), Micros::from_ms(raw.within_ms));
            return raw.clip.check().map(|clips| Step::Interrupt { clips, after, within });
        }
        if let Some(raw) = self.talk_over {
            if !(1..=MAX_TIMES).contains(&raw.times) {
                return Err(BadStep::Times(raw.times));
            }
            let (after, every) = (Micros::from_ms(raw.after_ms), Micros::from_ms(raw.every_ms));
            return raw.clip.check().map(|clips| Step::TalkOver { clips, after, every, times: raw.times });
        }
        if let Some(digits) = self.digits {
            let good = !digits.is_empty() && digits.chars().all(is_key);
            return if good { Ok(Step::Digits(digits)) } else { Err(BadStep::Digits(digits)) };
        }
        if let Some(raw) = self.keep_talking {
            let lasts = Micros::from_ms(raw.for_ms);
            let good = is_key(raw.digit);
            return good
                .then_some(Step::KeepTalking { digit: raw.digit, lasts })
                .ok_or_else(|| BadStep::Digits(raw.digit.to_string()));
        }
        Ok(self.silence_ms.map_or(Step::HangUp, |ms| Step::Silence(Micros::from_ms(ms))))
    }
}

impl Clips {
    fn check(self) -> Result<Vec<String>, BadStep> {
        match self {
            Self::One(clip) => Ok(vec![clip]),
            Self::Several(clips) if !clips.is_empty() => Ok(clips),
            Self::Several(_) => Err(BadStep::NoClip),
        }
    }
}

impl Step {
    /// The clips that this step may say.
    #[must_use]
    pub fn clips(&self) -> &[String] {
        match self {
            Self::Say(clips) | Self::Interrupt { clips, .. } | Self::TalkOver { clips, .. } => clips,
            _ => &[],
        }
    }

    /// In words, for the timeline.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Wait { audible: true, .. } => "wait for the bot to speak".into(),
            Self::Wait { audible: false, .. } => "wait for the bot to stop".into(),
            Self::Say(_) => "say something".into(),
            Self::Interrupt { .. } => "clear after interrupting".into(),
            Self::TalkOver { .. } => "talk over the bot".into(),
            Self::Digits(digits) => format!("press {digits}"),
            Self::Silence(ms) => format!("stay silent for {ms}"),
            Self::KeepTalking { .. } => "keep the bot talking".into(),
            Self::HangUp => "hang up".into(),
            Self::Expect { what, .. } => match what {
                Expect::Clear => "clear".into(),
                Expect::BotSpeaks => "the bot speaks".into(),
                Expect::BotSilent => "the bot is silent".into(),
                Expect::Transfer(None) => "a transfer".into(),
                Expect::Transfer(Some(to)) => format!("a transfer to {to}"),
                Expect::CallEnds => "the server ends the call".into(),
                Expect::HearsSelf => "the caller hears himself".into(),
                Expect::NoClear => "no clear".into(),
                Expect::Mark => "a mark".into(),
                Expect::BotResumes => "the bot goes on".into(),
            },
        }
    }
}

fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#')
}

fn wait(word: String, within: Micros) -> Result<Step, BadStep> {
    match word.as_str() {
        "bot_starts" => Ok(Step::Wait { audible: true, within }),
        "bot_stops" => Ok(Step::Wait { audible: false, within }),
        _ => Err(BadStep::Word { key: "wait", word, allowed: "bot_starts, bot_stops" }),
    }
}

fn expect(word: String, to: Option<String>) -> Result<Expect, BadStep> {
    Ok(match word.as_str() {
        "clear" => Expect::Clear,
        "bot_speaks" => Expect::BotSpeaks,
        "bot_silent" => Expect::BotSilent,
        "transfer" => Expect::Transfer(to),
        "call_ends" => Expect::CallEnds,
        "hears_self" => Expect::HearsSelf,
        "no_clear" => Expect::NoClear,
        "mark" => Expect::Mark,
        "bot_resumes" => Expect::BotResumes,
        _ => {
            let allowed = "clear, no_clear, mark, bot_speaks, bot_silent, bot_resumes, transfer, call_ends, hears_self";
            return Err(BadStep::Word { key: "expect", word, allowed });
        }
    })
}

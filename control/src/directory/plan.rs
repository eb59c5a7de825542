//! A call plan: a profile made ready to answer, its texts as sound.

use std::sync::Arc;
use std::time::Duration;

use agent::menu::{OwnAction, OwnKey};
use bytes::Bytes;
use engine::turn::TurnParams;

use super::Text;
use crate::model::{MenuAction, NewProfile, Profile, ProfileId};
use crate::voice::Voice;

/// How much the carrier's voice says before a stream.
const PREFACE_CHARS_MAX: usize = 3_000;
/// Until the caller is asked again: what a profile's `silence_s` may be.
const SILENCE_S: std::ops::RangeInclusive<u64> = 2..=60;

/// What the carrier's voice says before the stream, where ours cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preface {
    /// The words.
    pub(crate) text: String,
    /// BCP 47.
    pub(crate) language: String,
}

/// A profile, ready to answer.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Which; `None` is the built-in demo.
    pub(crate) id: Option<ProfileId>,
    /// Of the profile; and whether every text had its sound.
    version: i64,
    whole: bool,
    /// What the agent says and does.
    pub(crate) agent: Arc<agent::Profile>,
    /// How turns are taken.
    pub(crate) turn: TurnParams,
    /// BCP 47: the voice that speaks its texts.
    pub(crate) language: String,
    /// Said by the carrier first.
    pub(crate) preface: Option<Preface>,
    /// Whom a call may be connected to; the first is who talks to callers that ask for a person.
    people: Vec<String>,
}

impl Plan {
    /// The built-in demo, with the one person that the operator allows.
    pub(crate) fn demo(agent: agent::Profile, person: Option<String>) -> Self {
        Self {
            id: None,
            version: 0,
            whole: true,
            agent: Arc::new(agent.with_transfer(person.clone())),
            turn: TurnParams::default(),
            language: "en-US".into(),
            preface: None,
            people: person.into_iter().collect(),
        }
    }

    /// Makes a profile ready with the sounds that the voice has kept; gives the texts that have none yet.
    pub(super) fn compile(profile: &Profile, demo: &Self, voice: &Voice) -> (Self, Vec<Text>) {
        let content = &profile.content;
        let mut sounds = Sounds { content, voice, missing: Vec::new() };
        let people: Vec<String> = content.emergency.contact.iter().chain(&content.transfer_allow).cloned().collect();
        let mut agent = demo.agent.as_ref().clone().with_transfer(people.first().cloned());
        let mut unsaid = Vec::new();
        if let Some(greeting) = &content.greeting {
            let sound = sounds.of(greeting);
            unsaid.extend(sound.is_none().then_some(greeting.as_str()));
            agent = agent.with_greeting(sound);
        }
        if !content.menu.is_empty() {
            let (keys, offers) = sounds.menu();
            agent = agent.with_menu(keys);
            unsaid.extend(offers);
        }
        if let Some(seconds) = content.agent_settings.get("silence_s").and_then(serde_json::Value::as_u64) {
            agent.silence = Duration::from_secs(seconds.clamp(*SILENCE_S.start(), *SILENCE_S.end()));
        }
        let missing = sounds.missing;
        let plan = Self {
            id: Some(profile.id),
            version: profile.version,
            whole: missing.is_empty(),
            agent: Arc::new(agent),
            turn: content.turn_taking,
            language: content.language.clone(),
            preface: preface(&unsaid, &content.language),
            people,
        };
        (plan, missing)
    }

    /// Whether it is this profile, unchanged, and nothing could be added to it.
    pub(super) fn is_of(&self, profile: &Profile) -> bool {
        self.whole && self.id == Some(profile.id) && self.version == profile.version
    }

    /// Whether a call may be connected to this number. Whatever else is asked for is toll fraud or a mistake.
    pub(crate) fn may_dial(&self, number: &str) -> bool {
        self.people.iter().any(|person| person == number)
    }

    /// Who talks to callers that ask for a person.
    pub(crate) fn person(&self) -> Option<&str> {
        self.people.first().map(String::as_str)
    }

    /// How its own texts are said, for the log.
    pub(crate) fn voice(&self) -> &'static str {
        match (self.id, self.whole) {
            (None, _) => "recorded",
            (Some(_), true) => "rendered",
            (Some(_), false) => "carrier",
        }
    }
}

fn preface(unsaid: &[&str], language: &str) -> Option<Preface> {
    let text: String = unsaid.join(" ").chars().take(PREFACE_CHARS_MAX).map(sayable).collect();
    (!text.trim().is_empty()).then(|| Preface { text, language: language.to_owned() })
}

/// XML has no way to write most control characters.
fn sayable(c: char) -> char {
    if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }
}

/// The sounds of a profile's texts, and the texts that have none.
struct Sounds<'a> {
    content: &'a NewProfile,
    voice: &'a Voice,
    missing: Vec<Text>,
}

impl<'a> Sounds<'a> {
    fn of(&mut self, text: &str) -> Option<Bytes> {
        let language = &self.content.language;
        let sound = self.voice.kept(text, language);
        if sound.is_none() {
            self.missing.push(Text { text: text.to_owned(), language: language.clone() });
        }
        sound
    }

    /// The keys; and what is said of them, all of it, where any of it has no sound: half a menu is none.
    fn menu(&mut self) -> (Vec<OwnKey>, Vec<&'a str>) {
        let content = self.content;
        let mut keys: Vec<OwnKey> = Vec::with_capacity(content.menu.len());
        for key in &content.menu {
            let action = match &key.action {
                MenuAction::Say { text } => OwnAction::Say(self.of(text)),
                MenuAction::Transfer { to } => OwnAction::Transfer(to.clone()),
                MenuAction::Repeat => OwnAction::Repeat,
                MenuAction::Echo => OwnAction::Echo,
                MenuAction::Goodbye => OwnAction::Goodbye,
            };
            let offer = if key.prompt.trim().is_empty() { None } else { Some(self.of(&key.prompt)) };
            keys.push(OwnKey { digit: key.digit, offer: offer.flatten(), action });
        }
        let said = || content.menu.iter().map(|key| key.prompt.as_str()).filter(|prompt| !prompt.trim().is_empty());
        if said().all(|prompt| self.voice.kept(prompt, &content.language).is_some()) {
            return (keys, Vec::new());
        }
        keys.iter_mut().for_each(|key| key.offer = None);
        (keys, said().collect())
    }
}

//! The touch-tone menu of a scripted agent: what is said of the keys, and what each of them does.

use bytes::Bytes;

use crate::profile::Prompt;

/// A menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The keys, at length.
    pub long: Vec<Prompt>,
    /// The keys, for someone who has heard of them.
    pub short: Vec<Prompt>,
    /// What they do. Any other key is answered with [`Prompt::UnknownKey`].
    pub keys: Vec<(char, KeyAction)>,
}

/// What a key does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAction {
    /// Says this and asks whether there is anything else.
    Say(Prompt),
    /// Connects the caller with the profile's one person, or says that nobody is there.
    Person,
    /// Connects the caller to this number (E.164, checked by whoever dials).
    Transfer(String),
    /// Says the last answer again; the menu where there was none.
    RepeatAnswer,
    /// Says the greeting and the menu again.
    RepeatGreeting,
    /// The echo test.
    Echo,
    /// Says goodbye and ends the call.
    Goodbye,
}

/// A key of somebody's own menu, with sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// Which.
    pub digit: char,
    /// What is said of it when the menu is offered; `None` where there is no sound for it.
    pub offer: Option<Bytes>,
    /// What it does.
    pub action: OwnAction,
}

/// What a key of somebody's own menu does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnAction {
    /// Says this; `None` where there is no sound for it: the key then does nothing.
    Say(Option<Bytes>),
    /// As [`KeyAction::Transfer`].
    Transfer(String),
    /// As [`KeyAction::RepeatGreeting`].
    Repeat,
    /// As [`KeyAction::Echo`].
    Echo,
    /// As [`KeyAction::Goodbye`].
    Goodbye,
}

impl Menu {
    /// The demo's.
    #[must_use]
    pub fn demo() -> Self {
        let keys = [
            ('1', KeyAction::Say(Prompt::Hours)),
            ('2', KeyAction::RepeatAnswer),
            ('3', KeyAction::Person),
            ('9', KeyAction::Echo),
            ('0', KeyAction::Goodbye),
        ];
        Self { long: vec![Prompt::Menu], short: vec![Prompt::MenuShort], keys: keys.into() }
    }

    /// What a key does.
    #[must_use]
    pub fn action(&self, digit: char) -> Option<&KeyAction> {
        self.keys.iter().find(|(key, _)| *key == digit).map(|(_, action)| action)
    }
}

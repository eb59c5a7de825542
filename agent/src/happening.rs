//! What an agent tells of its call, for whoever keeps a record: what the caller did and heard, no sound and no key.

use engine::port::Playout;

use crate::profile::Prompt;

/// Something that happened on a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Happening {
    /// The caller interrupted; so much of what was being said had been heard.
    BargeIn {
        /// In milliseconds.
        heard_ms: u64,
    },
    /// A turn of the caller ended.
    Turn {
        /// How long it was, in milliseconds.
        speech_ms: u64,
    },
    /// The caller pressed a key. Which is not told: it may be a digit of a secret.
    Digit,
    /// Something that was said is over for the caller.
    Said {
        /// What; `None`: the echo test.
        prompt: Option<Prompt>,
        /// How it ended.
        playout: Playout,
        /// How much of it was heard, in milliseconds.
        heard_ms: u64,
    },
}

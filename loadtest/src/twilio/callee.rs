//! The other parties of a call, scripted: who answers when the TwiML dials somebody or puts the caller in a queue.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::time::Micros;

/// What becomes of an attempt to reach somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// He answers when it has rung for so long. Of a queue: an agent takes the caller.
    #[default]
    Answers,
    /// The line is busy. Of a queue: it is full.
    Busy,
    /// It rings until nobody wants to wait any longer. Of a queue: no agent comes.
    NoAnswer,
    /// The carrier cannot reach him. Of a queue: it fails.
    Fails,
}

/// One other party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callee {
    /// What he does.
    pub reply: Reply,
    /// How long it rings before that.
    pub ring: Micros,
    /// How long the two talk, if he answers; then he hangs up.
    pub talk: Micros,
}

/// All other parties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callees {
    /// Those with a number, client name, SIP URI, conference or queue of their own.
    pub named: BTreeMap<String, Callee>,
    /// Everybody else.
    pub others: Callee,
    /// How many callers wait in a queue of this name already.
    pub waiting: BTreeMap<String, u32>,
}

impl Callees {
    /// Everybody does the same.
    #[must_use]
    pub fn all(others: Callee) -> Self {
        Self { named: BTreeMap::new(), others, waiting: BTreeMap::new() }
    }

    /// Who answers for `to`.
    #[must_use]
    pub fn of(&self, to: &str) -> Callee {
        self.named.get(to).copied().unwrap_or(self.others)
    }

    /// How many callers wait in this queue before the one at hand.
    #[must_use]
    pub fn waiting(&self, queue: &str) -> u32 {
        self.waiting.get(queue).copied().unwrap_or_default()
    }
}

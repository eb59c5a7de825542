//! How many calls ended, by how they did.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::CallState;

/// Ways to end, and what each is called.
const WAYS: [(CallState, &str); 6] = [
    (CallState::Completed, "completed"),
    (CallState::Refused, "refused"),
    (CallState::Failed, "failed"),
    (CallState::Busy, "busy"),
    (CallState::NoAnswer, "no_answer"),
    (CallState::Canceled, "canceled"),
];

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Outcomes([AtomicU64; WAYS.len()]);

impl Outcomes {
    pub(super) fn count(&self, state: CallState) {
        if let Some(at) = WAYS.iter().position(|(way, _)| *way == state) {
            self.0[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each way and its count.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        WAYS.iter().zip(&self.0).map(|((_, name), count)| (*name, count.load(Ordering::Relaxed)))
    }
}

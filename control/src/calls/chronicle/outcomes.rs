//! How many calls ended, by how they did, and those that failed by why.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
pub(crate) struct Outcomes {
    ways: [AtomicU64; WAYS.len()],
    /// By cause; as many as the code has words for.
    failed: Mutex<BTreeMap<String, u64>>,
}

impl Outcomes {
    pub(super) fn count(&self, state: CallState) {
        if let Some(at) = WAYS.iter().position(|(way, _)| *way == state) {
            self.ways[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One more failed, for this cause: an error's code, or our own few words.
    pub(super) fn count_failed(&self, cause: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed.entry(cause.replace(' ', "_")).or_default() += 1;
    }

    /// Each cause of failures and its count.
    pub(crate) fn failed(&self) -> BTreeMap<String, u64> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Each way and its count.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        WAYS.iter().zip(&self.ways).map(|((_, name), count)| (*name, count.load(Ordering::Relaxed)))
    }
}

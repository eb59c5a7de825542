//! The journal: what happens on calls, on its way to disk; waits on this machine while the database is away.
#![allow(clippy::todo, unused_variables, dead_code, reason = "the contract, before its body")]

use std::io;
use std::path::Path;

use crate::clock::Clock;
use crate::db::Store;
use crate::model::CallUpdate;

/// A handle to the journal. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Journal {}

impl Journal {
    /// Starts it; what an earlier process left in its spool is written first.
    pub(crate) fn start(store: Store, dir: &Path, clock: Clock) -> io::Result<Self> {
        todo!()
    }

    /// Writes it soon, without waiting.
    pub(crate) fn note(&self, update: CallUpdate) {
        todo!()
    }

    /// Returns when it is on disk, here or in the database: what is answered 2xx waits for it.
    pub(crate) async fn record(&self, update: CallUpdate) {
        todo!()
    }
}

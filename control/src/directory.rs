//! The directory: number to tenant to profile, in memory. No SQL on the way to an answer.
#![allow(clippy::todo, unused_variables, dead_code, reason = "the contract, before its body")]

use crate::db::{Store, StoreError};
use crate::model::TenantId;

/// Everything that answering a call needs. Read by every webhook without a lock, replaced whole by a change.
#[derive(Debug)]
pub(crate) struct Directory {}

impl Directory {
    /// Reads it all.
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        todo!()
    }

    /// Reads one tenant anew: what every write of the API does before it answers.
    pub(crate) async fn refresh(&self, store: &Store, tenant: TenantId) -> Result<(), StoreError> {
        todo!()
    }
}

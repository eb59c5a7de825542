//! What somebody with a key does to a live call.
#![allow(clippy::todo, unused_variables, dead_code, reason = "the contract, before its body")]

use std::sync::Arc;

use crate::app::App;
use crate::model::{CallId, TenantId};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// End the call, after what is being said.
    HangUp,
    /// Connect the caller to this number (E.164), if the call's profile allows it.
    Transfer(String),
    /// Say this text now.
    Say(String),
}

/// Why it was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActError {
    /// No such call of this tenant is live here.
    NotLive,
    /// The profile's allow-list has not got that number.
    NotAllowed,
    /// There is no voice for a text (no espeak-ng).
    NoVoice,
}

/// Does it. The event that tells of it is in the journal when this returns.
pub(crate) async fn act(app: &Arc<App>, tenant: TenantId, call: CallId, action: Action) -> Result<(), ActError> {
    todo!()
}

/// The live calls of a tenant, newest first, as their rows would be now.
pub(crate) fn live(app: &App, tenant: TenantId) -> Vec<crate::model::Call> {
    todo!()
}

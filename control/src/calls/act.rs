//! What somebody with a key does to a live call.

use std::sync::Arc;

use agent::Wish;

use super::placing;
use crate::app::App;
use crate::backend::{About, Operation};
use crate::carrier::HangUp;
use crate::guard;
use crate::mask::Masked;
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

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Self::HangUp => "hangup",
            Self::Transfer(_) => "transfer",
            Self::Say(_) => "say",
        }
    }
}

/// Why it was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActError {
    /// No such call of this tenant has a stream here.
    NotLive,
    /// The profile's allow-list has not got that number.
    NotAllowed,
    /// No call may be connected to that number.
    Denied,
    /// There is no voice for a text (no espeak-ng).
    NoVoice,
    /// The carrier did not do it.
    Carrier,
}

/// Does it, counted where it ends the call. The event that tells of it is in the journal when this returns.
pub(crate) async fn act(app: &Arc<App>, tenant: TenantId, call: CallId, action: Action) -> Result<(), ActError> {
    if action != Action::HangUp {
        return act_now(app, tenant, call, action).await;
    }
    let about = About { session: Some(call), ..About::default() };
    app.operate(Operation::SessionClose, about, act_now(app, tenant, call, action)).await
}

async fn act_now(app: &Arc<App>, tenant: TenantId, call: CallId, action: Action) -> Result<(), ActError> {
    let name = action.name();
    let Some((facts, wishes)) = app.calls().reach(tenant, call) else {
        return if action == Action::HangUp { hang_up(app, tenant, call).await } else { Err(ActError::NotLive) };
    };
    let wish = match action {
        Action::HangUp => Wish::HangUp,
        Action::Transfer(number) if !facts.line.plan.may_dial(&number) => return Err(ActError::NotAllowed),
        Action::Transfer(number) => {
            let kept = facts.line.served.dial_prefixes();
            guard::check(&app.config.dial_prefixes, kept.as_deref(), facts.own(), &number).map_err(|why| {
                tracing::warn!(%call, to = %Masked(&number), %why, "a transfer was refused");
                ActError::Denied
            })?;
            Wish::Transfer(number)
        }
        Action::Say(text) => {
            let voice = app.directory.voice();
            let sound = voice.render(&text, &facts.line.plan.language).await.map_err(|error| {
                tracing::warn!(%call, %error, "a text was not said");
                ActError::NoVoice
            })?;
            Wish::Say(sound)
        }
    };
    // A full queue belongs to an agent that no longer listens.
    wishes.try_send(wish).map_err(|_| ActError::NotLive)?;
    note(app, call, name).await;
    Ok(())
}

/// Ends a call that has no stream here: one that nobody has answered yet is taken back, any other is ended by its carrier.
async fn hang_up(app: &Arc<App>, tenant: TenantId, id: CallId) -> Result<(), ActError> {
    let call = app.chronicle.call(id).filter(|call| call.tenant_id == tenant && !call.state.is_final());
    let call = call.ok_or(ActError::NotLive)?;
    note(app, id, Action::HangUp.name()).await;
    let done = match (placing::take_back(app, &call).await, &call.carrier_call_id, app.carriers.of(&call)) {
        (Ok(false), Some(name), Some(carrier)) => carrier.hang_up(name, HangUp::Complete).await.map(|()| true),
        (done, ..) => done,
    };
    done.map_err(|error| {
        tracing::warn!(call = %id, %error, "a call could not be ended at its carrier");
        ActError::Carrier
    })?
    .then_some(())
    .ok_or(ActError::NotLive)
}

async fn note(app: &App, call: CallId, action: &'static str) {
    if app.chronicle.acted(call, action).await.is_err() {
        tracing::error!(%call, action, "done, but its event is lost");
    }
}

/// The live calls of a tenant, newest first, as their rows would be now.
pub(crate) fn live(app: &App, tenant: TenantId) -> Vec<crate::model::Call> {
    app.chronicle.live(tenant)
}

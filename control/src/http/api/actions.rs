//! What somebody with a key does to a live call: hang up, transfer, say.

use std::sync::{Arc, LazyLock};

use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Routes;
use super::asked::Asked;
use super::calls::find;
use super::once;
use super::problem::Problem;
use super::shape::{Object, Shape};
use super::shown;
use super::text::Text;
use crate::app::App;
use crate::calls::act::{ActError, Action, act};
use crate::model::{Actor, Call, Role};

/// The member of a kept answer that says that it was not done, and why.
const REFUSED: &str = "refused";

/// Nothing needs to be said to hang up.
pub(super) static HANG_UP: LazyLock<Object> =
    LazyLock::new(|| Object::new("Nothing: the body may be left out.").example(json!({})));

/// Whom to connect the caller to.
pub(super) static TRANSFER: LazyLock<Object> = LazyLock::new(|| {
    let doc = "Whom to connect the caller to; one of the profile's transfer_allow.";
    let object = Object::new("Whom to connect the caller to.").must("to", Shape::Text(Text::PHONE), doc);
    object.example(json!({"to": "+15550001111"}))
});

/// What to say.
pub(super) static SAY: LazyLock<Object> = LazyLock::new(|| {
    let object = Object::new("What to say.").must("text", Shape::Text(Text::lines(1, 1_000)), "What is said now.");
    object.example(json!({"text": "Thank you for waiting. Somebody will be with you in a minute."}))
});

#[derive(Debug, Deserialize)]
struct HangUp {}

#[derive(Debug, Deserialize)]
struct Transfer {
    to: String,
}

#[derive(Debug, Deserialize)]
struct Say {
    text: String,
}

pub(super) fn routes() -> Routes {
    OpenApiRouter::new().routes(routes!(hang_up_call)).routes(routes!(transfer_call)).routes(routes!(say_on_call))
}

/// Ends a live call, after what is being said.
#[utoipa::path(post, path = "/tenants/{tenant_id}/calls/{call_id}/hangup", tag = "Calls", request_body = ref("HangUp"),
    responses((status = 200, description = "Asked for; the call as it was.", body = ref("Call"))))]
async fn hang_up_call(asked: Asked) -> Result<Response, Problem> {
    perform(asked, &HANG_UP, "call.hangup", |HangUp {}| Action::HangUp).await
}

/// Connects the caller of a live call to another number.
#[utoipa::path(post, path = "/tenants/{tenant_id}/calls/{call_id}/transfer", tag = "Calls",
    request_body = ref("Transfer"),
    responses((status = 200, description = "Asked for; the call as it was.", body = ref("Call"))))]
async fn transfer_call(asked: Asked) -> Result<Response, Problem> {
    perform(asked, &TRANSFER, "call.transfer", |Transfer { to }| Action::Transfer(to)).await
}

/// Says a text on a live call.
#[utoipa::path(post, path = "/tenants/{tenant_id}/calls/{call_id}/say", tag = "Calls", request_body = ref("Say"),
    responses((status = 200, description = "Asked for; the call as it was.", body = ref("Call"))))]
async fn say_on_call(asked: Asked) -> Result<Response, Problem> {
    perform(asked, &SAY, "call.say", |Say { text }| Action::Say(text)).await
}

async fn perform<T: DeserializeOwned>(
    asked: Asked,
    shape: &Object,
    name: &'static str,
    action: fn(T) -> Action,
) -> Result<Response, Problem> {
    let (tenant, id) = (asked.tenant(Role::Operator)?, asked.call_id()?);
    let (app, caller) = (asked.app.clone(), asked.caller);
    let (body, once) = asked.posted::<T>(shape).await?;
    // Before the key is claimed, or it would stay claimed for a call that does not exist.
    let call = find(&app, tenant, id).await?;
    let outcome = match once::claim(&app, tenant, once.as_ref()).await? {
        Some(outcome) => outcome,
        None => {
            let outcome = match attempt(&app, caller.actor, &call, name, action(body)).await {
                Ok(()) => json!(call),
                Err(refused) => json!({REFUSED: code(refused)}),
            };
            once::finish(&app, tenant, once.as_ref(), &outcome).await;
            outcome
        }
    };
    match outcome.get(REFUSED).and_then(Value::as_str) {
        Some(code) => Err(refusal(code)),
        None => shown::one(caller, &outcome),
    }
}

/// Does it and notes who asked for it. That works while the database is away too: the call's own event, which the
/// journal keeps, and the log then have to do without the audit log's row.
async fn attempt(
    app: &Arc<App>,
    actor: Actor,
    call: &Call,
    name: &'static str,
    action: Action,
) -> Result<(), ActError> {
    let after = match &action {
        Action::HangUp => json!({}),
        Action::Transfer(to) => json!({"to": to}),
        Action::Say(text) => json!({"text": text}),
    };
    act(app, call.tenant_id, call.id, action).await?;
    let noted = app.store.audit(actor, call.tenant_id, name, call.id.to_string(), Some(after)).await;
    if let Err(error) = noted {
        tracing::error!(%error, %actor, action = name, call = %call.id, "done, but not in the audit log");
    }
    Ok(())
}

fn code(error: ActError) -> &'static str {
    match error {
        ActError::NotLive => "not_live",
        ActError::NotAllowed => "transfer_not_allowed",
        ActError::Denied => "number_denied",
        ActError::NoVoice => "no_voice",
        ActError::Carrier => "carrier_failed",
    }
}

fn refusal(code: &str) -> Problem {
    match code {
        "transfer_not_allowed" => {
            let detail = "the call's profile does not allow that number: add it to transfer_allow";
            Problem::conflict("transfer_not_allowed", detail)
        }
        "number_denied" => {
            let detail = "it is a short or premium number, or in a country that OFFHOOK_DIAL_PREFIXES does not open";
            Problem::conflict("number_denied", detail)
        }
        "carrier_failed" => {
            Problem::conflict("carrier_failed", "the carrier did not do it: try again; the log has why")
        }
        "no_voice" => Problem::conflict("no_voice", "this service has no voice to say it with: install espeak-ng"),
        _ => Problem::conflict("not_live", "the call is over, or its stream is: nothing can be done to it"),
    }
}

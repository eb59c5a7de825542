//! The course of a call as the carrier asks for it: what to do at the start, after a stream, after a key.
//!
//! ```text
//! voice ─► Connect/Stream ─► (the stream ends) ─► resume ─┬─ intent hang up ─► Hangup
//!                 ▲                                       ├─ intent dial ────► Dial ─► resume?DialCallStatus
//!                 └───────── at most 3, one per 5 s ──────┼─ intent resume
//!                                                         └─ otherwise ─────► Gather menu ─► dtmf ─► ... ─► Hangup
//! ```
//! The counts of resumes and of menu rounds travel in our own URLs, which the carrier signs: a restart of ours cannot
//! make a loop.
//!
//! On the way out (draining or closing) only a stream, which is waited for, may be followed by another question. The
//! rest is answered whole, because the next question may find nobody: `Dial` without an action and a goodbye behind it
//! instead of a menu.

use std::sync::Arc;

use agent::Intent;
use axum::extract::{Request, State};
use axum::response::Response;

use super::twiml::Verb;
use super::webhook::{Webhook, receive};
use crate::app::{App, Phase};
use crate::calls::Token;
use crate::calls::registry::{Facts, NoResume};
use crate::http::answer::twiml;
use crate::mask::Masked;
use crate::metrics::{AfterStream, CallRefused, DialResult};

/// How often the touch-tone menu is offered before goodbye.
const MENU_ROUNDS_MAX: u32 = 3;

const MENU: &str = "For opening hours, press 1. To hear this again, press 2. To end the call, press 0.";
const MENU_WITH_PERSON: &str =
    "For opening hours, press 1. To hear this again, press 2. To talk to a person, press 3. To end the call, press 0.";
const HOURS: &str = "We are open Monday to Friday, nine to five.";
const NOBODY: &str = "I am sorry, nobody can take your call at the moment.";
const GOODBYE: &str = "Goodbye.";
const TIME_UP: &str = "I am sorry, this is as long as a call may last. Goodbye.";
const DRAINING: &str = "We cannot take your call this minute. Please call again shortly. Goodbye.";
const CLOSING: &str = "I am sorry, I have to end our call here. Please call again shortly. Goodbye.";

/// `POST|GET /twilio/voice`: a call has come in, or one of ours was answered.
pub(crate) async fn voice(State(app): State<Arc<App>>, request: Request) -> Response {
    match receive(&app, request).await {
        Ok(webhook) => webhook.answer(twiml(&begin(&app, &webhook))),
        Err(refusal) => *refusal,
    }
}

/// `POST|GET /twilio/resume`: a stream, or a transfer, has ended.
pub(crate) async fn resume(State(app): State<Arc<App>>, request: Request) -> Response {
    match receive(&app, request).await {
        Ok(webhook) => webhook.answer(twiml(&go_on(&app, &webhook))),
        Err(refusal) => *refusal,
    }
}

/// `POST /twilio/dtmf`: a key was pressed in the menu.
pub(crate) async fn dtmf(State(app): State<Arc<App>>, request: Request) -> Response {
    match receive(&app, request).await {
        Ok(webhook) => webhook.answer(twiml(&key_pressed(&app, &webhook))),
        Err(refusal) => *refusal,
    }
}

fn facts(webhook: &Webhook) -> Facts {
    let text = |name| webhook.params.get(name).unwrap_or_default().to_owned();
    Facts { account: webhook.account, from: text("From"), to: text("To") }
}

fn begin(app: &App, webhook: &Webhook) -> Vec<Verb> {
    if app.phase() != Phase::Open {
        app.metrics.calls_refused.count(CallRefused::Draining);
        tracing::info!(call = %webhook.call, "call not taken: draining");
        return vec![Verb::Say(DRAINING), Verb::Hangup];
    }
    let Some(token) = Token::random() else {
        app.metrics.calls_refused.count(CallRefused::Fault);
        tracing::error!("the system has no random numbers to give");
        return vec![Verb::RejectBusy];
    };
    let facts = facts(webhook);
    let (from, to) = (Masked(&facts.from).to_string(), Masked(&facts.to).to_string());
    let admitted = app.calls().admit(app.clock.now(), &webhook.call, facts, token);
    if admitted.is_err() {
        app.metrics.calls_refused.count(CallRefused::Full);
        tracing::warn!(call = %webhook.call, "call not taken: every place is taken (OFFHOOK_CALLS_MAX)");
        return vec![Verb::RejectBusy];
    }
    app.metrics.calls_admitted.increment(1);
    tracing::info!(call = %webhook.call, from, to, "call taken");
    stream(app, token, 0)
}

/// A stream, and the question that follows it. `resumes` is how often the call was taken up again.
fn stream(app: &App, token: Token, resumes: u32) -> Vec<Verb> {
    vec![
        Verb::Connect {
            stream: app.public.join_socket(&format!("/twilio/ws/{}", token.to_hex())),
            status: app.public.join("/twilio/status"),
        },
        Verb::Redirect(app.public.join(&format!("/twilio/resume?n={resumes}"))),
    ]
}

fn go_on(app: &App, webhook: &Webhook) -> Vec<Verb> {
    if let Some(outcome) = webhook.params.get("DialCallStatus") {
        let talked = matches!(outcome, "completed" | "answered");
        tracing::info!(call = %webhook.call, talked, "transfer ended");
        return if talked { vec![Verb::Hangup] } else { nobody(app, round(webhook)) };
    }
    let intent = app.calls().intent(&webhook.call);
    let (answer, verbs) = match intent {
        Intent::HangUp => {
            let time_up = app.calls().is_time_up(&webhook.call);
            app.calls().forget(&webhook.call);
            // An agent that ends a call has said goodbye itself; the limit interrupts it.
            if time_up {
                (AfterStream::Goodbye, vec![Verb::Say(TIME_UP), Verb::Hangup])
            } else {
                (AfterStream::HangUp, vec![Verb::Hangup])
            }
        }
        Intent::Dial(number) => {
            app.calls().forget(&webhook.call);
            (AfterStream::Dial, dial(app, Some(&number), round(webhook)))
        }
        Intent::Resume => take_up(app, webhook),
    };
    app.metrics.after_stream.count(answer);
    tracing::info!(call = %webhook.call, answer = answer.text(), "stream ended, carrier asked");
    verbs
}

fn take_up(app: &App, webhook: &Webhook) -> (AfterStream, Vec<Verb>) {
    if app.phase() == Phase::Closing {
        app.calls().forget(&webhook.call);
        // A person is better than a goodbye.
        return match &app.config.transfer_to {
            Some(number) => (AfterStream::Dial, dial(app, Some(number.as_str()), MENU_ROUNDS_MAX)),
            None => (AfterStream::Goodbye, vec![Verb::Say(CLOSING), Verb::Hangup]),
        };
    }
    let counted = webhook.query.get("n").and_then(|n| n.parse().ok()).unwrap_or(0);
    let resumed = match Token::random() {
        Some(token) => {
            let outcome = app.calls().resume(app.clock.now(), &webhook.call, facts(webhook), counted, token);
            outcome.map(|resumes| stream(app, token, resumes))
        }
        None => Err(NoResume::Full),
    };
    match resumed {
        Ok(verbs) => (AfterStream::Resume, verbs),
        Err(reason) => {
            tracing::warn!(call = %webhook.call, ?reason, "stream not taken up again; touch-tone menu instead");
            app.calls().forget(&webhook.call);
            (AfterStream::Menu, menu(app, 0))
        }
    }
}

fn key_pressed(app: &App, webhook: &Webhook) -> Vec<Verb> {
    let round = round(webhook);
    match webhook.params.get("Digits") {
        Some("0") => goodbye(),
        Some("1") => [vec![Verb::Say(HOURS)], menu(app, round)].concat(),
        Some("3") => dial(app, app.config.transfer_to.as_ref().map(|n| n.as_str()), round),
        _ => menu(app, round),
    }
}

/// Which round of the menu our own URL says this is.
fn round(webhook: &Webhook) -> u32 {
    webhook.query.get("round").and_then(|round| round.parse().ok()).unwrap_or(0)
}

fn menu(app: &App, round: u32) -> Vec<Verb> {
    if round >= MENU_ROUNDS_MAX {
        return goodbye();
    }
    if app.phase() != Phase::Open {
        return vec![Verb::Say(CLOSING), Verb::Hangup];
    }
    let say = if app.config.transfer_to.is_some() { MENU_WITH_PERSON } else { MENU };
    let action = app.public.join(&format!("/twilio/dtmf?round={}", round + 1));
    [vec![Verb::Gather { action, say }], goodbye()].concat()
}

fn goodbye() -> Vec<Verb> {
    vec![Verb::Say(GOODBYE), Verb::Hangup]
}

fn nobody(app: &App, round: u32) -> Vec<Verb> {
    [vec![Verb::Say(NOBODY)], menu(app, round)].concat()
}

/// Dials the one number that the operator allowed. Whatever else an agent or a caller asks for is toll fraud or a
/// mistake, and is not dialled.
fn dial(app: &App, wanted: Option<&str>, round: u32) -> Vec<Verb> {
    let allowed = app.config.transfer_to.as_ref().map(|number| number.as_str());
    match wanted {
        Some(number) if Some(number) == allowed => {
            app.metrics.dials.count(DialResult::Dialled);
            let number = number.to_owned();
            if app.phase() != Phase::Open {
                return [vec![Verb::Dial { number, action: None }], goodbye()].concat();
            }
            let action = app.public.join(&format!("/twilio/resume?round={}", round + 1));
            vec![Verb::Dial { number, action: Some(action) }]
        }
        _ => {
            app.metrics.dials.count(DialResult::Refused);
            let wanted = wanted.map_or_else(|| "(none)".into(), |number| Masked(number).to_string());
            tracing::warn!(wanted, "not dialled: only OFFHOOK_TRANSFER_TO is");
            nobody(app, round)
        }
    }
}

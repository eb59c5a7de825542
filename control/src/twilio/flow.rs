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
use engine::wire::Sid;

use super::twiml::Verb;
use super::webhook::{Webhook, receive};
use crate::app::{App, Phase};
use crate::calls::registry::{NoPlace, NoResume};
use crate::calls::{Facts, Outcome, Token};
use crate::directory::{Line, Preface};
use crate::guard;
use crate::http::answer::twiml;
use crate::mask::Masked;
use crate::metrics::{AfterStream, CallRefused, DialResult};
use crate::model::{CallId, EndedBy};

/// How often the touch-tone menu is offered before goodbye.
const MENU_ROUNDS_MAX: u32 = 3;

const MENU: &str = "For opening hours, press 1. To hear this again, press 2. To end the call, press 0.";
const MENU_WITH_PERSON: &str =
    "For opening hours, press 1. To hear this again, press 2. To talk to a person, press 3. To end the call, press 0.";
const OWN_MENU: &str = "To end the call, press 0.";
const OWN_MENU_WITH_PERSON: &str = "To talk to a person, press 3. To end the call, press 0.";
const HOURS: &str = "We are open Monday to Friday, nine to five.";
const NOBODY: &str = "I am sorry, nobody can take your call at the moment.";
const GOODBYE: &str = "Goodbye.";
const TIME_UP: &str = "I am sorry, this is as long as a call may last. Goodbye.";
const NOT_SERVED: &str = "I am sorry, this number is not in service at the moment. Goodbye.";
const DRAINING: &str = "We cannot take your call this minute. Please call again shortly. Goodbye.";
const CLOSING: &str = "I am sorry, I have to end our call here. Please call again shortly. Goodbye.";

/// `POST|GET /twilio/voice`: a call has come in, or one of ours was answered.
pub(crate) async fn voice(State(app): State<Arc<App>>, request: Request) -> Response {
    match receive(&app, request).await {
        Ok(webhook) => webhook.answer(twiml(&answer(&app, &webhook.call, &facts(&app, &webhook)))),
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

/// Our id of a call that we placed, from the URL that the carrier was given.
pub(super) fn named(webhook: &Webhook) -> Option<CallId> {
    webhook.query.get("call_id").and_then(|id| id.parse().ok())
}

/// Whose call it is and who answers: as the directory said when it came, where that is known; as it says now otherwise.
pub(super) fn facts(app: &App, webhook: &Webhook) -> Facts {
    let text = |name| webhook.params.get(name).unwrap_or_default().to_owned();
    let outbound = webhook.params.get("Direction").is_some_and(|direction| direction.starts_with("outbound"));
    let (from, to) = (text("From"), text("To"));
    let placed = named(webhook).and_then(|id| app.chronicle.known_as(&webhook.call, id));
    let (id, line) = placed.or_else(|| app.chronicle.known(&webhook.call)).unwrap_or_else(|| {
        let ours = if outbound { &from } else { &to };
        (CallId::new(), app.directory.line(ours))
    });
    Facts { id, line, outbound, account: webhook.account, from, to }
}

/// A call is there: takes it, or says why not.
pub(crate) fn answer(app: &App, call: &Sid, facts: &Facts) -> Vec<Verb> {
    if app.phase() != Phase::Open {
        refuse(app, call, facts, CallRefused::Draining);
        return vec![Verb::Say(DRAINING), Verb::Hangup];
    }
    if !facts.line.is_open() {
        refuse(app, call, facts, CallRefused::NotServed);
        return vec![Verb::Say(NOT_SERVED), Verb::Hangup];
    }
    let Some(token) = Token::random() else {
        refuse(app, call, facts, CallRefused::Fault);
        return vec![Verb::RejectBusy];
    };
    if let Err(full) = app.calls().admit(app.clock.now(), call, facts.clone(), token) {
        let reason = match full {
            NoPlace::Full => CallRefused::Full,
            NoPlace::Strained => CallRefused::Strained,
            NoPlace::TenantAtOnce => CallRefused::TenantAtOnce,
            NoPlace::TenantPerSecond => CallRefused::TenantPerSecond,
        };
        refuse(app, call, facts, reason);
        return busy(app);
    }
    app.chronicle.answered(call, facts);
    app.metrics.calls_admitted.increment(1);
    let (from, to, plan) = (Masked(&facts.from), Masked(&facts.to), &facts.line.plan);
    let (tenant, profile) = (facts.line.tenant(), plan.id.map(tracing::field::display));
    tracing::info!(%call, %from, %to, %tenant, profile, voice = plan.voice(), "call taken");
    let preface = plan.preface.clone().map(|Preface { text, language }| Verb::SayIn { text, language });
    preface.into_iter().chain(stream(app, facts, token, 0)).collect()
}

/// For a caller for whom there is no room.
fn busy(app: &App) -> Vec<Verb> {
    match &app.config.busy_message {
        Some(text) => vec![Verb::SayIn { text: text.clone(), language: "en-US".to_owned() }, Verb::Hangup],
        None => vec![Verb::RejectBusy],
    }
}

/// A call that is not taken: counted, and, unless it is one of a flood, logged and written down.
fn refuse(app: &App, call: &Sid, facts: &Facts, reason: CallRefused) {
    app.metrics.calls_refused.count(reason);
    if !app.chronicle.refused(call, facts, reason.text()) {
        return app.metrics.refusals_unwritten.increment(1);
    }
    let tenant = facts.line.tenant();
    let why = match reason {
        CallRefused::Full => "so many places are taken that the rest is kept (OFFHOOK_CALLS_MAX)",
        CallRefused::Strained => "the engine is late (OFFHOOK_TICK_LAG_MAX_MS, OFFHOOK_FRAME_AGE_MAX_MS)",
        CallRefused::Draining => "draining",
        CallRefused::Fault => "the system has no random numbers to give",
        CallRefused::NotServed => "the tenant or the number is not active",
        CallRefused::TenantAtOnce => "the tenant's concurrent_calls_max is reached",
        CallRefused::TenantPerSecond => "the tenant's calls_per_second_max is reached",
    };
    match reason {
        CallRefused::Draining | CallRefused::NotServed => tracing::info!(%call, %tenant, why, "call not taken"),
        _ => tracing::warn!(%call, %tenant, why, "call not taken"),
    }
}

/// Where the carrier asks next. A call that we placed is named in it: a process that was killed may have left it without the
/// carrier's name for it, and the next one would take it for a call that nobody knows.
fn next(app: &App, facts: &Facts, question: &str) -> String {
    let named = if facts.outbound { format!("&call_id={}", facts.id) } else { String::new() };
    app.public.join(&format!("{question}{named}"))
}

/// A stream, and the question that follows it. `resumes` is how often the call was taken up again.
fn stream(app: &App, facts: &Facts, token: Token, resumes: u32) -> Vec<Verb> {
    vec![
        Verb::Connect {
            stream: app.public.join_socket(&format!("/twilio/ws/{}", token.to_hex())),
            status: app.public.join("/twilio/status"),
        },
        Verb::Redirect(next(app, facts, &format!("/twilio/resume?n={resumes}"))),
    ]
}

fn go_on(app: &App, webhook: &Webhook) -> Vec<Verb> {
    let after = After::of(app, webhook);
    if let Some(outcome) = webhook.params.get("DialCallStatus") {
        let talked = matches!(outcome, "completed" | "answered");
        tracing::info!(call = %webhook.call, talked, "transfer ended");
        return if talked { after.hang_up(EndedBy::Caller, "transfer ended") } else { after.nobody(round(webhook)) };
    }
    let intent = app.calls().intent(&webhook.call);
    let (answer, verbs) = match intent {
        Intent::HangUp => {
            let time_up = app.calls().is_time_up(&webhook.call);
            app.calls().forget(&webhook.call);
            // An agent that ends a call has said goodbye itself; the limit interrupts it.
            if time_up {
                let verbs = after.hang_up(EndedBy::Service, "as long as it may last");
                (AfterStream::Goodbye, [vec![Verb::Say(TIME_UP)], verbs].concat())
            } else {
                (AfterStream::HangUp, after.hang_up(EndedBy::Agent, "hung up"))
            }
        }
        Intent::Dial(number) => {
            app.calls().forget(&webhook.call);
            (AfterStream::Dial, after.dial(Some(&number), round(webhook)))
        }
        Intent::Resume => take_up(app, webhook, &after),
    };
    app.metrics.after_stream.count(answer);
    tracing::info!(call = %webhook.call, answer = answer.text(), "stream ended, carrier asked");
    verbs
}

fn take_up(app: &App, webhook: &Webhook, after: &After<'_>) -> (AfterStream, Vec<Verb>) {
    if app.phase() == Phase::Closing {
        app.calls().forget(&webhook.call);
        // A person is better than a goodbye.
        return match after.line().plan.person() {
            Some(number) => (AfterStream::Dial, after.dial(Some(number), MENU_ROUNDS_MAX)),
            None => (AfterStream::Goodbye, after.closing()),
        };
    }
    let counted = webhook.query.get("n").and_then(|n| n.parse().ok()).unwrap_or(0);
    let facts = facts(app, webhook);
    let resumed = match Token::random() {
        Some(token) => {
            let outcome = app.calls().resume(app.clock.now(), &webhook.call, facts.clone(), counted, token);
            outcome.map(|resumes| stream(app, &facts, token, resumes))
        }
        None => Err(NoResume::NoPlace),
    };
    match resumed {
        Ok(verbs) => {
            app.chronicle.answered(&webhook.call, &facts);
            (AfterStream::Resume, verbs)
        }
        Err(reason) => {
            tracing::warn!(call = %webhook.call, ?reason, "stream not taken up again; touch-tone menu instead");
            app.calls().forget(&webhook.call);
            (AfterStream::Menu, after.menu(0))
        }
    }
}

fn key_pressed(app: &App, webhook: &Webhook) -> Vec<Verb> {
    let (round, after) = (round(webhook), After::of(app, webhook));
    match webhook.params.get("Digits") {
        Some("0") => after.goodbye(EndedBy::Caller),
        Some("1") if after.line().profile().is_none() => [vec![Verb::Say(HOURS)], after.menu(round)].concat(),
        Some("3") => after.dial(after.line().plan.person(), round),
        _ => after.menu(round),
    }
}

/// Which round of the menu our own URL says this is.
fn round(webhook: &Webhook) -> u32 {
    webhook.query.get("round").and_then(|round| round.parse().ok()).unwrap_or(0)
}

/// A call after its stream: what is answered, and told of it.
struct After<'a> {
    app: &'a App,
    webhook: &'a Webhook,
    facts: Facts,
}

impl<'a> After<'a> {
    fn of(app: &'a App, webhook: &'a Webhook) -> Self {
        Self { app, webhook, facts: facts(app, webhook) }
    }

    fn line(&self) -> &Line {
        &self.facts.line
    }

    fn menu(&self, round: u32) -> Vec<Verb> {
        if round >= MENU_ROUNDS_MAX {
            return self.goodbye(EndedBy::Service);
        }
        if self.app.phase() != Phase::Open {
            return self.closing();
        }
        self.app.chronicle.in_menu(&self.webhook.call);
        let say = match (self.line().profile(), self.line().plan.person()) {
            (None, Some(_)) => MENU_WITH_PERSON,
            (None, None) => MENU,
            (Some(_), Some(_)) => OWN_MENU_WITH_PERSON,
            (Some(_), None) => OWN_MENU,
        };
        let action = next(self.app, &self.facts, &format!("/twilio/dtmf?round={}", round + 1));
        vec![Verb::Gather { action, say }, Verb::Say(GOODBYE), Verb::Hangup]
    }

    fn nobody(&self, round: u32) -> Vec<Verb> {
        [vec![Verb::Say(NOBODY)], self.menu(round)].concat()
    }

    fn goodbye(&self, by: EndedBy) -> Vec<Verb> {
        [vec![Verb::Say(GOODBYE)], self.hang_up(by, "goodbye")].concat()
    }

    fn closing(&self) -> Vec<Verb> {
        [vec![Verb::Say(CLOSING)], self.hang_up(EndedBy::Service, "shutdown")].concat()
    }

    fn hang_up(&self, by: EndedBy, reason: &'static str) -> Vec<Verb> {
        self.app.chronicle.ended(&self.webhook.call, Outcome::completed(by, reason));
        vec![Verb::Hangup]
    }

    /// Why `wanted` is not dialled: the call's profile, or for the demo the operator, must allow it, and the guards too.
    /// Whatever else an agent or a caller asks for is toll fraud or a mistake.
    fn denied(&self, wanted: &str) -> Option<(DialResult, String)> {
        if !self.line().plan.may_dial(wanted) {
            let why = "neither the profile nor OFFHOOK_TRANSFER_TO allows it";
            return Some((DialResult::Refused, why.into()));
        }
        let kept = self.line().served.dial_prefixes();
        let denied = guard::check(&self.app.config.dial_prefixes, kept.as_deref(), self.facts.own(), wanted).err()?;
        Some((DialResult::Denied, denied.to_string()))
    }

    fn dial(&self, wanted: Option<&str>, round: u32) -> Vec<Verb> {
        let app = self.app;
        let denied = wanted.map_or_else(|| Some((DialResult::Refused, "nobody is named".into())), |to| self.denied(to));
        match (wanted, denied) {
            (Some(number), None) => {
                app.metrics.dials.count(DialResult::Dialled);
                app.chronicle.transferred(&self.webhook.call, app.config.limits.call_max);
                let number = number.to_owned();
                if app.phase() != Phase::Open {
                    return vec![Verb::Dial { number, action: None }, Verb::Say(GOODBYE), Verb::Hangup];
                }
                let action = next(app, &self.facts, &format!("/twilio/resume?round={}", round + 1));
                vec![Verb::Dial { number, action: Some(action) }]
            }
            (_, denied) => {
                let (result, why) = denied.unwrap_or((DialResult::Refused, String::new()));
                app.metrics.dials.count(result);
                let wanted = wanted.map_or_else(|| "(none)".into(), |number| Masked(number).to_string());
                tracing::warn!(wanted, why, "not dialled");
                self.nobody(round)
            }
        }
    }
}

//! The chronicle: each call as it will stand in the store, and what happens on it, told to the journal in order.
//!
//! The registry knows which calls hold a place; the chronicle remembers a call longer: while it is transferred, while
//! the carrier's menu talks, and a minute beyond its end, for reports that come late.
//!
//! ```text
//! answered ─► streaming ─► between ─► … ─► ended ─(a minute)─► forgotten
//!     └───────────┴────────────┴── silence for as long as each may be silent ─► ended
//! ```
//! *Full:* what is over is forgotten early; of a call with [`EVENTS_MAX`] events no further happening is written down.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::Happening;
use engine::EndReport;
use engine::port::{EndCause, Playout};
use engine::wire::Sid;
use serde_json::{Value, json};

use super::refusals::Refusals;
use super::registry::Facts;
use super::sums::Sums;
use crate::clock::{Clock, Moment};
use crate::directory::Line;
use crate::journal::{Journal, Lost};
use crate::model::{
    Call, CallDetails, CallEvent, CallEventKind, CallId, CallState, CallUpdate, Direction, EndedBy, EventId,
    ProviderType, TenantId,
};

/// Of one call, from its agent: keys without end are no story.
const EVENTS_MAX: u32 = 10_000;
/// From one word of the carrier to the next, where no stream runs.
const QUIET: Duration = Duration::from_secs(60);
/// From the end of a stream to the carrier's question: a little longer than the registry waits.
const QUESTION: Duration = Duration::from_secs(31);
/// The same after the carrier's `stop`, when most likely nobody is left.
const STOPPED: Duration = Duration::from_secs(6);
/// Calls that are over and remembered, beside those that live.
const OVER_MAX: usize = 20_000;

/// The calls, as they are told of.
#[derive(Debug)]
pub(crate) struct Chronicle {
    entries: Mutex<HashMap<Sid, Entry>>,
    journal: Journal,
    refusals: Refusals,
    clock: Clock,
}

/// A call.
#[derive(Debug)]
struct Entry {
    call: Call,
    line: Line,
    sums: Sums,
    /// From its agent.
    events: u32,
    /// How long nothing need be heard of it, unless its stream runs or it holds a place.
    until: Moment,
    /// What it was, if nothing more is heard of it.
    silent: Outcome,
    /// The carrier said that it is over while its stream still ran.
    over: Option<Outcome>,
    /// Somebody with a key wanted it to end.
    by_api: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// A final state.
    pub(crate) state: CallState,
    /// Who ended it.
    pub(crate) by: EndedBy,
    /// Why, in a word.
    pub(crate) reason: &'static str,
}

impl Outcome {
    pub(crate) const fn completed(by: EndedBy, reason: &'static str) -> Self {
        Self { state: CallState::Completed, by, reason }
    }

    pub(crate) const fn failed(reason: &'static str) -> Self {
        Self { state: CallState::Failed, by: EndedBy::Service, reason }
    }
}

impl Chronicle {
    pub(crate) fn new(journal: Journal, clock: Clock) -> Self {
        Self { entries: Mutex::default(), journal, refusals: Refusals::new(clock.clone()), clock }
    }

    /// Takes over what an earlier process left unfinished; lost, unless the carrier is heard of it.
    pub(crate) fn adopt(&self, calls: Vec<Call>, line: impl Fn(&Call) -> Line) {
        let until = self.clock.now() + QUIET;
        let mut entries = self.lock();
        for call in calls {
            let Some(sid) = call.carrier_call_id.as_deref().and_then(Sid::parse) else { continue };
            let (line, sums) = (line(&call), Sums::from_json(call.quality.as_ref()));
            let silent = Outcome::failed("restart");
            entries.insert(sid, Entry { line, sums, events: 0, until, silent, over: None, by_api: false, call });
        }
    }

    /// Our id of a call, and its line, where it is known.
    pub(crate) fn known(&self, sid: &Sid) -> Option<(CallId, Line)> {
        self.lock().get(sid).map(|entry| (entry.call.id, entry.line.clone()))
    }

    /// A call was answered with a stream, or a stream takes it up again.
    pub(crate) fn answered(&self, sid: &Sid, facts: &Facts) {
        let mut entries = self.lock();
        let until = self.clock.now() + QUIET;
        if let Some(entry) = entries.get_mut(sid) {
            (entry.until, entry.silent) = (until, Outcome::failed("no stream came"));
            return;
        }
        let call = self.row(sid, facts, CallState::Answered);
        let data = json!({"profile": call.profile_id, "voice": facts.line.plan.voice()});
        self.journal.note(self.update(&call, CallEventKind::Answered, data));
        let silent = Outcome::failed("no stream came");
        let (line, sums) = (facts.line.clone(), Sums::default());
        entries.insert(*sid, Entry { call, line, sums, events: 0, until, silent, over: None, by_api: false });
    }

    /// A call was not taken. Whether that is written down: of a flood, only a part is.
    pub(crate) fn refused(&self, sid: &Sid, facts: &Facts, reason: &'static str) -> bool {
        if !self.refusals.may_write() {
            return false;
        }
        let mut call = self.row(sid, facts, CallState::Refused);
        (call.ended_at, call.ended_by) = (Some(call.started_at), Some(EndedBy::Service));
        self.journal.note(self.update(&call, CallEventKind::Refused, json!({ "reason": reason })));
        true
    }

    /// A stream began.
    pub(crate) fn stream_started(&self, sid: &Sid, stream: &str) {
        self.turn(sid, |entry, _| {
            entry.call.state = CallState::Streaming;
            (CallEventKind::StreamStarted, json!({ "stream": stream }))
        });
    }

    /// A stream ended.
    pub(crate) fn stream_ended(&self, sid: &Sid, report: &EndReport) {
        self.turn(sid, |entry, now| {
            let (name, patience, silent) = ending(report.cause);
            entry.sums.add(&report.progress);
            entry.call.state = CallState::Between;
            entry.call.quality = Some(entry.sums.to_json());
            (entry.until, entry.silent) = (now + patience, silent);
            (CallEventKind::StreamEnded, json!({ "cause": name, "progress": Sums::of(&report.progress).to_json() }))
        });
        let over = self.lock().get(sid).and_then(|entry| entry.over);
        if let Some(outcome) = over {
            self.ended(sid, outcome);
        }
    }

    /// The caller is being connected to somebody else, which may take as long as `patience`.
    pub(crate) fn transferred(&self, sid: &Sid, patience: Duration) {
        self.turn(sid, |entry, now| {
            entry.call.state = CallState::Between;
            (entry.until, entry.silent) = (now + patience, Outcome::completed(EndedBy::Agent, "transferred"));
            (CallEventKind::Transferred, json!({}))
        });
    }

    /// The carrier's own menu talks to the caller.
    pub(crate) fn in_menu(&self, sid: &Sid) {
        let now = self.clock.now();
        if let Some(entry) = self.lock().get_mut(sid) {
            (entry.until, entry.silent) = (now + QUIET, Outcome::completed(EndedBy::Service, "menu"));
        }
    }

    /// What an agent tells of its call.
    pub(crate) fn tell(&self, sid: &Sid, happening: Happening) {
        let (kind, data) = match happening {
            Happening::BargeIn { heard_ms } => (CallEventKind::BargeIn, json!({ "heard_ms": heard_ms })),
            Happening::Turn { speech_ms } => (CallEventKind::Turn, json!({ "speech_ms": speech_ms })),
            Happening::Digit => (CallEventKind::Digit, json!({})),
            Happening::Said { prompt, playout, heard_ms } => {
                let what = prompt.map_or("echo", agent::profile::Prompt::name);
                let whole = playout == Playout::Finished;
                (CallEventKind::Said, json!({ "what": what, "heard_ms": heard_ms, "whole": whole }))
            }
        };
        self.turn(sid, |entry, _| {
            entry.events = entry.events.saturating_add(1);
            (kind, data)
        });
    }

    /// The carrier reported a state; where it is a final one, the call is over, unless its stream still runs. On disk
    /// when it returns.
    ///
    /// # Errors
    /// It is on no disk.
    pub(crate) async fn carrier_status(
        &self,
        sid: &Sid,
        status: &'static str,
        over: Option<Outcome>,
    ) -> Result<(), Lost> {
        let recorded = {
            let mut entries = self.lock();
            let Some(entry) = entries.get_mut(sid) else { return Ok(()) };
            let update = self.update(&entry.call, CallEventKind::CarrierStatus, json!({ "status": status }));
            let recorded = self.journal.record(update);
            match over {
                Some(outcome) if entry.call.state == CallState::Streaming => entry.over = Some(outcome),
                Some(outcome) => self.end(entry, outcome),
                None => {}
            }
            recorded
        };
        recorded.await
    }

    /// Somebody acted through the API. On disk when it returns.
    ///
    /// # Errors
    /// It is on no disk.
    pub(crate) async fn acted(&self, sid: &Sid, action: &'static str) -> Result<(), Lost> {
        let recorded = {
            let mut entries = self.lock();
            let Some(entry) = entries.get_mut(sid) else { return Ok(()) };
            entry.by_api |= action == "hangup";
            self.journal.record(self.update(&entry.call, CallEventKind::Acted, json!({ "action": action })))
        };
        recorded.await
    }

    /// A call is over. Only the first word about that counts.
    pub(crate) fn ended(&self, sid: &Sid, outcome: Outcome) {
        if let Some(entry) = self.lock().get_mut(sid) {
            self.end(entry, outcome);
        }
    }

    /// Ends what nothing more was heard of, and forgets what was over a while ago. `holds_place` asks the registry.
    pub(crate) fn sweep(&self, holds_place: impl Fn(&Sid) -> bool) {
        let now = self.clock.now();
        let mut entries = self.lock();
        let crowded = entries.values().filter(|entry| entry.call.state.is_final()).count() > OVER_MAX;
        entries.retain(|sid, entry| {
            let is_due = now >= entry.until;
            if entry.call.state.is_final() {
                return !(is_due || crowded) || holds_place(sid);
            }
            if is_due && !holds_place(sid) {
                self.end(entry, entry.silent);
            }
            true
        });
    }

    /// This process goes: whose caller hung up is over. The others go on with the next process, or are closed by it.
    pub(crate) fn close(&self) {
        for entry in self.lock().values_mut().filter(|entry| entry.silent.by == EndedBy::Caller) {
            self.end(entry, entry.silent);
        }
    }

    /// The live calls of a tenant, newest first, as their rows would be now.
    pub(crate) fn live(&self, tenant: TenantId) -> Vec<Call> {
        let entries = self.lock();
        let of_tenant = |entry: &&Entry| entry.call.tenant_id == tenant && !entry.call.state.is_final();
        let mut calls: Vec<Call> = entries.values().filter(of_tenant).map(|entry| entry.call.clone()).collect();
        drop(entries);
        calls.sort_unstable_by_key(|call| std::cmp::Reverse(call.id));
        calls
    }

    /// Notes something that happened on a known call. Under the lock, so that the journal has a call's events in order.
    fn turn(&self, sid: &Sid, what: impl FnOnce(&mut Entry, Moment) -> (CallEventKind, Value)) {
        let now = self.clock.now();
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(sid) else { return };
        let final_before = entry.call.state.is_final().then_some(entry.call.state);
        let (kind, data) = what(entry, now);
        if let Some(state) = final_before {
            entry.call.state = state;
        }
        if entry.events == EVENTS_MAX {
            tracing::warn!(call = %entry.call.id, "so much happens on this call that no more of it is written down");
        }
        if entry.events < EVENTS_MAX || !is_of_agent(kind) {
            self.journal.note(self.update(&entry.call, kind, data));
        }
    }

    fn end(&self, entry: &mut Entry, outcome: Outcome) {
        if entry.call.state.is_final() {
            return;
        }
        let by = if entry.by_api && outcome.by == EndedBy::Agent { EndedBy::Api } else { outcome.by };
        entry.call.state = outcome.state;
        entry.call.ended_at = Some(self.clock.wall());
        entry.call.ended_by = Some(by);
        entry.until = self.clock.now() + QUIET;
        let data = json!({ "ended_by": by, "reason": outcome.reason });
        self.journal.note(self.update(&entry.call, CallEventKind::Ended, data));
    }

    fn row(&self, sid: &Sid, facts: &Facts, state: CallState) -> Call {
        Call {
            id: facts.id,
            tenant_id: facts.line.tenant(),
            carrier_call_id: Some(sid.as_str().to_owned()),
            provider_type: ProviderType::Twilio,
            direction: if facts.outbound { Direction::Outbound } else { Direction::Inbound },
            from: facts.from.clone(),
            to: facts.to.clone(),
            phone_number_id: facts.line.number,
            profile_id: facts.line.profile(),
            state,
            contact_id: None,
            campaign_id: None,
            started_at: self.clock.wall(),
            answered_at: None,
            ended_at: None,
            ended_by: None,
            quality: None,
            details: CallDetails::default(),
        }
    }

    fn update(&self, call: &Call, kind: CallEventKind, data: Value) -> CallUpdate {
        let (tenant_id, call_id, at) = (call.tenant_id, call.id, self.clock.wall());
        let event = CallEvent { id: EventId::new(), tenant_id, call_id, at, kind, data, carrier_key: None };
        CallUpdate { call: call.clone(), event }
    }

    /// An entry is changed in small steps, each of which leaves it whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Sid, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_of_agent(kind: CallEventKind) -> bool {
    matches!(kind, CallEventKind::BargeIn | CallEventKind::Turn | CallEventKind::Digit | CallEventKind::Said)
}

/// What a stream's end is called, how long the carrier may then be silent, and what its silence means.
fn ending(cause: EndCause) -> (&'static str, Duration, Outcome) {
    match cause {
        EndCause::AgentHungUp => ("agent_hung_up", QUESTION, Outcome::completed(EndedBy::Agent, "hung up")),
        EndCause::CarrierStopped => ("carrier_stopped", STOPPED, Outcome::completed(EndedBy::Caller, "hung up")),
        EndCause::SocketLost => ("socket_lost", QUESTION, Outcome::failed("socket lost")),
        EndCause::ProtocolError(_) => ("protocol_error", QUESTION, Outcome::failed("protocol error")),
        EndCause::AgentGone => ("agent_gone", QUESTION, Outcome::failed("agent gone")),
        EndCause::Shutdown => ("shutdown", QUESTION, Outcome::completed(EndedBy::Service, "shutdown")),
        EndCause::Fault => ("fault", QUESTION, Outcome::failed("fault")),
    }
}

#[cfg(test)]
#[path = "chronicle_tests.rs"]
mod tests;

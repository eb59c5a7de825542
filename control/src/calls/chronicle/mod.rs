//! The chronicle: each call as it will stand in the store, and what happens on it, told to the journal in order.
//!
//! The registry knows which calls hold a place; the chronicle remembers a call longer: while it is transferred, while
//! the carrier's menu talks, and a minute beyond its end, for reports that come late.
//!
//! ```text
//! answered ─► streaming ─► between ─► … ─► ended ─(a minute)─► forgotten
//!     └───────────┴────────────┴── silence for as long as each may be silent ─► ended
//! ```
//! Calls that we place come in earlier, see `outbound.rs`; what the carrier reports of any, `report.rs`.
//!
//! Who says that a call is over, in this order: the carrier's final report, or its answer when it is asked; what our own
//! instructions ended; silence after the carrier's `stop`; silence alone, where the carrier cannot be asked. The first of
//! them that comes is kept.
//!
//! *Full:* what is over is forgotten early; of a call with [`EVENTS_MAX`] events no further happening is written down.

mod entry;
mod outbound;
mod outcomes;
mod report;
mod streamless;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::Happening;
use engine::EndReport;
use engine::port::Playout;
use engine::wire::Sid;
use serde_json::{Value, json};

pub(crate) use self::entry::Outcome;
use self::entry::{Entry, QUIET, ending};
pub(crate) use self::outcomes::Outcomes;
pub(crate) use self::report::{Note, Told};
pub(crate) use self::streamless::Due;
use super::facts::Facts;
use super::refusals::Refusals;
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
/// Calls that are over and remembered, beside those that live.
const OVER_MAX: usize = 20_000;

/// The calls, as they are told of.
#[derive(Debug)]
pub(crate) struct Chronicle {
    book: Mutex<Book>,
    journal: Journal,
    /// Calls that ended, by how.
    outcomes: Outcomes,
    refusals: Refusals,
    /// From the answer of a call that we placed to its stream.
    stream_timeout: Duration,
    clock: Clock,
}

/// The calls that are remembered, and what the carrier calls them.
#[derive(Debug, Default)]
struct Book {
    entries: HashMap<CallId, Entry>,
    sids: HashMap<Sid, CallId>,
}

impl Book {
    fn insert(&mut self, entry: Entry) {
        if let Some(sid) = entry.sid() {
            self.sids.insert(sid, entry.call.id);
        }
        self.entries.insert(entry.call.id, entry);
    }

    fn of(&mut self, sid: &Sid) -> Option<&mut Entry> {
        self.entries.get_mut(self.sids.get(sid)?)
    }

    /// The call of that name; where it has none of ours yet, the one that `named` says.
    fn find(&mut self, sid: &Sid, named: Option<CallId>) -> Option<CallId> {
        match named.filter(|id| self.entries.contains_key(id)) {
            // What came back with our own id is believed more than what a look at the carrier guessed.
            Some(id) => {
                self.bind(sid, id);
                Some(id)
            }
            None => self.sids.get(sid).copied(),
        }
    }

    /// The carrier calls it so.
    fn bind(&mut self, sid: &Sid, id: CallId) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.sid().as_ref() != Some(sid)) else { return };
        if let Some(guessed) = entry.sid() {
            self.sids.remove(&guessed);
        }
        entry.call.carrier_call_id = Some(sid.as_str().to_owned());
        if let Some(other) = self.sids.insert(*sid, id).and_then(|other| self.entries.get_mut(&other)) {
            other.call.carrier_call_id = None;
        }
    }
}

impl Chronicle {
    pub(crate) fn new(journal: Journal, stream_timeout: Duration, clock: Clock) -> Self {
        Self {
            book: Mutex::default(),
            journal,
            outcomes: Outcomes::default(),
            refusals: Refusals::new(clock.clone()),
            stream_timeout,
            clock,
        }
    }

    /// Calls that ended, by how.
    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Takes over what an earlier process left unfinished: the carrier is asked, where `can_ask` says that it can be;
    /// lost otherwise, unless something is heard of it. Gives the calls that no carrier was asked to place yet.
    pub(crate) fn adopt(
        &self,
        calls: Vec<Call>,
        line: impl Fn(&Call) -> Line,
        can_ask: impl Fn(&Call) -> bool,
    ) -> Vec<CallId> {
        let now = self.clock.now();
        let mut unasked = Vec::new();
        let mut book = self.lock();
        for call in calls {
            let (line, silent) = (line(&call), Outcome::failed("restart"));
            if call.state == CallState::Queued && call.carrier_call_id.is_none() {
                unasked.push(call.id);
            }
            let until = if can_ask(&call) { now } else { now + QUIET };
            let is_orphan = call.state == CallState::Unknown && call.carrier_call_id.is_none();
            book.insert(Entry { is_orphan, ..Entry::new(call, line, until, silent, None) });
        }
        unasked
    }

    /// Remembers a call again that a report came for.
    pub(crate) fn adopt_one(&self, call: Call, line: Line, keys: Vec<String>) {
        let until = self.clock.now() + QUIET;
        let seen = keys.into_iter().map(|key| (key, true)).collect();
        let mut book = self.lock();
        if !book.entries.contains_key(&call.id) {
            book.insert(Entry::new(call, line, until, Outcome::failed("lost"), Some(seen)));
        }
    }

    /// A call that nobody here has answered, and that the carrier reports of.
    pub(crate) fn strange(&self, sid: &Sid, facts: &Facts) {
        let state = if facts.outbound { CallState::Queued } else { CallState::Initiated };
        let (call, until) = (self.row(sid, facts, state), self.clock.now() + QUIET);
        let mut book = self.lock();
        // Two reports of it may come at once: it is one call.
        if !book.sids.contains_key(sid) {
            book.insert(Entry::new(call, facts.line.clone(), until, Outcome::failed("lost"), Some(Vec::new())));
        }
    }

    /// Whose call it is, and over which account it goes, where it is known.
    pub(crate) fn owner(&self, sid: &Sid) -> Option<(TenantId, Option<String>)> {
        self.lock().of(sid).map(|entry| (entry.call.tenant_id, entry.call.account_id.clone()))
    }

    /// Our id of a call, and its line, where it is known.
    pub(crate) fn known(&self, sid: &Sid) -> Option<(CallId, Line)> {
        self.lock().of(sid).map(|entry| (entry.call.id, entry.line.clone()))
    }

    /// The same for a call that we placed, by our id, which the carrier brought back; it learns the carrier's name.
    pub(crate) fn known_as(&self, sid: &Sid, named: CallId) -> Option<(CallId, Line)> {
        let mut book = self.lock();
        let entry = book.entries.get(&named).filter(|entry| entry.call.direction == Direction::Outbound)?;
        let known = (named, entry.line.clone());
        book.bind(sid, named);
        Some(known)
    }

    /// The call as its row would be now.
    pub(crate) fn call(&self, id: CallId) -> Option<Call> {
        self.lock().entries.get(&id).map(|entry| entry.call.clone())
    }

    /// A call was answered with a stream, or a stream takes it up again.
    pub(crate) fn answered(&self, sid: &Sid, facts: &Facts) {
        let mut book = self.lock();
        let until = self.clock.now() + QUIET;
        let silent = Outcome::STREAMLESS;
        let stream_by = facts.outbound.then(|| self.clock.now() + self.stream_timeout);
        let data = |profile| json!({"profile": profile, "voice": facts.line.plan.voice()});
        if let Some(entry) = book.of(sid) {
            (entry.until, entry.silent) = (until, silent);
            entry.stream_by = stream_by.filter(|_| entry.call.state < CallState::Streaming);
            if !std::mem::replace(&mut entry.is_answered, true) {
                entry.call.state = entry.call.state.max(CallState::Answered);
                entry.call.answered_at.get_or_insert(self.clock.wall());
                entry.call.account_id.get_or_insert_with(|| facts.account.as_str().to_owned());
                let data = data(entry.call.profile_id);
                self.journal.note(self.update(&entry.call, CallEventKind::Answered, data));
            }
            return;
        }
        let mut call = self.row(sid, facts, CallState::Answered);
        call.answered_at = Some(call.started_at);
        self.journal.note(self.update(&call, CallEventKind::Answered, data(call.profile_id)));
        let entry = Entry::new(call, facts.line.clone(), until, silent, Some(Vec::new()));
        book.insert(Entry { is_answered: true, stream_by, ..entry });
    }

    /// A call was not taken. Whether that is written down: of a flood, only a part is. It is remembered for what is reported
    /// of it before it is on disk.
    pub(crate) fn refused(&self, sid: &Sid, facts: &Facts, reason: &'static str) -> bool {
        if !self.refusals.may_write() {
            return false;
        }
        let mut book = self.lock();
        if book.of(sid).is_none() {
            let (call, until) = (self.row(sid, facts, CallState::Initiated), self.clock.now() + QUIET);
            book.insert(Entry::new(call, facts.line.clone(), until, Outcome::failed("lost"), Some(Vec::new())));
        }
        if let Some(entry) = book.of(sid) {
            let outcome = Outcome { state: CallState::Refused, by: EndedBy::Service, reason };
            self.finish(entry, outcome);
            self.journal.note(self.update(&entry.call, CallEventKind::Refused, json!({ "reason": reason })));
        }
        true
    }

    /// A stream began.
    pub(crate) fn stream_started(&self, sid: &Sid, stream: &str) {
        self.turn(sid, |entry, _| {
            (entry.call.state, entry.stream_by) = (CallState::Streaming, None);
            (CallEventKind::StreamStarted, json!({ "stream": stream }))
        });
    }

    /// A stream ended.
    pub(crate) fn stream_ended(&self, sid: &Sid, report: &EndReport) {
        self.turn(sid, |entry, now| {
            let (name, patience, silent) = ending(report.cause, entry.other());
            entry.sums.add(&report.progress);
            entry.call.state = CallState::Between;
            entry.call.quality = Some(entry.sums.to_json());
            (entry.until, entry.silent) = (now + patience, silent);
            (CallEventKind::StreamEnded, json!({ "cause": name, "progress": Sums::of(&report.progress).to_json() }))
        });
        let over = self.lock().of(sid).and_then(|entry| entry.over);
        if let Some(outcome) = over {
            self.ended(sid, outcome);
        }
    }

    /// The caller is being connected to somebody else, which may take as long as `patience`.
    pub(crate) fn transferred(&self, sid: &Sid, patience: Duration) {
        self.turn(sid, |entry, now| {
            (entry.call.state, entry.stream_by) = (CallState::Between, None);
            (entry.until, entry.silent) = (now + patience, Outcome::completed(EndedBy::Agent, "transferred"));
            (CallEventKind::Transferred, json!({}))
        });
    }

    /// The carrier's own menu talks to the caller.
    pub(crate) fn in_menu(&self, sid: &Sid) {
        let now = self.clock.now();
        if let Some(entry) = self.lock().of(sid) {
            (entry.until, entry.silent) = (now + QUIET, Outcome::completed(EndedBy::Service, "menu"));
            entry.stream_by = None;
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

    /// Somebody acted through the API. On disk when it returns.
    ///
    /// # Errors
    /// It is on no disk.
    pub(crate) async fn acted(&self, id: CallId, action: &'static str) -> Result<(), Lost> {
        let recorded = {
            let mut book = self.lock();
            let Some(entry) = book.entries.get_mut(&id) else { return Ok(()) };
            entry.by_api |= action == "hangup";
            self.journal.record(self.update(&entry.call, CallEventKind::Acted, json!({ "action": action })))
        };
        recorded.await
    }

    /// A call is over. Only the first word about that counts.
    pub(crate) fn ended(&self, sid: &Sid, outcome: Outcome) {
        if let Some(entry) = self.lock().of(sid) {
            self.end(entry, outcome);
        }
    }

    /// Ends what nothing more was heard of, and forgets what was over a while ago. `holds_place` asks the registry;
    /// `can_ask` says whether a call's carrier can be asked about it: those that are to be are given back.
    pub(crate) fn sweep(&self, holds_place: impl Fn(&Sid) -> bool, can_ask: impl Fn(&Call) -> bool) -> Due {
        let now = self.clock.now();
        let mut due = Due::default();
        let mut book = self.lock();
        let Book { entries, sids } = &mut *book;
        let before = entries.len();
        let crowded = entries.values().filter(|entry| entry.call.state.is_final()).count() > OVER_MAX;
        entries.retain(|_, entry| {
            let (is_due, sid) = (now >= entry.until, entry.sid());
            let holds_place = || sid.as_ref().is_some_and(&holds_place);
            if entry.call.state.is_final() {
                return !(is_due || crowded) || holds_place();
            }
            if entry.stream_by.is_some_and(|by| now >= by) {
                entry.stream_by = None;
                due.streamless.push(entry.call.clone());
            } else if is_due && !holds_place() {
                // Of a caller who hung up nothing more need be known.
                if entry.silent.state == CallState::Failed && can_ask(&entry.call) {
                    entry.until = now + QUIET;
                    due.asks.push(entry.call.clone());
                } else {
                    self.end(entry, entry.silent);
                }
            }
            true
        });
        if entries.len() < before {
            sids.retain(|_, id| entries.contains_key(id));
        }
        due
    }

    /// This process goes: whose caller hung up is over. The others go on with the next process, or are closed by it.
    pub(crate) fn close(&self) {
        let of_the_other = |entry: &&mut Entry| matches!(entry.silent.by, EndedBy::Caller | EndedBy::Called);
        for entry in self.lock().entries.values_mut().filter(of_the_other) {
            self.end(entry, entry.silent);
        }
    }

    /// The live calls of a tenant, newest first, as their rows would be now.
    pub(crate) fn live(&self, tenant: TenantId) -> Vec<Call> {
        let book = self.lock();
        let of_tenant = |entry: &&Entry| entry.call.tenant_id == tenant && !entry.call.state.is_final();
        let mut calls: Vec<Call> = book.entries.values().filter(of_tenant).map(|entry| entry.call.clone()).collect();
        drop(book);
        calls.sort_unstable_by_key(|call| std::cmp::Reverse(call.id));
        calls
    }

    /// Notes something that happened on a known call. Under the lock, so that the journal has a call's events in order.
    fn turn(&self, sid: &Sid, what: impl FnOnce(&mut Entry, Moment) -> (CallEventKind, Value)) {
        let now = self.clock.now();
        let mut book = self.lock();
        let Some(entry) = book.of(sid) else { return };
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
        if let Some(outcome) = self.finish(entry, outcome) {
            self.note_end(entry, outcome);
        }
    }

    /// Makes the call's row final, once; gives how it ended where this did.
    fn finish(&self, entry: &mut Entry, mut outcome: Outcome) -> Option<Outcome> {
        if entry.call.state.is_final() {
            return None;
        }
        if entry.by_api && matches!(outcome.by, EndedBy::Agent | EndedBy::Service) {
            outcome.by = EndedBy::Api;
        }
        if outcome == Outcome::STREAMLESS {
            entry.call.details.error.get_or_insert_with(|| streamless::told(entry.call.provider_type));
        }
        entry.call.state = outcome.state;
        entry.call.ended_at = Some(self.clock.wall());
        entry.call.ended_by = Some(outcome.by);
        entry.until = self.clock.now() + QUIET;
        Some(outcome)
    }

    /// Tells that it ended.
    fn note_end(&self, entry: &Entry, outcome: Outcome) {
        self.outcomes.count(outcome.state);
        if outcome.state == CallState::Failed {
            let code = entry.call.details.error.as_ref().map(|error| error.code.as_str());
            self.outcomes.count_failed(code.unwrap_or(outcome.reason));
            let error = entry.call.details.error.as_ref().map(|error| error.message.as_str());
            tracing::warn!(call = %entry.call.id, tenant = %entry.call.tenant_id, why = outcome.reason, error, "call failed");
        }
        let data = json!({ "ended_by": outcome.by, "reason": outcome.reason });
        self.journal.note(self.update(&entry.call, CallEventKind::Ended, data));
    }

    fn row(&self, sid: &Sid, facts: &Facts, state: CallState) -> Call {
        Call {
            id: facts.id,
            tenant_id: facts.line.tenant(),
            carrier_call_id: Some(sid.as_str().to_owned()),
            provider_type: ProviderType::Twilio,
            account_id: Some(facts.account.as_str().to_owned()),
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
    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_of_agent(kind: CallEventKind) -> bool {
    matches!(kind, CallEventKind::BargeIn | CallEventKind::Turn | CallEventKind::Digit | CallEventKind::Said)
}

#[cfg(test)]
mod tests;

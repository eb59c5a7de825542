//! What the carrier reports of a call: taken once each, in whatever order, with the same result as in the true one.
//!
//! A report only ever lifts a call's state (its variants are in the order of a call's life), and the first final state is
//! kept. So order, repetition and loss of what is not final change nothing in the end. A report is known by its name,
//! `CA…:3`: here while the call is remembered, and in the database for good.

use std::pin::Pin;

use engine::wire::Sid;
use serde_json::{Value, json};

use super::entry::{Entry, Heard, Outcome, QUIET};
use super::{Chronicle, Lost};
use crate::carrier::{self, CallEvent, CallReport, CallStatus};
use crate::model::{Call, CallError, CallEventKind, CallId, CallState, TenantId, Timestamp};

/// Done when it is on disk.
type Written = Pin<Box<dyn Future<Output = Result<(), Lost>> + Send>>;

/// What became of a report.
pub(crate) enum Told {
    /// It is on its way to disk: nothing is acknowledged before.
    Taken {
        /// Of which call.
        call: CallId,
        /// Its name, for [`Chronicle::settled`].
        key: String,
        /// It had come before.
        again: bool,
        /// Done when it is there.
        written: Written,
    },
    /// It is on disk since it came before.
    Known(CallId),
    /// What an earlier process heard of this call is to be read first: [`Chronicle::remember`].
    Unread(TenantId, CallId),
    /// No such call is remembered.
    Stranger,
}

/// A report about which only its name and what it says are known.
pub(crate) struct Note {
    /// Its name among all reports.
    pub(crate) key: String,
    /// What kind of event it is.
    pub(crate) kind: CallEventKind,
    /// What it says.
    pub(crate) data: Value,
}

impl Chronicle {
    /// The carrier reports how a call stands. `named` is our id, where the report brought it along.
    pub(crate) fn report(&self, sid: &Sid, named: Option<CallId>, report: &CallReport) -> Told {
        let key = match report.sequence {
            Some(sequence) => format!("{sid}:{sequence}"),
            None => format!("{sid}:{}", report.status.event().name()),
        };
        self.take(sid, named, key, |chronicle, entry| {
            let ended = chronicle.apply(entry, report);
            (CallEventKind::CarrierStatus, data(report), ended)
        })
    }

    /// The carrier reports something else of a call.
    pub(crate) fn note(&self, sid: &Sid, named: Option<CallId>, note: Note) -> Told {
        let Note { key, kind, data } = note;
        self.take(sid, named, key, |_, entry| {
            if let Some(answered_by) = data.get("answered_by").and_then(Value::as_str) {
                entry.call.details.answered_by = Some(answered_by.to_owned());
            }
            (kind, data, None)
        })
    }

    /// The report of this name is on disk, or on none: then the carrier will say it again, and it is as if it had not.
    pub(crate) fn settled(&self, call: CallId, key: &str, written: bool) {
        if let Some(entry) = self.lock().entries.get_mut(&call) {
            entry.settle(key, written);
        }
    }

    /// What an earlier process heard of a call.
    pub(crate) fn remember(&self, call: CallId, keys: Vec<String>) {
        if let Some(entry) = self.lock().entries.get_mut(&call) {
            entry.seen.get_or_insert_with(|| keys.into_iter().map(|key| (key, true)).collect());
        }
    }

    fn take(
        &self,
        sid: &Sid,
        named: Option<CallId>,
        key: String,
        what: impl FnOnce(&Self, &mut Entry) -> (CallEventKind, Value, Option<Outcome>),
    ) -> Told {
        let mut book = self.lock();
        let Some(id) = book.find(sid, named) else { return Told::Stranger };
        let Some(entry) = book.entries.get_mut(&id) else { return Told::Stranger };
        if entry.seen.is_none() {
            return Told::Unread(entry.call.tenant_id, id);
        }
        entry.asks = 0;
        let heard = entry.note(&key);
        if heard == Heard::Written {
            return Told::Known(id);
        }
        let (kind, data, ended) = what(self, entry);
        let mut update = self.update(&entry.call, kind, data);
        update.event.carrier_key = Some(key.clone());
        let written = Box::pin(self.journal.record(update));
        // The row is final in the report's own update already, so that what was acknowledged stands without this one.
        if let Some(outcome) = ended {
            self.note_end(entry, outcome);
        }
        Told::Taken { call: id, key, again: heard == Heard::Unwritten, written }
    }

    /// Lifts the call's state; the outcome where that ends it.
    pub(super) fn apply(&self, entry: &mut Entry, report: &CallReport) -> Option<Outcome> {
        let now = self.clock.wall();
        learn(&mut entry.call, report, now);
        match Outcome::reported(report.status, entry.call.direction) {
            Some(outcome) if entry.call.state == CallState::Streaming => {
                entry.over.get_or_insert(outcome);
                None
            }
            Some(outcome) => self.finish(entry, outcome),
            None => {
                let lifted = lifted(report.status);
                // What comes late, of what was before, says nothing of what comes next.
                let is_news = entry.call.state < lifted;
                entry.call.state = entry.call.state.max(lifted);
                if report.status == CallStatus::InProgress {
                    self.await_stream(entry);
                }
                if is_news {
                    entry.until = entry.until.max(self.clock.now() + QUIET);
                }
                None
            }
        }
    }
}

fn lifted(status: CallStatus) -> CallState {
    match status {
        CallStatus::Queued => CallState::Queued,
        CallStatus::Initiated => CallState::Initiated,
        CallStatus::Ringing => CallState::Ringing,
        _ => CallState::Answered,
    }
}

fn learn(call: &mut Call, report: &CallReport, now: Timestamp) {
    let at = report.at.unwrap_or(now);
    let duration_s = report.duration.and_then(|lasted| u32::try_from(lasted.as_secs()).ok());
    let began = match report.status {
        CallStatus::InProgress => Some(at),
        CallStatus::Completed => report.duration.map(|lasted| before(at, lasted)),
        _ => None,
    };
    call.answered_at = call.answered_at.or(began);
    call.details.duration_s = call.details.duration_s.or(duration_s);
    if let Some(answered_by) = &report.answered_by {
        call.details.answered_by = Some(answered_by.clone());
    }
    if report.status == CallStatus::Failed {
        let network = report.sip.map_or_else(String::new, |sip| format!(" (SIP {sip})"));
        let link = report.error.and_then(|code| carrier::explained(call.provider_type, code));
        call.details.error.get_or_insert_with(|| CallError {
            code: "call_failed".to_owned(),
            message: format!("the carrier could not connect it{network}"),
            carrier_code: report.error,
            link,
        });
    }
}

fn before(at: Timestamp, lasted: std::time::Duration) -> Timestamp {
    Timestamp(at.0.saturating_sub(i64::try_from(lasted.as_millis()).unwrap_or(i64::MAX)))
}

/// What a report says, as it is kept.
fn data(report: &CallReport) -> Value {
    let event: CallEvent = report.status.event();
    let mut data = json!({ "event": event, "kind": event.kind(), "status": report.status });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data[name] = value;
        }
    };
    put("sequence", report.sequence.map(Value::from));
    put("carrier_at", report.at.map(|at| json!(at)));
    put("duration_s", report.duration.map(|lasted| lasted.as_secs().into()));
    put("answered_by", report.answered_by.clone().map(Value::from));
    put("carrier_code", report.error.map(Value::from));
    put("sip", report.sip.map(Value::from));
    data
}

//! A call that we place, from the wish to the carrier's answer.
//!
//! ```text
//! queued ─► placing (on disk, then the carrier is asked) ─┬─► placed: it has a name
//!                                                         ├─► refused: failed
//!                                                         └─► no answer: unknown, until a report or a look finds it
//! ```

use engine::wire::Sid;
use serde_json::json;

use super::entry::{Entry, Outcome, QUIET};
use super::{Chronicle, Lost};
use crate::carrier::{CallReport, CallStatus, CarrierError, Found};
use crate::clock::Moment;
use crate::directory::Line;
use crate::model::{Call, CallError, CallEventKind, CallId, CallState, Direction, TenantId};

/// For a call that nothing is known of: how long it is looked for.
const WATCH: Moment = Moment::from_secs(24 * 60 * 60);
/// Longer than a carrier is ever waited for when it is asked to place a call, repeats included.
const ANSWER: Moment = Moment::from_secs(5 * 60);
/// Between two looks at the carrier: the first, and the longest.
const LOOK_MIN: Moment = Moment::from_secs(5);
/// A call that has a name is believed silent after so many looks that nobody answered.
const LOOKS: u32 = 8;
/// A call that a process died over while it asked for it was never placed, if the carrier has none after so many looks,
/// a quarter of a minute: a request whose connection is gone does not arrive later.
const ORPHAN_LOOKS: u32 = 3;

impl Chronicle {
    /// Somebody wants a call placed; that is on disk already.
    pub(crate) fn queued(&self, call: Call, line: Line) {
        let until = self.clock.now() + WATCH;
        let entry = Entry::new(call, line, until, Outcome::failed("never placed"), Some(Vec::new()));
        self.lock().insert(entry);
    }

    /// The carrier is about to be asked. It is not, unless this is on disk: then no restart asks again.
    ///
    /// # Errors
    /// It is on no disk.
    pub(crate) async fn placing(&self, id: CallId) -> Result<(), Lost> {
        let written = {
            let mut book = self.lock();
            let entry = book.entries.get_mut(&id).filter(|entry| entry.call.state == CallState::Queued).ok_or(Lost)?;
            entry.call.state = CallState::Unknown;
            entry.until = self.clock.now() + ANSWER;
            self.journal.record(self.update(&entry.call, CallEventKind::Placing, json!({})))
        };
        written.await
    }

    /// The carrier took it.
    pub(crate) async fn placed(&self, id: CallId, sid: &Sid, status: CallStatus) -> Result<(), Lost> {
        let written = {
            let mut book = self.lock();
            book.bind(sid, id);
            let Some(entry) = book.entries.get_mut(&id) else { return Ok(()) };
            entry.until = self.clock.now() + QUIET;
            let data = json!({ "carrier_call_id": sid.as_str(), "status": status });
            let ended = self.apply(entry, &plain(sid, status));
            let written = self.journal.record(self.update(&entry.call, CallEventKind::Placed, data));
            if let Some(outcome) = ended {
                self.note_end(entry, outcome);
            }
            written
        };
        written.await
    }

    /// The carrier did not take it, or may have: then it is looked for from now on.
    pub(crate) async fn not_placed(&self, id: CallId, error: &CarrierError) -> Result<(), Lost> {
        let written = {
            let mut book = self.lock();
            let Some(entry) = book.entries.get_mut(&id) else { return Ok(()) };
            let data =
                json!({ "error": error.code.text(), "message": error.message, "carrier_code": error.carrier_code });
            // A report that overtook the answer knows better.
            let unheard = entry.call.carrier_call_id.is_none();
            let mut ended = None;
            if error.may_have_happened {
                entry.until = self.clock.now() + LOOK_MIN;
            } else if unheard {
                entry.call.details.error.get_or_insert_with(|| told(error));
                ended = self.finish(entry, Outcome::failed("not placed"));
            }
            let written = self.journal.record(self.update(&entry.call, CallEventKind::Placed, data));
            if let Some(outcome) = ended {
                self.note_end(entry, outcome);
            }
            written
        };
        written.await
    }

    /// It is not placed after all: whoever wanted it took it back, or no place was left for it.
    pub(crate) fn withdrawn(&self, id: CallId, outcome: Outcome) {
        if let Some(entry) = self.lock().entries.get_mut(&id) {
            self.end(entry, outcome);
        }
    }

    /// Whether the carrier has this name from another call of ours.
    pub(crate) fn is_of_another(&self, sid: &Sid, id: CallId) -> bool {
        self.lock().sids.get(sid).is_some_and(|known| *known != id)
    }

    /// The carrier was asked, and says how the call stands.
    pub(crate) fn found(&self, id: CallId, found: &Found) {
        let Some(sid) = Sid::parse(&found.carrier_call_id) else { return };
        let mut book = self.lock();
        book.bind(&sid, id);
        let Some(entry) = book.entries.get_mut(&id) else { return };
        let before = entry.call.state;
        let report = CallReport {
            duration: found.duration,
            answered_by: found.answered_by.clone(),
            ..plain(&sid, found.status)
        };
        let ended = self.apply(entry, &report);
        // The longer it stays so, the less often it is asked about.
        entry.until = self.clock.now() + pause(entry.asks);
        entry.asks = entry.asks.saturating_add(1);
        if entry.call.state != before || before == CallState::Unknown {
            let data = json!({ "asked": true, "status": found.status });
            self.journal.note(self.update(&entry.call, CallEventKind::CarrierStatus, data));
        }
        if let Some(outcome) = ended {
            self.note_end(entry, outcome);
        }
    }

    /// The carrier was asked for a call of this name, or for one that it may have taken, and knows none.
    pub(crate) fn not_found(&self, id: CallId, asked: Option<&str>) {
        let mut book = self.lock();
        // One that was placed, or found, while the carrier looked for it without a name is another question.
        let is_it = |entry: &&mut Entry| entry.call.carrier_call_id.as_deref() == asked;
        let Some(entry) = book.entries.get_mut(&id).filter(is_it) else { return };
        let now = self.clock.now();
        let age = self.clock.wall().0.saturating_sub(entry.call.started_at.0);
        let is_old = u128::try_from(age).is_ok_and(|age| age >= WATCH.as_millis());
        (entry.until, entry.asks) = (now + pause(entry.asks), entry.asks.saturating_add(1));
        if entry.call.carrier_call_id.is_some() {
            self.end(entry, Outcome::failed("the carrier knows no such call"));
        } else if is_old || entry.is_orphan && entry.asks >= ORPHAN_LOOKS {
            self.end(entry, Outcome::failed("never placed"));
        }
    }

    /// The carrier was asked, and did not answer.
    pub(crate) fn not_told(&self, id: CallId) {
        let mut book = self.lock();
        let Some(entry) = book.entries.get_mut(&id) else { return };
        entry.until = self.clock.now() + pause(entry.asks);
        entry.asks = entry.asks.saturating_add(1);
        if entry.asks >= LOOKS && entry.call.carrier_call_id.is_some() {
            self.end(entry, entry.silent);
        }
    }

    /// Calls that we placed or want placed and nobody has answered yet, of one tenant or of all.
    pub(crate) fn waiting(&self, tenant: Option<TenantId>) -> Vec<Call> {
        let is_waiting = |call: &Call| {
            call.direction == Direction::Outbound
                && call.state < CallState::Answered
                && tenant.is_none_or(|tenant| tenant == call.tenant_id)
        };
        self.lock().entries.values().map(|entry| &entry.call).filter(|call| is_waiting(call)).cloned().collect()
    }
}

/// 5, 10, 20, 40, 60, 60 … seconds.
fn pause(asks: u32) -> Moment {
    (LOOK_MIN * 2_u32.saturating_pow(asks.min(8))).min(QUIET)
}

fn plain(sid: &Sid, status: CallStatus) -> CallReport {
    CallReport {
        carrier_call_id: sid.as_str().to_owned(),
        status,
        sequence: None,
        at: None,
        duration: None,
        answered_by: None,
        error: None,
        sip: None,
    }
}

fn told(error: &CarrierError) -> CallError {
    CallError {
        code: error.code.text().to_owned(),
        message: error.message.clone(),
        carrier_code: error.carrier_code,
        link: error.link.clone(),
    }
}

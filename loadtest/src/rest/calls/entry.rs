//! One call as the API knows it.

use serde_json::{Value, json};

use super::wanted::Wanted;
use crate::rest::phone;
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::params::{CallStatus, Direction, Parties};

/// One call. Moments are on the exchange's time axis.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `CA…`
    pub sid: String,
    /// `AC…`
    pub account: String,
    /// The leg that dialled this one.
    pub parent: Option<String>,
    /// Who calls whom.
    pub parties: Parties,
    /// Which way.
    pub direction: Direction,
    /// The account's number that is called, or called from.
    pub number_sid: Option<String>,
    /// What was asked for; nothing for an inbound call.
    pub wanted: Option<Box<Wanted>>,
    /// How it stands.
    pub status: CallStatus,
    /// How long it waited, or will wait, to be dialled.
    pub queue_time: Micros,
    /// When it was made.
    pub created: Micros,
    /// When it last changed.
    pub updated: Micros,
    /// When it was dialled, or began to ring.
    pub started: Option<Micros>,
    /// When somebody answered.
    pub answered: Option<Micros>,
    /// When it ended.
    pub ended: Option<Micros>,
    /// Who answered, where that was looked into.
    pub answered_by: Option<String>,
}

impl Entry {
    /// Writes down how it stands from `now` on; a call that has ended stays as it ended.
    pub fn stands(&mut self, now: Micros, status: CallStatus) {
        if self.status.is_final() {
            return;
        }
        self.status = status;
        self.updated = now;
        if status == CallStatus::InProgress {
            self.answered.get_or_insert(now);
        }
        if status.is_final() {
            self.ended = Some(now);
        }
    }

    /// Seconds from answer to end, begun ones counted; only of a call that was completed.
    #[must_use]
    pub fn duration_s(&self) -> Option<u64> {
        let seconds = self.ended?.since(self.answered?).0.div_ceil(1_000_000);
        (self.status == CallStatus::Completed).then_some(seconds)
    }

    /// As the API shows it; `unix_s` is 1970's second at time zero. Figures are strings, as Twilio has them.
    #[must_use]
    pub fn show(&self, unix_s: u64) -> Value {
        let date = |at: Micros| date::rfc2822(unix_s + at.0 / 1_000_000);
        let Self { sid, account, parties, .. } = self;
        let inbound = self.direction == Direction::Inbound;
        json!({
            "sid": sid,
            "account_sid": account,
            "parent_call_sid": self.parent,
            "to": parties.to,
            "to_formatted": phone::formatted(&parties.to),
            "from": parties.from,
            "from_formatted": phone::formatted(&parties.from),
            "phone_number_sid": self.number_sid,
            "status": self.status.as_str(),
            "start_time": self.started.map(date),
            "end_time": self.ended.filter(|_| self.status == CallStatus::Completed).map(date),
            "duration": self.duration_s().map(|seconds| seconds.to_string()),
            "price": null,
            "price_unit": "USD",
            "direction": self.direction.as_str(),
            "answered_by": self.answered_by,
            "api_version": "2010-04-01",
            "forwarded_from": null,
            "group_sid": null,
            "caller_name": null,
            "queue_time": (self.queue_time.0 / 1_000).to_string(),
            "stir_verstat": inbound.then_some("TN-Validation-Passed-A"),
            "trunk_sid": null,
            "date_created": date(self.created),
            "date_updated": date(self.updated),
            "uri": format!("/2010-04-01/Accounts/{account}/Calls/{sid}.json"),
            "subresource_uris": subresources(account, sid),
        })
    }
}

fn subresources(account: &str, sid: &str) -> Value {
    let of = |name: &str| format!("/2010-04-01/Accounts/{account}/Calls/{sid}/{name}.json");
    json!({
        "notifications": of("Notifications"),
        "recordings": of("Recordings"),
        "payments": of("Payments"),
        "events": of("Events"),
        "siprec": of("Siprec"),
        "streams": of("Streams"),
        "transcriptions": of("Transcriptions"),
        "user_defined_message_subscriptions": of("UserDefinedMessageSubscriptions"),
        "user_defined_messages": of("UserDefinedMessages"),
    })
}

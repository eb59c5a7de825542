//! Calls and what happens on them. The events are the truth; the call's row is what they add up to.

use serde::{Deserialize, Serialize};

use super::{CallId, EventId, PhoneNumberId, ProfileId, TenantId, Timestamp};

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody called a number of ours.
    Inbound,
    /// We called somebody. Kept for the carrier step.
    Outbound,
}

/// Where a call is in its life. The last three are final, and a final state never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Its webhook was answered with a stream.
    Answered,
    /// Its stream runs.
    Streaming,
    /// Its stream ended; the carrier dials somebody for it, or asks what comes next.
    Between,
    /// Over, after it was answered.
    Completed,
    /// Over: it was not taken (no place, suspended, draining).
    Refused,
    /// Over: it was lost, by us or the carrier.
    Failed,
}

impl CallState {
    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Refused | Self::Failed)
    }
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller, or the carrier for them.
    Caller,
    /// The agent.
    Agent,
    /// Somebody through the API.
    Api,
    /// The service: a limit, a shutdown, a fault.
    Service,
}

/// A call, live or stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Ours.
    pub id: CallId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The carrier's own id, such as Twilio's `CA…`; unique.
    pub carrier_call_id: String,
    /// Who called whom.
    pub direction: Direction,
    /// The caller.
    pub from: String,
    /// The called.
    pub to: String,
    /// The number's record, where it has one.
    pub phone_number_id: Option<PhoneNumberId>,
    /// Who answered; `None`: the built-in demo.
    pub profile_id: Option<ProfileId>,
    /// Where it is.
    pub state: CallState,
    /// When it came.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// What was measured of its streams, summed up: an object; `None` until a stream has ended.
    pub quality: Option<serde_json::Value>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEventKind {
    /// Its webhook was answered with a stream.
    Answered,
    /// It was not taken; `data.reason` says why.
    Refused,
    /// A stream began.
    StreamStarted,
    /// A stream ended; `data` has its cause, progress and quality.
    StreamEnded,
    /// The caller interrupted.
    BargeIn,
    /// A turn of the caller ended; `data.speech_ms`.
    Turn,
    /// A key; which is not written down.
    Digit,
    /// Something was said; `data` has what kind, how much was heard.
    Said,
    /// The caller is being connected to somebody else.
    Transferred,
    /// The carrier reported a state; `data.status`.
    CarrierStatus,
    /// Somebody acted through the API; `data.action`.
    Acted,
    /// It is over; `data.ended_by`.
    Ended,
}

/// Something that happened on a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// Its id; written twice, it is there once.
    pub id: EventId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// On which call.
    pub call_id: CallId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: CallEventKind,
    /// More of it: an object.
    pub data: serde_json::Value,
}

/// An event and the call as it is after it: what the journal writes. Writing one again changes nothing; a final state is
/// never replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallUpdate {
    /// How the call is now.
    pub call: Call,
    /// What happened.
    pub event: CallEvent,
}

/// Which calls of a tenant are wanted.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Only these states; empty: all.
    pub states: Vec<CallState>,
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only from or to this number.
    pub number: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

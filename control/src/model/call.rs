//! Calls and what happens on them. The events are the truth; the call's row is what they add up to.

use serde::{Deserialize, Serialize};

use super::{CallId, CampaignId, ContactId, EventId, PhoneNumberId, ProfileId, ProviderType, TenantId, Timestamp};

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody called a number of ours.
    Inbound,
    /// We called somebody.
    Outbound,
}

/// Where a call is in its life, in that order: what is reported late never takes it back. The last six are final, and
/// the first of them that a call comes to is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The carrier was asked to place it, and whether it did is not known yet.
    Unknown,
    /// It waits for its turn: here, before the carrier is asked, or there.
    Queued,
    /// The carrier dials.
    Initiated,
    /// It rings.
    Ringing,
    /// Its webhook was answered with a stream, or somebody answered a call of ours.
    Answered,
    /// Its stream runs.
    Streaming,
    /// Its stream ended; the carrier dials somebody for it, or asks what comes next.
    Between,
    /// Over, after it was answered.
    Completed,
    /// Over: it was not taken (no place, suspended, draining).
    Refused,
    /// Over: it was lost, by us or the carrier, or could not be connected.
    Failed,
    /// Over: whom we called was busy.
    Busy,
    /// Over: whom we called did not answer.
    NoAnswer,
    /// Over: it was taken back before anybody answered.
    Canceled,
}

impl CallState {
    /// Their words, in that order.
    pub const WORDS: [&'static str; 13] = [
        "unknown",
        "queued",
        "initiated",
        "ringing",
        "answered",
        "streaming",
        "between",
        "completed",
        "refused",
        "failed",
        "busy",
        "no_answer",
        "canceled",
    ];

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(self) -> bool {
        self >= Self::Completed
    }
}

/// Who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller, or the carrier for them.
    Caller,
    /// Whom we called.
    Called,
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
    /// The carrier's own id, such as Twilio's `CA…`; `None` until the carrier has named it.
    pub carrier_call_id: Option<String>,
    /// Which carrier has it.
    pub provider_type: ProviderType,
    /// Over which of its accounts it goes, whatever account its tenant has later; `None`: not known.
    #[serde(default)]
    pub account_id: Option<String>,
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
    /// Who was called, where that is a contact.
    pub contact_id: Option<ContactId>,
    /// Of which campaign it is.
    pub campaign_id: Option<CampaignId>,
    /// When it came, or was asked for.
    pub started_at: Timestamp,
    /// When somebody answered.
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// What was measured of its streams, summed up: an object; `None` until a stream has ended.
    pub quality: Option<serde_json::Value>,
    /// What else is known of it.
    #[serde(flatten)]
    pub details: CallDetails,
}

/// What is known of a call besides: only ever added to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CallDetails {
    /// What whoever asked for it wants to remember: an object.
    pub metadata: Option<serde_json::Value>,
    /// Who answered, in the carrier's word, such as `human` or `machine_end_beep`.
    pub answered_by: Option<String>,
    /// How long it lasted by the carrier's account.
    pub duration_s: Option<u32>,
    /// Why it failed.
    pub error: Option<CallError>,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallError {
    /// In a word, such as `twilio_call_failed`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The carrier's own number of it.
    pub carrier_code: Option<u32>,
    /// Where the carrier explains it.
    pub link: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEventKind {
    /// Somebody wants it placed.
    Queued,
    /// The carrier is asked to place it: on disk before it is.
    Placing,
    /// The carrier's answer to that; `data` has it.
    Placed,
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
    /// The carrier reported a state; `data` has the event's name, the state, and the report's place among the others.
    CarrierStatus,
    /// The carrier reported who answered; `data.answered_by`.
    AnsweredBy,
    /// The carrier reported a recording.
    Recording,
    /// The carrier reported a transcription; what was said is in `data`.
    Transcription,
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
    /// Of what the carrier reported, a name of the report among all others, such as `CA…:3`: there is one event of it,
    /// however often it comes.
    #[serde(default)]
    pub carrier_key: Option<String>,
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
    /// Only to this contact.
    pub contact: Option<ContactId>,
    /// Only of this campaign.
    pub campaign: Option<CampaignId>,
}

//! What is said between the service and a carrier about calls.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{CallId, Direction, PhoneNumberId, TenantId, Timestamp};

/// A call to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallInitiationRequest {
    /// Ours; it is in every URL that the carrier is given.
    pub call_id: CallId,
    /// Who is called, E.164.
    pub to: String,
    /// From which number, E.164.
    pub from: String,
    /// What the carrier asks when somebody answers.
    pub voice_url: String,
    /// Where it reports each step.
    pub status_url: String,
    /// Whether it is to find out who answered.
    pub machine_detection: MachineDetection,
    /// Where it tells who answered, while the call goes on already; none: the call waits for the verdict.
    pub machine_url: Option<String>,
    /// How long it may ring.
    pub ring_max: Duration,
    /// How long it may last.
    pub duration_max: Duration,
}

/// Whether the carrier finds out if a person or a machine answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineDetection {
    /// It does not.
    #[default]
    Off,
    /// As soon as it knows.
    Enable,
    /// When a machine's greeting is over.
    DetectMessageEnd,
}

/// The carrier has taken a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallInitiationResponse {
    /// Its name for the call.
    pub carrier_call_id: String,
    /// How the call stands.
    pub status: CallStatus,
}

/// A call that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallMetadata {
    /// Whose number was called.
    pub tenant_id: TenantId,
    /// Its record, where it has one.
    pub phone_number_id: Option<PhoneNumberId>,
    /// The caller.
    pub caller: String,
    /// The called number.
    pub called: String,
    /// Who called whom.
    pub direction: Direction,
    /// When.
    pub timestamp: Timestamp,
    /// The carrier's account.
    pub account: String,
    /// The carrier's name for the call.
    pub carrier_call_id: String,
}

/// How a call stands at its carrier, in the order of a call's life. The last five are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// It waits for its turn.
    Queued,
    /// It is being dialled.
    Initiated,
    /// It rings.
    Ringing,
    /// Somebody answered.
    InProgress,
    /// It was answered, and is over.
    Completed,
    /// The called party was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// It could not be connected.
    Failed,
    /// It was taken back before anybody answered.
    Canceled,
}

/// What happened on a call, as subscribers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallEvent {
    /// It waits, or is being dialled.
    #[serde(rename = "call.initiated")]
    Initiated,
    /// It rings.
    #[serde(rename = "call.ringing")]
    Ringing,
    /// Somebody answered.
    #[serde(rename = "call.answered")]
    Answered,
    /// It was answered, and is over.
    #[serde(rename = "call.completed")]
    Completed,
    /// Nobody answered.
    #[serde(rename = "call.no_answer")]
    NoAnswer,
    /// The called party was busy.
    #[serde(rename = "call.busy")]
    Busy,
    /// It could not be connected.
    #[serde(rename = "call.failed")]
    Failed,
    /// It was taken back.
    #[serde(rename = "call.canceled")]
    Canceled,
}

/// The coarse kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    /// On its way.
    Initiated,
    /// It rings.
    Ringing,
    /// Somebody answered.
    Answered,
    /// It was answered, and is over.
    Ended,
    /// It is over, and was never answered.
    Failed,
}

/// What a carrier reports of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// The carrier's name for the call.
    pub carrier_call_id: String,
    /// How it stands.
    pub status: CallStatus,
    /// The report's place among the call's reports, from 0; not every report has one.
    pub sequence: Option<u64>,
    /// When it happened, by the carrier's clock, where it says so.
    pub at: Option<Timestamp>,
    /// Of a call that is over: how long it lasted.
    pub duration: Option<Duration>,
    /// Who answered, in the carrier's word, where it was to find out.
    pub answered_by: Option<String>,
    /// The carrier's number of what went wrong, and the code that the network gave (SIP).
    pub error: Option<u32>,
    /// The code that the network gave (SIP).
    pub sip: Option<u16>,
}

/// A call that a carrier was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The carrier's name for it.
    pub carrier_call_id: String,
    /// How it stands.
    pub status: CallStatus,
    /// When it was begun.
    pub begun: Option<Timestamp>,
    /// Of a call that is over: how long it lasted.
    pub duration: Option<Duration>,
    /// Who answered, in the carrier's word.
    pub answered_by: Option<String>,
}

/// How a call is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// Whatever it does.
    Complete,
    /// Only if nobody has answered yet.
    Cancel,
}

impl CallMetadata {
    /// Whether it is a call of this account, to a number of the tenant's.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn belongs_to(&self, account: &str) -> Result<(), &'static str> {
        if self.account != account {
            return Err("the call is of another account");
        }
        // The default tenant has the calls to numbers that nobody registered.
        if self.phone_number_id.is_none() && self.tenant_id != TenantId::DEFAULT {
            return Err("the called number is not the tenant's");
        }
        Ok(())
    }
}

impl CallStatus {
    /// Whether nothing can follow.
    #[must_use]
    pub fn is_final(self) -> bool {
        self >= Self::Completed
    }

    /// What happened when a call came to stand so.
    #[must_use]
    pub fn event(self) -> CallEvent {
        match self {
            Self::Queued | Self::Initiated => CallEvent::Initiated,
            Self::Ringing => CallEvent::Ringing,
            Self::InProgress => CallEvent::Answered,
            Self::Completed => CallEvent::Completed,
            Self::Busy => CallEvent::Busy,
            Self::NoAnswer => CallEvent::NoAnswer,
            Self::Failed => CallEvent::Failed,
            Self::Canceled => CallEvent::Canceled,
        }
    }
}

impl CallEvent {
    /// Its coarse kind.
    #[must_use]
    pub fn kind(self) -> EventKind {
        match self {
            Self::Initiated => EventKind::Initiated,
            Self::Ringing => EventKind::Ringing,
            Self::Answered => EventKind::Answered,
            Self::Completed => EventKind::Ended,
            Self::NoAnswer | Self::Busy | Self::Failed | Self::Canceled => EventKind::Failed,
        }
    }

    /// Its name, such as `call.busy`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Initiated => "call.initiated",
            Self::Ringing => "call.ringing",
            Self::Answered => "call.answered",
            Self::Completed => "call.completed",
            Self::NoAnswer => "call.no_answer",
            Self::Busy => "call.busy",
            Self::Failed => "call.failed",
            Self::Canceled => "call.canceled",
        }
    }
}

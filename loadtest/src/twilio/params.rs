//! The form fields that every voice webhook carries.

use super::date;
use super::form::Fields;
use super::ids::Sids;
use crate::time::Micros;

/// Who calls whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The caller's number, E.164.
    pub from: String,
    /// The number that was called, E.164.
    pub to: String,
}

/// Which way a call goes, as `Direction` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Somebody called a number of the account's.
    #[default]
    Inbound,
    /// The account asked for it by REST.
    OutboundApi,
    /// The TwiML of another call dialled it.
    OutboundDial,
}

impl Direction {
    /// Twilio's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundDial => "outbound-dial",
        }
    }
}

/// The state of the call, as `CallStatus` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// Created by REST, and not dialled yet.
    Queued,
    /// The first request of an inbound call.
    Ringing,
    /// Every later one.
    InProgress,
    /// The call is over.
    Completed,
    /// The called party was busy.
    Busy,
    /// The call could not be made.
    Failed,
    /// The called party did not answer in time.
    NoAnswer,
    /// Called off before anybody answered.
    Canceled,
}

impl CallStatus {
    /// Twilio's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing follows any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Ringing | Self::InProgress)
    }
}

/// The fields that tell a number's status callback of the end of an inbound call that lasted `length`.
#[must_use]
pub fn end_of_call(sids: &Sids, parties: &Parties, length: Micros, unix_s: u64) -> Fields {
    let seconds = length.0.div_ceil(1_000_000);
    let mut fields = voice(sids, parties, Direction::Inbound, CallStatus::Completed, "");
    fields.extend([
        ("CallbackSource".into(), "call-progress-events".into()),
        ("SequenceNumber".into(), "0".into()),
        ("Timestamp".into(), date::rfc2822(unix_s)),
        ("CallDuration".into(), seconds.to_string()),
        ("Duration".into(), seconds.div_ceil(60).to_string()),
        ("SipResponseCode".into(), "200".into()),
    ]);
    fields
}

/// The fields of a call's request for TwiML, in the alphabetical order that Twilio sends. `CallToken` and `StirVerstat`
/// are of inbound calls only.
#[must_use]
pub fn voice(sids: &Sids, parties: &Parties, direction: Direction, status: CallStatus, call_token: &str) -> Fields {
    let inbound = direction == Direction::Inbound;
    let mut fields: Fields = vec![
        ("AccountSid".into(), sids.account.clone()),
        ("ApiVersion".into(), "2010-04-01".into()),
        ("CallSid".into(), sids.call.clone()),
        ("CallStatus".into(), status.as_str().into()),
    ];
    if inbound {
        fields.push(("CallToken".into(), call_token.into()));
    }
    let caller = ["SAN FRANCISCO", "CA", "94103", "US"];
    let called = ["", "CA", "", "US"];
    for (prefix, number, place) in [
        ("Called", &parties.to, called),
        ("Caller", &parties.from, caller),
        ("From", &parties.from, caller),
        ("To", &parties.to, called),
    ] {
        fields.push((prefix.into(), number.clone()));
        for (suffix, value) in ["City", "State", "Zip", "Country"].into_iter().zip(place) {
            fields.push((format!("{prefix}{suffix}"), value.into()));
        }
    }
    fields.push(("Direction".into(), direction.as_str().into()));
    if inbound {
        fields.push(("StirVerstat".into(), "TN-Validation-Passed-A".into()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_an_inbound_call_are_all_there() {
        let sids = Sids { account: "AC1".into(), call: "CA1".into() };
        let parties = Parties { from: "+14155550100".into(), to: "+14155550199".into() };
        let fields = voice(&sids, &parties, Direction::Inbound, CallStatus::Ringing, "t");
        let get = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(get("CallStatus"), Some("ringing"));
        assert_eq!(get("Caller"), Some("+14155550100"));
        assert_eq!(get("To"), Some("+14155550199"));
        assert_eq!(get("ToCity"), Some(""));
        assert_eq!(get("FromCountry"), Some("US"));
        assert_eq!(get("Direction"), Some("inbound"));
        assert_eq!(fields.len(), 27);
    }

    #[test]
    fn an_outbound_call_has_no_call_token_and_no_verdict_on_its_caller() {
        let sids = Sids { account: "AC1".into(), call: "CA1".into() };
        let parties = Parties { from: "+14155550199".into(), to: "+14155550100".into() };
        let fields = voice(&sids, &parties, Direction::OutboundApi, CallStatus::InProgress, "t");
        let get = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!((get("Direction"), get("CallStatus")), (Some("outbound-api"), Some("in-progress")));
        assert_eq!((get("CallToken"), get("StirVerstat")), (None, None));
    }
}

//! The form fields that every voice webhook carries.

use super::form::Fields;
use super::ids::Sids;

/// Who calls whom.
#[derive(Clone, Debug)]
pub struct Parties {
    /// The caller's number, E.164.
    pub from: String,
    /// The number that was called, E.164.
    pub to: String,
}

/// The state of the call, as `CallStatus` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// The first request of an inbound call.
    Ringing,
    /// Every later one.
    InProgress,
    /// The call is over.
    Completed,
}

impl CallStatus {
    /// Twilio's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
        }
    }
}

/// The fields of an inbound call's request for TwiML, in the alphabetical order that Twilio sends.
#[must_use]
pub fn voice(sids: &Sids, parties: &Parties, status: CallStatus, call_token: &str) -> Fields {
    let mut fields: Fields = vec![
        ("AccountSid".into(), sids.account.clone()),
        ("ApiVersion".into(), "2010-04-01".into()),
        ("CallSid".into(), sids.call.clone()),
        ("CallStatus".into(), status.as_str().into()),
        ("CallToken".into(), call_token.into()),
    ];
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
    fields.push(("Direction".into(), "inbound".into()));
    fields.push(("StirVerstat".into(), "TN-Validation-Passed-A".into()));
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_an_inbound_call_are_all_there() {
        let sids = Sids { account: "AC1".into(), call: "CA1".into() };
        let parties = Parties { from: "+14155550100".into(), to: "+14155550199".into() };
        let fields = voice(&sids, &parties, CallStatus::Ringing, "t");
        let get = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(get("CallStatus"), Some("ringing"));
        assert_eq!(get("Caller"), Some("+14155550100"));
        assert_eq!(get("To"), Some("+14155550199"));
        assert_eq!(get("ToCity"), Some(""));
        assert_eq!(get("FromCountry"), Some("US"));
        assert_eq!(get("Direction"), Some("inbound"));
        assert_eq!(fields.len(), 27);
    }
}

//! Which thing a path names. Only `.json` is spoken; without it Twilio would answer XML, which nobody asks for today.

/// A thing of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The account itself.
    Account,
    /// All calls.
    Calls,
    /// One call.
    Call(&'a str),
    /// All recordings.
    Recordings,
    /// One recording.
    Recording(&'a str),
    /// The sound of a recording: everybody who knows its name may hear it, as at Twilio unless it is told otherwise.
    Sound(&'a str),
    /// All recordings of a call.
    CallRecordings(&'a str),
    /// One recording of a call.
    CallRecording(&'a str, &'a str),
    /// All one-way streams of a call.
    CallStreams(&'a str),
    /// One of them, by SID or name.
    CallStream(&'a str, &'a str),
    /// All numbers.
    Numbers,
    /// One number.
    Number(&'a str),
    /// Ours: makes a call to one of the account's numbers.
    InboundCalls,
    /// Ours: what Twilio's debugger would show.
    Debugger,
    /// Ours: what goes wrong with the account's requests.
    Faults,
    /// Ours: what goes wrong with its status callbacks.
    Callbacks,
    /// Ours: the whole API is not reached for a while.
    Unreachable,
}

impl Resource<'_> {
    /// Whether it is ours and not Twilio's.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::InboundCalls | Self::Debugger | Self::Faults | Self::Callbacks | Self::Unreachable)
    }
}

/// The account that a path belongs to, and the thing of it; `None` where there is nothing.
#[must_use]
pub fn find(path: &str) -> Option<(&str, Resource<'_>)> {
    if let Some(rest) = path.strip_prefix("/loadtest/Accounts/") {
        let (account, rest) = rest.split_once('/')?;
        let resource = match rest {
            "InboundCalls.json" => Resource::InboundCalls,
            "Debugger.json" => Resource::Debugger,
            "Faults.json" => Resource::Faults,
            "Callbacks.json" => Resource::Callbacks,
            "Unreachable.json" => Resource::Unreachable,
            _ => return None,
        };
        return Some((account, resource));
    }
    let rest = path.strip_prefix("/2010-04-01/Accounts/")?;
    let Some((account, rest)) = rest.split_once('/') else {
        return rest.strip_suffix(".json").map(|account| (account, Resource::Account));
    };
    if let Some(recording) = rest.strip_prefix("Recordings/").filter(|name| !name.ends_with(".json")) {
        let sid = recording.strip_suffix(".wav").unwrap_or(recording);
        return Some((account, Resource::Sound(sid)));
    }
    let resource = match *rest.strip_suffix(".json")?.split('/').collect::<Vec<_>>() {
        ["Calls"] => Resource::Calls,
        ["Calls", call] => Resource::Call(call),
        ["Calls", call, "Recordings"] => Resource::CallRecordings(call),
        ["Calls", call, "Recordings", recording] => Resource::CallRecording(call, recording),
        ["Calls", call, "Streams"] => Resource::CallStreams(call),
        ["Calls", call, "Streams", stream] => Resource::CallStream(call, stream),
        ["Recordings"] => Resource::Recordings,
        ["Recordings", recording] => Resource::Recording(recording),
        ["IncomingPhoneNumbers"] => Resource::Numbers,
        ["IncomingPhoneNumbers", number] => Resource::Number(number),
        _ => return None,
    };
    Some((account, resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_and_others_are_not() {
        let call = "/2010-04-01/Accounts/AC1/Calls/CA1.json";
        assert_eq!(find(call), Some(("AC1", Resource::Call("CA1"))));
        let sound = "/2010-04-01/Accounts/AC1/Recordings/RE1";
        for target in [sound.to_owned(), format!("{sound}.wav")] {
            assert_eq!(find(&target), Some(("AC1", Resource::Sound("RE1"))));
        }
        assert_eq!(find(&format!("{sound}.json")), Some(("AC1", Resource::Recording("RE1"))));
        let of_call = "/2010-04-01/Accounts/AC1/Calls/CA1/Recordings/RE1.json";
        assert_eq!(find(of_call), Some(("AC1", Resource::CallRecording("CA1", "RE1"))));
        assert_eq!(find("/2010-04-01/Accounts/AC1.json"), Some(("AC1", Resource::Account)));
        assert_eq!(find("/loadtest/Accounts/AC1/Debugger.json"), Some(("AC1", Resource::Debugger)));
        for nothing in ["/", "/2010-04-01/Accounts/AC1/Calls", "/2010-04-01/Accounts/AC1/Faxes.json", "/2008-08-01/x"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
    }
}

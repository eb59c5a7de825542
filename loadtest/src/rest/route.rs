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
    /// All numbers.
    Numbers,
    /// One number.
    Number(&'a str),
    /// Ours: makes a call to one of the account's numbers.
    InboundCalls,
    /// Ours: what Twilio's debugger would show.
    Debugger,
}

/// The account that a path belongs to, and the thing of it; `None` where there is nothing.
#[must_use]
pub fn find(path: &str) -> Option<(&str, Resource<'_>)> {
    if let Some(rest) = path.strip_prefix("/loadtest/Accounts/") {
        let (account, rest) = rest.split_once('/')?;
        let resource = match rest {
            "InboundCalls.json" => Resource::InboundCalls,
            "Debugger.json" => Resource::Debugger,
            _ => return None,
        };
        return Some((account, resource));
    }
    let rest = path.strip_prefix("/2010-04-01/Accounts/")?;
    let Some((account, rest)) = rest.split_once('/') else {
        return rest.strip_suffix(".json").map(|account| (account, Resource::Account));
    };
    let resource = match *rest.strip_suffix(".json")?.split('/').collect::<Vec<_>>() {
        ["Calls"] => Resource::Calls,
        ["Calls", call] => Resource::Call(call),
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
        assert_eq!(find("/2010-04-01/Accounts/AC1.json"), Some(("AC1", Resource::Account)));
        assert_eq!(find("/loadtest/Accounts/AC1/Debugger.json"), Some(("AC1", Resource::Debugger)));
        for nothing in ["/", "/2010-04-01/Accounts/AC1/Calls", "/2010-04-01/Accounts/AC1/Faxes.json", "/2008-08-01/x"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
    }
}

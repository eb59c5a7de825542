//! What a request to change a call asks for.

use super::wanted::{inline, number, place};
use crate::call::model::Settings;
use crate::rest::answer::Refusal;
use crate::rest::given::Given;
use crate::time::Micros;
use crate::twilio::executor::First;
use crate::twilio::params::CallStatus;

/// What is to become of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It goes on there.
    Redirect(First),
    /// It ends: `completed` in any state, `canceled` only before somebody answers.
    End(CallStatus),
    /// Nothing; settings may have been given.
    Nothing,
}

/// Reads the form and holds it against how the call stands.
///
/// # Errors
/// The code of the first parameter that is wrong; 21220 when the call is not in a state for it.
pub fn read(form: &Given, status: CallStatus) -> Result<(Change, Settings), Refusal> {
    let redirect = redirect(form)?;
    let settings = Settings {
        fallback: place(form, "FallbackUrl", "FallbackMethod", 21_205)?,
        status_callback: place(form, "StatusCallback", "StatusCallbackMethod", 21_609)?,
        time_limit: number(form, "TimeLimit", 1..=14_400, 20_001)?.map(|s| Micros::from_ms(s * 1_000)),
    };
    let end = match form.filled("Status") {
        None => None,
        Some("completed") => Some(CallStatus::Completed),
        Some("canceled") => Some(CallStatus::Canceled),
        Some(other) => {
            return Err(Refusal::parameter(format!("Status is not valid: {other}; completed or canceled")));
        }
    };
    let change = match (redirect, end) {
        (_, Some(end)) => Change::End(end),
        (Some(first), None) => Change::Redirect(first),
        (None, None) => Change::Nothing,
    };
    check(&change, status)?;
    Ok((change, settings))
}

fn redirect(form: &Given) -> Result<Option<First>, Refusal> {
    let url = place(form, "Url", "Method", 21_205)?;
    match (url, form.filled("Twiml")) {
        (Some(_), Some(_)) => Err(Refusal::parameter("Url and Twiml exclude each other; give one")),
        (Some((url, get)), None) => Ok(Some(First::Ask(url, get))),
        (None, Some(twiml)) => inline(twiml).map(|twiml| Some(First::Inline(twiml))),
        (None, None) => Ok(None),
    }
}

fn check(change: &Change, status: CallStatus) -> Result<(), Refusal> {
    let in_progress = status == CallStatus::InProgress;
    match change {
        Change::Redirect(_) if !in_progress => Err(Refusal::bad(21_220, "Call is not in-progress. Cannot redirect.")),
        Change::End(_) if status.is_final() => {
            Err(Refusal::bad(21_220, format!("Call is not in-progress: it is {}", status.as_str())))
        }
        Change::End(CallStatus::Canceled) if in_progress => {
            Err(Refusal::bad(21_220, "Call is in-progress and cannot be canceled; end it with Status=completed"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::url::Url;

    fn code(form: &str, status: CallStatus) -> Option<u32> {
        read(&Given::parse(form), status).err().map(|refusal| refusal.code)
    }

    #[test]
    fn canceled_is_for_calls_that_nobody_answered_and_completed_for_all_that_live() {
        use CallStatus::{Busy, Completed, InProgress, Queued, Ringing};
        for status in [Queued, Ringing] {
            assert_eq!((code("Status=canceled", status), code("Status=completed", status)), (None, None));
        }
        assert_eq!((code("Status=canceled", InProgress), code("Status=completed", InProgress)), (Some(21_220), None));
        for status in [Completed, Busy] {
            assert_eq!(code("Status=completed", status), Some(21_220));
            assert_eq!(code("Status=canceled", status), Some(21_220));
        }
        assert_eq!(code("Status=busy", InProgress), Some(20_001));
    }

    #[test]
    fn only_a_call_in_progress_is_redirected() {
        let url = "Url=http%3A%2F%2Fh%2Fx&Method=GET";
        let (change, _) = read(&Given::parse(url), CallStatus::InProgress).unwrap();
        assert_eq!(change, Change::Redirect(First::Ask(Url::parse("http://h/x").unwrap(), true)));
        assert_eq!(code(url, CallStatus::Ringing), Some(21_220));
        assert_eq!(code("Twiml=%3CResponse%2F%3E", CallStatus::Completed), Some(21_220));
        assert_eq!(code("Url=nonsense", CallStatus::InProgress), Some(21_205));
        assert_eq!(code("Url=http%3A%2F%2Fh&Twiml=x", CallStatus::InProgress), Some(20_001));
        assert_eq!(code(&format!("Twiml={}", "x".repeat(4_001)), CallStatus::InProgress), Some(32_018));
    }

    #[test]
    fn settings_alone_are_taken_in_any_state() {
        let (change, settings) = read(&Given::parse("TimeLimit=60"), CallStatus::Queued).unwrap();
        assert_eq!((change, settings.time_limit), (Change::Nothing, Some(Micros::from_ms(60_000))));
        assert_eq!(code("TimeLimit=0", CallStatus::Queued), Some(20_001));
        assert_eq!(code("StatusCallback=http%3A%2F%2Fmy_host%2F", CallStatus::Queued), Some(21_609));
    }
}

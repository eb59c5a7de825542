//! A request beside the call: a status callback, a partial result, a transcript. Its answer changes nothing but the
//! debugger.

use super::executor::{Answer, Fetch};
use super::warning::{Code, Warning};

/// Which fields a notice carries besides its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Those of every voice webhook of the call.
    Call,
    /// None: its own are complete, `AccountSid` and `CallSid` included.
    Own,
}

/// A request whose answer is only judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is, in the debugger's words, such as `recording status callback`.
    pub what: &'static str,
    /// Which fields go before its own.
    pub carries: Carries,
    /// Where to, how, and its own fields.
    pub fetch: Fetch,
}

/// What Twilio's debugger shows about the answer to a notice. Wanted is 204, or 200 with TwiML.
#[must_use]
pub fn judge(what: &str, answer: &Result<Answer, String>) -> Option<Warning> {
    match answer {
        Err(why) => Some(Warning::new(Code::HttpConnection, format!("{what}: {why}"))),
        Ok(answer) if !(200..300).contains(&answer.status) => {
            Some(Warning::new(Code::HttpRetrieval, format!("{what} answered {}; answer 204", answer.status)))
        }
        Ok(answer) if answer.body.is_empty() || reads(answer) => None,
        Ok(answer) => {
            let kind = answer.content_type.as_deref().unwrap_or("(none)");
            let text = format!("{what} answered content type {kind:?}; answer 204, or text/xml with <Response/>");
            Some(Warning::new(Code::ContentType, text))
        }
    }
}

fn reads(answer: &Answer) -> bool {
    let kind = answer.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    matches!(kind.as_str(), "text/xml" | "application/xml" | "text/html" | "text/plain")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_204_and_twiml_pass_without_a_warning() {
        let code = |status, kind: Option<&str>, body: &str| {
            let content_type = kind.map(str::to_owned);
            let answer = Answer { status, content_type, location: None, body: body.into() };
            judge("status callback", &Ok(answer)).map(|warning| warning.code)
        };
        assert_eq!(code(204, None, ""), None);
        assert_eq!(code(200, None, ""), None);
        assert_eq!(code(200, Some("text/xml"), "<Response/>"), None);
        assert_eq!(code(200, Some("application/json"), "{}"), Some(Code::ContentType));
        assert_eq!(code(503, None, ""), Some(Code::HttpRetrieval));
        assert_eq!(judge("x", &Err("nothing listens".into())).map(|w| w.code), Some(Code::HttpConnection));
    }
}

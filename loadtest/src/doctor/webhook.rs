//! What the voice webhook answered: to a request that Twilio signed, to one that nobody signed, to a forger's.

use super::finding::Finding;
use crate::time::Micros;
use crate::twilio::executor::{Answer, MAX_BODY_BYTES};
use crate::twilio::warning::Code;

/// A request's answer and how long it took.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What came back, or why nothing did.
    pub answer: Result<Answer, String>,
    /// From sending to the last byte.
    pub took: Micros,
}

/// The caller hears ringing for so long more than he must.
const SLOW: Micros = Micros::from_ms(1_000);
/// Close enough to Twilio's 15 s to fail on a bad day.
const TOO_SLOW: Micros = Micros::from_ms(5_000);
/// Twilio's own limit, less what we may be early.
const TIMED_OUT: Micros = Micros::from_ms(14_000);

/// The name of the first probe.
pub const ANSWERS: &str = "webhook answers";
const KIND: &str = "content type";

impl Asked {
    /// Whether anybody is there at all; one that takes too long is.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.answer.is_ok() || self.took >= TIMED_OUT
    }
}

/// The answer to a request as Twilio makes it. `signed` is the URL that the signature covers.
#[must_use]
pub fn signed(asked: &Asked, signed: &str) -> Vec<Finding> {
    let answer = match &asked.answer {
        Ok(answer) => answer,
        Err(why) => return vec![unanswered(asked, why)],
    };
    match answer.status {
        200..=299 => vec![in_time(asked, answer.status), kind(answer)],
        301 | 302 | 303 | 307 | 308 => vec![in_time(asked, answer.status)],
        401 | 403 => vec![refused(answer.status, signed)],
        status => {
            let cause = "Twilio reads TwiML from a 200 only; the caller hears \"an application error has occurred\"";
            let cure = "look into the server's log for this request; answer 200 with TwiML, even to say sorry";
            vec![Finding::fail(ANSWERS, status.to_string(), cause, cure).with_code(Code::HttpRetrieval)]
        }
    }
}

fn unanswered(asked: &Asked, why: &str) -> Finding {
    let cure = if asked.is_reached() {
        "answer at once; do slow things after <Connect>, when the stream is open"
    } else {
        "start the server; or give its address with --url"
    };
    Finding::fail(ANSWERS, why, "Twilio ends the call with an application error", cure).with_code(Code::HttpConnection)
}

fn refused(status: u16, signed: &str) -> Finding {
    let cause = "the server checks the signature with another auth token or over another URL than Twilio signs";
    let cure = format!(
        "the signature covers {signed}: give the server's own with --public-url, its token with --auth-token; a server \
         behind a proxy must use its configured public URL, not the Host header"
    );
    let seen = format!("{status} to a correctly signed request");
    Finding::fail(ANSWERS, seen, cause, &cure).with_code(Code::HttpRetrieval)
}

fn in_time(asked: &Asked, status: u16) -> Finding {
    let seen = format!("{status} after {}", asked.took);
    let cause = "the caller hears ringing meanwhile; after 15 s Twilio gives up";
    let cure = "answer from memory; look things up when the stream is open";
    match asked.took {
        took if took >= TOO_SLOW => Finding::fail(ANSWERS, seen, cause, cure).with_code(Code::HttpConnection),
        took if took >= SLOW => Finding::warn(ANSWERS, seen, cause, cure),
        _ => Finding::pass(ANSWERS, seen),
    }
}

fn kind(answer: &Answer) -> Finding {
    let kind = answer.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let cure = "answer with Content-Type: text/xml";
    match kind.as_str() {
        _ if answer.body.len() > MAX_BODY_BYTES => {
            let cause = "Twilio reads at most 64 kB";
            Finding::fail(KIND, "more than 64 kB", cause, "answer less").with_code(Code::BodyTooBig)
        }
        "text/xml" | "application/xml" => Finding::pass(KIND, kind),
        "text/html" => Finding::warn(KIND, kind, "Twilio takes it for TwiML; an error page of a proxy as well", cure),
        "text/plain" => Finding::warn(KIND, kind, "Twilio speaks the document when it is not well-formed", cure),
        _ => {
            let seen = if kind.is_empty() { "none".to_owned() } else { kind };
            Finding::fail(KIND, seen, "Twilio does not read TwiML from that", cure).with_code(Code::ContentType)
        }
    }
}

/// The answer to a request that nobody, or somebody else, signed.
#[must_use]
pub fn unsigned(probe: &'static str, asked: &Asked) -> Finding {
    let cause = "anybody who knows the URL can start calls on your server, in the name of any number";
    let cure = "check X-Twilio-Signature over the public URL and the sorted form fields; answer 403 if it is wrong \
                (in a development mode that lets it pass, this is expected)";
    match &asked.answer {
        Ok(answer) if matches!(answer.status, 400 | 401 | 403 | 404) => {
            Finding::pass(probe, format!("refused with {}", answer.status))
        }
        Ok(answer) if answer.status < 400 => {
            Finding::fail(probe, format!("accepted with {}", answer.status), cause, cure)
        }
        Ok(answer) => {
            let cause = "the server fails where it should refuse";
            Finding::warn(probe, answer.status.to_string(), cause, "answer 403")
        }
        Err(why) => Finding::warn(probe, why, "the server breaks where it should refuse", "answer 403"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn asked(status: u16, kind: Option<&str>, ms: u64) -> Asked {
        let content_type = kind.map(str::to_owned);
        let answer = Ok(Answer { status, content_type, location: None, body: b"<Response/>".to_vec() });
        Asked { answer, took: Micros::from_ms(ms) }
    }

    fn verdicts(asked: &Asked) -> Vec<Verdict> {
        signed(asked, "http://h/").iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn time_kind_and_status_are_judged() {
        use Verdict::{Fail, Pass, Warn};
        assert_eq!(verdicts(&asked(200, Some("text/xml"), 20)), [Pass, Pass]);
        assert_eq!(verdicts(&asked(200, Some("text/plain"), 1_200)), [Warn, Warn]);
        assert_eq!(verdicts(&asked(200, Some("application/json"), 6_000)), [Fail, Fail]);
        assert_eq!(verdicts(&asked(200, None, 1)), [Pass, Fail]);
        assert_eq!(verdicts(&asked(500, None, 1)), [Fail]);
        assert!(signed(&asked(403, None, 1), "http://h/x")[0].cure.as_deref().unwrap().contains("http://h/x"));
    }

    #[test]
    fn silence_for_15_s_is_a_fault_and_a_refused_connection_is_nobody() {
        let none = |ms| Asked { answer: Err("x".into()), took: Micros::from_ms(ms) };
        assert!(none(15_000).is_reached() && !none(1).is_reached());
        assert_eq!(signed(&none(15_000), "u")[0].twilio, Some(Code::HttpConnection));
    }

    #[test]
    fn what_is_not_signed_must_be_refused() {
        assert_eq!(unsigned("p", &asked(403, None, 1)).verdict, Verdict::Pass);
        assert_eq!(unsigned("p", &asked(200, None, 1)).verdict, Verdict::Fail);
        assert_eq!(unsigned("p", &asked(500, None, 1)).verdict, Verdict::Warn);
    }
}

//! What came back: how long it took, and which kind of answer it was.

use std::collections::BTreeMap;

use crate::fleet::spread::Spread;
use crate::time::Micros;
use crate::twilio::executor::Answer;

/// The times of one request.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// When it had to be sent; where there is no such time, when it was.
    pub due: Micros,
    /// When its connection was free for it.
    pub free: Micros,
    /// When it was sent.
    pub sent: Micros,
    /// When its whole answer was there.
    pub answered: Micros,
}

/// The sum of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// What is measured begins.
    pub from: Micros,
    /// Reports are sent, which want no TwiML.
    pub reports: bool,
    /// Answers so far, the warm-up's included.
    pub answers: u64,
    /// From due to answered: a request that waits for a connection, because the server is behind, waits here too.
    pub latency: Spread,
    /// From when it was due and had a connection to when it was sent: our own fault.
    pub lateness: Spread,
    /// How often each kind of answer came.
    pub kinds: BTreeMap<String, u64>,
    /// Requests without TwiML for an answer.
    pub failed: u64,
    /// Connections that were opened again.
    pub reconnected: u64,
}

impl Tally {
    /// One request is over.
    pub fn add(&mut self, moments: Moments, answer: Result<Answer, String>) {
        self.answers += u64::from(answer.is_ok());
        if moments.due < self.from {
            return;
        }
        let Moments { due, free, sent, answered } = moments;
        self.lateness.add(sent.since(due.max(free)));
        let kind = match &answer {
            Ok(answer) => {
                self.latency.add(answered.since(due));
                if self.reports && answer.status == 204 { Ok("204".to_owned()) } else { kind(answer) }
            }
            Err(why) => Err(why.clone()),
        };
        self.failed += u64::from(kind.is_err());
        *self.kinds.entry(kind.unwrap_or_else(|failed| failed)).or_default() += 1;
    }
}

/// The first verb of an answer that is TwiML; else what it is.
///
/// # Errors
/// What the answer is instead.
pub fn kind(answer: &Answer) -> Result<String, String> {
    if answer.status != 200 {
        return Err(format!("status {}", answer.status));
    }
    let body = String::from_utf8_lossy(&answer.body);
    let Some((_, verbs)) = body.split_once("<Response") else { return Err("no TwiML".into()) };
    let verb = verbs.split('<').nth(1).unwrap_or_default();
    let name = verb.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    Ok(if name.is_empty() { "nothing".into() } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, content_type: Some("text/xml".into()), location: None, body: body.into() }
    }

    #[test]
    fn the_first_verb_names_the_kind() {
        let check = |body: &str, expected: &str| assert_eq!(kind(&answer(200, body)), Ok(expected.into()), "{body}");
        check("<?xml version=\"1.0\"?><Response><Connect><Stream url=\"wss://x/\"/></Connect></Response>", "Connect");
        check("<Response>\n  <Reject reason=\"busy\"/></Response>", "Reject");
        check("<Response></Response>", "nothing");
        check("<Response/>", "nothing");
        assert_eq!(kind(&answer(200, "hello")), Err("no TwiML".into()));
        assert_eq!(kind(&answer(503, "<Response/>")), Err("status 503".into()));
    }

    #[test]
    fn waiting_for_a_connection_is_the_servers_fault_and_sending_late_is_ours() {
        let mut tally = Tally { from: Micros(1_000), ..Tally::default() };
        let times = |due, free, sent, answered| Moments {
            due: Micros(due),
            free: Micros(free),
            sent: Micros(sent),
            answered: Micros(answered),
        };
        tally.add(times(0, 0, 0, 1_000), Ok(answer(200, "<Response/>")));
        tally.add(times(1_000, 1_500, 1_510, 2_500), Ok(answer(200, "<Response/>")));
        tally.add(times(1_500, 1_000, 1_500, 2_500), Err("broken".into()));
        assert_eq!((tally.answers, tally.failed), (2, 1));
        let (latency, lateness) = (tally.latency.figures(), tally.lateness.figures());
        assert_eq!((latency.count, latency.max_ms), (1, 1.5));
        assert_eq!((lateness.count, lateness.max_ms), (2, 0.01));
        assert_eq!(tally.kinds.keys().collect::<Vec<_>>(), ["broken", "nothing"]);
    }
}

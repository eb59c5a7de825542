//! Goes through the TwiML of a call up to its stream and looks one step behind it, without waiting for anything.

use super::finding::Finding;
use crate::time::Micros;
use crate::twilio::executor::{Answer, Executor, Facts, Fetch, First, Output};
use crate::twilio::stream_plan::StreamPlan;
use crate::twilio::url::Url;
use crate::twilio::warning::{Code, Warning};

/// Documents that are fetched at most on the way.
const MAX_FETCHES: u32 = 20;

const TWIML: &str = "TwiML";
const STREAM: &str = "stream URL";
const BEHIND: &str = "behind </Connect>";
const SECRET: &str = "secret of each call";

/// A walk through the TwiML.
#[derive(Debug)]
pub struct Walk {
    executor: Executor,
    now: Micros,
    fetches: u32,
    /// What stands in the way of more.
    over: bool,
    /// What the debugger would show.
    pub warnings: Vec<Warning>,
    /// The stream that it led to.
    pub plan: Option<StreamPlan>,
    /// What the call would do if the stream ended.
    pub behind: Option<String>,
    /// How it ended without a stream.
    pub ended: Option<String>,
}

impl Walk {
    /// A walk that begins at this webhook.
    #[must_use]
    pub fn new(url: Url, facts: Facts) -> Self {
        let executor = Executor::new(Micros::ZERO, First::Ask(url, false), facts);
        let (warnings, plan, behind, ended) = (Vec::new(), None, None, None);
        Self { executor, now: Micros::ZERO, fetches: 0, over: false, warnings, plan, behind, ended }
    }

    /// The next document to fetch; answer with [`Self::answer`]. `None`: the walk is over.
    pub fn fetch(&mut self) -> Option<Fetch> {
        while !self.over {
            match self.executor.poll() {
                Some(Output::Fetch(fetch)) if self.plan.is_none() && self.fetches < MAX_FETCHES => {
                    self.fetches += 1;
                    return Some(fetch);
                }
                Some(output) => self.take(output),
                None => self.pass_time(),
            }
        }
        None
    }

    /// What the fetch brought.
    pub fn answer(&mut self, answer: &Result<Answer, String>) {
        match answer {
            Ok(answer) => self.executor.answer(self.now, answer),
            Err(why) => self.executor.no_answer(self.now, why),
        }
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::OpenStream(plan) if self.plan.is_none() => {
                self.plan = Some(plan);
                // As if the server had closed it: what comes next is what the caller falls upon.
                self.executor.stream_ended(self.now, true);
            }
            Output::Warning(warning) => self.warnings.push(warning),
            Output::End(why) if self.plan.is_none() => {
                self.ended = Some(why.to_string());
                self.over = true;
            }
            Output::End(_) => self.over = true,
            Output::Fetch(fetch) => self.found_behind(format!("asks {}", fetch.url)),
            Output::Verb(text) | Output::Dial(text) if self.plan.is_some() => self.found_behind(text),
            Output::OpenStream(plan) => self.found_behind(format!("opens {}", plan.url)),
            Output::Prepare { number, .. } => self.executor.prepared(self.now, number, Ok(None)),
            _ => {}
        }
    }

    fn found_behind(&mut self, what: String) {
        self.behind = self.plan.as_ref().map(|_| what);
        self.over = true;
    }

    /// Say, Pause and Gather take no time here.
    fn pass_time(&mut self) {
        match self.executor.next_deadline(self.now) {
            Some(at) => {
                self.now = self.now.max(at);
                self.executor.tick(self.now);
            }
            // A stream of which nothing is behind, or an executor that waits for what never comes.
            None => self.over = true,
        }
    }
}

/// What is wrong with the document, its stream, and what is behind it.
#[must_use]
pub fn judge(walk: &Walk) -> Vec<Finding> {
    let of_stream = |w: &&Warning| {
        matches!(w.code, Code::StreamScheme | Code::StreamUrl | Code::StreamTrack)
            || (w.code == Code::Silent && w.text.contains("stream URL"))
    };
    // What the first document looks like from outside has been said already.
    let unread = walk.fetches == 1 && walk.warnings.iter().any(|w| w.code.is_error() && !of_document(w.code));
    let mut found: Vec<Finding> = walk.warnings.iter().filter(|w| !of_stream(w) && !unread).map(twiml).collect();
    if found.is_empty() {
        found.push(if unread { Finding::skip(TWIML, "none was read") } else { Finding::pass(TWIML, "valid") });
    }
    found.extend(streams(walk, of_stream));
    if walk.plan.is_some() {
        found.push(behind(walk));
    }
    found
}

/// Whether it is about what stands in a document, rather than about how it came.
const fn of_document(code: Code) -> bool {
    !matches!(code, Code::ContentType | Code::HttpRetrieval | Code::HttpConnection | Code::BodyTooBig)
}

fn streams(walk: &Walk, of_stream: impl Fn(&&Warning) -> bool) -> Vec<Finding> {
    let bad: Vec<Finding> = walk.warnings.iter().filter(of_stream).map(stream).collect();
    if !bad.is_empty() {
        return bad;
    }
    if let Some(plan) = &walk.plan {
        return vec![Finding::pass(STREAM, plan.url.to_string())];
    }
    if walk.warnings.iter().any(|warning| warning.code.is_error()) {
        return vec![Finding::skip(STREAM, "the call ended before")];
    }
    let why = walk.ended.as_deref().unwrap_or("the TwiML goes in circles");
    let cure = "answer <Response><Connect><Stream url=\"wss://…\"/></Connect>…</Response>";
    vec![Finding::fail(STREAM, format!("no stream: {why}"), "there is nothing to talk to", cure)]
}

fn twiml(warning: &Warning) -> Finding {
    let (cause, cure) = match warning.code {
        Code::TwimlParse => (
            "Twilio ends the call with an application error",
            "nothing may stand before <?xml; write & in attributes as &amp;; close every element",
        ),
        Code::TwimlSchema => {
            ("Twilio leaves out what it does not know", "names are case-sensitive: check the spelling")
        }
        Code::ContentType => ("Twilio does not read TwiML from that", "answer with Content-Type: text/xml"),
        Code::TooManyRedirects => ("Twilio gives up after ten", "let one of the documents do something"),
        _ => ("Twilio's debugger shows it, or the call ends there", "see Twilio's page on this code"),
    };
    let finding = if warning.code.is_error() { Finding::fail } else { Finding::warn };
    finding(TWIML, warning.text.clone(), cause, cure).with_code(warning.code)
}

fn stream(warning: &Warning) -> Finding {
    match warning.code {
        Code::Silent => {
            let cure = "send what stands in it as <Parameter name value>: it comes in start.customParameters";
            Finding::fail(STREAM, warning.text.clone(), "Twilio drops it without a word", cure)
        }
        _ => {
            let cure = "url=\"wss://host/path\", without track (or track=\"inbound_track\")";
            Finding::fail(STREAM, warning.text.clone(), "Twilio does not open the stream", cure).with_code(warning.code)
        }
    }
}

fn behind(walk: &Walk) -> Finding {
    match &walk.behind {
        Some(what) => Finding::pass(BEHIND, what.clone()),
        None => {
            let cause = "when the socket closes, for whatever reason, the call ends: a restart hangs up on everybody";
            let cure = "put a <Redirect> behind </Connect>, or an action on it, that decides what comes next";
            Finding::warn(BEHIND, "nothing", cause, cure)
        }
    }
}

/// Whether two calls were told apart by what they were given.
#[must_use]
pub fn secret(one: &StreamPlan, other: &StreamPlan) -> Finding {
    if (&one.url, &one.parameters) == (&other.url, &other.parameters) {
        let cause = "whoever has seen one stream URL can open a socket to your bot whenever he likes, on your bill";
        let cure = "put a random token of 128 bits, good for one socket and a minute, into the path or a <Parameter>";
        return Finding::fail(SECRET, "URL and parameters of two calls are the same", cause, cure);
    }
    let place = if one.url == other.url { "a <Parameter>" } else { "the URL" };
    Finding::pass(SECRET, format!("{place} differs from call to call"))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;
    use crate::twilio::callee::{Callee, Callees, Reply};
    use crate::twilio::executor::TWILIO_API;
    use crate::twilio::ids::Sids;
    use crate::twilio::params::Parties;

    fn walk(twiml: &str) -> Walk {
        let facts = Facts {
            sids: Sids { account: "AC1".into(), call: "CA1".into() },
            parties: Parties { from: "+1".into(), to: "+2".into() },
            callees: Callees::all(Callee { reply: Reply::NoAnswer, ring: Micros::ZERO, talk: Micros::ZERO }),
            unix_s: 0,
            api: TWILIO_API.into(),
            fallback: None,
            seed: 1,
        };
        let mut walk = Walk::new(Url::parse("http://127.0.0.1/voice").unwrap(), facts);
        while walk.fetch().is_some() {
            let body = twiml.as_bytes().to_vec();
            let content_type = Some("text/xml".to_owned());
            walk.answer(&Ok(Answer { status: 200, content_type, location: None, body }));
        }
        walk
    }

    fn failed(twiml: &str) -> Vec<&'static str> {
        let bad = |f: Finding| matches!(f.verdict, Verdict::Warn | Verdict::Fail).then_some(f.probe);
        judge(&walk(twiml)).into_iter().filter_map(bad).collect()
    }

    #[test]
    fn a_good_document_passes_and_a_pause_takes_no_time() {
        let stream = "<Connect><Stream url=\"wss://h/s\"/></Connect>";
        let good =
            format!("<Response><Pause length=\"600\"/><Say>Hi</Say>{stream}<Redirect>/after</Redirect></Response>");
        assert_eq!(failed(&good), Vec::<&str>::new());
        let walk = walk(&good);
        assert_eq!(walk.behind.as_deref(), Some("asks http://127.0.0.1/after"));
        assert_eq!(failed(&format!("<Response>{stream}<Say>Bye</Say></Response>")), Vec::<&str>::new());
        assert_eq!(failed(&format!("<Response>{stream}</Response>")), [BEHIND]);
    }

    #[test]
    fn faults_of_the_document_are_found() {
        let stream = |url: &str| format!("<Response><Connect><Stream url=\"{url}\"/></Connect><Hangup/></Response>");
        assert_eq!(failed(&stream("ws://example.com/s")), [STREAM]);
        assert_eq!(failed(&stream("wss://h/s?token=1")), [STREAM, BEHIND]);
        assert_eq!(failed("<Response><Say>Hi</Say></Response>"), [STREAM]);
        assert_eq!(failed("<Response><Redirect>/x</Redirect></Response>"), [TWIML]);
        assert_eq!(failed("<Response><connect/></Response>"), [TWIML, STREAM]);
        assert_eq!(failed("hello"), [TWIML]);
    }
}

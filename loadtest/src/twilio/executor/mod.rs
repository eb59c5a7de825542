//! Carries out TwiML: which verb now, until when, and which request next. Time and answers are handed in.
//!
//! ```text
//! Fetching ─ document ─► verb, verb, … ─► Waiting (Say, Play, Pause) ─► next verb
//!    ▲                                 ├► Streaming (Connect) ─ socket closed ─► action, or next verb
//!    │                                 ├► Gathering ─ digits ─► action; nothing typed ─► next verb
//!    └── Redirect, action ◄────────────┴► Dialing ─ hung up ─► action, or next verb
//! ```
//! At most ten redirects without anything happening in between (11215). After the last verb the call ends.

mod facts;

use std::collections::VecDeque;

pub use facts::{Facts, First, TWILIO_API};

use super::form::Fields;
use super::gather::{Gather, Typed};
use super::notice::Notice;
use super::twiml::{self, Element};
use super::url::{BadUrl, Url};
use super::warning::{Code, Warning};
use crate::rng::Rng;
use crate::time::Micros;
use crate::twilio::ids;

/// Redirects in a row, Twilio's limit.
pub const MAX_REDIRECTS: u32 = 10;

/// A request that the model wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where to.
    pub url: Url,
    /// `GET` instead of `POST`.
    pub get: bool,
    /// Fields beyond those that every webhook carries.
    pub extra: Fields,
}

/// What came back for a [`Fetch`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, without parameters.
    pub content_type: Option<String>,
    /// `Location`, when the status is a redirect.
    pub location: Option<String>,
    /// The body; more than 64 kB is cut one byte behind the limit.
    pub body: Vec<u8>,
}

/// Twilio's limit on a webhook's body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// A stream that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPlan {
    /// Where to, query already dropped.
    pub url: Url,
    /// The `<Parameter>`s.
    pub parameters: Vec<(String, String)>,
}

/// Who answers when the TwiML dials somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callee {
    /// Whether anybody answers; else `no-answer`.
    pub answers: bool,
    /// How long it rings.
    pub ring: Micros,
    /// How long the two talk.
    pub talk: Micros,
}

/// What the executor wants, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make this request and hand in the answer.
    Fetch(Fetch),
    /// Make this request beside the call; its answer is only judged, by [`super::notice::judge`].
    Notify(Notice),
    /// Open this stream and say when it has ended.
    OpenStream(StreamPlan),
    /// A verb began; for the timeline.
    Verb(String),
    /// The TwiML dials this party.
    Dial(String),
    /// Something that Twilio's debugger would show.
    Warning(Warning),
    /// The call is over.
    End(String),
}

#[derive(Debug)]
enum State {
    Fetching(Fetch),
    Waiting(Micros),
    Streaming(After),
    Gathering(Gather),
    Dialing { until: Micros, after: After },
    Ended,
}

/// Where a verb with an `action` goes on.
#[derive(Clone, Debug, Default)]
struct After {
    action: Option<String>,
    get: bool,
}

/// The executor of one call.
#[derive(Debug)]
pub struct Executor {
    state: State,
    verbs: VecDeque<Element>,
    /// What relative URLs resolve against; nothing while inline TwiML runs.
    document: Option<Url>,
    facts: Facts,
    rng: Rng,
    redirects: u32,
    out: VecDeque<Output>,
}

impl Executor {
    /// Begins with the TwiML that `first` leads to, at `now`.
    #[must_use]
    pub fn new(now: Micros, first: First, facts: Facts) -> Self {
        let mut executor = Self {
            state: State::Waiting(now),
            verbs: VecDeque::new(),
            document: None,
            rng: Rng::new(facts.seed),
            facts,
            redirects: 0,
            out: VecDeque::new(),
        };
        executor.redirect(now, first);
        executor
    }

    /// Drops whatever is being done and goes on with other TwiML, as the REST API can ask of a live call.
    pub fn redirect(&mut self, now: Micros, first: First) {
        if self.has_ended() {
            return;
        }
        self.verbs.clear();
        self.document = None;
        self.redirects = 0;
        match first {
            First::Ask(url, get) => {
                let fetch = Fetch { url, get, extra: Vec::new() };
                self.out.push_back(Output::Fetch(fetch.clone()));
                self.state = State::Fetching(fetch);
            }
            First::Inline(twiml) => self.load(now, &twiml),
        }
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] next has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        match &self.state {
            State::Waiting(until) | State::Dialing { until, .. } => Some(*until),
            State::Gathering(gather) => Some(gather.deadline()),
            _ => None,
        }
    }

    /// Whether the call is over.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// The caller hung up, or the call must end for another reason.
    pub fn end(&mut self, why: &str) {
        if !self.has_ended() {
            self.state = State::Ended;
            self.verbs.clear();
            self.out.push_back(Output::End(why.to_owned()));
        }
    }

    /// The answer to the outstanding request.
    pub fn answer(&mut self, now: Micros, answer: &Answer) {
        let State::Fetching(fetch) = &self.state else { return };
        let fetch = fetch.clone();
        if matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
            return self.follow(&fetch, answer);
        }
        if !(200..300).contains(&answer.status) {
            let text = format!("{} answered {}; a webhook must answer 200 with TwiML", fetch.url, answer.status);
            return self.fail(Code::HttpRetrieval, text);
        }
        if answer.body.len() > MAX_BODY_BYTES {
            return self.fail(Code::BodyTooBig, format!("{} answered with more than 64 kB", fetch.url));
        }
        self.document = Some(fetch.url);
        let body = String::from_utf8_lossy(&answer.body);
        match answer.content_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("text/xml" | "application/xml" | "text/html") => self.load(now, &body),
            Some("text/plain") if twiml::parse(&body).is_ok() => self.load(now, &body),
            Some("text/plain") => self.load_verb(now, "Say", &body),
            Some(audio) if audio.starts_with("audio/") => self.load_verb(now, "Play", "the answered sound"),
            other => {
                let text = format!("content type {:?}; answer text/xml", other.unwrap_or("(none)"));
                self.fail(Code::ContentType, text);
            }
        }
    }

    /// The outstanding request got no answer.
    pub fn no_answer(&mut self, why: &str) {
        if let State::Fetching(fetch) = &self.state {
            let text = format!("{}: {why}", fetch.url);
            self.fail(Code::HttpConnection, text);
        }
    }

    /// The stream is over, or never began (then `progress` is false).
    pub fn stream_ended(&mut self, now: Micros, progress: bool) {
        let State::Streaming(after) = &mut self.state else { return };
        let after = std::mem::take(after);
        if progress {
            self.redirects = 0;
        }
        self.go_on(now, after, Vec::new());
    }

    /// The caller pressed a key while no stream was open; false when nobody listens.
    pub fn digit(&mut self, now: Micros, digit: char) -> bool {
        let State::Gathering(gather) = &mut self.state else { return false };
        if let Some(typed) = gather.digit(now, digit) {
            self.gathered(now, typed);
        }
        true
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Micros) {
        match &mut self.state {
            State::Waiting(until) if *until <= now => self.next_verb(now),
            State::Gathering(gather) => {
                if let Some(typed) = gather.tick(now) {
                    self.gathered(now, typed);
                }
            }
            State::Dialing { until, after } if *until <= now => {
                let after = std::mem::take(after);
                let extra = self.dial_fields();
                self.go_on(now, after, extra);
            }
            _ => {}
        }
    }

    fn follow(&mut self, fetch: &Fetch, answer: &Answer) {
        let Some(url) = answer.location.as_deref().and_then(|to| fetch.url.join(to).ok()) else {
            return self.fail(Code::HttpRetrieval, format!("{} redirects nowhere", fetch.url));
        };
        let get = fetch.get || !matches!(answer.status, 307 | 308);
        self.request(Fetch { url, get, extra: fetch.extra.clone() });
    }

    fn request(&mut self, fetch: Fetch) {
        self.redirects += 1;
        if self.redirects > MAX_REDIRECTS {
            return self.fail(Code::TooManyRedirects, format!("more than {MAX_REDIRECTS} redirects in a row"));
        }
        self.out.push_back(Output::Fetch(fetch.clone()));
        self.state = State::Fetching(fetch);
    }

    fn fail(&mut self, code: Code, text: String) {
        self.out.push_back(Output::Warning(Warning::new(code, text)));
        self.end("application error");
    }

    fn load(&mut self, now: Micros, body: &str) {
        match twiml::parse(body) {
            Ok((verbs, warnings)) => {
                self.out.extend(warnings.into_iter().map(Output::Warning));
                self.verbs = verbs.into();
                self.next_verb(now);
            }
            Err(bad) => self.fail(Code::TwimlParse, bad.to_string()),
        }
    }

    fn load_verb(&mut self, now: Micros, name: &str, text: &str) {
        let verb = Element { name: name.into(), text: text.trim().into(), ..Element::default() };
        self.verbs = VecDeque::from([verb]);
        self.next_verb(now);
    }

    fn next_verb(&mut self, now: Micros) {
        while let Some(verb) = self.verbs.pop_front() {
            self.state = State::Waiting(now);
            let waits = self.begin(now, &verb);
            if waits {
                return;
            }
        }
        self.end("the TwiML is finished");
    }

    /// Starts a verb; false when the next one follows at once.
    fn begin(&mut self, now: Micros, verb: &Element) -> bool {
        match verb.name.as_str() {
            "Say" | "Play" | "Pause" => {
                self.out.push_back(Output::Verb(describe(verb)));
                self.redirects = 0;
                self.state = State::Waiting(now + length(verb));
            }
            "Redirect" => {
                let after = After { action: Some(verb.text.clone()), get: is_get(verb) };
                self.go_on(now, after, Vec::new());
            }
            "Hangup" => self.end("<Hangup>"),
            "Reject" => self.end(&format!("<Reject reason={:?}>", verb.attribute("reason").unwrap_or("rejected"))),
            "Connect" => return self.connect(verb),
            "Gather" => {
                self.out.push_back(Output::Verb(describe(verb)));
                self.redirects = 0;
                let prompts = verb.children.iter().map(length).fold(Micros::ZERO, |a, b| a + b);
                self.state = State::Gathering(Gather::new(now, verb, prompts));
            }
            "Dial" => {
                let to = verb.children.first().map_or(verb.text.as_str(), |noun| noun.text.as_str());
                self.out.push_back(Output::Dial(to.to_owned()));
                self.redirects = 0;
                let limit = Micros::from_ms(verb.number("timeout", 30).saturating_mul(1_000));
                let lasts =
                    if self.facts.callee.answers { self.facts.callee.ring + self.facts.callee.talk } else { limit };
                self.state = State::Dialing { until: now + lasts, after: after(verb) };
            }
            other => {
                self.out.push_back(Output::Verb(format!("<{other}> is not modelled: skipped")));
                return false;
            }
        }
        true
    }

    fn connect(&mut self, verb: &Element) -> bool {
        let Some(stream) = verb.children.iter().find(|c| c.name == "Stream") else {
            self.out.push_back(Output::Verb("<Connect> without <Stream> is not modelled: skipped".into()));
            return false;
        };
        match super::stream_plan::plan(self.document.as_ref(), stream) {
            Ok((plan, warning)) => {
                self.out.extend(warning.map(Output::Warning));
                self.out.push_back(Output::OpenStream(plan));
                self.state = State::Streaming(after(verb));
                true
            }
            Err(warning) => {
                self.out.push_back(Output::Warning(warning));
                false
            }
        }
    }

    fn gathered(&mut self, now: Micros, typed: Typed) {
        let Typed { digits, verb } = typed;
        let empty_wanted = verb.attribute("actionOnEmptyResult") == Some("true");
        if digits.is_empty() && !empty_wanted {
            return self.next_verb(now);
        }
        // Without an action the same document is asked again.
        let action = verb.attribute("action").unwrap_or_default().to_owned();
        let after = After { action: Some(action), get: is_get(&verb) };
        self.go_on(now, after, vec![("Digits".into(), digits), ("msg".into(), "Gather End".into())]);
    }

    fn dial_fields(&mut self) -> Fields {
        let status = if self.facts.callee.answers { "completed" } else { "no-answer" };
        let mut fields: Fields = vec![
            ("DialCallStatus".into(), status.into()),
            ("DialCallSid".into(), ids::sid("CA", &mut self.rng)),
            ("DialBridged".into(), self.facts.callee.answers.to_string()),
        ];
        if self.facts.callee.answers {
            fields.push(("DialCallDuration".into(), (self.facts.callee.talk.0 / 1_000_000).to_string()));
        }
        fields
    }

    fn go_on(&mut self, now: Micros, after: After, extra: Fields) {
        let Some(action) = after.action else { return self.next_verb(now) };
        match self.resolve(&action) {
            Ok(url) => self.request(Fetch { url, get: after.get, extra }),
            Err(bad) => self.fail(Code::BadUrl, bad),
        }
    }

    /// A URL of the document, made absolute.
    fn resolve(&self, written: &str) -> Result<Url, String> {
        let resolved = match &self.document {
            Some(document) => document.join(written),
            None => Url::parse(written),
        };
        resolved.map_err(|BadUrl(text)| match self.document {
            Some(_) => BadUrl(text).to_string(),
            None => format!("{text:?} in inline Twiml: there is no document to resolve it against; write it absolute"),
        })
    }
}

fn after(verb: &Element) -> After {
    After { action: verb.attribute("action").map(str::to_owned), get: is_get(verb) }
}

fn is_get(verb: &Element) -> bool {
    verb.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("GET"))
}

/// How long a verb keeps the call: Say by its letters (about 15 a second), Play as one second since nothing is fetched.
fn length(verb: &Element) -> Micros {
    let loops = verb.number("loop", 1).clamp(1, 100);
    match verb.name.as_str() {
        "Pause" => Micros::from_ms(verb.number("length", 1).saturating_mul(1_000)),
        "Say" => Micros::from_ms((verb.text.chars().count() as u64 * 66).max(500) * loops),
        _ => Micros::from_ms(1_000 * loops),
    }
}

fn describe(verb: &Element) -> String {
    match verb.name.as_str() {
        "Pause" => format!("<Pause> {} s", verb.number("length", 1)),
        "Gather" => format!("<Gather> {}", verb.children.iter().map(describe).collect::<Vec<_>>().join(" ")),
        name => format!("<{name}> {:?}", verb.text),
    }
}

//! Carries out TwiML: which verb now, until when, and which request next. Time and answers are handed in.
//!
//! ```text
//! Fetching ─ document ─► verb, verb, … ─► Speaking (Say, Play, Pause) ─► next verb
//!    ▲                                 ├► Streaming (Connect) ─ socket closed ─► action, or next verb
//!    │                                 ├► Gathering ─ keys, speech ─► action; nothing ─► next verb
//!    │                                 ├► Recording ─ silence, key, length ─► action
//!    │                                 ├► Dialing ─ hung up ─► action, or next verb
//!    └── Redirect, action ◄────────────┴► Holding (Enqueue) ─ an agent, Leave ─► action, or next verb
//! ```
//! At most ten redirects without anything happening in between (11215). After the last verb the call ends. Recordings,
//! transcripts and one-way streams go on beside the verbs until they are stopped or the call ends.

mod answers;
mod background;
mod dial;
mod facts;
mod leg;
mod listen;
mod output;
mod queue;
mod record;
mod speak;
mod speaker;
mod streams;
mod tape;
mod transcribe;

use std::collections::VecDeque;

pub use answers::{Answer, MAX_BODY_BYTES, MAX_REDIRECTS};
pub use facts::{Facts, First, TWILIO_API};
pub use leg::LegNews;
pub use output::{Callback, Fetch, Job, Output};

use super::ending::Ending;
use super::form::Fields;
use super::gather::Gather;
use super::notice::{Carries, Notice};
use super::recording::Recorder;
use super::speech::Voice;
use super::stream_plan::StreamPlan;
use super::transcript::Transcript;
use super::twiml::Element;
use super::url::{BadUrl, Url};
use super::warning::{Code, Warning};
use crate::rng::Rng;
use crate::time::Micros;
use dial::Dialing;
use queue::Queued;
use record::RecordVerb;
use speaker::Speaker;

#[derive(Debug)]
enum State {
    /// Nobody has answered yet.
    Idle,
    Fetching(Fetch),
    Speaking,
    Streaming(After, Box<StreamPlan>),
    Gathering(Box<Gather>),
    Recording(Box<RecordVerb>),
    Dialing(Box<Dialing>),
    /// In a queue, with nothing to hear.
    Holding(Option<Micros>),
    Ended,
}

/// Where a verb with an `action` goes on.
#[derive(Clone, Debug, Default)]
struct After {
    action: Option<String>,
    get: bool,
}

/// Why a verb ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    /// The call is over: the verb's action is told so, and what it answers changes nothing.
    HungUp,
    /// The call goes on with other TwiML.
    Redirected,
}

/// A verb counts as something that happened when it lasted so long.
const SPENT: Micros = Micros::from_ms(20);

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
    answered: bool,
    verb_began: Micros,
    speaker: Speaker,
    caller: Voice,
    bot: Voice,
    recorders: Vec<Recorder>,
    transcripts: Vec<Transcript>,
    taps: Vec<StreamPlan>,
    queued: Option<Box<Queued>>,
    out: VecDeque<Output>,
}

impl Executor {
    /// Begins with the TwiML that `first` leads to, at `now`.
    #[must_use]
    pub fn new(now: Micros, first: First, facts: Facts) -> Self {
        let mut executor = Self::idle(facts);
        executor.redirect(now, first);
        executor
    }

    /// Does nothing until [`Self::redirect`] says with what to begin.
    #[must_use]
    pub fn idle(facts: Facts) -> Self {
        Self {
            state: State::Idle,
            verbs: VecDeque::new(),
            document: None,
            rng: Rng::new(facts.seed),
            facts,
            redirects: 0,
            answered: false,
            verb_began: Micros::ZERO,
            speaker: Speaker::default(),
            caller: Voice::default(),
            bot: Voice::default(),
            recorders: Vec::new(),
            transcripts: Vec::new(),
            taps: Vec::new(),
            queued: None,
            out: VecDeque::new(),
        }
    }

    /// Drops whatever is being done and goes on with other TwiML, as the REST API can ask of a live call.
    pub fn redirect(&mut self, now: Micros, first: First) {
        if self.has_ended() {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Speaking);
        self.hush(now);
        self.verbs.clear();
        self.drop_verb(now, state, Dropped::Redirected);
        self.document = None;
        (self.redirects, self.verb_began) = (0, now);
        match first {
            First::Ask(url, get) => {
                let fetch = Fetch { url, get, extra: Vec::new() };
                self.out.push_back(Output::Fetch(fetch.clone()));
                self.state = State::Fetching(fetch);
            }
            First::Inline(twiml) => self.load(now, &twiml),
        }
    }

    /// From now on this is asked, once, when the TwiML cannot be had or carried out; by GET if true.
    pub fn set_fallback(&mut self, place: (Url, bool)) {
        self.facts.fallback = Some(place);
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Self::tick`] next has something to do.
    #[must_use]
    pub fn next_deadline(&self, now: Micros) -> Option<Micros> {
        let state = match &self.state {
            State::Gathering(gather) => gather.deadline(now, &self.caller),
            State::Recording(verb) => verb.deadline(),
            State::Dialing(dialing) => dialing.deadline(),
            State::Holding(until) => *until,
            State::Idle | State::Fetching(_) | State::Speaking | State::Streaming(..) => None,
            State::Ended => return None,
        };
        let agent = self.queued.as_ref().and_then(|queued| queued.agent_at());
        let transcripts = self.transcripts.iter().filter_map(|t| t.deadline(now, &self.caller, &self.bot)).min();
        [state, agent, transcripts, self.speaker.deadline()].into_iter().flatten().min()
    }

    /// Whether the call is over.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Whether a verb has answered the call: somebody speaks, listens, streams, dials.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answered
    }

    /// The caller hung up, or the call must end for another reason.
    pub fn end(&mut self, now: Micros, why: Ending) {
        if self.has_ended() {
            return;
        }
        let state = std::mem::replace(&mut self.state, State::Ended);
        self.verbs.clear();
        self.hush(now);
        self.caller.stops(now);
        self.out.push_back(Output::End(why));
        self.drop_verb(now, state, Dropped::HungUp);
        self.end_background(now);
    }

    /// A verb ends before its time.
    fn drop_verb(&mut self, now: Micros, state: State, why: Dropped) {
        match state {
            State::Recording(verb) => self.drop_recording(now, *verb, why),
            State::Dialing(dialing) => self.drop_dialing(now, *dialing, why),
            State::Streaming(_, plan) => self.tell_stream(now, &plan, "stream-stopped", None),
            _ => {}
        }
        if let Some(queued) = self.queued.take() {
            self.drop_queued(now, *queued, why);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Micros) {
        if self.has_ended() {
            return;
        }
        self.advance_speaker(now);
        self.advance_queue(now);
        match &self.state {
            State::Speaking if self.speaker.is_idle() => self.next_verb(now),
            State::Gathering(_) => self.advance_gather(now),
            State::Recording(_) => self.advance_record(now),
            State::Dialing(_) => self.advance_dial(now),
            State::Holding(Some(until)) if *until <= now => self.wait_on(now),
            _ => {}
        }
        self.advance_transcripts(now);
    }

    /// The caller says `text`, from `onset` to `offset`; what he was saying stops at `begins`. Heard as it is spoken.
    pub fn says(&mut self, text: &str, begins: Micros, onset: Micros, offset: Micros) {
        self.caller.says(text, begins, onset, offset);
    }

    /// What became of [`Output::Prepare`]: the answer, why there is none, or `Ok(None)` when this caller hears nothing.
    pub fn prepared(&mut self, now: Micros, number: u64, answer: Result<Option<Answer>, String>) {
        self.speaker.prepared(now, number, answer, &mut self.out);
        self.tick(now);
    }

    /// The caller pressed a key while no stream was open; false when nobody listens.
    pub fn digit(&mut self, now: Micros, digit: char) -> bool {
        match &self.state {
            State::Gathering(_) => self.gather_digit(now, digit),
            State::Recording(_) => self.record_digit(now, digit),
            State::Dialing(_) => self.dial_digit(now, digit),
            _ => false,
        }
    }

    fn next_verb(&mut self, now: Micros) {
        self.spend(now);
        while let Some(verb) = self.verbs.pop_front() {
            self.verb_began = now;
            if self.begin(now, &verb) {
                return;
            }
        }
        if self.queued.is_some() {
            return self.wait_again(now);
        }
        self.end(now, Ending::Finished);
    }

    /// Starts a verb; false when the next one follows at once.
    fn begin(&mut self, now: Micros, verb: &Element) -> bool {
        match verb.name.as_str() {
            "Say" | "Play" | "Pause" => return self.speak(now, verb),
            "Redirect" => {
                let after = After { action: Some(verb.text.clone()), get: is_get(verb, "method") };
                self.go_on(now, after, Vec::new());
            }
            "Hangup" => self.end(now, Ending::Hangup),
            "Reject" => self.end(now, Ending::Rejected { busy: verb.attribute("reason") == Some("busy") }),
            "Connect" => return self.connect(now, verb),
            "Gather" => self.gather(now, verb),
            "Record" => self.record(now, verb),
            "Dial" => return self.dial(now, verb),
            "Enqueue" => return self.enqueue(now, verb),
            "Leave" => return self.leave(now),
            "Start" => return self.start(now, verb),
            "Stop" => return self.stop(now, verb),
            other => return self.not_modelled(other),
        }
        true
    }

    /// It is TwiML, and this program does not do it.
    fn not_modelled(&mut self, what: &str) -> bool {
        let text = format!("<{what}> is TwiML that this model does not carry out: skipped");
        self.out.push_back(Output::Warning(Warning::new(Code::Silent, text)));
        false
    }

    fn go_on(&mut self, now: Micros, after: After, extra: Fields) {
        let Some(action) = after.action else { return self.next_verb(now) };
        self.spend(now);
        match self.resolve(&action) {
            Ok(url) => self.request(now, Fetch { url, get: after.get, extra }),
            Err(bad) => self.fail(now, Code::BadUrl, bad),
        }
    }

    /// A verb is over: whether it was more than a step on the way to the next document.
    fn spend(&mut self, now: Micros) {
        if now.since(self.verb_began) >= SPENT {
            self.redirects = 0;
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

    /// The callback that a verb names; one that leads nowhere is a warning.
    fn callback(&mut self, verb: &Element, url: &str, method: &str) -> Option<Callback> {
        let written = verb.attribute(url)?;
        match self.resolve(written) {
            Ok(url) => Some(Callback { url, get: is_get(verb, method) }),
            Err(bad) => {
                let text = format!("<{}> {url}: {bad}", verb.name);
                self.out.push_back(Output::Warning(Warning::new(Code::BadUrl, text)));
                None
            }
        }
    }

    fn tell(&mut self, what: &'static str, carries: Carries, to: &Callback, extra: Fields) {
        let fetch = Fetch { url: to.url.clone(), get: to.get, extra };
        self.out.push_back(Output::Notify(Notice { what, carries, fetch }));
    }

    /// `AccountSid` and `CallSid`, for notices that carry nothing else of the call.
    fn own_fields(&self) -> Fields {
        let sids = &self.facts.sids;
        vec![("AccountSid".into(), sids.account.clone()), ("CallSid".into(), sids.call.clone())]
    }
}

fn after(verb: &Element) -> After {
    After { action: verb.attribute("action").map(str::to_owned), get: is_get(verb, "method") }
}

fn is_get(verb: &Element, method: &str) -> bool {
    verb.attribute(method).is_some_and(|method| method.eq_ignore_ascii_case("GET"))
}

//! The call itself: the executor asks, the stream plays, the runner acts, and the timeline is written.

mod io;
mod line;
mod media;
mod notices;
mod order;
mod progress;
mod reports;
mod taps;
mod twiml;

pub use io::{Input, Output, Prepare, Said, Told};
pub use media::Buffered;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use self::notices::Notices;
pub use self::order::{MAX_ORDERS, Order, Settings};
use self::progress::Progress;
pub use self::taps::StreamNews;
use self::taps::Tap;
use super::course::Course;
use super::event::{Event, What};
use super::faults::Faults;
use super::life::Life;
use super::measure::Measures;
use super::network::Network;
use super::record::Record;
use super::request::Request;
use crate::caller::ear::Ear;
use crate::caller::line::{Line, Utterance};
use crate::caller::noise::Noise;
use crate::caller::runner::{Action, Runner, View};
use crate::caller::script::Script;
use crate::rng::Rng;
use crate::time::Micros;
use crate::twilio::ending::Ending;
use crate::twilio::executor::{Answer, Executor, Facts, Fetch, First, LegNews, TWILIO_API};
use crate::twilio::form::Fields;
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{self, CallStatus, Direction, Parties};
use crate::twilio::playback::Playback;
use crate::twilio::recording::Recording;
use crate::twilio::stream::Stream;
use crate::twilio::stream_plan::StreamPlan;

/// What one call needs to know.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The voice webhook, or TwiML that was handed over.
    pub first: First,
    /// Which way it goes.
    pub direction: Direction,
    /// Account and call.
    pub sids: Sids,
    /// Who calls whom.
    pub parties: Parties,
    /// Signs everything.
    pub auth_token: String,
    /// What the caller does.
    pub script: Arc<Script>,
    /// Everything random comes from it.
    pub seed: u64,
    /// How it goes, and who is told.
    pub course: Course,
    /// Seconds since 1970 at time zero, for the time stamps of callbacks.
    pub unix_s: u64,
    /// Whether both sides' sound is kept.
    pub keep_sound: bool,
}

#[derive(Debug)]
enum Media {
    None,
    Opening(Box<StreamPlan>),
    Open(Box<Stream>),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    plan: CallPlan,
    now: Micros,
    rng: Rng,
    executor: Executor,
    runner: Runner,
    runner_begun: bool,
    line: Line,
    ear: Ear,
    media: Media,
    faults: Faults,
    network: Network,
    /// Nobody renders or reads messages.
    wireless: bool,
    /// The plan of the newest stream, for a second socket.
    newest_plan: Option<StreamPlan>,
    /// What the TwiML says to the caller.
    mouth: Playback,
    /// Up to when the caller's line was listened to while nothing was streamed.
    line_from: Option<Micros>,
    taps: Vec<Tap>,
    /// The utterance whose onset is still to be written into the timeline.
    onset_ahead: Option<Utterance>,
    last_clear: Option<Micros>,
    last_mark: Option<Micros>,
    transfers: Vec<String>,
    /// Since when the executor's request has been under way.
    requested: Option<Micros>,
    /// Fragments of URLs that have been looked at.
    overrides: BTreeSet<String>,
    notices: Notices,
    life: Life,
    progress: Progress,
    ends_at: Micros,
    call_token: String,
    out: VecDeque<Output>,
    done: bool,
    /// The timeline.
    pub events: Vec<Event>,
    /// The figures.
    pub measures: Measures,
    /// The sound.
    pub record: Record,
    /// What the TwiML had recorded.
    pub recordings: Vec<Recording>,
    /// What became of its one-way streams, each change in turn.
    pub streams: Vec<StreamNews>,
    /// Orders that have been taken, carried out or not.
    pub orders_taken: u64,
    /// What became of the calls that the TwiML dialled, each change in turn.
    pub legs: Vec<LegNews>,
    /// Why it ended.
    pub ended: Option<String>,
}

/// Lines of one timeline at most; what comes after is counted in the measures only.
const MAX_EVENTS: usize = 20_000;

impl Call {
    /// A call that rings at `now`.
    #[must_use]
    pub fn new(plan: CallPlan, now: Micros) -> Self {
        let mut rng = Rng::new(plan.seed);
        let noise = Noise::new(plan.script.noise, Rng::new(rng.next_u64()));
        let line = Line::new(noise).with_echo(plan.script.echo);
        let runner = Runner::new(Arc::clone(&plan.script), Rng::new(rng.next_u64()));
        let faults = Faults::new(&plan.script.faults, Rng::new(rng.next_u64()));
        let facts = Facts {
            sids: plan.sids.clone(),
            parties: plan.parties.clone(),
            callees: plan.script.callees.clone(),
            unix_s: plan.unix_s,
            api: plan.course.api.clone().unwrap_or_else(|| TWILIO_API.into()),
            fallback: plan.course.fallback.clone(),
            seed: rng.next_u64(),
        };
        let (executor, life) = match plan.direction {
            Direction::Inbound => (Executor::new(now, plan.first.clone(), facts), Life::inbound(now, &plan.course)),
            Direction::OutboundApi | Direction::OutboundDial => {
                (Executor::idle(facts), Life::outbound(now, &plan.course))
            }
        };
        let call_token = format!("%7B%22parentCallInfoToken%22%3A%22{}%22%7D", ids::token(&mut rng));
        let ends_at = now + plan.script.max;
        let mut call = Self {
            plan,
            now,
            rng,
            executor,
            runner,
            runner_begun: false,
            line,
            ear: Ear::default(),
            media: Media::None,
            faults,
            network: Network::default(),
            wireless: false,
            newest_plan: None,
            mouth: Playback::default(),
            line_from: None,
            taps: Vec::new(),
            onset_ahead: None,
            last_clear: None,
            last_mark: None,
            transfers: Vec::new(),
            requested: None,
            overrides: BTreeSet::new(),
            notices: Notices::default(),
            life,
            progress: Progress::default(),
            ends_at,
            call_token,
            out: VecDeque::new(),
            done: false,
            events: Vec::new(),
            measures: Measures::default(),
            record: Record::default(),
            recordings: Vec::new(),
            streams: Vec::new(),
            orders_taken: 0,
            legs: Vec::new(),
            ended: None,
        };
        call.advance_progress();
        call.pump();
        call
    }

    /// The same call for a simulation without a wire: behind the first two messages of a stream it says and is told
    /// values, sends no frames of sound (who wants to know asks [`Measures::barges`] when it speaks), hears labels, and
    /// leaves out what its script wants of the network.
    #[must_use]
    pub const fn without_wire(mut self) -> Self {
        self.wireless = true;
        self
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// What the call is made of.
    #[must_use]
    pub const fn plan(&self) -> &CallPlan {
        &self.plan
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn next_deadline(&self) -> Micros {
        let stream = match &self.media {
            Media::Open(stream) if self.wireless => self.wireless_deadline(stream),
            Media::Open(stream) => Some(stream.next_deadline()),
            _ => None,
        };
        let notices = self.notices.deadline(self.now);
        let line = [self.faults.next_deadline(), self.network.next_deadline(), self.progress_deadline(), notices];
        let all = [stream, self.twiml_deadline(), self.runner.next_deadline(), self.ear.next_deadline()];
        // A deadline that has passed without effect (a step waits for something else) must not spin.
        let soon = self.now + Micros::from_ms(1);
        let last = if self.ended.is_some() { Micros::MAX } else { self.ends_at };
        all.into_iter().chain(line).flatten().map(|at| at.max(soon)).fold(last.max(soon), Micros::min)
    }

    /// Something happened at `at`. Times that are older than the newest seen count as now, except for measuring.
    pub fn handle(&mut self, at: Micros, input: Input<'_>) {
        self.now = self.now.max(at);
        self.play();
        match input {
            Input::Answer(answer) => self.answer(answer),
            Input::NoAnswer(why) => {
                self.requested = None;
                self.executor.no_answer(self.now, &why);
            }
            Input::Prepared { number, answer } => self.executor.prepared(self.now, number, answer),
            Input::TapOpen(sid) => self.tap_open(sid),
            Input::TapClosed(sid, error) => self.tap_closed(sid, error),
            Input::Notified { number, answer } => self.notified(number, &answer),
            Input::StreamOpen => self.stream_open(),
            Input::StreamRefused(warning) => {
                self.media = Media::None;
                self.note(What::Warning(warning.clone()));
                self.executor.stream_refused(self.now, &warning.text);
            }
            Input::Text(text) => self.with_stream(at, |stream, now, out| stream.text(now, text, out)),
            Input::Said(said) => self.said_without_wire(said),
            Input::Binary(bytes) => self.with_stream(at, |stream, _, out| stream.binary(bytes, out)),
            Input::SecondSocket { accepted, said } => self.second_socket(accepted, said),
            Input::Closed(why) => self.stream_closed(format!("the server closed it ({why})")),
            Input::Broken(warning) => {
                let why = warning.text.clone();
                self.note(What::Warning(warning));
                self.stream_closed(why);
            }
            Input::Order(order) => self.order(order),
            Input::Tick => {}
        }
        if self.now >= self.ends_at && self.ended.is_none() {
            self.hang_up("the script's max_ms is over");
        }
        self.advance_progress();
        self.executor.tick(self.now);
        self.send_notices();
        self.pump();
    }

    /// Until nothing more follows from what is known.
    fn pump(&mut self) {
        loop {
            self.follow_answer();
            if let Some(output) = self.executor.poll() {
                self.obey(output);
                continue;
            }
            if !self.caller_is_there() {
                break;
            }
            let view = View {
                now: self.now,
                ear: &self.ear,
                last_clear: self.last_clear,
                last_mark: self.last_mark,
                transfers: &self.transfers,
                ended: self.ended.is_some(),
            };
            match self.runner.step(view) {
                Some(action) => self.act(action),
                None if self.change_faults() => {}
                None => break,
            }
        }
        self.send_frames();
        self.listen_to_line();
        self.leave();
        self.expire_notices();
        // The end is only told when the script has had its last word.
        if self.ended.is_some() && self.notices.is_empty() && self.runner.has_finished() {
            self.finish();
        }
    }

    /// The script begins when somebody has answered: the first stream is open, or the TwiML speaks or listens. Of a
    /// call that was placed and not taken nothing is played, and nothing expected.
    fn caller_is_there(&mut self) -> bool {
        let (taken, over) = (self.life.answered().is_some(), self.ended.is_some());
        if over && !taken && self.plan.direction == Direction::OutboundApi {
            self.runner.call_off();
            return false;
        }
        if !self.runner_begun {
            self.runner_begun = taken || over;
            self.runner.begin(self.now);
        }
        self.runner_begun
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Say(clip, at) => {
                let said = self.line.say(clip, at);
                if said.clip.is_speech() {
                    self.measures.said(&said, self.runner.is_interrupting());
                    self.tell_words(&said);
                }
                if self.runner.wants_echo() {
                    self.ear.listen_for(&said.clip.samples);
                }
                self.onset_ahead = Some(said.clone());
                self.runner.said(said);
            }
            Action::Press(digit) => {
                let heard = match &mut self.media {
                    Media::Open(_) if self.wireless => {
                        self.out.push_back(Output::Tell(Told::Digit(digit)));
                        true
                    }
                    Media::Open(stream) => {
                        let text = stream.digit(digit);
                        self.post(text, None);
                        true
                    }
                    _ => self.executor.digit(self.now, digit),
                };
                self.measures.pressed(self.now);
                self.note(What::Digit { digit, heard });
            }
            Action::HangUp(why) => self.hang_up(&why),
            Action::Decided(verdict) => self.note(What::Verdict(verdict)),
        }
    }

    /// Where the call stands.
    #[must_use]
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// `CallStatus` as it is now.
    #[must_use]
    pub const fn status(&self) -> CallStatus {
        self.life.status()
    }

    /// What every webhook of the call carries.
    fn fields(&self) -> Fields {
        let CallPlan { sids, parties, direction, .. } = &self.plan;
        let mut fields = params::voice(sids, parties, *direction, self.status(), &self.call_token);
        fields.extend(self.verdict_fields());
        fields
    }

    fn request(&mut self, fetch: &Fetch) {
        self.note_overrides(&fetch.url);
        let token = ids::token(&mut self.rng);
        let request = Request::new(fetch, self.fields(), &self.plan.auth_token, token);
        self.note(What::Request { method: request.method, url: fetch.url.to_string() });
        self.requested = Some(self.now);
        self.out.push_back(Output::Request(Box::new(request)));
    }

    fn answer(&mut self, answer: &Answer) {
        let Some(since) = self.requested.take() else { return };
        self.note(What::Answer { status: answer.status, took_ms: self.now - since });
        self.executor.answer(self.now, answer);
    }

    fn hang_up(&mut self, why: &str) {
        self.executor.end(self.now, Ending::Caller(why.to_owned()));
    }

    fn end(&mut self, why: &Ending) {
        self.end_media();
        self.note(What::Ended { why: why.to_string() });
        self.requested = None;
        self.settle(why);
        self.ended = Some(why.to_string());
        self.last_notices();
    }

    fn finish(&mut self) {
        if !self.done {
            self.done = true;
            self.out.push_back(Output::Done);
        }
    }

    fn note(&mut self, what: What) {
        self.note_at(self.now, what);
    }

    fn note_at(&mut self, at: Micros, what: What) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(Event { at, what });
        }
    }
}

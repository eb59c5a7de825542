//! What happens in a world, one event after the other: the carrier acts, parcels arrive, tasks run, things break.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use agent::Profile;
use engine::port::{AgentEvent, AgentPort};
use engine::stepped::Told;
use engine::time::Instant;
use engine::wire::MarkName;
use loadtest::call::model::{self, Input, Output, Said};
use loadtest::rng::Rng;
use loadtest::twilio::playback::Label;

use crate::check::admission::{self, NO_ROOM};
use crate::check::slack::Slack;
use crate::check::{Checks, Message, Seen};
use crate::lane::{Lane, Letter, Parcel};
use crate::line::{Did, broken};
use crate::mind::{Looked, Mind};
use crate::network::Way;
use crate::server;
use crate::stream::Stream;
use crate::talk::Talk;
use crate::wire;
use crate::world::{Event, World};

/// Whom the demo agent may transfer to.
const PERSON: &str = "+14155550123";

/// The agents' profiles: of a first stream and of a later one.
fn profiles() -> &'static [Arc<Profile>; 2] {
    static PROFILES: OnceLock<[Arc<Profile>; 2]> = OnceLock::new();
    PROFILES.get_or_init(|| {
        let profile = Profile::demo().with_transfer(Some(PERSON.to_owned()));
        [Arc::new(profile.clone()), Arc::new(profile.resumed())]
    })
}

impl World {
    // Set apart from what happens all the time, so that its room on the stack is not taken then: whole calls are made here.
    #[inline(never)]
    pub(crate) fn ring(&mut self, call: usize) {
        self.lines[call].ring(self.now, call, self.plan.wire);
        self.tell(call, || "rings".to_owned());
        self.drain(call);
    }

    pub(crate) fn model_ticks(&mut self, call: usize) {
        if self.lines[call].ticks_at != Some(self.now) {
            return;
        }
        self.lines[call].ticks_at = None;
        self.model(call, Input::Tick);
    }

    /// Hands something to a call's model and does what it wants.
    fn model(&mut self, call: usize, input: Input<'_>) {
        self.lines[call].handle(self.now, input);
        self.drain(call);
    }

    fn drain(&mut self, call: usize) {
        while let Some(output) = self.lines[call].poll() {
            match output {
                Output::Request(_) => {
                    let after = self.lines[call].plan.webhook;
                    self.at(self.now + after, Event::Answer(call));
                }
                Output::Notify { number, .. } => {
                    let answer = Ok(loadtest::twilio::executor::Answer { status: 204, ..Default::default() });
                    self.lines[call].handle(self.now, Input::Notified { number, answer });
                }
                // Nobody speaks here: what the TwiML says takes its time in silence.
                Output::Prepare { number, .. } => {
                    self.lines[call].handle(self.now, Input::Prepared { number, answer: Ok(None) });
                }
                Output::OpenStream { .. } => {
                    let after = self.lines[call].plan.weather.slowest() * 2;
                    self.at(self.now + after, Event::Opened(call));
                }
                Output::Send { text, .. } => self.send(call, &text),
                Output::Tell(told) => self.tell_server(call, &told),
                Output::CloseStream => self.caller_closes(call),
                // What a script asks of its network. No drawn script does: what resets a socket, does not read it or falls
                // silent here is `plan::Fault`, at times of its own. A second socket with the same token is
                // for whoever gives tokens out, which is not the engine: `loadtest` tries it on the whole service.
                Output::ResetStream | Output::Reading(_) | Output::OpenSecond { .. } => {}
                // No server here asks for one-way streams.
                Output::OpenTap { .. } | Output::SendTap { .. } | Output::CloseTap { .. } => {}
                Output::Done => {
                    self.lines[call].finish(self.now);
                    self.open_calls -= 1;
                }
            }
        }
        self.notice(call);
        if let Some(at) = self.lines[call].next_deadline() {
            let at = at.max(self.now);
            if self.lines[call].ticks_at.is_none_or(|arranged| at < arranged) {
                self.lines[call].ticks_at = Some(at);
                self.at(at, Event::Model(call));
            }
        }
    }

    /// What the caller did, for those who watch.
    fn notice(&mut self, call: usize) {
        let mut did = VecDeque::new();
        self.lines[call].did(&mut did);
        let Some(stream) = self.lines[call].stream else { return };
        for did in did {
            match did {
                Did::Speaks(until) => self.see(stream, &Seen::Speaks(until)),
                Did::Pressed => self.see(stream, &Seen::Pressed),
            }
        }
    }

    fn send(&mut self, call: usize, text: &str) {
        let Some(index) = self.lines[call].stream else { return };
        self.digest.number(self.now.micros());
        self.digest.bytes(text.as_bytes());
        let is_frame = text.starts_with("{\"event\":\"media\"");
        let mask = self.lines[call].rng.next_u64() as u32;
        self.post(index, Parcel::Bytes(wire::text(text, mask), is_frame));
    }

    /// Something for the server where there is no wire.
    fn tell_server(&mut self, call: usize, told: &model::Told) {
        let Some(index) = self.lines[call].stream else { return };
        let told = match told {
            model::Told::Mark(name) => MarkName::parse(name).map(Told::Mark),
            model::Told::Digit(digit) => Some(Told::Digit(*digit)),
            model::Told::Stop => Some(Told::Stop),
        };
        let Some(told) = told else { return };
        self.digest.number(self.now.micros());
        self.digest.told(&told);
        self.post(index, Parcel::Told(told));
    }

    /// Sends a parcel to the server.
    fn post(&mut self, index: usize, parcel: Parcel) {
        let (now, reads) = (self.now, self.reads());
        let stream = &mut self.streams[index];
        if stream.talk.is_some() {
            stream.talk(now, reads, parcel);
            let at = stream.reads_at;
            self.greets(index);
            return self.tick_from(at);
        }
        if let Some(at) = stream.inward.send(now, parcel) {
            let look = self.plan.look_every.as_micros() as u64;
            let at = if look > 0 { Instant::from_micros(at.micros().div_ceil(look) * look) } else { at };
            self.at(at, Event::Inward(index));
        }
    }

    fn caller_closes(&mut self, call: usize) {
        let Some(index) = self.lines[call].stream.take() else { return };
        self.streams[index].truth.advance(self.now);
        self.streams[index].caller_open = false;
        let mask = self.lines[call].rng.next_u64() as u32;
        if mask & 1 == 0 {
            let wire = self.streams[index].talk.is_none();
            let close = || Parcel::Bytes(wire::close(1000, mask), false);
            self.post(index, if wire { close() } else { Parcel::Told(Told::Close) });
        }
        self.post(index, Parcel::End);
        self.streams[index].hush();
        self.tell(call, || "carrier closes the stream".to_owned());
    }

    #[inline(never)]
    pub(crate) fn answer(&mut self, call: usize) {
        let line = &self.lines[call];
        let intent = self.streams.iter().rev().find(|stream| stream.call == call).map(|stream| stream.desk.intent());
        let answer = server::answer(call, line.streams, line.refused, &intent.unwrap_or_default());
        self.digest.bytes(&answer.body);
        self.model(call, Input::Answer(&answer));
    }

    #[inline(never)]
    pub(crate) fn opened(&mut self, call: usize) {
        if self.lines[call].is_done() {
            return;
        }
        let (seed, plan) = (self.rng.next_u64(), self.lines[call].plan.clone());
        let way = |stalls, salt| Lane::new(Way::new(&plan.weather, stalls, Rng::new(seed ^ salt)));
        let lanes = [way(&plan.weather.stalls_in, 1), way(&plan.weather.stalls_out, 2)];
        let checks = Checks::new(self.now, Slack::of(&self.plan, &plan));
        let mut stream = Stream::new(self.now, call, &self.worker, lanes, &self.anybody, checks);
        stream.talk = (!self.plan.wire).then(|| Talk::new(self.now));
        self.live.push(self.streams.len());
        self.lines[call].stream = Some(self.streams.len());
        self.lines[call].streams += 1;
        self.streams.push(stream);
        self.model(call, Input::StreamOpen);
    }

    pub(crate) fn arrives_inward(&mut self, index: usize) {
        let now = self.now;
        let stream = &mut self.streams[index];
        if stream.deliver_inward(now) {
            if stream.has_start() {
                stream.started_at.get_or_insert(now);
            }
            self.step_soon(index);
        }
        if let Some(at) = self.streams[index].inward.next() {
            self.at(at, Event::Inward(index));
        }
    }

    /// The server's task was woken: its I/O thread gets to it.
    pub(crate) fn step_soon(&mut self, index: usize) {
        let late = Duration::from_micros(self.rng.below(self.plan.io_late.as_micros() as u64 + 1));
        self.step_at(index, self.now + late);
    }

    pub(crate) fn step_at(&mut self, index: usize, at: Instant) {
        let stream = &mut self.streams[index];
        if stream.steps_at.is_none_or(|arranged| at < arranged) {
            stream.steps_at = Some(at);
            self.at(at, Event::Step(index));
        }
    }

    pub(crate) fn step(&mut self, index: usize) {
        if self.streams[index].steps_at != Some(self.now) {
            return;
        }
        let stream = &mut self.streams[index];
        stream.steps_at = None;
        let over_before = stream.socket.is_over();
        let mut letters = std::mem::take(&mut self.letters);
        stream.step(self.now, &self.worker, &mut letters);
        self.over |= stream.socket.is_over();
        let (frames, wrote) = (stream.frames_taken(), !letters.is_empty());
        self.tick_soon();
        self.digest.number(frames);
        for letter in letters.drain(..) {
            self.written(index, &letter.message);
            self.streams[index].outward.send(self.now, Parcel::Letter(letter));
        }
        self.letters = letters;
        if wrote {
            self.outward_soon(index);
        }
        self.take_port(index);
        let stream = &mut self.streams[index];
        if stream.socket.is_over() && !over_before {
            stream.outward.send(self.now, Parcel::End);
            self.outward_soon(index);
        } else if let Some(at) = stream.wakes_by_itself_at() {
            self.step_at(index, at);
        }
    }

    fn written(&mut self, index: usize, message: &Message) {
        let (now, call) = (self.now, self.streams[index].call);
        self.digest.number(now.micros() ^ index as u64);
        self.tell(call, || format!("server writes {message:?}"));
        self.see(index, &Seen::Written(message));
        if *message == Message::Close(NO_ROOM) {
            self.refused += 1;
            self.lines[call].refused = true;
            let after = self.streams[index].started_at.map_or(Duration::ZERO, |at| now.since(at));
            let slack = Slack::of(&self.plan, &self.lines[call].plan);
            let mut found = Vec::new();
            admission::refused(after, self.worker.active(), self.plan.slots, &slack, &mut found);
            self.complain(call, found);
        }
    }

    /// The agent of a stream that was just admitted.
    fn take_port(&mut self, index: usize) {
        let stream = &self.streams[index];
        if !stream.admitted
            && let Some(port) = stream.take_port()
        {
            self.admit(index, port);
        }
    }

    #[inline(never)]
    fn admit(&mut self, index: usize, port: AgentPort) {
        let call = self.streams[index].call;
        let (plan, later) = (&self.lines[call].plan, usize::from(self.lines[call].streams > 1));
        let rng = Rng::new(plan.seed ^ 0xA6E7 ^ index as u64);
        let (stream, ears) = (&mut self.streams[index], self.options.ears);
        stream.admitted = true;
        stream.mind = Some(Mind::new(plan.mind, port, stream.desk.clone(), profiles()[later].clone(), rng, ears));
        let carried = self.live.iter().filter(|&&live| self.streams[live].socket.slot().is_some()).count();
        let mut found = Vec::new();
        admission::held(carried, self.worker.active(), self.plan.slots, &mut found);
        self.complain(call, found);
        self.look_soon(index);
    }

    pub(crate) fn look_soon(&mut self, index: usize) {
        let slow = self.lines[self.streams[index].call].plan.slow;
        let late = Duration::from_micros(self.rng.below(slow.as_micros() as u64 + 1));
        let at = self.now + late;
        let stream = &mut self.streams[index];
        if stream.looks_at.is_none_or(|arranged| at < arranged) {
            stream.looks_at = Some(at);
            self.at(at, Event::Look(index));
        }
    }

    pub(crate) fn look(&mut self, index: usize) {
        if self.streams[index].looks_at != Some(self.now) {
            return;
        }
        let stream = &mut self.streams[index];
        stream.looks_at = None;
        self.look_now(index);
    }

    fn look_now(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        let Some(mind) = &mut stream.mind else { return };
        let mut told = std::mem::take(&mut self.events);
        let looked = mind.look(self.now, &stream.mind_task.waker, |event| told.push(event));
        told.iter().for_each(|event| self.told(index, event));
        told.clear();
        self.events = told;
        self.looked(index, looked);
        self.tick_soon();
    }

    fn told(&mut self, index: usize, event: &AgentEvent) {
        if !matches!(event, AgentEvent::Audio(_)) {
            self.digest.event(event);
            let call = self.streams[index].call;
            self.tell(call, || format!("agent is told {event:?}"));
        }
        self.see(index, &Seen::Told(event));
        if let AgentEvent::Ended(_) = event {
            self.streams[index].told_end = true;
        }
    }

    fn looked(&mut self, index: usize, looked: Looked) {
        let stream = &mut self.streams[index];
        if looked.done {
            stream.mind = None;
            stream.timer = None;
        } else if let Some(at) = looked.wake_at.filter(|at| stream.timer != Some(*at)) {
            stream.timer = Some(at);
            self.at(at, Event::Timer(index));
        }
    }

    pub(crate) fn timer(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        if stream.timer != Some(self.now) {
            return;
        }
        stream.timer = None;
        let Some(mind) = &mut stream.mind else { return };
        let looked = mind.time(self.now);
        self.looked(index, looked);
        // As its task does, which goes on to wait for the next event.
        self.look_now(index);
    }

    /// Something is on its way to the carrier.
    pub(crate) fn outward_soon(&mut self, index: usize) {
        let stream = &mut self.streams[index];
        let Some(at) = stream.outward.next() else { return };
        if stream.arrives_at.is_none_or(|arranged| at < arranged) {
            stream.arrives_at = Some(at);
            self.at(at, Event::Outward(index));
        }
    }

    pub(crate) fn arrives_outward(&mut self, index: usize) {
        if self.streams[index].arrives_at != Some(self.now) {
            return;
        }
        self.streams[index].arrives_at = None;
        while let Some(parcel) = self.streams[index].outward.arrived(self.now) {
            match parcel {
                Parcel::Bytes(..) | Parcel::Frame(_) | Parcel::Told(_) => {}
                Parcel::Letter(letter) => {
                    self.received(index, &letter);
                    // There is room again for what waits to be written.
                    if self.streams[index].socket.deadline().is_some() {
                        self.step_soon(index);
                    }
                }
                Parcel::End => self.hears_nothing_more(index, "the server's connection ended without a close"),
            }
        }
        self.outward_soon(index);
    }

    /// A message arrives at the carrier.
    fn received(&mut self, index: usize, letter: &Letter) {
        let message = &letter.message;
        let stream = &mut self.streams[index];
        if !stream.caller_open {
            return;
        }
        let (now, call) = (self.now, stream.call);
        stream.truth.advance(now);
        let truth = std::mem::take(&mut stream.truth);
        self.see(index, &Seen::Arrives(message, &truth));
        let stream = &mut self.streams[index];
        stream.truth = truth;
        match message {
            Message::Media(parts) => parts.iter().for_each(|&(of, samples)| stream.truth.media(now, of, samples)),
            Message::Clear => stream.truth.clear(now),
            Message::Close(code) => {
                let why = code.to_string();
                return self.model(call, Input::Closed(why));
            }
            Message::Mark(_) => {}
        }
        self.model(
            call,
            match (&letter.text, message) {
                (Some(text), _) => Input::Text(text),
                (None, Message::Media(parts)) => {
                    let bytes = parts.iter().map(|(_, samples)| samples).sum();
                    Input::Said(Said::Media(Label { bytes, audible: letter.audible }))
                }
                (None, Message::Mark(name)) => Input::Said(Said::Mark(name)),
                (None, Message::Clear) => Input::Said(Said::Clear),
                (None, Message::Close(_)) => return,
            },
        );
        self.compare(index, call);
    }

    /// The truth is the model's, or this simulation is wrong.
    fn compare(&mut self, index: usize, call: usize) {
        let Some(buffered) = self.lines[call].model().and_then(|model| model.buffered()) else { return };
        let truth = &self.streams[index].truth;
        let (model, ours) =
            ([buffered.played, buffered.waiting, buffered.cleared], [truth.played(), truth.waiting(), truth.cleared()]);
        assert_eq!(model, ours, "what was played, waits, was cleared at {:?} on call {call}", self.now);
    }

    pub(crate) fn hears_nothing_more(&mut self, index: usize, why: &str) {
        if self.streams[index].caller_open {
            self.streams[index].truth.advance(self.now);
            let call = self.streams[index].call;
            self.model(call, broken(why));
        }
    }
}

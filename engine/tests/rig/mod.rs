//! A leg on a virtual clock, with a carrier that plays, marks and clears as Twilio does, and an agent that says clips.

use std::collections::VecDeque;
use std::time::Duration;

use engine::audio::frame::Frame;
use engine::audio::vad::Block;
use engine::leg::{Command, Generation, Input, Leg, Output, Speech};
use engine::port::{AgentEvent, UtteranceId};
use engine::time::{Instant, Samples};
use engine::turn::TurnParams;
use engine::wire::MarkName;

/// What waits in the carrier's buffer.
#[derive(Debug, Clone, Copy)]
enum Buffered {
    Audio(u64),
    Mark(MarkName),
}

/// Everything of one call.
pub(crate) struct Rig {
    pub(crate) now: Instant,
    pub(crate) leg: Leg,
    /// Everything that the agent was told, with the time.
    pub(crate) events: Vec<(Instant, AgentEvent)>,
    /// The code with which the leg closed the stream.
    pub(crate) closed: Option<u16>,
    /// Samples that the carrier has played to the caller.
    pub(crate) played: u64,
    /// Samples that a clear threw away at the carrier.
    pub(crate) thrown_away: u64,
    /// Clears that reached the carrier.
    pub(crate) clears: u32,
    /// One way to the carrier and back again, each.
    pub(crate) one_way: Duration,
    /// The carrier returns marks.
    pub(crate) returns_marks: bool,
    speech: VecDeque<Speech>,
    buffer: VecDeque<Buffered>,
    to_carrier: VecDeque<(Instant, Output)>,
    to_leg: VecDeque<(Instant, MarkName)>,
    written: u64,
    generation: Generation,
    utterances: u32,
    out: Vec<Output>,
}

impl Rig {
    pub(crate) fn new(one_way_ms: u64) -> Self {
        // Not zero, so that nothing works only because time began with the call.
        let now = Instant::from_millis(1_000_000);
        let mut rig = Self {
            now,
            leg: Leg::new(now, TurnParams::default(), 0),
            events: Vec::new(),
            closed: None,
            played: 0,
            thrown_away: 0,
            clears: 0,
            one_way: Duration::from_millis(one_way_ms),
            returns_marks: true,
            speech: VecDeque::new(),
            buffer: VecDeque::new(),
            to_carrier: VecDeque::new(),
            to_leg: VecDeque::new(),
            written: 0,
            generation: Generation::default(),
            utterances: 0,
            out: Vec::new(),
        };
        rig.give(Input::Started);
        rig
    }

    /// The agent says a clip.
    pub(crate) fn say(&mut self, ms: u64, interruptible: bool) -> UtteranceId {
        let utterance = self.begin(ms, interruptible);
        self.finish();
        utterance
    }

    /// The agent says the beginning of something.
    pub(crate) fn begin(&mut self, ms: u64, interruptible: bool) -> UtteranceId {
        self.utterances += 1;
        let utterance = UtteranceId(self.utterances);
        self.speech.push_back(Speech::Begin { utterance, interruptible, generation: self.generation });
        for _ in 0..ms / 20 {
            self.speech.push_back(Speech::Audio(Frame::from_ulaw(&[0x10; 160])));
        }
        utterance
    }

    /// That was all of it.
    pub(crate) fn finish(&mut self) {
        self.speech.push_back(Speech::End);
    }

    /// The agent stops what it said.
    pub(crate) fn stop_speaking(&mut self) {
        self.generation.stops += 1;
        self.give(Input::Command(Command::Stop { stops: self.generation.stops }));
    }

    /// The agent wants the stream closed after what it said.
    pub(crate) fn hang_up(&mut self) {
        self.give(Input::Command(Command::HangUp { after: UtteranceId(self.utterances) }));
    }

    /// The line carries 20 ms frames for so long, voiced or not, while everything else goes its way.
    pub(crate) fn run(&mut self, ms: u64, voiced: bool) {
        for _ in 0..ms / 20 {
            for _ in 0..10 {
                self.pass(2);
            }
            self.give(Input::Media { frame: &Frame::SILENCE, stamp_ms: None });
            let level_dbfs = if voiced { -15.0 } else { -65.0 };
            let block = Block { voiced, active: voiced, level_dbfs, floor_dbfs: -65.0 };
            self.give(Input::Heard(&block));
            self.give(Input::Heard(&block));
        }
    }

    /// Nothing comes from the carrier for so long.
    pub(crate) fn silence_of_the_line(&mut self, ms: u64) {
        for _ in 0..ms / 2 {
            self.pass(2);
        }
    }

    pub(crate) fn give(&mut self, input: Input<'_>) {
        self.leg.handle(self.now, input, &mut self.out);
        self.check();
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Event(event) => {
                    self.generation.cuts = self.leg.generation().cuts;
                    self.events.push((self.now, event));
                }
                Output::Close(code) => self.closed = Some(code),
                Output::Clear { .. } => {
                    // The writer drops what a clear has overtaken.
                    self.to_carrier.push_back((self.now + self.one_way, output));
                }
                Output::Audio(frame) => {
                    self.written += frame.samples() as u64;
                    self.to_carrier.push_back((self.now + self.one_way, output));
                }
                Output::Measured(_) => {}
                Output::Mark(_) => self.to_carrier.push_back((self.now + self.one_way, output)),
            }
        }
    }

    /// The events of one kind.
    pub(crate) fn seen(&self, wanted: impl Fn(&AgentEvent) -> bool) -> Vec<AgentEvent> {
        self.events.iter().map(|(_, event)| *event).filter(|event| wanted(event)).collect()
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.carrier_plays(ms * 8);
        while self.to_carrier.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, output)) = self.to_carrier.pop_front() else { break };
            self.carrier_takes(output);
        }
        self.return_marks();
        self.give(Input::Written(Samples(self.written)));
        while self.to_leg.front().is_some_and(|(at, _)| *at <= self.now) {
            let Some((_, name)) = self.to_leg.pop_front() else { break };
            self.give(Input::Mark(name));
        }
        let mut room = self.leg.room_frames(self.now);
        while room > 0 && self.leg.takes_utterances() {
            let Some(speech) = self.speech.pop_front() else { break };
            room -= usize::from(matches!(speech, Speech::Audio(_)));
            self.give(Input::Speech(&speech));
        }
        self.give(Input::Tick);
    }

    fn carrier_takes(&mut self, output: Output) {
        match output {
            Output::Audio(frame) => self.buffer.push_back(Buffered::Audio(frame.samples() as u64)),
            Output::Mark(name) => self.buffer.push_back(Buffered::Mark(name)),
            Output::Clear { .. } => {
                self.clears += 1;
                for item in std::mem::take(&mut self.buffer) {
                    match item {
                        Buffered::Audio(samples) => self.thrown_away += samples,
                        Buffered::Mark(name) => self.carrier_returns(name),
                    }
                }
            }
            Output::Close(_) | Output::Event(_) | Output::Measured(_) => {}
        }
    }

    fn carrier_plays(&mut self, mut samples: u64) {
        while samples > 0 {
            self.return_marks();
            let Some(Buffered::Audio(left)) = self.buffer.front_mut() else { return };
            let n = samples.min(*left);
            *left -= n;
            if *left == 0 {
                self.buffer.pop_front();
            }
            samples -= n;
            self.played += n;
        }
    }

    fn return_marks(&mut self) {
        while let Some(Buffered::Mark(name)) = self.buffer.front().copied() {
            self.buffer.pop_front();
            self.carrier_returns(name);
        }
    }

    fn carrier_returns(&mut self, name: MarkName) {
        if self.returns_marks {
            self.to_leg.push_back((self.now + self.one_way, name));
        }
    }

    /// What must hold at every instant.
    fn check(&self) {
        let ledger = self.leg.ledger();
        assert!(ledger.heard() <= ledger.sent() && ledger.sent() <= ledger.queued());
        assert_eq!(ledger.heard() + ledger.cleared(), ledger.settled());
    }
}

//! A call from a seed, on a virtual clock: stepped as a worker does it, with real voices, and captured.

use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

use engine::audio::frame::{FRAME_SAMPLES, Frame};
use engine::audio::g711::{decode_ulaw_into, encode_ulaw};
use engine::audio::level::BLOCK_SAMPLES;
use engine::audio::vad::{Gates, Hearing};
use engine::capture::{Decision, Drained, Header, Moment, Recorder, Tap, tap};
use engine::leg::{Command, Generation, Input, Leg, Output, Speech};
use engine::limits::SPEECH_RING;
use engine::port::{AgentEvent, Digit, UtteranceId};
use engine::time::{Instant, Samples};
use engine::turn::TurnParams;
use engine::wire::MarkName;

use crate::noises::Seed;
use crate::voices::{Clip, shipped};

/// The detector does not hear what comes later than this: what a worker does after a stall.
const HEARD_LATE_MAX: Duration = Duration::from_millis(160);

/// Whether and how the capture is written while the call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drain {
    Often,
    OnlyAtTheEnd,
}

/// From the carrier.
enum Rx {
    Media(Frame, u32),
    Mark(MarkName),
    Digit(char),
}

/// Everything of one call.
pub(crate) struct Call {
    now: Instant,
    begun: Instant,
    seed: Seed,
    leg: Leg,
    hearing: Hearing,
    tap: Tap,
    out: Vec<Output>,
    /// What the leg did, as the call saw it.
    pub(crate) decisions: Vec<Moment>,
    rx: VecDeque<(Instant, Rx)>,
    speech: VecDeque<Speech>,
    commands: VecDeque<Command>,
    generation: Generation,
    utterances: u32,
    written: u64,
    plays_until: Instant,
    voices: Vec<Clip>,
}

/// A call of half a minute: its decisions, and its capture as far as `file` took it.
pub(crate) fn captured<W: Write>(seed: u64, drain: Drain, file: W) -> (Vec<Moment>, Tap, Recorder<W>) {
    let begun = Instant::from_millis(1_000_000 + seed);
    let header = Header { begun, epoch: seed as u32, turn: TurnParams::default(), gates: Gates::default() };
    let (tap, mut recorder) = tap(header, file);
    let mut call = Call::new(seed, header, tap);
    call.caller_speaks(30_000);
    call.tell(Input::Started);
    call.deliver();
    for step in 0..15_500 {
        call.now += Duration::from_millis(2);
        call.step();
        if drain == Drain::Often && step % 100 == 0 {
            // A file that fails is the recorder's trouble.
            let _ = recorder.drain();
        }
    }
    call.tell(Input::Stop);
    call.deliver();
    (call.decisions, call.tap, recorder)
}

/// The same, and the finished file.
pub(crate) fn capture_of(seed: u64) -> (Vec<Moment>, Vec<u8>) {
    let (decisions, tap, mut recorder) = captured(seed, Drain::Often, Vec::new());
    assert_eq!(recorder.drain().expect("memory"), Drained::Going);
    assert_eq!(tap.missed(), 0);
    drop(tap);
    assert_eq!(recorder.drain().expect("memory"), Drained::Complete);
    assert_eq!(recorder.drain().expect("memory"), Drained::Complete, "once more does nothing");
    (decisions, recorder.into_file())
}

impl Call {
    fn new(seed: u64, header: Header, tap: Tap) -> Call {
        Call {
            now: header.begun,
            begun: header.begun,
            seed: Seed::new(seed + 1),
            leg: Leg::new(header.begun, header.turn, header.epoch),
            hearing: Hearing::new(header.gates),
            tap,
            out: Vec::new(),
            decisions: Vec::new(),
            rx: VecDeque::new(),
            speech: VecDeque::new(),
            commands: VecDeque::from([Command::Listen(seed.is_multiple_of(2))]),
            generation: Generation::default(),
            utterances: 0,
            written: 0,
            plays_until: header.begun,
            voices: shipped(),
        }
    }

    /// Clips over soft noise, some 3 s apart; frames a little late, one gap, one stall, two digits.
    fn caller_speaks(&mut self, ms: usize) {
        let mut sound: Vec<i16> = (0..ms * 8).map(|_| self.seed.between(-20.0, 20.0) as i16).collect();
        let mut at = 0;
        loop {
            at += self.seed.between(8_000.0, 40_000.0) as usize;
            let clip = &self.voices[self.seed.between(0.0, self.voices.len() as f32 - 0.01) as usize];
            let Some(place) = sound.get_mut(at..at + clip.samples.len()) else { break };
            place.iter_mut().zip(&clip.samples).for_each(|(to, from)| *to = to.saturating_add(*from));
            at += clip.samples.len();
        }
        let (gap, stall) = (self.seed.between(100.0, 500.0) as u32, self.seed.between(600.0, 1_300.0) as u32);
        for (frame, n) in sound.chunks(FRAME_SAMPLES).zip(0u32..) {
            let codes: Vec<u8> = frame.iter().map(|sample| encode_ulaw(*sample)).collect();
            let spoken = n.max(if n < stall { 0 } else { (stall + 15).min(n + 15) });
            let late = Duration::from_micros(self.seed.between(0.0, 9_000.0) as u64);
            let arrives = self.begun + Duration::from_millis(u64::from(spoken + 1) * 20) + late;
            if !(gap..gap + 4).contains(&n) {
                self.rx.push_back((arrives, Rx::Media(Frame::from_ulaw(&codes), n * 20)));
            }
            if n == gap || n == gap + 700 {
                self.rx.push_back((arrives, Rx::Digit('5')));
            }
        }
        self.rx.make_contiguous().sort_by_key(|(arrives, _)| *arrives);
    }

    fn tell(&mut self, input: Input<'_>) {
        self.tap.record(self.now, &input);
        self.leg.handle(self.now, input, &mut self.out);
    }

    /// As a worker steps a call that is due.
    fn step(&mut self) {
        let arrived = self.rx.front().is_some_and(|(at, _)| *at <= self.now);
        let room = !self.speech.is_empty() && self.leg.room_frames(self.now) > 0;
        if !(arrived || room || !self.commands.is_empty() || self.leg.next_due() <= self.now) {
            return;
        }
        self.tell(Input::Written(Samples(self.written)));
        self.take_rx();
        while let Some(command) = self.commands.pop_front() {
            self.tell(Input::Command(command));
        }
        let mut room = self.leg.room_frames(self.now).min(16);
        // What an interruption has made void takes no room; no more of it is here than its ring holds.
        let left = self.speech.len().saturating_sub(SPEECH_RING);
        while room > 0
            && self.speech.len() > left
            && let Some(speech) = self.speech.pop_front()
        {
            let before = self.out.len();
            self.tell(Input::Speech(&speech));
            room -= self.out[before..].iter().filter(|output| matches!(output, Output::Audio(_))).count().min(room);
        }
        self.tell(Input::Tick);
        self.deliver();
    }

    fn take_rx(&mut self) {
        let waiting = self.rx.iter().take_while(|(at, _)| *at <= self.now).count();
        for _ in 0..waiting {
            let Some((_, message)) = self.rx.pop_front() else { break };
            match message {
                Rx::Media(frame, stamp_ms) => {
                    self.tell(Input::Media { frame: &frame, stamp_ms: Some(stamp_ms) });
                    if self.leg.last_lateness() <= HEARD_LATE_MAX {
                        self.hear(&frame);
                    }
                }
                Rx::Digit(digit) => self.tell(Input::Digit(Digit(digit))),
                Rx::Mark(name) => self.tell(Input::Mark(name)),
            }
        }
    }

    fn hear(&mut self, frame: &Frame) {
        let mut pcm = [0; FRAME_SAMPLES];
        let samples = decode_ulaw_into(frame.bytes(), &mut pcm);
        for block in pcm[..samples].as_chunks::<BLOCK_SAMPLES>().0 {
            let heard = self.hearing.hear(block);
            self.tell(Input::Heard(&heard));
        }
    }

    fn deliver(&mut self) {
        for output in std::mem::take(&mut self.out) {
            self.tap.outputs(&output);
            let at = self.now.since(self.begun);
            self.decisions.extend(Decision::of(&output).map(|decision| Moment { at, decision }));
            match output {
                Output::Audio(frame) => {
                    self.written += frame.samples() as u64;
                    self.plays_until = self.plays_until.max(self.now) + Samples(frame.samples() as u64).duration();
                }
                Output::Mark(name) => self.return_mark(name),
                Output::Clear { .. } => self.plays_until = self.now,
                Output::Event(event) => self.agent(event),
                Output::Close(_) | Output::Measured(_) => {}
            }
        }
    }

    /// When what stands before it has been played, 40 to 45 ms later. (Marks of before a clear come back late here:
    /// they say nothing any more.)
    fn return_mark(&mut self, name: MarkName) {
        let on_the_way = Duration::from_micros(40_000 + self.seed.between(0.0, 5_000.0) as u64);
        let at = self.plays_until.max(self.now) + on_the_way;
        let index = self.rx.partition_point(|(other, _)| *other <= at);
        self.rx.insert(index, (at, Rx::Mark(name)));
    }

    /// Greets, answers every turn with several seconds, stops itself at a digit.
    fn agent(&mut self, event: AgentEvent) {
        self.generation.cuts = self.leg.generation().cuts;
        match event {
            AgentEvent::Started => self.say(),
            AgentEvent::TurnEnded { .. } => {
                self.say();
                self.say();
            }
            AgentEvent::BargeIn { .. } => self.speech.clear(),
            AgentEvent::Digit(_) => {
                self.speech.clear();
                self.generation.stops += 1;
                self.commands.push_back(Command::Stop { stops: self.generation.stops });
                self.say();
            }
            _ => {}
        }
    }

    fn say(&mut self) {
        self.utterances += 1;
        let interruptible = self.seed.between(0.0, 1.0) < 0.9;
        let utterance = UtteranceId(self.utterances);
        self.speech.push_back(Speech::Begin { utterance, interruptible, generation: self.generation });
        let clip = &self.voices[self.seed.between(0.0, self.voices.len() as f32 - 0.01) as usize];
        let sound = clip.samples.iter().cycle().take(self.seed.between(8_000.0, 50_000.0) as usize);
        let codes: Vec<u8> = sound.map(|sample| encode_ulaw(*sample)).collect();
        self.speech.extend(codes.chunks(FRAME_SAMPLES).map(|codes| Speech::Audio(Frame::from_ulaw(codes))));
        self.speech.push_back(Speech::End);
    }
}

//! A call on a virtual clock: plays what the script says in its own time and keeps a transcript.

use std::sync::Arc;
use std::time::Duration;

use agent::desk::Intent;
use agent::profile::{Profile, Prompt};
use agent::script::{Input, Output, Script};
use engine::port::{AgentEvent, Digit, Playout, UtteranceId};
use engine::time::{Instant, Samples};

/// One prompt in the carrier's buffer.
#[derive(Debug, Clone, Copy)]
struct Playing {
    id: UtteranceId,
    prompt: Prompt,
    length: Samples,
    interruptible: bool,
}

/// The script with a model of port, carrier and caller around it.
pub(crate) struct Call {
    script: Script,
    profile: Arc<Profile>,
    pub(crate) now: Instant,
    wake_at: Option<Instant>,
    playing: Vec<Playing>,
    /// When the first of `playing` began to be heard.
    began: Instant,
    utterances: u32,
    /// Everything that the script did, except waking up.
    pub(crate) log: Vec<Output>,
    pub(crate) intent: Intent,
    pub(crate) hung_up: bool,
    /// The carrier never confirms anything.
    pub(crate) mute_marks: bool,
}

impl Call {
    /// A call whose script has been started.
    pub(crate) fn started(profile: Profile) -> Self {
        let profile = Arc::new(profile);
        let mut call = Self {
            script: Script::new(Arc::clone(&profile)),
            profile,
            now: Instant::from_millis(40),
            wake_at: None,
            playing: Vec::new(),
            began: Instant::ZERO,
            utterances: 0,
            log: Vec::new(),
            intent: Intent::Resume,
            hung_up: false,
            mute_marks: false,
        };
        call.event(AgentEvent::Started);
        call
    }

    /// The demo's call, greeted and quiet.
    pub(crate) fn greeted(profile: Profile) -> Self {
        let mut call = Self::started(profile);
        call.hear_out();
        call.log.clear();
        call
    }

    /// What was said since the log was last taken.
    pub(crate) fn said(&mut self) -> Vec<Prompt> {
        let said = self.log.iter().filter_map(|output| match output {
            Output::Say { prompt, .. } => Some(*prompt),
            _ => None,
        });
        let said = said.collect();
        self.log.clear();
        said
    }

    /// Time passes: utterances end, timers ring.
    pub(crate) fn wait(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(at) = self.next_at().filter(|&at| at <= until) {
            self.now = at.max(self.now);
            self.happen();
        }
        self.now = until;
    }

    /// Waits until all that was said has been heard.
    pub(crate) fn hear_out(&mut self) {
        while !self.playing.is_empty() {
            self.wait(Duration::from_millis(20));
        }
    }

    pub(crate) fn press(&mut self, digit: char) {
        self.event(AgentEvent::Digit(Digit(digit)));
    }

    /// The caller speaks for a second; the engine stops what may be stopped.
    pub(crate) fn speak(&mut self) {
        self.begin_speaking();
        self.wait(Duration::from_secs(1));
        self.event(AgentEvent::TurnEnded { speech: Samples::from_millis(700) });
    }

    pub(crate) fn begin_speaking(&mut self) {
        self.event(AgentEvent::TurnStarted);
        let Some(first) = self.playing.first().copied() else {
            return;
        };
        if first.interruptible {
            let heard = Samples::from_duration(self.now.since(self.began));
            self.event(AgentEvent::BargeIn { utterance: first.id, heard });
            self.cut();
        }
    }

    pub(crate) fn event(&mut self, event: AgentEvent) {
        self.step(Input::Event(event));
    }

    /// Whether the script is left with nothing that could ever wake it.
    pub(crate) fn is_stuck(&self) -> bool {
        !self.hung_up && self.next_at().is_none()
    }

    fn next_at(&self) -> Option<Instant> {
        let played = self.playing.first().map(|first| self.began + first.length.duration());
        [played.filter(|_| !self.mute_marks), self.wake_at].into_iter().flatten().min()
    }

    fn happen(&mut self) {
        let due = |first: &Playing| self.began + first.length.duration() <= self.now && !self.mute_marks;
        if self.playing.first().is_some_and(due) {
            let first = self.playing.remove(0);
            self.began = self.now;
            self.played(first, Playout::Finished, first.length);
        } else {
            self.wake_at = None;
            self.step(Input::Timeout);
        }
    }

    fn cut(&mut self) {
        for piece in std::mem::take(&mut self.playing) {
            self.played(piece, Playout::Cut, Samples::ZERO);
        }
    }

    fn played(&mut self, piece: Playing, playout: Playout, heard: Samples) {
        self.event(AgentEvent::Played { utterance: piece.id, playout, heard });
    }

    pub(crate) fn step(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.script.step(self.now, input, &mut outputs);
        for output in outputs {
            self.act(&output);
            if !matches!(output, Output::WakeAt(_)) {
                self.log.push(output);
            }
        }
    }

    fn act(&mut self, output: &Output) {
        assert!(!self.hung_up, "{output:?} after hanging up");
        match output {
            Output::Say { prompt, from, interruptible } => {
                if self.playing.is_empty() {
                    self.began = self.now;
                }
                self.utterances += 1;
                let length = Samples(self.script.sound(*prompt).len() as u64);
                assert!(*from < length, "{prompt:?} from its end");
                self.playing.push(Playing {
                    id: UtteranceId(self.utterances),
                    prompt: *prompt,
                    length: length.saturating_sub(*from),
                    interruptible: *interruptible,
                });
                // A carrier that confirms nothing: every wait ends by the clock, and what is said piles up until goodbye.
                // What a port takes is 256 pieces, three to a prompt.
                assert!(self.playing.len() <= 20, "too much waits: {:?}", self.waiting());
            }
            Output::EchoBegin => self.utterances += 1,
            Output::StopSpeaking => self.playing.clear(),
            Output::SetIntent(intent) => self.intent = intent.clone(),
            Output::HangUp => self.hung_up = true,
            Output::WakeAt(at) => self.wake_at = Some(*at),
            Output::Listen(_) | Output::Echo(_) | Output::EchoEnd => {}
        }
    }

    fn waiting(&self) -> Vec<Prompt> {
        self.playing.iter().map(|piece| piece.prompt).collect()
    }
}

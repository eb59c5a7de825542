//! The driver: gives the script the call's events and the time, and does on the port what it asks for. Decides nothing.
//!
//! [`run`] is the task that waits; [`Driver`] is all the rest, for whoever waits otherwise.
#![allow(clippy::disallowed_methods, reason = "the agent's shell reads tokio's clock, which a test can stop")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::port::{AgentEvent, AgentPort, PortFull, Say, UtteranceId};
use engine::time::{Instant, Samples};
use tokio::sync::mpsc;
use tokio::time::{Instant as TokioInstant, sleep_until};

use crate::desk::Desk;
use crate::happening::Happening;
use crate::profile::{Profile, Prompt};
use crate::script::{Input, Output, Script, Wish};

/// How far ahead a timer is set that nobody has asked for.
const FAR: Duration = Duration::from_secs(24 * 3_600);

/// Holds one call with the scripted demo; returns when its stream is over.
///
/// Must run on a tokio runtime with a timer. Dropping the future gives up the call.
pub async fn run_demo(port: AgentPort, desk: Desk, profile: Arc<Profile>) {
    let (_, nobody) = mpsc::channel(1);
    run(port, desk, profile, nobody, |_| {}).await;
}

/// Holds one call as `profile` says; returns when its stream is over. Others say through `wishes` what they want of it;
/// `tell` is told what happens, in the agent's task: it must not block.
///
/// Must run on a tokio runtime with a timer. Dropping the future gives up the call.
pub async fn run(
    port: AgentPort,
    desk: Desk,
    profile: Arc<Profile>,
    mut wishes: mpsc::Receiver<Wish>,
    tell: impl FnMut(Happening) + Send,
) {
    let start = TokioInstant::now();
    let mut driver = Driver::new(port, desk, profile, tell);
    let timer = sleep_until(start + FAR);
    tokio::pin!(timer);
    while !driver.has_ended() {
        let input = tokio::select! {
            biased;
            event = driver.port.next() => Input::Event(event),
            Some(wish) = wishes.recv() => Input::Wish(wish),
            () = &mut timer => {
                timer.as_mut().reset(TokioInstant::now() + FAR);
                Input::Timeout
            }
        };
        if let Some(at) = driver.step(Instant::ZERO + start.elapsed(), input) {
            timer.as_mut().reset(start + at.since(Instant::ZERO));
        }
    }
    tracing::debug!(echo_dropped = driver.hands.echo_dropped.0, "agent done");
}

/// Changes sound as it is said, not its length: simulations mark what they want to recognise.
#[doc(hidden)]
pub type Dye = fn(UtteranceId, Bytes) -> Bytes;

/// One call's script and what its outputs are done with.
#[derive(Debug)]
pub struct Driver<T> {
    /// The call; its events are for [`step`](Self::step).
    pub port: AgentPort,
    script: Script,
    hands: Hands<T>,
    outputs: Vec<Output>,
    ended: bool,
}

impl<T: FnMut(Happening)> Driver<T> {
    /// A call that has not begun.
    pub fn new(port: AgentPort, desk: Desk, profile: Arc<Profile>, tell: T) -> Self {
        let said = VecDeque::with_capacity(4);
        let hands = Hands { desk, said, utterances: 0, dye: None, tell, echo_dropped: Samples::ZERO };
        Self { port, script: Script::new(profile), hands, outputs: Vec::with_capacity(8), ended: false }
    }

    /// Everything said from now on is dyed.
    #[doc(hidden)]
    pub fn dye(&mut self, dye: Dye) {
        self.hands.dye = Some(dye);
    }

    /// Takes what happened at `now` and does what follows. Gives when to come back with [`Input::Timeout`], where that
    /// has changed.
    pub fn step(&mut self, now: Instant, input: Input) -> Option<Instant> {
        if let Input::Event(event) = input {
            self.hands.tell(event);
            self.ended |= matches!(event, AgentEvent::Ended(_));
        }
        self.script.step(now, input, &mut self.outputs);
        let mut wake_at = None;
        for output in self.outputs.drain(..) {
            match output {
                Output::WakeAt(at) => wake_at = Some(at),
                output => self.hands.act(&mut self.port, output, &self.script),
            }
        }
        wake_at
    }

    /// Whether the stream is over.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// What the script's outputs are done with.
struct Hands<T> {
    desk: Desk,
    /// What the port has been given and has not yet said to be over, oldest first; `None` is the echo. The port bounds it.
    said: VecDeque<(UtteranceId, Option<Prompt>)>,
    /// Said so far: the port numbers in the same way.
    utterances: u32,
    dye: Option<Dye>,
    tell: T,
    /// Echo that found the port full.
    echo_dropped: Samples,
}

impl<T: FnMut(Happening)> Hands<T> {
    fn tell(&mut self, event: AgentEvent) {
        let happening = match event {
            AgentEvent::BargeIn { heard, .. } => Happening::BargeIn { heard_ms: heard.millis() },
            AgentEvent::TurnEnded { speech } => Happening::Turn { speech_ms: speech.millis() },
            AgentEvent::Digit(_) => Happening::Digit,
            AgentEvent::Played { utterance, playout, heard } => {
                let Some(place) = self.said.iter().position(|(id, _)| *id == utterance) else { return };
                let prompt = self.said.remove(place).and_then(|(_, prompt)| prompt);
                Happening::Said { prompt, playout, heard_ms: heard.millis() }
            }
            AgentEvent::Started | AgentEvent::Audio(_) | AgentEvent::TurnStarted | AgentEvent::Ended(_) => return,
        };
        (self.tell)(happening);
    }

    fn act(&mut self, port: &mut AgentPort, output: Output, script: &Script) {
        match output {
            Output::Say { prompt, from, interruptible } => {
                let sound = script.sound(prompt);
                let from = usize::try_from(from.0).unwrap_or(usize::MAX).min(sound.len());
                let sound = self.dyed(UtteranceId(self.utterances + 1), sound.slice(from..));
                let said = port.say(sound, Say { interruptible });
                self.note(port, said, Some(prompt));
            }
            Output::EchoBegin => {
                let begun = port.begin(Say { interruptible: false });
                self.note(port, begun, None);
            }
            Output::Echo(frame) => {
                // A full port means that the line is behind: an echo that came even later would be no use.
                let sound = self.dyed(UtteranceId(self.utterances), Bytes::copy_from_slice(frame.bytes()));
                if let Err(PortFull(sound)) = port.append(sound) {
                    self.echo_dropped += Samples(sound.len() as u64);
                }
            }
            Output::EchoEnd => port.finish(),
            Output::StopSpeaking => port.stop_speaking(),
            Output::Listen(on) => port.listen(on),
            Output::SetIntent(intent) => self.desk.set(intent),
            Output::HangUp => port.hang_up(),
            Output::WakeAt(_) => {}
        }
    }

    fn dyed(&self, utterance: UtteranceId, sound: Bytes) -> Bytes {
        match self.dye {
            Some(dye) => dye(utterance, sound),
            None => sound,
        }
    }

    /// The script has a few prompts waiting at most, so a full port is stuck. The caller is better served by a new
    /// stream, which the untouched desk asks for.
    fn note(&mut self, port: &mut AgentPort, said: Result<UtteranceId, PortFull>, prompt: Option<Prompt>) {
        match said {
            Ok(utterance) => {
                self.utterances = utterance.0;
                self.said.push_back((utterance, prompt));
            }
            Err(_) => {
                tracing::warn!("nothing of what the agent says goes out: ending the stream so that it is resumed");
                port.stop_speaking();
                port.hang_up();
            }
        }
    }
}

impl<T> std::fmt::Debug for Hands<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hands").field("said", &self.said).finish_non_exhaustive()
    }
}

//! The driver: gives the script the call's events and the time, and does on the port what it asks for. Decides nothing.
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
    let mut script = Script::new(profile);
    let mut hands = Hands { port, desk, said: VecDeque::with_capacity(4), tell, echo_dropped: Samples::ZERO };
    let mut outputs = Vec::with_capacity(8);
    let timer = sleep_until(start + FAR);
    tokio::pin!(timer);
    loop {
        let input = tokio::select! {
            biased;
            event = hands.port.next() => Input::Event(event),
            Some(wish) = wishes.recv() => Input::Wish(wish),
            () = &mut timer => {
                timer.as_mut().reset(TokioInstant::now() + FAR);
                Input::Timeout
            }
        };
        if let Input::Event(event) = input {
            hands.tell(event);
        }
        let ended = matches!(input, Input::Event(AgentEvent::Ended(_)));
        script.step(Instant::ZERO + start.elapsed(), input, &mut outputs);
        for output in outputs.drain(..) {
            if let Output::WakeAt(at) = output {
                timer.as_mut().reset(start + at.since(Instant::ZERO));
            } else {
                hands.act(output, &script);
            }
        }
        if ended {
            tracing::debug!(echo_dropped = hands.echo_dropped.0, "agent done");
            return;
        }
    }
}

/// What the script's outputs are done with.
struct Hands<T> {
    port: AgentPort,
    desk: Desk,
    /// What the port has been given and has not yet said to be over, oldest first; `None` is the echo. The port bounds it.
    said: VecDeque<(UtteranceId, Option<Prompt>)>,
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

    fn act(&mut self, output: Output, script: &Script) {
        match output {
            Output::Say { prompt, from, interruptible } => {
                let sound = script.sound(prompt);
                let from = usize::try_from(from.0).unwrap_or(usize::MAX).min(sound.len());
                let said = self.port.say(sound.slice(from..), Say { interruptible });
                self.note(said, Some(prompt));
            }
            Output::EchoBegin => {
                let begun = self.port.begin(Say { interruptible: false });
                self.note(begun, None);
            }
            Output::Echo(frame) => {
                // A full port means that the line is behind: an echo that came even later would be no use.
                let sound = Bytes::copy_from_slice(frame.bytes());
                if let Err(PortFull(sound)) = self.port.append(sound) {
                    self.echo_dropped += Samples(sound.len() as u64);
                }
            }
            Output::EchoEnd => self.port.finish(),
            Output::StopSpeaking => self.port.stop_speaking(),
            Output::Listen(on) => self.port.listen(on),
            Output::SetIntent(intent) => self.desk.set(intent),
            Output::HangUp => self.port.hang_up(),
            Output::WakeAt(_) => {}
        }
    }

    /// The script has a few prompts waiting at most, so a full port is stuck. The caller is better served by a new
    /// stream, which the untouched desk asks for.
    fn note(&mut self, said: Result<UtteranceId, PortFull>, prompt: Option<Prompt>) {
        match said {
            Ok(utterance) => self.said.push_back((utterance, prompt)),
            Err(_) => {
                tracing::warn!("nothing of what the agent says goes out: ending the stream so that it is resumed");
                self.port.stop_speaking();
                self.port.hang_up();
            }
        }
    }
}

//! The driver: gives the script the call's events and the time, and does on the port what it asks for. Decides nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::port::{AgentEvent, AgentPort, PortFull, Say};
use engine::time::{Instant, Samples};
use tokio::time::{Instant as TokioInstant, sleep_until};

use crate::desk::Desk;
use crate::profile::Profile;
use crate::script::{Input, Output, Script};

/// How far ahead a timer is set that nobody has asked for.
const FAR: Duration = Duration::from_secs(24 * 3_600);

/// Holds one call with the scripted demo; returns when its stream is over.
///
/// Must run on a tokio runtime with a timer. Dropping the future gives up the call.
pub async fn run_demo(port: AgentPort, desk: Desk, profile: Arc<Profile>) {
    let start = TokioInstant::now();
    let mut script = Script::new(Arc::clone(&profile));
    let mut hands = Hands { port, desk, profile, echo_dropped: Samples::ZERO };
    let mut outputs = Vec::with_capacity(8);
    let timer = sleep_until(start + FAR);
    tokio::pin!(timer);
    loop {
        let input = tokio::select! {
            biased;
            event = hands.port.next() => Input::Event(event),
            () = &mut timer => {
                timer.as_mut().reset(TokioInstant::now() + FAR);
                Input::Timeout
            }
        };
        let now = Instant::ZERO + start.elapsed();
        script.step(now, input, &mut outputs);
        for output in outputs.drain(..) {
            if let Output::WakeAt(at) = output {
                timer.as_mut().reset(start + at.since(Instant::ZERO));
            } else {
                hands.act(output);
            }
        }
        if let Input::Event(AgentEvent::Ended(cause)) = input {
            tracing::debug!(?cause, echo_dropped = hands.echo_dropped.0, "demo agent done");
            return;
        }
    }
}

/// What the script's outputs are done with.
struct Hands {
    port: AgentPort,
    desk: Desk,
    profile: Arc<Profile>,
    /// Echo that found the port full.
    echo_dropped: Samples,
}

impl Hands {
    fn act(&mut self, output: Output) {
        match output {
            Output::Say { prompt, from, interruptible } => {
                let sound = self.profile.sound(prompt);
                let from = usize::try_from(from.0).unwrap_or(usize::MAX).min(sound.len());
                let said = self.port.say(sound.slice(from..), Say { interruptible }).map(|_| ());
                self.give_up_if_full(said);
            }
            Output::EchoBegin => {
                let begun = self.port.begin(Say { interruptible: false }).map(|_| ());
                self.give_up_if_full(begun);
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
    fn give_up_if_full(&mut self, said: Result<(), PortFull>) {
        if said.is_err() {
            tracing::warn!("nothing of what the demo agent says goes out: ending the stream so that it is resumed");
            self.port.stop_speaking();
            self.port.hang_up();
        }
    }
}

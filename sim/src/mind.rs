//! Who answers a call: the scripted agent, driven as in production, or one that does anything that a port allows.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use agent::drive::Driver;
use agent::script::Input;
use agent::{Desk, Happening, Profile};
use engine::audio::frame::FRAME_SAMPLES;
use engine::port::{AgentEvent, AgentPort, Say, UtteranceId};
use engine::stepped::Ears;
use engine::time::Instant;
use loadtest::rng::Rng;

use crate::dye;
use crate::plan::MindPlan;

type Tell = fn(Happening);

/// An agent at its port.
#[derive(Debug)]
pub enum Mind {
    /// As in production.
    Script(Box<Driver<Tell>>),
    /// Anything.
    Wild(Box<Wild>),
}

/// What a look at the port brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// When it wants to look again though nothing came; `None`: as before.
    pub wake_at: Option<Instant>,
    /// It is done.
    pub done: bool,
}

impl Mind {
    /// An agent for a stream that has just begun. By labels its prompts are as long as ever, and all sound the same.
    #[must_use]
    pub fn new(plan: MindPlan, port: AgentPort, desk: Desk, profile: Arc<Profile>, rng: Rng, ears: Ears) -> Self {
        match plan {
            MindPlan::Script => {
                let mut driver = Driver::new(port, desk, profile, (|_| {}) as Tell);
                driver.dye(match ears {
                    Ears::Detector => dye::dye,
                    Ears::Labels => |utterance, sound| dye::voice(utterance, 0, sound.len()),
                });
                Self::Script(Box::new(driver))
            }
            MindPlan::Wild => Self::Wild(Box::new(Wild::new(port, desk, rng))),
        }
    }

    /// Takes all events that there are, telling them to `see`, and acts on them.
    pub fn look(&mut self, now: Instant, waker: &Waker, mut see: impl FnMut(AgentEvent)) -> Looked {
        let mut looked = Looked::default();
        while !looked.done {
            let port = match self {
                Self::Script(driver) => &mut driver.port,
                Self::Wild(wild) => &mut wild.port,
            };
            let Some(event) = next(port, waker) else { break };
            see(event);
            let wake_at = match self {
                Self::Script(driver) => driver.step(now, Input::Event(event)),
                Self::Wild(wild) => wild.hear(now, event),
            };
            looked.wake_at = wake_at.or(looked.wake_at);
            looked.done = matches!(event, AgentEvent::Ended(_));
        }
        looked
    }

    /// The time that it asked for has come.
    pub fn time(&mut self, now: Instant) -> Looked {
        let wake_at = match self {
            Self::Script(driver) => driver.step(now, Input::Timeout),
            Self::Wild(wild) => wild.act(now),
        };
        Looked { wake_at, done: matches!(self, Self::Wild(wild) if wild.left) }
    }
}

/// The next event; `None` where the task would wait, and be woken by `waker`.
fn next(port: &mut AgentPort, waker: &Waker) -> Option<AgentEvent> {
    match pin!(port.next()).poll(&mut Context::from_waker(waker)) {
        Poll::Ready(event) => Some(event),
        Poll::Pending => None,
    }
}

/// An agent without manners.
#[derive(Debug)]
pub struct Wild {
    port: AgentPort,
    desk: Desk,
    rng: Rng,
    /// It waits for nothing but its next event, as one that asks somebody else what to say.
    patient: bool,
    /// What it said last, and how many frames of it, while it is still saying it.
    open: Option<(UtteranceId, usize)>,
    utterances: u32,
    left: bool,
}

impl Wild {
    fn new(port: AgentPort, desk: Desk, mut rng: Rng) -> Self {
        let patient = rng.below(2) == 0;
        Self { port, desk, rng, patient, open: None, utterances: 0, left: false }
    }

    fn hear(&mut self, now: Instant, event: AgentEvent) -> Option<Instant> {
        match event {
            AgentEvent::Started => {
                self.say();
                (!self.patient).then(|| self.later(now))
            }
            AgentEvent::TurnEnded { .. } | AgentEvent::Digit(_) if self.rng.below(2) == 0 => self.act(now),
            AgentEvent::BargeIn { .. } => {
                self.open = None;
                None
            }
            _ => None,
        }
    }

    fn later(&mut self, now: Instant) -> Instant {
        now + Duration::from_millis(20 + self.rng.below(2_500))
    }

    fn act(&mut self, now: Instant) -> Option<Instant> {
        match self.rng.below(30) {
            0..12 => self.say(),
            12..15 => self.begin(),
            15..21 => self.append(),
            21 => {
                self.port.finish();
                self.open = None;
            }
            22..24 => {
                self.port.stop_speaking();
                self.open = None;
            }
            24 => self.port.listen(self.rng.below(2) == 0),
            25 => (0..8).for_each(|_| self.say()),
            26 if self.rng.below(4) == 0 => {
                self.desk.goodbye();
                self.port.hang_up();
            }
            27 if self.rng.below(12) == 0 => self.left = true,
            _ => {}
        }
        (!self.patient).then(|| self.later(now))
    }

    /// A clip of any length that can be dyed.
    fn say(&mut self) {
        let samples = match self.rng.below(6) {
            0 => 12 + self.rng.below(400),
            1 => 8_000 + self.rng.below(60_000),
            _ => 800 + self.rng.below(16_000),
        };
        let (id, interruptible) = (UtteranceId(self.utterances + 1), self.rng.below(4) > 0);
        let sound = dye::voice(id, 0, samples as usize);
        if let Ok(utterance) = self.port.say(sound, Say { interruptible }) {
            self.utterances = utterance.0;
            self.open = None;
        }
    }

    fn begin(&mut self) {
        if let Ok(utterance) = self.port.begin(Say { interruptible: self.rng.below(4) > 0 }) {
            self.utterances = utterance.0;
            self.open = Some((utterance, 0));
            self.append();
        }
    }

    /// Whole frames, so that their dye stays in its place.
    fn append(&mut self) {
        let Some((utterance, frames)) = self.open else { return };
        let more = 1 + self.rng.below(60) as usize;
        let sound = dye::voice(utterance, frames, more * FRAME_SAMPLES);
        if self.port.append(sound).is_ok() {
            self.open = Some((utterance, frames + more));
        }
    }
}

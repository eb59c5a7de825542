//! One caller's line: the carrier's model of a call, and what it is waiting for.

use std::collections::VecDeque;
use std::time::Duration;

use engine::time::Instant;
use loadtest::call::course::Course;
use loadtest::call::event::What;
use loadtest::call::model::{self, Call, Input, Output};
use loadtest::rng::Rng;
use loadtest::time::Micros;
use loadtest::twilio::executor::First;
use loadtest::twilio::ids::{Sids, sid};
use loadtest::twilio::params::{Direction, Parties};
use loadtest::twilio::url::Url;
use loadtest::twilio::warning::{Code, Warning};

use crate::plan::CallPlan;

/// A call, before, while and after it takes place.
#[derive(Debug)]
pub struct Line {
    /// What was drawn.
    pub plan: CallPlan,
    /// Everything random on it.
    pub rng: Rng,
    /// Its stream, while there is one.
    pub stream: Option<usize>,
    /// Streams so far.
    pub streams: usize,
    /// Its last stream found no room.
    pub refused: bool,
    /// When the model wants to be told the time, as far as that is arranged.
    pub ticks_at: Option<Instant>,
    model: Option<Box<Call>>,
    /// Lines of the model's timeline that were looked at.
    seen: usize,
    done: Option<Instant>,
}

/// What the caller did that somebody should notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// Speaks, from now until then.
    Speaks(Instant),
    /// Pressed a key, and somebody listens.
    Pressed,
}

impl Line {
    /// A call that has not rung.
    #[must_use]
    pub fn new(plan: CallPlan) -> Self {
        let rng = Rng::new(plan.seed);
        Self { plan, rng, stream: None, streams: 0, refused: false, ticks_at: None, model: None, seen: 0, done: None }
    }

    /// It rings; with a wire, or without.
    pub fn ring(&mut self, now: Instant, call: usize, wire: bool) {
        let mut rng = Rng::new(self.plan.seed ^ 0xCA11);
        // The name is a constant of this file.
        let url = Url::parse("http://127.0.0.1:8080/voice").unwrap_or_else(|bad| panic!("{bad}"));
        let plan = model::CallPlan {
            first: First::Ask(url, false),
            direction: Direction::Inbound,
            sids: Sids { account: sid("AC", &mut rng), call: sid("CA", &mut rng) },
            parties: Parties { from: format!("+1415555{call:04}"), to: "+14155550199".into() },
            auth_token: "12345".into(),
            script: self.plan.script.clone(),
            seed: self.plan.seed,
            course: Course::default(),
            unix_s: 1_521_971_599,
            keep_sound: false,
        };
        let model = Call::new(plan, self.own(now));
        self.model = Some(Box::new(if wire { model } else { model.without_wire() }));
    }

    /// Hands something to the model.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        let at = self.own(now);
        if let Some(model) = &mut self.model {
            model.handle(at, input);
        }
    }

    /// What the model wants done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.model.as_mut()?.poll()
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> Option<&Call> {
        self.model.as_deref()
    }

    /// When the model must be told the time.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let model = self.model.as_ref().filter(|_| self.done.is_none())?;
        Some(self.world(model.next_deadline()))
    }

    /// What the caller did since this was last asked.
    pub fn did(&mut self, did: &mut VecDeque<Did>) {
        let Some(model) = &self.model else { return };
        for event in &model.events[self.seen..] {
            match &event.what {
                What::Digit { heard: true, .. } => did.push_back(Did::Pressed),
                What::CallerSpeaks { .. } => {
                    let offset = model.measures.barges.last().map_or(event.at, |barge| barge.offset);
                    did.push_back(Did::Speaks(self.world(offset)));
                }
                _ => {}
            }
        }
        self.seen = model.events.len();
    }

    /// Whether the caller spoke at that moment, which is past: by labels.
    #[must_use]
    pub fn spoke(&self, at: Instant) -> bool {
        let at = Micros(at.micros().saturating_sub(self.plan.rings.micros()));
        let said = self.model.iter().flat_map(|model| model.measures.barges.iter().rev());
        said.take(2).any(|said| (said.onset..said.offset).contains(&at))
    }

    /// The call is over.
    pub fn finish(&mut self, now: Instant) {
        self.done.get_or_insert(now);
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done.is_some()
    }

    /// How long it lasted.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        self.done.map_or(Duration::ZERO, |done| done.since(self.plan.rings))
    }

    /// The model's clock begins when it rings: its ear counts from the beginning of time.
    fn own(&self, now: Instant) -> Micros {
        Micros(now.since(self.plan.rings).as_micros() as u64)
    }

    fn world(&self, at: Micros) -> Instant {
        self.plan.rings + Duration::from_micros(at.0)
    }

    /// The model's timeline.
    #[must_use]
    pub fn timeline(&self) -> Vec<(Instant, String)> {
        let events = self.model.iter().flat_map(|model| &model.events);
        events.map(|event| (self.world(event.at), format!("carrier: {}", event.what))).collect()
    }
}

/// How the carrier hears of a connection that broke.
#[must_use]
pub fn broken(why: &str) -> Input<'static> {
    Input::Broken(Warning::new(Code::StreamClosed, why))
}

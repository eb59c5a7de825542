//! The minimal server and a wire of constant delay, on a virtual clock.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use loadtest::call::course::Course;
use loadtest::call::model::{Call, CallPlan, Input, Output};
use loadtest::caller::script;
use loadtest::rng::Rng;
use loadtest::time::Micros;
use loadtest::twilio::executor::{Answer, First};
use loadtest::twilio::ids::{Sids, sid};
use loadtest::twilio::params::{Direction, Parties};
use loadtest::twilio::url::Url;

use super::{Act, Bot, Fault, after_twiml, voice_twiml};

/// One way over the network.
pub(crate) const NETWORK: Micros = Micros::from_ms(3);

/// A wire of constant delay between the model and the bot.
pub(crate) struct World {
    fault: Fault,
    bot: Bot,
    now: Micros,
    to_bot: VecDeque<(Micros, String)>,
    to_call: VecDeque<(Micros, Act)>,
    answers: VecDeque<(Micros, bool)>,
    dial: bool,
    open: bool,
    reading: bool,
    /// What reached the server, and when.
    pub(crate) arrived: Vec<(Micros, String)>,
    /// Whether a second socket is answered like the first.
    pub(crate) open_door: bool,
}

impl World {
    /// The call, when it is over.
    pub(crate) fn run(script: &str, seed: u64, fault: Fault) -> Call {
        Self::play(script, seed, fault).0
    }

    /// The call and its world, when it is over.
    pub(crate) fn play(script: &str, seed: u64, fault: Fault) -> (Call, Self) {
        let script = script::load(script)
            .or_else(|_| script::parse("test", script, Path::new(".")))
            .unwrap_or_else(|bad| panic!("{bad}"));
        let mut rng = Rng::new(seed);
        let plan = CallPlan {
            first: First::Ask(Url::parse("http://127.0.0.1:8080/twilio/voice").unwrap(), false),
            direction: Direction::Inbound,
            sids: Sids { account: sid("AC", &mut rng), call: sid("CA", &mut rng) },
            parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
            auth_token: "12345".into(),
            script: Arc::new(script),
            seed,
            course: Course::default(),
            unix_s: 1_521_971_599,
            keep_sound: true,
        };
        let mut world = Self {
            fault,
            bot: Bot::new(fault),
            now: Micros::ZERO,
            to_bot: VecDeque::new(),
            to_call: VecDeque::new(),
            answers: VecDeque::new(),
            dial: false,
            open: false,
            reading: true,
            arrived: Vec::new(),
            open_door: fault == Fault::OpenDoor,
        };
        let mut call = Call::new(plan, Micros::ZERO);
        while !world.drain(&mut call) {
            world.step(&mut call);
            assert!(world.now < Micros::from_ms(3_600_000), "the call never ends");
        }
        (call, world)
    }

    /// Does what the call wants; true when it is done.
    fn drain(&mut self, call: &mut Call) -> bool {
        while let Some(output) = call.poll() {
            match output {
                Output::Request(request) => {
                    let voice = request.url.path == "/twilio/voice";
                    self.answers.push_back((self.now + NETWORK + NETWORK, voice));
                }
                Output::Notify { number, .. } => {
                    let answer = Ok(Answer { status: 204, ..Answer::default() });
                    call.handle(self.now, Input::Notified { number, answer });
                }
                Output::Prepare { number, .. } => call.handle(self.now, Input::Prepared { number, answer: Ok(None) }),
                Output::Tell(_) => unreachable!("there is a wire"),
                Output::OpenTap { .. } | Output::SendTap { .. } | Output::CloseTap { .. } => {}
                Output::OpenStream { .. } => {
                    self.open = true;
                    self.bot = Bot::new(self.fault);
                    self.to_bot.clear();
                    self.to_call.clear();
                    call.handle(self.now, Input::StreamOpen);
                }
                Output::Send { text, due } => {
                    assert!(due.is_none_or(|due| due <= self.now && self.now.since(due) < Micros::from_ms(1)));
                    self.to_bot.push_back((self.now + NETWORK, text));
                }
                Output::CloseStream | Output::ResetStream => self.open = false,
                Output::Reading(reading) => self.reading = reading,
                Output::OpenSecond { .. } => {
                    let said = "seen".to_owned();
                    call.handle(self.now, Input::SecondSocket { accepted: self.open_door, said });
                }
                Output::Done => return true,
            }
        }
        false
    }

    /// The next thing happens.
    fn step(&mut self, call: &mut Call) {
        let first = |at: Option<Micros>| at.unwrap_or(Micros::MAX);
        let answer = first(self.answers.front().map(|a| a.0));
        let bot = first(self.to_bot.front().map(|m| m.0));
        let server = first(self.to_call.front().filter(|_| self.reading).map(|m| m.0));
        let tick = call.next_deadline();
        self.now = self.now.max(answer.min(bot).min(server).min(tick));
        if bot <= self.now {
            let (_, text) = self.to_bot.pop_front().unwrap();
            self.arrived.push((self.now, text.clone()));
            let at = self.now + NETWORK;
            let acts = self.bot.on_text(&text);
            self.to_call.extend(acts.into_iter().map(|act| (at, act)));
        } else if server <= self.now {
            let (_, act) = self.to_call.pop_front().unwrap();
            if self.open {
                match &act {
                    Act::Text(text) => call.handle(self.now, Input::Text(text)),
                    Act::Binary(bytes) => call.handle(self.now, Input::Binary(bytes.len())),
                    Act::Close { dial } => {
                        self.dial = *dial;
                        call.handle(self.now, Input::Closed("1000".into()));
                    }
                }
            }
        } else if answer <= self.now {
            let (_, voice) = self.answers.pop_front().unwrap();
            let body = if voice { voice_twiml("ws://127.0.0.1:8080/m") } else { after_twiml(self.dial).to_owned() };
            let content_type = Some("text/xml".to_owned());
            let answer = Answer { status: 200, content_type, location: None, body: body.into_bytes() };
            call.handle(self.now, Input::Answer(&answer));
        } else {
            call.handle(self.now, Input::Tick);
        }
    }
}

//! Whole calls on a virtual clock: the model against the minimal server, without a socket, in no time.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod support;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use loadtest::call::event::What;
use loadtest::call::model::{Call, CallPlan, Input, Output};
use loadtest::caller::script;
use loadtest::report::verdict::{Outcome, judge, warnings};
use loadtest::rng::Rng;
use loadtest::time::Micros;
use loadtest::twilio::executor::Answer;
use loadtest::twilio::ids::{Sids, sid};
use loadtest::twilio::params::Parties;
use loadtest::twilio::url::Url;
use support::{Act, Bot, Fault, after_twiml, voice_twiml};

/// One way over the network.
const NETWORK: Micros = Micros::from_ms(3);

/// A wire of constant delay between the model and the bot.
struct World {
    fault: Fault,
    bot: Bot,
    now: Micros,
    to_bot: VecDeque<(Micros, String)>,
    to_call: VecDeque<(Micros, Act)>,
    answers: VecDeque<(Micros, bool)>,
    dial: bool,
    open: bool,
}

impl World {
    fn run(script: &str, seed: u64, fault: Fault) -> Call {
        let script = script::load(script)
            .or_else(|_| script::parse("test", script, Path::new(".")))
            .unwrap_or_else(|bad| panic!("{bad}"));
        let mut rng = Rng::new(seed);
        let plan = CallPlan {
            url: Url::parse("http://127.0.0.1:8080/twilio/voice").unwrap(),
            sids: Sids { account: sid("AC", &mut rng), call: sid("CA", &mut rng) },
            parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
            auth_token: "12345".into(),
            script: Arc::new(script),
            seed,
            status_callback: None,
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
        };
        let mut call = Call::new(plan, Micros::ZERO);
        while !world.drain(&mut call) {
            world.step(&mut call);
            assert!(world.now < Micros::from_ms(3_600_000), "the call never ends");
        }
        call
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
                Output::CloseStream => self.open = false,
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
        let server = first(self.to_call.front().map(|m| m.0));
        let tick = call.next_deadline();
        self.now = self.now.max(answer.min(bot).min(server).min(tick));
        if bot <= self.now {
            let (_, text) = self.to_bot.pop_front().unwrap();
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

fn good(script: &str, seed: u64) -> Call {
    let call = World::run(script, seed, Fault::None);
    assert_eq!(judge(&call), Outcome::Good, "{script}: {:#?}", call.events);
    call
}

#[test]
fn the_default_script_passes_against_a_server_that_does_its_part() {
    let call = good("default", 1);
    assert!(call.events.iter().any(|e| matches!(&e.what, What::Transfer { to } if to == "+14155550123")));
    assert_eq!(call.measures.barges.iter().filter(|b| b.meant && b.clear_after.is_some()).count(), 2);
    assert_eq!(call.measures.false_clears, 0);
}

#[test]
fn every_clip_is_interrupted_with_within_its_own_onset() {
    for seed in 0..40 {
        let call = good("interrupt", seed);
        let barge = &call.measures.barges[0];
        let after = barge.clear_after.unwrap();
        // The bot needs one loud frame; soft beginnings need a few more. Never before the frame can have arrived.
        assert!(after >= NETWORK + NETWORK && after < Micros::from_ms(250), "{} after {after}", barge.clip);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let (one, two) = (World::run("noise", 5, Fault::None), World::run("noise", 5, Fault::None));
    assert_eq!(one.events, two.events);
    assert_eq!(one.record, two.record);
    assert_ne!(one.record.said, World::run("noise", 6, Fault::None).record.said);
}

#[test]
fn the_echo_comes_back_and_is_recognised() {
    good("echo", 1);
}

#[test]
fn goodbye_is_said_by_the_server() {
    let call = good("goodbye", 1);
    assert_eq!(call.ended.as_deref(), Some("<Hangup>"));
}

#[test]
fn a_deaf_server_is_caught() {
    let call = World::run("interrupt", 1, Fault::Deaf);
    let Outcome::Missed(causes) = judge(&call) else { panic!("{:?}", call.events) };
    assert!(causes[0].contains("no clear within 500.0 ms"), "{causes:?}");
    assert_eq!(call.measures.barges[0].clear_after, None);
}

#[test]
fn what_is_optional_is_looked_for_but_not_required() {
    let steps = "[[step]]\nexpect = \"transfer\"\nwithin_ms = 500\noptional = true\n[[step]]\nsilence_ms = 100";
    let call = good(&format!("about = \"x\"\n{steps}"), 1);
    let seen = call.events.iter().any(|e| matches!(&e.what, What::Verdict(v) if v.optional && !v.ok));
    assert!(seen, "{:#?}", call.events);
}

#[test]
fn a_nervous_server_is_caught() {
    let script = "about = \"x\"\nforbid = [\"false_clears\"]\n[[step]]\nsilence_ms = 3000";
    let call = World::run(script, 1, Fault::Nervous);
    assert_eq!(call.measures.false_clears, 1);
    assert!(matches!(judge(&call), Outcome::Missed(_)));
}

#[test]
fn a_sloppy_server_gets_each_warning_once() {
    let script = "about = \"x\"\nforbid = [\"warnings\"]\n[[step]]\nsilence_ms = 1000";
    let call = World::run(script, 1, Fault::Sloppy);
    assert_eq!((warnings(&call), call.measures.messages_refused), (2, 3));
    assert!(matches!(judge(&call), Outcome::Missed(_)));
}

#[test]
fn what_was_heard_ends_where_the_clear_came() {
    let call = good("interrupt", 3);
    let clear = call.events.iter().find(|e| matches!(e.what, What::Clear { .. })).unwrap().at;
    let start = call.measures.start.unwrap();
    let heard = &call.record.heard;
    let at = usize::try_from(clear.since(start).samples()).unwrap();
    assert!(heard[at.saturating_sub(100)..at - 1].iter().all(|&b| b != 0xFF));
    assert!(heard.len() <= at + 1 || heard[at + 1] == 0xFF, "sound behind the clear");
}

#[test]
fn silence_is_sent_as_comfort_noise_in_every_frame() {
    let call = good("about = \"x\"\n[[step]]\nsilence_ms = 2000", 9);
    assert!((98..=101).contains(&call.measures.frames_sent), "{}", call.measures.frames_sent);
    let frames = call.record.said.chunks(160);
    assert!(frames.into_iter().all(|f| f.iter().any(|&b| b != f[0])), "a frame of digital silence");
}

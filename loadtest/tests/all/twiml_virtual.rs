//! Whole calls that the TwiML makes up, on a virtual clock: the caller's script against pages, no socket, no time.

use std::path::Path;
use std::sync::Arc;

use loadtest::call::course::Course;
use loadtest::call::event::What;
use loadtest::call::model::{Call, CallPlan, Input, Order, Output, Prepare};
use loadtest::caller::script;
use loadtest::report::verdict::{Outcome, judge};
use loadtest::time::Micros;
use loadtest::twilio::executor::{Answer, First};
use loadtest::twilio::form;
use loadtest::twilio::ids::Sids;
use loadtest::twilio::params::{Direction, Parties};
use loadtest::twilio::recording::{Plan, Source, Track};
use loadtest::twilio::url::Url;

/// How long a page takes to be answered.
const NETWORK: Micros = Micros::from_ms(6);

struct World {
    call: Call,
    now: Micros,
    answers: Vec<(Micros, String)>,
    /// Requests and notices: the path, and the body.
    asked: Vec<(String, String)>,
    /// What was sent on one-way streams.
    tapped: Vec<String>,
    done: bool,
}

fn plan(script: &str, seed: u64) -> CallPlan {
    CallPlan {
        first: First::Ask(Url::parse("http://127.0.0.1/voice").unwrap(), false),
        direction: Direction::Inbound,
        sids: Sids { account: "AC1".into(), call: "CA1".into() },
        parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
        auth_token: "12345".into(),
        script: Arc::new(script::parse("test", script, Path::new(".")).unwrap()),
        seed,
        course: Course::default(),
        unix_s: 1_521_971_599,
        keep_sound: true,
    }
}

impl World {
    fn new(script: &str, seed: u64) -> Self {
        let (answers, asked, tapped) = (Vec::new(), Vec::new(), Vec::new());
        let call = Call::new(plan(script, seed), Micros::ZERO);
        Self { call, now: Micros::ZERO, answers, asked, tapped, done: false }
    }

    fn run(script: &str, seed: u64, pages: &[(&str, &str)]) -> Self {
        let mut world = Self::new(script, seed);
        world.until(Micros::from_ms(600_000), pages);
        assert!(world.done, "{:#?}", world.call.events);
        world
    }

    fn until(&mut self, end: Micros, pages: &[(&str, &str)]) {
        while !self.done {
            self.drain();
            let answer = self.answers.first().map_or(Micros::MAX, |(at, _)| *at);
            let at = self.call.next_deadline().min(answer);
            if at > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(at);
            if answer > self.now {
                self.call.handle(self.now, Input::Tick);
                continue;
            }
            let (_, path) = self.answers.remove(0);
            let page = pages.iter().find(|(of, _)| *of == path).map_or("<Hangup/>", |(_, page)| page);
            let (content_type, body) = (Some("text/xml".into()), format!("<Response>{page}</Response>").into_bytes());
            let answer = Answer { status: 200, content_type, location: None, body };
            self.call.handle(self.now, Input::Answer(&answer));
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.call.poll() {
            match output {
                Output::Request(request) => {
                    self.answers.push((self.now + NETWORK, request.url.path.clone()));
                    self.asked.push((request.url.path, request.body));
                }
                Output::Notify { number, request } => {
                    self.asked.push((request.url.path, request.body));
                    let answer = Ok(Answer { status: 204, ..Answer::default() });
                    self.call.handle(self.now, Input::Notified { number, answer });
                }
                Output::Prepare { number, job } => {
                    // A word lasts a second and is loud.
                    let words = if let Prepare::Say { text, .. } = job { text.split(' ').count() } else { 1 };
                    let content_type = Some("audio/basic".into());
                    let sound = Answer { status: 200, content_type, location: None, body: vec![0x20; words * 8_000] };
                    self.call.handle(self.now, Input::Prepared { number, answer: Ok(Some(sound)) });
                }
                Output::OpenTap { sid, .. } => self.call.handle(self.now, Input::TapOpen(&sid)),
                Output::SendTap { text, .. } => self.tapped.push(text),
                Output::Done => self.done = true,
                _ => {}
            }
        }
    }

    /// The values of one field in what was asked of one path.
    fn asked(&self, path: &str, field: &str) -> Vec<String> {
        let field = form::encode(&[(field.to_owned(), String::new())]);
        let of_path = self.asked.iter().filter(|(to, _)| to == path);
        let values = of_path.filter_map(|(_, body)| body.split('&').find_map(|pair| pair.strip_prefix(&field)));
        values.map(str::to_owned).collect()
    }
}

const SCRIPT: &str = r#"
about = "waits for the question, answers, presses a key, leaves a message"
forbid = ["warnings"]
[[step]]
wait = "bot_starts"
[[step]]
wait = "bot_stops"
[[step]]
say = ["en/im-sorry", "en/one-moment-please"]
[[step]]
wait = "bot_starts"
[[step]]
digits = "7"
[[step]]
silence_ms = 400
[[step]]
say = "en/one-moment-please"
[[step]]
expect = "call_ends"
"#;

const PAGES: &[(&str, &str)] = &[
    ("/voice", "<Gather input=\"speech\" speechTimeout=\"1\" action=\"/said\"><Say>How are you</Say></Gather>"),
    ("/said", "<Gather numDigits=\"1\" action=\"/key\"><Say loop=\"0\">Press a key</Say></Gather>"),
    ("/key", "<Record playBeep=\"false\" timeout=\"1\" action=\"/recorded\" recordingStatusCallback=\"/status\"/>"),
];

#[test]
fn a_caller_answers_presses_and_leaves_a_message() {
    let world = World::run(SCRIPT, 1, PAGES);
    assert_eq!(judge(&world.call), Outcome::Good, "{:#?}", world.call.events);
    let said = &world.asked("/said", "SpeechResult")[0];
    assert!(["I%27m+sorry.", "One+moment+please."].contains(&said.as_str()), "{said}");
    assert_eq!(world.asked("/key", "Digits"), ["7"]);
    assert_eq!(world.asked("/status", "RecordingDuration"), ["2"]);
    let recording = &world.call.recordings[0];
    assert!((1_100..1_400).contains(&(recording.length.0 / 1_000)), "trimmed to the clip: {}", recording.length);
    // Three seconds of question; the endless prompt stops with the key.
    let heard = world.call.record.heard.iter().filter(|&&byte| byte == 0x20).count();
    assert!((24_000..40_000).contains(&heard), "{heard} samples");
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = |seed| {
        let world = World::run(SCRIPT, seed, PAGES);
        (world.call.events, world.call.record, world.call.recordings, world.asked)
    };
    assert_eq!(story(5), story(5));
    assert_ne!(story(5).3, story(6).3);
}

#[test]
fn the_account_records_and_taps_a_live_call() {
    let script =
        "about = \"x\"\n[[step]]\nsilence_ms = 1000\n[[step]]\nsay = \"en/im-sorry\"\n[[step]]\nsilence_ms = 9000";
    let pages = [("/voice", "<Pause length=\"60\"/>")];
    let mut world = World::new(script, 1);
    world.until(Micros::from_ms(500), &pages);
    let (source, track) = (Source::StartCallRecordingApi, Track::Both);
    let plan = Plan { sid: "RE1".into(), source, track, dual: true, trim: false, callback: None, events: Vec::new() };
    world.call.handle(world.now, Input::Order(Order::StartRecording(Box::new(plan))));
    world.until(Micros::from_ms(3_500), &pages);
    world.call.handle(world.now, Input::Order(Order::StopRecording("RE1".into())));
    world.until(Micros::from_ms(600_000), &pages);
    let recording = &world.call.recordings[0];
    assert_eq!((recording.length, recording.channels[0].len()), (Micros::from_ms(3_000), 24_000));
    assert!(recording.channels[0].chunks(160).any(loadtest::twilio::recording::is_loud), "the caller is in it");
    assert!(world.call.events.iter().any(|event| matches!(&event.what, What::Recorded { .. })));
}

#[test]
fn a_one_way_stream_has_a_frame_every_20_ms() {
    let page = "<Start><Stream url=\"wss://h/tap\"/></Start><Pause length=\"2\"/><Hangup/>";
    let world = World::run("about = \"x\"\n[[step]]\nexpect = \"call_ends\"", 1, &[("/voice", page)]);
    let frames = world.tapped.iter().filter(|text| text.contains("\"media\"")).count();
    assert!((98..=100).contains(&frames), "{frames}");
    assert!(world.tapped[1].contains("\"tracks\":[\"inbound\"]"), "{}", world.tapped[1]);
    assert!(world.tapped.last().unwrap().contains("\"stop\""));
}

//! The life of a call on a virtual clock: who takes it, how it ends, who is told, and what goes wrong on the way.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use loadtest::call::course::{Course, Mishaps, Pickup, Reports, Steps, Taping};
use loadtest::call::detection::Detection;
use loadtest::call::model::{Call, CallPlan, Input, Order, Output, Settings};
use loadtest::caller::script;
use loadtest::time::Micros;
use loadtest::twilio::executor::{Answer, First};
use loadtest::twilio::ids::Sids;
use loadtest::twilio::params::{CallStatus, Direction, Parties};
use loadtest::twilio::recording::Track;
use loadtest::twilio::url::Url;
use proptest::prelude::*;

type Fields = BTreeMap<String, String>;

const fn ms(ms: u64) -> Micros {
    Micros::from_ms(ms)
}

fn url(path: &str) -> Url {
    Url::parse(&format!("http://127.0.0.1:8080{path}")).unwrap()
}

/// A request of the model's: when, where, with what.
#[derive(Clone, Debug)]
struct Asked {
    at: Micros,
    path: String,
    fields: Fields,
    token: String,
}

fn fields(body: &str) -> Fields {
    let decode = |text: &str| {
        let url = Url::parse(&format!("http://h/?{text}")).unwrap();
        let text = url.query.unwrap_or_default().replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            if byte == b'%' {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(byte);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (decode(n), decode(v))).collect()
}

fn outbound(course: Course) -> CallPlan {
    let script = script::parse("test", "about = \"x\"\n[[step]]\nsilence_ms = 60000", Path::new(".")).unwrap();
    CallPlan {
        first: First::Ask(url("/voice"), false),
        direction: Direction::OutboundApi,
        sids: Sids { account: "AC1".into(), call: "CA1".into() },
        parties: Parties { from: "+14155550199".into(), to: "+14155550100".into() },
        auth_token: "12345".into(),
        script: Arc::new(script),
        seed: 7,
        course,
        unix_s: 1_521_971_599,
        keep_sound: false,
    }
}

fn told(steps: Steps) -> Course {
    let reports = Reports { to: (url("/status"), false), steps };
    Course { reports: Some(reports), ..Course::default() }
}

/// Plays the call to its end; `answer` is what a path is answered with, `order` what is asked of it, and when.
fn play(
    plan: CallPlan,
    answer: &dyn Fn(&str) -> (u16, &'static str),
    order: Option<(Micros, Order)>,
) -> (Call, Vec<Asked>) {
    let (mut asked, mut order) = (Vec::new(), order);
    let mut now = Micros::ZERO;
    let mut call = Call::new(plan, now);
    loop {
        while let Some(output) = call.poll() {
            match output {
                Output::Done => return (call, asked),
                Output::Request(request) => {
                    let (path, token) = (request.url.path.clone(), request.idempotency_token.clone());
                    asked.push(Asked { at: now, fields: fields(&request.body), path: path.clone(), token });
                    let (status, body) = answer(&path);
                    let content_type = Some("text/xml".to_owned());
                    let answer = Answer { status, content_type, location: None, body: body.into() };
                    call.handle(now, Input::Answer(&answer));
                }
                Output::Notify { number, request } => {
                    let (path, token) = (request.url.path.clone(), request.idempotency_token.clone());
                    asked.push(Asked { at: now, fields: fields(&request.body), path, token });
                    let answer = Ok(Answer { status: 204, ..Answer::default() });
                    call.handle(now, Input::Notified { number, answer });
                }
                Output::Prepare { number, .. } => call.handle(now, Input::Prepared { number, answer: Ok(None) }),
                _ => {}
            }
        }
        let due = order.as_ref().map_or(Micros::MAX, |(at, _)| *at);
        now = call.next_deadline().min(due).max(now);
        assert!(now < ms(3_600_000), "the call never ends: {:#?}", call.events);
        match order.take_if(|(at, _)| *at <= now) {
            Some((_, order)) => call.handle(now, Input::Order(order)),
            None => call.handle(now, Input::Tick),
        }
    }
}

const TALK: &str = "<Response><Pause length=\"3\"/></Response>";

fn talk(_: &str) -> (u16, &'static str) {
    (200, TALK)
}

fn statuses(asked: &[Asked]) -> Vec<(String, String)> {
    let reports = asked.iter().filter(|asked| asked.path == "/status");
    reports.map(|asked| (asked.fields["SequenceNumber"].clone(), asked.fields["CallStatus"].clone())).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn a_person_answers_and_every_step_is_told() {
    let (call, asked) = play(outbound(told(Steps::ALL)), &talk, None);
    assert_eq!(
        statuses(&asked),
        pairs(&[("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")])
    );
    let voice = asked.iter().find(|asked| asked.path == "/voice").unwrap();
    assert_eq!((voice.at, voice.fields["CallStatus"].as_str()), (ms(1_200), "in-progress"));
    assert_eq!(voice.fields["Direction"], "outbound-api");
    let end = &asked.last().unwrap().fields;
    assert_eq!((end["CallDuration"].as_str(), end["Duration"].as_str()), ("3", "1"));
    assert_eq!((end["SipResponseCode"].as_str(), end["CallbackSource"].as_str()), ("200", "call-progress-events"));
    assert_eq!(end["Timestamp"], "Sun, 25 Mar 2018 09:53:23 +0000");
    assert_eq!(call.status(), CallStatus::Completed);
}

#[test]
fn the_end_alone_is_told_when_nothing_is_said() {
    let (_, asked) = play(outbound(told(Steps::COMPLETED)), &talk, None);
    assert_eq!(statuses(&asked), pairs(&[("0", "completed")]));
}

#[test]
fn nobody_talks_and_nobody_asks_for_twiml() {
    let cases = [
        (Pickup::Busy(ms(500)), CallStatus::Busy, "486", 700),
        (Pickup::Nobody, CallStatus::NoAnswer, "487", 65_200),
        (Pickup::Fails(404), CallStatus::Failed, "404", 200),
    ];
    for (pickup, status, sip, at) in cases {
        let course = Course { pickup, ..told(Steps::COMPLETED) };
        let (call, asked) = play(outbound(course), &talk, None);
        assert_eq!(call.status(), status);
        let [report] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!((report.fields["CallStatus"].as_str(), report.at), (status.as_str(), ms(at)));
        assert_eq!(report.fields["SipResponseCode"], sip);
        assert_eq!(report.fields.get("Duration"), None, "of completed calls only");
        assert_eq!(report.fields["CallDuration"], "0");
    }
}

#[test]
fn a_call_that_failed_says_why_where_twilio_has_a_number_for_it() {
    let (number, address) = ("+14155550100", "sip:anna@example.com");
    for (to, sip, code) in [
        (number, 404, Some("13224")),
        (number, 403, Some("13225")),
        (number, 503, None),
        (address, 404, Some("32009")),
        (address, 503, Some("32011")),
        (address, 403, None),
    ] {
        let mut plan = outbound(Course { pickup: Pickup::Fails(sip), ..told(Steps::COMPLETED) });
        plan.parties.to = to.into();
        let (call, asked) = play(plan, &talk, None);
        assert_eq!(asked[0].fields.get("ErrorCode").map(String::as_str), code, "{sip}");
        assert_eq!(asked[0].fields.contains_key("ErrorMessage"), code.is_some());
        let shown = call.events.iter().any(|event| event.what.to_string().contains("cannot be called"));
        assert_eq!(shown, code.is_some(), "the debugger shows the same");
    }
    let course = Course { undialled: Some((CallStatus::Failed, 503)), ..told(Steps::COMPLETED) };
    assert_eq!(play(outbound(course), &talk, None).1[0].fields["ErrorCode"], "10004");
    let plan = CallPlan { direction: Direction::Inbound, ..outbound(told(Steps::COMPLETED)) };
    let (_, asked) = play(plan.clone(), &|_| (500, ""), None);
    assert_eq!(asked.last().unwrap().fields["ErrorCode"], "11200");
    let (_, asked) = play(plan, &talk, None);
    assert_eq!(asked.last().unwrap().fields.get("ErrorCode"), None);
}

#[test]
fn an_override_without_effect_is_noted_once() {
    let mut plan = outbound(told(Steps::ALL));
    plan.course.reports.as_mut().unwrap().to.0.fragment = Some("rc=9&ct=1000".into());
    let (call, _) = play(plan, &talk, None);
    let notes: Vec<String> =
        call.events.iter().map(|e| e.what.to_string()).filter(|t| t.contains("override")).collect();
    assert_eq!(notes, ["note: http://127.0.0.1:8080/status: connection override rc=9 (from 0 to 5) has no effect"]);
}

#[test]
fn it_rings_as_long_as_wanted_and_five_seconds_more() {
    let slow = Pickup::Person(ms(14_900));
    let course = Course { pickup: slow, timeout: ms(10_000), ..told(Steps::COMPLETED) };
    assert_eq!(play(outbound(course.clone()), &talk, None).0.status(), CallStatus::Completed);
    let course = Course { timeout: ms(9_000), ..course };
    assert_eq!(play(outbound(course), &talk, None).0.status(), CallStatus::NoAnswer);
}

#[test]
fn the_account_calls_it_off_or_ends_it() {
    let ringing = Some((ms(700), Order::HangUp));
    let (call, asked) = play(outbound(told(Steps::ALL)), &talk, ringing);
    assert_eq!(call.status(), CallStatus::Canceled);
    assert_eq!(statuses(&asked), pairs(&[("0", "initiated"), ("1", "ringing"), ("2", "canceled")]));
    assert!(asked.iter().all(|asked| asked.path != "/voice"));
    let talking = Some((ms(2_500), Order::HangUp));
    assert_eq!(play(outbound(told(Steps::ALL)), &talk, talking).0.status(), CallStatus::Completed);
    let ringing = Some((ms(700), Order::Cancel));
    assert_eq!(play(outbound(told(Steps::ALL)), &talk, ringing).0.status(), CallStatus::Canceled);
}

#[test]
fn calling_off_does_not_touch_a_call_that_somebody_has_answered() {
    let crossing = Some((ms(1_300), Order::Cancel));
    let (call, asked) = play(outbound(told(Steps::COMPLETED)), &talk, crossing);
    assert_eq!(call.status(), CallStatus::Completed);
    assert_eq!(asked.last().unwrap().fields["CallDuration"], "3", "it went on to its end");
}

#[test]
fn a_call_that_is_called_off_before_it_is_dialled_tells_of_its_end_alone() {
    let course = Course { undialled: Some((CallStatus::Canceled, 487)), ..told(Steps::ALL) };
    let (call, asked) = play(outbound(course), &talk, None);
    assert_eq!(statuses(&asked), pairs(&[("0", "canceled")]));
    assert_eq!((asked.len(), asked[0].at, asked[0].fields["SipResponseCode"].as_str()), (1, ms(0), "487"));
    assert_eq!(call.status(), CallStatus::Canceled);
}

#[test]
fn settings_of_a_live_call_count_from_then_on() {
    let set = |settings: Settings| Some((ms(2_000), Order::Set(Box::new(settings))));
    let limit = Settings { time_limit: Some(ms(2_500)), ..Settings::default() };
    let (_, asked) = play(outbound(told(Steps::COMPLETED)), &talk, set(limit));
    assert_eq!(asked.last().unwrap().at, ms(3_700), "from the answer");
    let past = Settings { time_limit: Some(ms(500)), ..Settings::default() };
    assert_eq!(play(outbound(told(Steps::COMPLETED)), &talk, set(past)).1.last().unwrap().at, ms(2_000));

    let elsewhere = Settings { status_callback: Some((url("/other"), false)), ..Settings::default() };
    let (_, asked) = play(outbound(told(Steps::ALL)), &talk, set(elsewhere.clone()));
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/status", "/status", "/status", "/voice", "/other"]);
    assert_eq!(asked.last().unwrap().fields["SequenceNumber"], "3", "one call, one count");
    let (_, asked) = play(outbound(Course::default()), &talk, set(elsewhere));
    assert_eq!(asked.last().unwrap().path, "/other", "of the end, though nobody was told of the rest");

    let fallback = Settings { fallback: Some((url("/fallback"), false)), ..Settings::default() };
    let answer = |path: &str| match path {
        "/voice" => (200, "<Response><Pause length=\"3\"/><Redirect>/gone</Redirect></Response>"),
        "/gone" => (404, ""),
        _ => (200, TALK),
    };
    let (call, asked) = play(outbound(told(Steps::COMPLETED)), &answer, set(fallback));
    assert!(asked.iter().any(|asked| asked.path == "/fallback"), "{asked:?}");
    assert_eq!(call.orders_taken, 1);
}

#[test]
fn a_call_that_is_recorded_says_so() {
    let taping = Taping {
        track: Track::Both,
        dual: true,
        to: Some((url("/recording"), false)),
        events: vec!["in-progress", "completed"],
    };
    let course = Course { taping: Some(taping), ..told(Steps::COMPLETED) };
    let (call, asked) = play(outbound(course), &talk, None);
    let told: Vec<&Fields> = asked.iter().filter(|a| a.path == "/recording").map(|a| &a.fields).collect();
    assert_eq!(told.iter().map(|f| f["RecordingStatus"].as_str()).collect::<Vec<_>>(), ["in-progress", "completed"]);
    assert_eq!((told[1]["RecordingSource"].as_str(), told[1]["RecordingChannels"].as_str()), ("OutboundAPI", "2"));
    assert_eq!(told[1]["RecordingDuration"], "3");
    let end = &asked.iter().find(|asked| asked.path == "/status").unwrap().fields;
    assert_eq!((&end["RecordingSid"], &end["RecordingUrl"]), (&told[1]["RecordingSid"], &told[1]["RecordingUrl"]));
    assert_eq!(call.recordings.len(), 1);
}

#[test]
fn a_time_limit_ends_the_call() {
    let course = Course { time_limit: Some(ms(2_000)), ..told(Steps::COMPLETED) };
    let (_, asked) = play(outbound(course), &talk, None);
    assert_eq!((asked.last().unwrap().at, asked.last().unwrap().fields["CallDuration"].as_str()), (ms(3_200), "2"));
}

#[test]
fn an_inbound_call_is_answered_by_what_its_twiml_does() {
    let end = |twiml: &'static str| {
        let plan = CallPlan { direction: Direction::Inbound, ..outbound(told(Steps::ALL)) };
        let (call, asked) = play(plan, &|_| (200, twiml), None);
        assert_eq!(asked[0].fields["CallStatus"], "ringing");
        (call.status(), statuses(&asked).len())
    };
    assert_eq!(end(TALK), (CallStatus::Completed, 1), "a number's callback hears of the end alone");
    assert_eq!(end("<Response><Reject reason=\"busy\"/></Response>"), (CallStatus::Busy, 1));
    assert_eq!(end("<Response><Reject/></Response>"), (CallStatus::NoAnswer, 1));
    assert_eq!(end("nonsense"), (CallStatus::Failed, 1));
}

#[test]
fn a_caller_who_gives_up_hangs_up_while_it_rings_and_not_behind_the_answer() {
    let course = Course { pickup: Pickup::GivesUp(ms(1_500)), ..told(Steps::ALL) };
    let plan = CallPlan { direction: Direction::Inbound, ..outbound(course.clone()) };
    // An answer that comes late: nothing is heard of it any more.
    let mut call = Call::new(plan.clone(), Micros::ZERO);
    assert_eq!(call.next_deadline(), ms(1_500));
    call.handle(ms(1_500), Input::Tick);
    assert_eq!(
        (call.status(), call.ended.as_deref()),
        (CallStatus::NoAnswer, Some("the caller hung up, before anybody had answered"))
    );
    let content_type = Some("text/xml".to_owned());
    let late = Answer { status: 200, content_type, location: None, body: TALK.into() };
    call.handle(ms(1_600), Input::Answer(&late));
    assert_eq!(call.status(), CallStatus::NoAnswer);
    let (call, asked) = play(plan, &talk, None);
    assert_eq!((call.status(), asked.last().unwrap().at), (CallStatus::Completed, ms(3_000)), "he was answered");
    let (_, asked) = play(outbound(course), &talk, None);
    assert_eq!(statuses(&asked).last().unwrap().1, "no-answer", "nobody takes a call that goes out to him");
}

#[test]
fn the_fallback_is_asked_once_and_told_what_was_wrong() {
    for (voice, code) in [((500, ""), "11200"), ((200, "<Respond/>"), "12100")] {
        let course = Course { fallback: Some((url("/fallback"), false)), ..told(Steps::COMPLETED) };
        let answer = |path: &str| if path == "/voice" { voice } else { (200, TALK) };
        let (call, asked) = play(outbound(course.clone()), &answer, None);
        let fallback = asked.iter().find(|asked| asked.path == "/fallback").unwrap();
        assert_eq!(fallback.fields["ErrorCode"], code);
        assert_eq!(fallback.fields["ErrorUrl"], "http://127.0.0.1:8080/voice");
        assert_eq!(call.status(), CallStatus::Completed);
        let (_, asked) = play(outbound(course), &|_| voice, None);
        assert_eq!(asked.iter().filter(|asked| asked.path == "/fallback").count(), 1);
    }
}

#[test]
fn who_answered_is_found_out_before_the_twiml_or_beside_it() {
    let machine = Pickup::Machine { after: ms(1_000), greeting: ms(8_000), beep: true };
    let detection = Some(Detection { message_end: true, ..Detection::default() });
    let sync = Course { pickup: machine, detection, ..told(Steps::ALL) };
    let (_, asked) = play(outbound(sync.clone()), &talk, None);
    let voice = asked.iter().find(|asked| asked.path == "/voice").unwrap();
    assert_eq!((voice.at, voice.fields["AnsweredBy"].as_str()), (ms(9_500), "machine_end_beep"));
    assert_eq!(voice.fields["MachineDetectionDuration"], "8300");
    assert_eq!(asked.last().unwrap().fields["AnsweredBy"], "machine_end_beep");

    let beside = Course { detected: Some((url("/amd"), false)), detection: Some(Detection::default()), ..sync };
    let (_, asked) = play(outbound(beside), &talk, None);
    let voice = asked.iter().find(|asked| asked.path == "/voice").unwrap();
    assert_eq!((voice.at, voice.fields.get("AnsweredBy")), (ms(1_200), None));
    let amd = asked.iter().find(|asked| asked.path == "/amd").unwrap();
    assert_eq!((amd.at, amd.fields["AnsweredBy"].as_str()), (ms(3_600), "machine_start"));
    assert_eq!((amd.fields["CallSid"].as_str(), amd.fields["AccountSid"].as_str()), ("CA1", "AC1"));
}

#[test]
fn what_goes_wrong_with_callbacks_goes_wrong_with_those_of_dialled_calls_too() {
    let dial = "<Response><Dial><Number statusCallback=\"/leg\" statusCallbackEvent=\"answered completed\">\
                +14155550101</Number></Dial></Response>";
    let told = |mishaps| {
        let (call, asked) = play(outbound(Course { mishaps, ..Course::default() }), &|_| (200, dial), None);
        let lost = call.events.iter().filter(|event| event.what.to_string().ends_with("is lost, as asked")).count();
        (asked.iter().filter(|asked| asked.path == "/leg").count(), lost)
    };
    assert_eq!(told(Mishaps::default()), (2, 0));
    assert_eq!(told(Mishaps { repeat: 1.0, ..Mishaps::default() }), (4, 0));
    assert_eq!(told(Mishaps { lose: 1.0, ..Mishaps::default() }), (0, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_goes_wrong_each_callback_keeps_its_number_and_its_token(
        seed in any::<u64>(), lose in 0.0..0.9, repeat in 0.0..1.0, delay in 0_u64..20_000, reorder in any::<bool>(),
    ) {
        let mishaps = Mishaps { lose, repeat, delay: ms(delay), reorder };
        let reports = Reports { to: (url("/status"), false), steps: Steps::ALL };
        let plan = CallPlan { seed, ..outbound(Course { reports: Some(reports), mishaps, ..Course::default() }) };
        let (call, asked) = play(plan.clone(), &talk, None);
        let mut seen: BTreeMap<String, (String, String)> = BTreeMap::new();
        for report in asked.iter().filter(|asked| asked.path == "/status") {
            let number = report.fields["SequenceNumber"].clone();
            let own = (report.fields["CallStatus"].clone(), report.token.clone());
            prop_assert_eq!(seen.entry(number).or_insert_with(|| own.clone()), &own);
        }
        let steps = [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")];
        for (number, status) in steps {
            prop_assert!(seen.get(number).is_none_or(|(told, _)| told == status));
        }
        let lost = call.events.iter().filter(|event| event.what.to_string().ends_with("is lost, as asked")).count();
        prop_assert_eq!(seen.len() + lost, 4, "what is not told is told to be lost");
        prop_assert!(lost == 0 || lose > 0.0);
        let (_, again) = play(plan, &talk, None);
        prop_assert_eq!(statuses(&asked), statuses(&again));
    }
}

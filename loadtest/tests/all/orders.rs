//! What the account orders of a live call by REST: the call alone, on a virtual clock, its answers written by hand.

use std::path::Path;
use std::sync::Arc;

use loadtest::call::course::Course;
use loadtest::call::model::{Call, CallPlan, Input, Order, Output};
use loadtest::caller::script;
use loadtest::time::Micros;
use loadtest::twilio::executor::{Answer, First};
use loadtest::twilio::ids::Sids;
use loadtest::twilio::params::{CallStatus, Direction, Parties};
use loadtest::twilio::url::Url;

const STREAM: &str = "<Response><Connect><Stream url=\"ws://127.0.0.1:1/m\"/></Connect><Hangup/></Response>";

fn url(path: &str) -> Url {
    Url::parse(&format!("http://127.0.0.1:1/{path}")).unwrap()
}

fn call(first: First, direction: Direction) -> Call {
    let script = "about = \"x\"\n[[step]]\nsilence_ms = 60000";
    let plan = CallPlan {
        first,
        direction,
        sids: Sids { account: "AC1".into(), call: "CA1".into() },
        parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
        auth_token: "12345".into(),
        script: Arc::new(script::parse("test", script, Path::new(".")).unwrap()),
        seed: 1,
        course: Course::default(),
        unix_s: 1_521_971_599,
        keep_sound: false,
    };
    Call::new(plan, Micros::ZERO)
}

fn twiml(body: &str) -> Answer {
    Answer { status: 200, content_type: Some("text/xml".into()), location: None, body: body.into() }
}

/// What the call wants, in short.
fn wants(call: &mut Call) -> Vec<String> {
    let word = |output| match output {
        Output::Request(request) => format!("{} {} {}", request.method, request.url, status(&request.body)),
        Output::Send { text, due: None } if text.contains("\"stop\"") => "stop".into(),
        Output::Send { .. } => String::new(),
        Output::OpenStream { url, .. } => format!("open {url}"),
        Output::CloseStream => "close".into(),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| call.poll()).map(word).filter(|word| !word.is_empty()).collect()
}

fn status(body: &str) -> String {
    body.split('&').find_map(|pair| pair.strip_prefix("CallStatus=")).unwrap_or("-").to_owned()
}

fn streaming() -> Call {
    let mut call = call(First::Ask(url("voice"), false), Direction::Inbound);
    assert_eq!(wants(&mut call), ["POST http://127.0.0.1:1/voice ringing"]);
    call.handle(Micros::from_ms(10), Input::Answer(&twiml(STREAM)));
    call.handle(Micros::from_ms(20), Input::StreamOpen);
    assert_eq!(wants(&mut call), ["open ws://127.0.0.1:1/m"]);
    call
}

#[test]
fn a_redirect_stops_the_stream_and_asks_elsewhere() {
    let mut call = streaming();
    call.handle(Micros::from_ms(1_000), Input::Order(Order::Redirect(First::Ask(url("transfer"), true))));
    let wanted = wants(&mut call);
    assert_eq!(wanted[..2], ["stop", "close"]);
    assert!(wanted[2].starts_with("GET http://127.0.0.1:1/transfer?"), "{wanted:?}");
    assert_eq!(call.status(), CallStatus::InProgress);
}

#[test]
fn a_redirect_to_twiml_runs_it_at_once_even_while_a_webhook_is_asked() {
    let mut call = call(First::Ask(url("voice"), false), Direction::Inbound);
    wants(&mut call);
    let twiml_given = "<Response><Pause/><Redirect>http://127.0.0.1:1/next</Redirect></Response>";
    call.handle(Micros::from_ms(5), Input::Order(Order::Redirect(First::Inline(twiml_given.into()))));
    // The answer that nobody waits for any more.
    call.handle(Micros::from_ms(6), Input::Answer(&twiml("<Response><Hangup/></Response>")));
    assert_eq!(call.ended, None);
    call.handle(Micros::from_ms(2_000), Input::Tick);
    assert!(wants(&mut call)[0].starts_with("POST http://127.0.0.1:1/next"));
}

#[test]
fn hanging_up_stops_the_stream_and_ends_the_call() {
    let mut call = streaming();
    call.handle(Micros::from_ms(1_000), Input::Order(Order::HangUp));
    assert_eq!(wants(&mut call)[..2], ["stop", "close"]);
    assert_eq!((call.ended.as_deref(), call.status()), (Some("ended by REST"), CallStatus::Completed));
    call.handle(Micros::from_ms(1_001), Input::Order(Order::Redirect(First::Ask(url("late"), false))));
    assert!(!wants(&mut call).iter().any(|want| want.contains("late")));
}

#[test]
fn who_is_called_by_rest_has_answered_when_the_first_twiml_is_asked_for() {
    let mut call = call(First::Ask(url("voice"), false), Direction::OutboundApi);
    assert_eq!(wants(&mut call), [] as [&str; 0], "it rings");
    call.handle(Micros::from_ms(2_000), Input::Tick);
    assert_eq!(wants(&mut call), ["POST http://127.0.0.1:1/voice in-progress"]);
}

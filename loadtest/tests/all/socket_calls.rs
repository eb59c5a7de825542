//! Calls over real sockets against the minimal server.

use std::path::Path;
use std::sync::Arc;

use crate::support::Fault;
use crate::support::patient::{self, Plant};
use crate::support::server::{TOKEN, serve};
use loadtest::call::course::{Course, Reports};
use loadtest::call::model::{Call, CallPlan};
use loadtest::caller::script;
use loadtest::report::verdict::{Outcome, judge};
use loadtest::rng::Rng;
use loadtest::shell::clock::Clock;
use loadtest::shell::drive;
use loadtest::shell::route::Route;
use loadtest::twilio::executor::First;
use loadtest::twilio::ids::{Sids, sid};
use loadtest::twilio::params::{Direction, Parties};
use loadtest::twilio::url::Url;

fn plan(url: &str, script: &str) -> CallPlan {
    let mut rng = Rng::new(3);
    CallPlan {
        first: First::Ask(Url::parse(url).unwrap(), false),
        direction: Direction::Inbound,
        sids: Sids { account: sid("AC", &mut rng), call: sid("CA", &mut rng) },
        parties: Parties { from: "+14155550100".into(), to: "+14155550199".into() },
        auth_token: TOKEN.into(),
        script: Arc::new(script::parse("test", script, Path::new(".")).unwrap()),
        seed: 3,
        course: Course::default(),
        unix_s: 1_521_971_599,
        keep_sound: true,
    }
}

async fn run(plan: CallPlan) -> Call {
    drive::run(plan, Clock::start(), Route::default()).await
}

const INTERRUPT: &str = r#"
about = "interrupt, then ask for a person"
forbid = ["false_clears", "warnings"]
[transfer]
ring_ms = 50
talk_ms = 50
[[step]]
interrupt = { clip = "en/im-sorry", after_ms = 300, within_ms = 400 }
[[step]]
digits = "3"
[[step]]
expect = "transfer"
to = "+14155550123"
"#;

#[tokio::test]
async fn a_signed_call_interrupts_and_is_transferred() {
    let (url, seen) = serve(Fault::None).await;
    let mut plan = plan(&url, INTERRUPT);
    let status = Url::parse(&url.replace("voice", "status")).unwrap();
    plan.course.reports = Some(Reports::at_the_end((status, false)));
    let call = run(plan).await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    let clear = call.measures.barges[0].clear_after.unwrap().as_ms();
    // An onset at the very end of a frame is on its way at once.
    assert!((0.0..300.0).contains(&clear), "{clear} ms");
    assert!(call.measures.first_audio.unwrap().as_ms() < 200.0);
    assert_eq!((call.measures.marks_played, call.measures.marks_cleared), (0, 1));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.bad_signatures, Vec::<String>::new());
    assert_eq!(seen.requests, ["/twilio/voice ringing", "/twilio/after in-progress", "/twilio/status completed"]);
}

#[tokio::test]
async fn hanging_up_sends_stop() {
    let (url, seen) = serve(Fault::None).await;
    let call = run(plan(&url, "about = \"x\"\n[[step]]\nwait = \"bot_starts\"")).await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    until(|| seen.lock().unwrap().stops == 1).await;
    assert_eq!(seen.lock().unwrap().broken, 0);
}

/// The server's task ends right behind what ended its socket.
async fn until(happened: impl Fn() -> bool) {
    let wait = async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(2), wait).await.unwrap();
}

/// A call of about a second with this fault.
fn faulty(url: &str, fault: &str) -> CallPlan {
    plan(url, &format!("about = \"x\"\n[[step]]\nsilence_ms = 1200\n[[fault]]\n{fault}"))
}

#[tokio::test]
async fn a_reset_is_an_error_to_the_server_and_the_call_goes_on() {
    let (url, seen) = serve(Fault::None).await;
    let call = run(faulty(&url, "kind = \"reset\"\nat_ms = 300")).await;
    assert_eq!(call.ended.as_deref(), Some("<Hangup>"), "{:#?}", call.events);
    until(|| seen.lock().unwrap().broken == 1).await;
    let seen = seen.lock().unwrap();
    assert_eq!((seen.stops, seen.requests.len()), (0, 2), "no stop, but the webhook behind the stream");
}

#[tokio::test]
async fn what_is_not_read_waits_and_is_read_later() {
    let (url, _) = serve(Fault::None).await;
    let call = run(faulty(&url, "kind = \"slow_reader\"\nat_ms = 0\nfor_ms = 600")).await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    let first = call.measures.first_audio.unwrap().as_ms();
    assert!((600.0..1_000.0).contains(&first), "{first} ms");
    assert_eq!(call.measures.media_received, 40, "nothing is lost by waiting");
}

#[tokio::test]
async fn a_hanging_connection_is_never_told_that_the_call_has_ended() {
    let (url, seen) = serve(Fault::None).await;
    let call = run(faulty(&url, "kind = \"half_open\"\nat_ms = 300")).await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    until(|| seen.lock().unwrap().broken == 1).await;
    assert_eq!(seen.lock().unwrap().stops, 0, "it got no stop");
    assert!(call.measures.frames_sent > 50, "though frames were made to the end");
}

#[tokio::test]
async fn a_second_socket_is_told_from_the_first_by_its_token() {
    let fault = "kind = \"second_socket\"\nat_ms = 200";
    let call = run(faulty(&patient::serve(Plant::Nothing).await, fault)).await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    let call = run(faulty(&patient::serve(Plant::ReusableToken).await, fault)).await;
    let Outcome::Missed(causes) = judge(&call) else { panic!("{:#?}", call.events) };
    assert!(causes[0].contains("second socket"), "{causes:?}");
}

#[tokio::test]
async fn nobody_listening_is_a_failed_call_with_the_cure() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/twilio/voice", listener.local_addr().unwrap());
    drop(listener);
    let call = run(plan(&url, "about = \"x\"\n[[step]]\nwait = \"bot_starts\"")).await;
    let Outcome::Failed(cause) = judge(&call) else { panic!("{:#?}", call.events) };
    assert!(cause.contains("start the server there"), "{cause}");
}

//! Calls over real sockets against the minimal server.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod support;

use std::path::Path;
use std::sync::Arc;

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
use support::Fault;
use support::server::{TOKEN, serve};

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
        status_callback: None,
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
    plan.status_callback = Some(Url::parse(&url.replace("voice", "status")).unwrap());
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
    // The server's task ends right behind the close that it answered.
    tokio::time::timeout(std::time::Duration::from_secs(2), async {
        while seen.lock().unwrap().stops == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn nobody_listening_is_a_failed_call_with_the_cure() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/twilio/voice", listener.local_addr().unwrap());
    drop(listener);
    let call = run(plan(&url, "about = \"x\"\n[[step]]\nwait = \"bot_starts\"")).await;
    let Outcome::Failed(cause) = judge(&call) else { panic!("{:#?}", call.events) };
    assert!(cause.contains("start the server: cargo run --release"), "{cause}");
}

/// A call with this fault 300 ms into its stream, and what the server saw.
async fn with_fault(fault: &str) -> Call {
    let (url, _) = serve(Fault::None).await;
    let script = format!("about = \"x\"\n[[step]]\nsilence_ms = 1500\n[[fault]]\nat_ms = 300\n{fault}");
    run(plan(&url, &script)).await
}

#[tokio::test]
async fn a_server_without_a_lock_speaks_with_a_second_socket() {
    let call = with_fault("kind = \"second_socket\"").await;
    let Outcome::Missed(causes) = judge(&call) else { panic!("{:#?}", call.events) };
    assert!(causes[0].contains("spoke with it"), "{causes:?}");
}

#[tokio::test]
async fn a_reset_is_an_error_to_the_server_and_the_call_goes_on() {
    let call = with_fault("kind = \"reset\"").await;
    assert_eq!(call.ended.as_deref(), Some("<Hangup>"), "{:#?}", call.events);
}

#[tokio::test]
async fn what_is_not_read_waits_and_is_read_later() {
    let call = with_fault("kind = \"slow_reader\"\nfor_ms = 600").await;
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
}

//! What comes after a stream: resumed, transferred, ended, or the menu.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use support::socket::{Got, Socket};
use support::*;

const MENU: &str = "\"For opening hours, press 1. To hear this again, press 2. To end the call, press 0.\"";
/// Development in which nobody can be reached.
const ALONE: &[(&str, &str)] = &[("ENVIRONMENT", "development"), ("TWILIO_AUTH_TOKEN", TOKEN)];
const PERSON: &str = "+15550001111";

/// Opens the stream of an answer and waits for its greeting.
async fn join(host: &Host, reply: &Reply, call_sid: &str) -> Socket {
    let mut socket = Socket::open(host.address, &reply.stream_path(&host.base), "").await.unwrap();
    socket.start(ACCOUNT, call_sid, "{}").await;
    assert!(matches!(socket.next().await, Got::Text(_)));
    socket
}

/// The outline of the menu and the goodbye behind it.
fn menu(host: &Host, round: u32) -> Vec<String> {
    let gather = format!("Gather action={}/twilio/dtmf?round={round} numDigits=1 timeout=6", host.base);
    [gather.as_str(), "Say", MENU, "Say", "\"Goodbye.\"", "Hangup"].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn after_goodbye_the_call_is_hung_up() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let mut socket = join(&host, &host.post("/twilio/voice", &call(&one)).await, &one).await;
    socket.press('0').await;
    assert!(matches!(socket.until_closed().await, Got::Close(1000) | Got::Gone));
    let after = host.post("/twilio/resume?n=0", &call(&one)).await;
    assert_eq!(after.twiml(), ["Response", "Hangup"]);
    assert_eq!(host.metric("offhook_after_stream_total{answer=\"hang_up\"}").await, 1.0);
    assert_eq!(host.metric("offhook_calls").await, 0.0);
}

#[tokio::test]
async fn whoever_asks_for_a_person_is_transferred_to_the_one_configured() {
    let host = Host::development(&[("OFFHOOK_TRANSFER_TO", PERSON)]).await;
    let one = sid(1);
    let mut socket = join(&host, &host.post("/twilio/voice", &call(&one)).await, &one).await;
    socket.press('3').await;
    assert!(matches!(socket.until_closed().await, Got::Close(1000) | Got::Gone));
    let after = host.post("/twilio/resume?n=0", &call(&one)).await.twiml();
    let dial = format!("Dial action={}/twilio/resume?round=1 timeout=25", host.base);
    assert_eq!(after, ["Response", &dial, "Number", &format!("\"{PERSON}\"")]);
    let talked = host.post("/twilio/resume?round=1", &call_with(&one, &[("DialCallStatus", "completed")])).await;
    assert_eq!(talked.twiml(), ["Response", "Hangup"]);
    let busy = host.post("/twilio/resume?round=1", &call_with(&one, &[("DialCallStatus", "busy")])).await.twiml();
    assert!(busy.contains(&"\"I am sorry, nobody can take your call at the moment.\"".to_owned()), "{busy:?}");
    assert!(busy.iter().any(|line| line.contains("/twilio/dtmf?round=2")), "{busy:?}");
}

#[tokio::test]
async fn a_lost_stream_is_taken_up_three_times_and_then_the_menu_takes_over() {
    let host = Host::development(ALONE).await;
    let one = sid(1);
    let mut reply = host.post("/twilio/voice", &call(&one)).await;
    for n in 0..3 {
        drop(join(&host, &reply, &one).await);
        host.clock.advance(Duration::from_secs(6));
        reply = host.post(&format!("/twilio/resume?n={n}"), &call(&one)).await;
        let next = format!("\"{}/twilio/resume?n={}\"", host.base, n + 1);
        assert_eq!(reply.twiml().last(), Some(&next));
    }
    drop(join(&host, &reply, &one).await);
    host.clock.advance(Duration::from_secs(6));
    let last = host.post("/twilio/resume?n=3", &call(&one)).await.twiml();
    assert_eq!(last[1..], menu(&host, 1));
    assert_eq!(host.metric("offhook_after_stream_total{answer=\"resume\"}").await, 3.0);
    assert_eq!(host.metric("offhook_calls").await, 0.0);
}

#[tokio::test]
async fn streams_that_break_in_a_row_do_not_make_a_loop() {
    let host = Host::development(ALONE).await;
    let one = sid(1);
    host.post("/twilio/voice", &call(&one)).await;
    assert!(host.post("/twilio/resume?n=0", &call(&one)).await.body.contains("<Stream"));
    host.clock.advance(Duration::from_secs(4));
    assert_eq!(host.post("/twilio/resume?n=1", &call(&one)).await.twiml()[1..], menu(&host, 1));
}

#[tokio::test]
async fn a_call_of_a_crashed_process_is_taken_up_but_its_count_is_not_forgotten() {
    let host = Host::development(ALONE).await;
    let fresh = host.post("/twilio/resume?n=1", &call(&sid(1))).await.twiml();
    assert_eq!(fresh.last(), Some(&format!("\"{}/twilio/resume?n=2\"", host.base)));
    assert_eq!(host.post("/twilio/resume?n=3", &call(&sid(2))).await.twiml()[1..], menu(&host, 1));
    assert_eq!(host.post("/twilio/resume?n=junk", &call(&sid(3))).await.twiml()[1], "Connect");
}

#[tokio::test]
async fn the_menu_answers_keys_and_ends_by_itself() {
    let host = Host::development(ALONE).await;
    let one = sid(1);
    let press = async |round: u32, digits: &str| {
        host.post(&format!("/twilio/dtmf?round={round}"), &call_with(&one, &[("Digits", digits)])).await.twiml()
    };
    assert_eq!(press(1, "0").await, ["Response", "Say", "\"Goodbye.\"", "Hangup"]);
    assert_eq!(press(1, "1").await[2], "\"We are open Monday to Friday, nine to five.\"");
    assert_eq!(press(1, "2").await[1..], menu(&host, 2));
    assert_eq!(press(2, "***").await[1..], menu(&host, 3));
    assert_eq!(press(3, "2").await, ["Response", "Say", "\"Goodbye.\"", "Hangup"]);
    let nobody = press(1, "3").await;
    assert_eq!(nobody[2], "\"I am sorry, nobody can take your call at the moment.\"");
    assert!(!nobody.iter().any(|line| line.starts_with("Dial")));
    assert_eq!(host.metric("offhook_dials_total{result=\"refused\"}").await, 1.0);
}

#[tokio::test]
async fn a_person_in_another_country_is_dialled_where_that_is_open() {
    for (prefixes, verb, result) in [("+49", "Gather", "denied"), ("+44,+49", "Dial", "dialled")] {
        let env = [("OFFHOOK_TRANSFER_TO", "+442079460000"), ("OFFHOOK_DIAL_PREFIXES", prefixes)];
        let host = Host::development(&env).await;
        let asked = host.post("/twilio/dtmf?round=1", &call_with(&sid(1), &[("Digits", "3")])).await.twiml();
        assert!(asked.iter().any(|line| line.starts_with(verb)), "{asked:?}");
        assert_eq!(host.metric(&format!("offhook_dials_total{{result=\"{result}\"}}")).await, 1.0);
    }
}

#[tokio::test]
async fn the_menu_offers_the_person_who_is_configured_and_nobody_else() {
    let host = Host::development(&[("OFFHOOK_TRANSFER_TO", PERSON)]).await;
    let one = sid(1);
    let menu = host.post("/twilio/resume?n=3", &call(&one)).await;
    assert!(menu.body.contains("To talk to a person, press 3."), "{}", menu.body);
    let form = call_with(&one, &[("Digits", "3"), ("To", "+19005550199")]);
    let dialled = host.post("/twilio/dtmf?round=1", &form).await.twiml();
    assert_eq!(dialled[2..], ["Number".to_owned(), format!("\"{PERSON}\"")]);
}

/// What a caller hears whose call has lasted as long as it may.
const TIME_UP: [&str; 4] =
    ["Response", "Say", "\"I am sorry, this is as long as a call may last. Goodbye.\"", "Hangup"];

#[tokio::test]
async fn the_longest_call_ends_with_goodbye() {
    let host = Host::development(&[("OFFHOOK_CALL_MAX_S", "1")]).await;
    let one = sid(1);
    let mut socket = join(&host, &host.post("/twilio/voice", &call(&one)).await, &one).await;
    socket.until_closed().await;
    assert_eq!(host.post("/twilio/resume?n=0", &call(&one)).await.twiml(), TIME_UP);
}

#[tokio::test]
async fn the_length_of_a_call_is_counted_through_all_its_streams() {
    let host = Host::development(&[("OFFHOOK_CALL_MAX_S", "100"), ("OFFHOOK_TOKEN_LIFETIME_S", "600")]).await;
    let one = sid(1);
    drop(join(&host, &host.post("/twilio/voice", &call(&one)).await, &one).await);
    let resumed = host.post("/twilio/resume?n=0", &call(&one)).await;
    host.clock.advance(Duration::from_secs(100));
    let mut socket = Socket::open(host.address, &resumed.stream_path(&host.base), "").await.unwrap();
    socket.start(ACCOUNT, &one, "{}").await;
    socket.until_closed().await;
    assert_eq!(host.post("/twilio/resume?n=1", &call(&one)).await.twiml(), TIME_UP);
}

//! The way out: live calls go on, new ones are told, what comes after a closed stream is answered.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use support::socket::{Got, Socket};
use support::*;

/// A client of a host whose server is being drained elsewhere.
fn client(host: Host) -> (Host, tokio::task::JoinHandle<()>, tokio::sync::oneshot::Sender<()>) {
    let (force, forced) = tokio::sync::oneshot::channel();
    let (client, server) = host.split();
    let draining = tokio::spawn(server.drain(async {
        let _ = forced.await;
    }));
    (client, draining, force)
}

async fn until_draining(host: &Host) {
    for _ in 0..100 {
        if host.get("/readyz").await.status == 503 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never drained");
}

async fn join(host: &Host, call_sid: &str) -> Socket {
    let path = host.post("/twilio/voice", &call(call_sid)).await.stream_path(&host.base);
    let mut socket = Socket::open(host.address, &path, "").await.unwrap();
    socket.start(ACCOUNT, call_sid, "{}").await;
    assert!(matches!(socket.next().await, Got::Text(_)));
    socket
}

#[tokio::test]
async fn without_calls_it_ends_at_once() {
    let (_, draining, _force) = client(Host::development(&[]).await);
    tokio::time::timeout(Duration::from_secs(3), draining).await.expect("ends").unwrap();
}

#[tokio::test]
async fn a_live_call_goes_on_and_ends_as_it_would_have() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let mut socket = join(&host, &one).await;
    let reserved = host.post("/twilio/voice", &call(&sid(2))).await.stream_path(&host.base);
    let (host, draining, _force) = client(host);
    until_draining(&host).await;

    let refused = host.post("/twilio/voice", &call(&sid(3))).await.twiml();
    assert_eq!(refused[1], "Say");
    assert_eq!(refused.last().unwrap(), "Hangup");
    assert_eq!(host.metric("offhook_draining").await, 1.0);
    let mut late = Socket::open(host.address, &reserved, "").await.expect("a reserved call still gets in");
    late.start(ACCOUNT, &sid(2), "{}").await;
    assert!(matches!(late.next().await, Got::Text(_)));
    late.press('0').await;
    late.until_closed().await;
    host.post("/twilio/resume?n=0", &call(&sid(2))).await;

    assert!(!draining.is_finished());
    socket.press('0').await;
    socket.until_closed().await;
    assert_eq!(host.post("/twilio/resume?n=0", &call(&one)).await.twiml(), ["Response", "Hangup"]);
    tokio::time::timeout(Duration::from_secs(4), draining).await.expect("ends with its last call").unwrap();
}

#[tokio::test]
async fn a_lost_stream_is_still_taken_up_while_draining() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let socket = join(&host, &one).await;
    let (host, draining, _force) = client(host);
    until_draining(&host).await;
    drop(socket);
    assert_eq!(host.post("/twilio/resume?n=0", &call(&one)).await.twiml()[1], "Connect");
    draining.abort();
}

#[tokio::test]
async fn a_caller_who_hung_up_is_not_waited_for_although_the_carrier_says_no_more() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let mut socket = join(&host, &one).await;
    let (host, draining, _force) = client(host);
    until_draining(&host).await;
    socket.stop(ACCOUNT, &one).await;
    socket.until_closed().await;
    drop(socket);
    for _ in 0..100 {
        if host.get("/twilio/sessions").await.body.contains("between") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!draining.is_finished(), "a moved call may still ask");
    host.clock.advance(Duration::from_secs(5));
    tokio::time::timeout(Duration::from_secs(3), draining).await.expect("ends").unwrap();
}

#[tokio::test]
async fn a_call_that_is_taken_up_again_and_never_comes_is_not_waited_for() {
    let host = Host::development(&[]).await;
    let one = sid(1);
    let socket = join(&host, &one).await;
    drop(socket);
    assert_eq!(host.post("/twilio/resume?n=0", &call(&one)).await.twiml()[1], "Connect");
    let (host, draining, _force) = client(host);
    until_draining(&host).await;
    host.clock.advance(Duration::from_secs(4));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!draining.is_finished(), "its socket may be on its way");
    host.clock.advance(Duration::from_secs(1));
    tokio::time::timeout(Duration::from_secs(4), draining).await.expect("ends").unwrap();
}

#[tokio::test]
async fn when_time_is_up_streams_are_closed_and_callers_hear_why() {
    let host =
        Host::development(&[("OFFHOOK_DRAIN_TIMEOUT_S", "1"), ("ENVIRONMENT", "dev"), ("TWILIO_AUTH_TOKEN", TOKEN)])
            .await;
    let one = sid(1);
    let mut socket = join(&host, &one).await;
    let (host, draining, _force) = client(host);
    assert!(matches!(socket.until_closed().await, Got::Close(1001) | Got::Gone));
    let after = host.post("/twilio/resume?n=0", &call(&one)).await.twiml();
    assert_eq!((after[1].as_str(), after[3].as_str()), ("Say", "Hangup"));
    tokio::time::timeout(Duration::from_secs(4), draining).await.expect("ends").unwrap();
}

#[tokio::test]
async fn when_time_is_up_a_person_is_better_than_goodbye() {
    let env = [("OFFHOOK_DRAIN_TIMEOUT_S", "0"), ("OFFHOOK_TRANSFER_TO", "+15550001111")];
    let host = Host::development(&env).await;
    let one = sid(1);
    let mut socket = join(&host, &one).await;
    let (host, draining, _force) = client(host);
    socket.until_closed().await;
    let after = host.post("/twilio/resume?n=0", &call(&one)).await.twiml();
    let whole = ["Response", "Dial timeout=25", "Number", "\"+15550001111\"", "Say", "\"Goodbye.\"", "Hangup"];
    assert_eq!(after, whole, "nobody would answer an action");
    draining.await.unwrap();
}

#[tokio::test]
async fn on_the_way_out_no_answer_makes_the_carrier_come_back_but_a_stream() {
    let host = Host::development(&[("OFFHOOK_TRANSFER_TO", "+15550001111")]).await;
    let (one, two) = (sid(1), sid(2));
    let _live = join(&host, &one).await;
    let (host, draining, _force) = client(host);
    until_draining(&host).await;
    for (path, more) in [
        ("/twilio/resume?n=3", None),
        ("/twilio/resume?round=1", Some(("DialCallStatus", "busy"))),
        ("/twilio/dtmf?round=1", Some(("Digits", "1"))),
        ("/twilio/dtmf?round=1", Some(("Digits", "3"))),
    ] {
        let form: Vec<_> = call(&two).into_iter().chain(more).collect();
        let answer = host.post(path, &form).await;
        assert!(!answer.body.contains("http://"), "{path}: {}", answer.body);
        assert_eq!(answer.twiml().last().unwrap(), "Hangup", "{path}");
    }
    draining.abort();
}

#[tokio::test]
async fn a_second_signal_cuts_it_short() {
    let host = Host::development(&[]).await;
    let mut socket = join(&host, &sid(1)).await;
    let (host, draining, force) = client(host);
    until_draining(&host).await;
    force.send(()).unwrap();
    socket.until_closed().await;
    tokio::time::timeout(Duration::from_secs(4), draining)
        .await
        .expect("ends, although the carrier never asked")
        .unwrap();
    assert!(tokio::net::TcpStream::connect(host.address).await.is_err(), "nobody listens");
}

//! What goes wrong on the way to Twilio: what is asked again, and what is only said to be in doubt.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use control::carrier::{CallStatus, CarrierError, ErrorCode, HangUp, TelephonyProvider, Twilio, Webhooks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::model::{TOKEN, listen, request, twilio};

const SID: &str = "CA0123456789abcdef0123456789abcdef";

/// What becomes of one request.
#[derive(Clone, Debug)]
enum Play {
    /// This head (status line and fields) and body.
    Answer(&'static str, String),
    /// The connection is closed when the request has come.
    Close,
    /// Nothing, for longer than anybody waits.
    Silence,
    /// The head and half of the body.
    Half,
}

/// A server that plays its part request by request, and counts them.
struct Stage {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    async fn start(plays: &[Play]) -> Self {
        let (listener, base) = listen().await;
        let requests = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(perform(listener, plays.iter().cloned().collect(), Arc::clone(&requests)));
        Self { base, requests }
    }

    fn twilio(&self) -> Twilio {
        twilio(&self.base, webhooks(), &[TOKEN])
    }

    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn webhooks() -> Webhooks {
    crate::model::webhooks("https://v.example")
}

async fn perform(listener: TcpListener, mut plays: VecDeque<Play>, requests: Arc<Mutex<Vec<String>>>) {
    let mut silent = Vec::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read(&mut stream).await;
        requests.lock().unwrap().push(request);
        let whole = |head: &str, body: &str, length: usize| {
            format!("HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        };
        let text = match plays.pop_front().expect("a play for every request") {
            Play::Answer(head, body) => whole(head, &body, body.len()),
            Play::Half => whole("201 Created", "{\"sid\":", 100),
            Play::Close => continue,
            Play::Silence => {
                silent.push(stream);
                continue;
            }
        };
        stream.write_all(text.as_bytes()).await.unwrap();
    }
}

/// A request, to the end of its body.
async fn read(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut part = [0; 4_096];
    loop {
        let n = stream.read(&mut part).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&part[..n]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if n == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

fn call(status: &str) -> String {
    format!("{{\"sid\": \"{SID}\", \"status\": \"{status}\"}}")
}

fn created() -> Play {
    Play::Answer("201 Created", call("queued"))
}

fn refused(head: &'static str) -> Play {
    Play::Answer(head, String::new())
}

async fn place(stage: &Stage) -> Result<CallStatus, CarrierError> {
    stage.twilio().initiate_call(request(&webhooks(), "+15551230001")).await.map(|placed| placed.status)
}

#[tokio::test]
async fn a_call_that_may_have_been_placed_is_not_placed_again() {
    for (play, code) in [
        (Play::Close, ErrorCode::TwilioNetworkError),
        (Play::Silence, ErrorCode::TwilioTimeout),
        (Play::Half, ErrorCode::TwilioNetworkError),
        (refused("500 Oops"), ErrorCode::TwilioNetworkError),
        (refused("503 Away"), ErrorCode::TwilioNetworkError),
        (Play::Answer("201 Created", "<html>".into()), ErrorCode::TwilioNetworkError),
        (
            Play::Answer("201 Created", "{\"sid\": \"CA1\", \"status\": \"queued\"}".into()),
            ErrorCode::TwilioNetworkError,
        ),
        (Play::Answer("201 Created", format!("\"{}\"", "x".repeat(600_000))), ErrorCode::TwilioNetworkError),
    ] {
        let stage = Stage::start(&[play.clone(), created()]).await;
        let error = place(&stage).await.unwrap_err();
        assert_eq!((error.code, error.may_have_happened), (code, true), "{play:?}: {error}");
        assert_eq!(stage.asked(), 1, "{play:?}");
    }
}

#[tokio::test]
async fn a_call_that_was_certainly_not_placed_is_placed_again_where_that_helps() {
    let stage = Stage::start(&[refused("429 Slow"), refused("429 Slow"), created()]).await;
    assert_eq!((place(&stage).await, stage.asked()), (Ok(CallStatus::Queued), 3));
    let stage = Stage::start(&[refused("400 Bad"), created()]).await;
    let error = place(&stage).await.unwrap_err();
    assert_eq!((error.code, error.may_have_happened, stage.asked()), (ErrorCode::TwilioCallFailed, false, 1));
    let stage = Stage::start(&[refused("302 Found\r\nLocation: http://127.0.0.1:1/"), created()]).await;
    let error = place(&stage).await.unwrap_err();
    assert_eq!((error.code, error.may_have_happened, stage.asked()), (ErrorCode::InvalidConfig, false, 1));
}

#[tokio::test]
async fn who_is_refused_too_often_gives_up() {
    let plays = [refused("429 Slow"), refused("429 Slow"), refused("429 Slow"), refused("429 Slow"), created()];
    let stage = Stage::start(&plays).await;
    let error = place(&stage).await.unwrap_err();
    assert_eq!((error.code, error.may_have_happened), (ErrorCode::TwilioRateLimit, false));
    assert_eq!(stage.asked(), 4, "once, and three times again");
}

#[tokio::test]
async fn the_carriers_wish_to_wait_is_heard() {
    let stage = Stage::start(&[refused("429 Slow\r\nRetry-After: 1"), created()]).await;
    #[allow(clippy::disallowed_methods, reason = "a test measures")]
    let begun = Instant::now();
    place(&stage).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    let stage = Stage::start(&[refused("429 Slow\r\nRetry-After: 3600"), created()]).await;
    assert_eq!((place(&stage).await.unwrap_err().code, stage.asked()), (ErrorCode::TwilioRateLimit, 1));
}

#[tokio::test]
async fn nobody_there_is_certain_and_said_at_once() {
    let (listener, base) = listen().await;
    drop(listener);
    let twilio = twilio(&base, webhooks(), &[TOKEN]);
    let error = twilio.initiate_call(request(&webhooks(), "+15551230001")).await.unwrap_err();
    assert_eq!((error.code, error.may_have_happened), (ErrorCode::TwilioNetworkError, false), "{error}");
    let error = twilio.health().await.unwrap_err();
    assert_eq!((error.code, error.may_have_happened), (ErrorCode::TwilioNetworkError, false), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_certain_too() {
    let twilio = twilio("http://nobody.invalid", webhooks(), &[TOKEN]);
    let error = twilio.initiate_call(request(&webhooks(), "+15551230001")).await.unwrap_err();
    assert!(!error.may_have_happened, "{error}");
}

#[tokio::test]
async fn what_may_be_done_twice_is_asked_again_whatever_happened() {
    let live = Play::Answer("200 OK", call("in-progress"));
    for play in [Play::Close, Play::Silence, refused("502 Bad Gateway"), refused("429 Slow")] {
        let stage = Stage::start(&[play.clone(), live.clone()]).await;
        let found = stage.twilio().call(SID).await.unwrap().unwrap();
        assert_eq!((found.status, stage.asked()), (CallStatus::InProgress, 2), "{play:?}");
        let stage = Stage::start(&[play.clone(), live.clone()]).await;
        stage.twilio().hang_up(SID, HangUp::Complete).await.unwrap();
        assert_eq!(stage.asked(), 2, "{play:?}");
    }
}

#[tokio::test]
async fn a_call_that_may_have_been_moved_is_not_moved_again() {
    let stage = Stage::start(&[Play::Close]).await;
    let error = stage.twilio().transfer(SID, "https://v.example/on").await.unwrap_err();
    assert_eq!((error.may_have_happened, stage.asked()), (true, 1));
}

#[tokio::test]
async fn a_question_never_happened() {
    let stage =
        Stage::start(&[refused("500 Oops"), refused("500 Oops"), refused("500 Oops"), refused("500 Oops")]).await;
    let error = stage.twilio().call(SID).await.unwrap_err();
    assert_eq!((error.may_have_happened, error.http_status, stage.asked()), (false, Some(500), 4));
}

#[tokio::test]
async fn the_request_is_what_twilio_reads() {
    let stage = Stage::start(&[created()]).await;
    place(&stage).await.unwrap();
    let request = stage.requests.lock().unwrap()[0].clone();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let account = crate::model::ACCOUNT;
    assert!(head.starts_with(&format!("POST /2010-04-01/Accounts/{account}/Calls.json HTTP/1.1\r\n")), "{head}");
    let head = head.to_ascii_lowercase();
    for field in ["authorization: basic ", "content-type: application/x-www-form-urlencoded", "user-agent: offhook/"] {
        assert!(head.contains(field), "{head}");
    }
    assert!(body.starts_with("To=%2B15551230001&From=%2B14155550199&Url=https%3A%2F%2Fv.example%2Fvoice"), "{body}");
    let events = "StatusCallbackEvent=initiated&StatusCallbackEvent=ringing&StatusCallbackEvent=answered";
    assert!(body.contains(events) && body.contains("&Timeout=20&TimeLimit=60"), "{body}");
}

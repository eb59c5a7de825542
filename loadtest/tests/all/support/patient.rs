//! A server for the doctor: does everything right, but for the one fault that is planted in it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use loadtest::caller::clips;
use loadtest::twilio::signature::sign;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::server::{TOKEN, decode, header, request};
use super::{Act, Bot, Fault, voice_twiml};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plant {
    Nothing,
    SlowWebhook,
    ServerError,
    Json,
    Gullible,
    OtherToken,
    RawAmpersand,
    PlainScheme,
    Query,
    NothingBehind,
    OneUrl,
    ReusableToken,
    AnyCall,
    UnsignedSocket,
    NoUpgrade,
    Deaf,
    SlowAudio,
    ExtraField,
    Binary,
    OtherStream,
    Wav,
    Linear16,
    Tiny,
    Choppy,
    NoMarks,
    LateAudio,
    BreaksAtKeys,
    StaysOpen,
    BadCallback,
    DiesOfReset,
    PatientWithoutStart,
    NeverPongs,
    ClosesOnPing,
}

#[derive(Default)]
struct State {
    /// Token → call.
    issued: HashMap<String, String>,
    /// A stream has been started.
    started: bool,
    dead: bool,
}

type Shared = Arc<Mutex<State>>;

/// Serves until the test ends; returns the voice URL.
pub(crate) async fn serve(plant: Plant) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let url = format!("http://{authority}/twilio/voice");
    tokio::spawn(async move {
        let shared = Shared::default();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(connection(stream, authority.clone(), Arc::clone(&shared), plant));
        }
    });
    url
}

async fn connection(mut stream: TcpStream, authority: String, shared: Shared, plant: Plant) {
    let mut start = [0; 3];
    if stream.peek(&mut start).await.unwrap_or(0) < 3 {
        return;
    }
    if &start == b"GET" {
        return media(stream, authority, shared, plant).await;
    }
    let (head, body) = request(&mut stream).await;
    if plant == Plant::SlowWebhook {
        sleep(Duration::from_millis(1_300)).await;
    }
    let path = head.split(' ').nth(1).unwrap();
    let fields = decode(&body);
    let token = if plant == Plant::OtherToken { "other" } else { TOKEN };
    let expected = sign(token, &format!("http://{authority}{path}"), &fields);
    let good = header(&head, "x-twilio-signature") == expected || plant == Plant::Gullible;
    let call = fields.iter().find(|(n, _)| n == "CallSid").unwrap().1.clone();
    let (status, body) = answer(path, &call, good, &authority, &shared, plant);
    let kind = if plant == Plant::Json { "application/json" } else { "text/xml" };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn answer(path: &str, call: &str, good: bool, authority: &str, shared: &Shared, plant: Plant) -> (u16, String) {
    let mut state = shared.lock().unwrap();
    match path {
        _ if !good => (403, String::new()),
        _ if state.dead => (503, String::new()),
        "/twilio/voice" if plant == Plant::ServerError => (500, String::new()),
        "/twilio/voice" => {
            let token = if plant == Plant::OneUrl { "one".to_owned() } else { format!("t{}", state.issued.len()) };
            state.issued.insert(token.clone(), call.to_owned());
            let url = match plant {
                Plant::PlainScheme => "ws://voice.example.com/media".to_owned(),
                Plant::Query => format!("ws://{authority}/media/{token}?lang=en"),
                Plant::RawAmpersand => format!("ws://{authority}/media/{token}?a=1&b=2"),
                _ => format!("ws://{authority}/media/{token}"),
            };
            let twiml = voice_twiml(&url);
            let bare = twiml.replace("<Redirect>after</Redirect>", "");
            (200, if plant == Plant::NothingBehind { bare } else { twiml })
        }
        "/twilio/status" if plant == Plant::BadCallback => (500, String::new()),
        "/twilio/status" => (204, String::new()),
        _ => (200, "<Response><Hangup/></Response>".into()),
    }
}

async fn media(stream: TcpStream, authority: String, shared: Shared, plant: Plant) {
    let mut token = String::new();
    #[allow(clippy::result_large_err, reason = "the library's signature")]
    let look = |request: &Request, response: Response| {
        let path = request.uri().path();
        token = path.rsplit('/').next().unwrap().to_owned();
        let signature = request.headers().get("X-Twilio-Signature").map(|v| v.to_str().unwrap().to_owned());
        let signed = signature == Some(sign(TOKEN, &format!("ws://{authority}{path}"), &[]));
        let refuse = !(signed || matches!(plant, Plant::UnsignedSocket | Plant::Gullible)) || plant == Plant::NoUpgrade;
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::FORBIDDEN;
        if refuse { Err(refusal) } else { Ok(response) }
    };
    let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, look).await else { return };
    let used_up = !matches!(plant, Plant::ReusableToken | Plant::OneUrl);
    let issued = {
        let mut state = shared.lock().unwrap();
        if used_up { state.issued.remove(&token) } else { state.issued.get(&token).cloned() }
    };
    if let Some(call) = issued {
        talk(socket, &call, &shared, plant).await;
    }
}

/// The stream of one call, from `connected` to its end.
async fn talk(mut socket: WebSocketStream<TcpStream>, call: &str, shared: &Shared, plant: Plant) {
    let mut bot = Bot::new(if plant == Plant::Deaf { Fault::Deaf } else { Fault::None });
    let (mut started, mut busy) = (false, false);
    loop {
        let patience = if started || plant == Plant::PatientWithoutStart { 60_000 } else { 700 };
        let next = timeout(Duration::from_millis(patience), socket.next()).await;
        let Ok(Some(message)) = next else { return };
        let Ok(message) = message else {
            shared.lock().unwrap().dead |= plant == Plant::DiesOfReset;
            return;
        };
        if plant == Plant::ClosesOnPing && message.is_ping() {
            return;
        }
        let Message::Text(text) = message else { continue };
        let event: Value = serde_json::from_str(&text).unwrap();
        match event["event"].as_str().unwrap() {
            "start" if event["start"]["callSid"] != call && !matches!(plant, Plant::AnyCall | Plant::OneUrl) => return,
            "start" if plant == Plant::SlowAudio => sleep(Duration::from_millis(1_400)).await,
            "dtmf" if plant == Plant::BreaksAtKeys => return,
            "stop" if plant != Plant::StaysOpen => {
                let _ = socket.close(None).await;
                return;
            }
            _ => {}
        }
        started |= event["event"] == "start";
        if plant == Plant::NeverPongs && started && !std::mem::replace(&mut shared.lock().unwrap().started, true) {
            // Its handler is busy with something else, as it is in the first stream only: what is said lies unread.
            busy = true;
        }
        for (index, message) in twisted(bot.on_text(&text), plant).into_iter().enumerate() {
            if plant == Plant::Choppy && index == 2 {
                // Two messages of 200 ms are out: the caller hears nothing for 100 ms.
                sleep(Duration::from_millis(500)).await;
            }
            if socket.send(message).await.is_err() {
                shared.lock().unwrap().dead |= plant == Plant::DiesOfReset;
                return;
            }
        }
        if std::mem::take(&mut busy) {
            sleep(Duration::from_millis(3_000)).await;
        }
    }
}

/// What the bot does, as this server does it.
fn twisted(acts: Vec<Act>, plant: Plant) -> Vec<Message> {
    let speaks = acts.len() > 3;
    let mut messages = Vec::new();
    for (index, act) in acts.into_iter().enumerate() {
        let Act::Text(text) = act else { continue };
        let mut event: Value = serde_json::from_str(&text).unwrap();
        let is = |kind: &str| event["event"] == kind;
        match plant {
            Plant::NoMarks if is("mark") => continue,
            Plant::ExtraField if index == 0 && speaks => event["sequenceNumber"] = json!("1"),
            Plant::OtherStream if index == 0 && speaks => event["streamSid"] = json!("MZ0"),
            Plant::Wav if is("media") => event["media"]["payload"] = with_header(&event["media"]["payload"]),
            Plant::Linear16 if is("media") => event["media"]["payload"] = json!(STANDARD.encode(linear16())),
            Plant::Tiny if is("media") => messages.extend(tiny(&event)),
            Plant::LateAudio if is("clear") => {
                let late = json!({"event": "media", "streamSid": event["streamSid"], "media": {"payload": "fn5+fg=="}});
                messages.push(Message::text(event.to_string()));
                event = late;
            }
            Plant::Binary if index == 0 && speaks => messages.push(Message::binary(vec![1, 2, 3])),
            _ => {}
        }
        messages.push(Message::text(event.to_string()));
    }
    messages
}

fn with_header(payload: &Value) -> Value {
    let mut file = b"RIFF    WAVEfmt ".to_vec();
    file.extend(STANDARD.decode(payload.as_str().unwrap()).unwrap());
    json!(STANDARD.encode(file))
}

fn linear16() -> Vec<u8> {
    let clip = clips::load("en/one-moment-please", Path::new(".")).unwrap();
    clip.samples.iter().skip(4_000).take(2_000).flat_map(|sample| sample.to_le_bytes()).collect()
}

fn tiny(event: &Value) -> Vec<Message> {
    let mut event = event.clone();
    event["media"]["payload"] = json!(STANDARD.encode([0x7E; 40]));
    vec![Message::text(event.to_string())]
}

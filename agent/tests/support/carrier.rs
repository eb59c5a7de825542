//! A carrier at the other end of a real socket: sends frames, plays what it gets in real time, returns marks.
#![allow(clippy::disallowed_methods, reason = "stands for a carrier, which has a clock of its own")]

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Admission, Engine, Gate};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Interval, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";
const SILENCE: u8 = 0xff;

/// One stream, from the carrier's side.
pub(crate) struct Carrier {
    socket: WebSocketStream<TcpStream>,
    clock: Interval,
    frames: u64,
    /// What the caller says: every frame is this byte.
    pub(crate) voice: u8,
    /// All sound that came, cleared or not.
    pub(crate) received: Vec<u8>,
    pub(crate) clears: usize,
    /// When what waits here will have been played.
    played_at: Instant,
    marks: VecDeque<(Instant, Value)>,
    /// The server closed the stream.
    pub(crate) closed: bool,
}

impl Carrier {
    /// Connects a stream to `engine`, to be served as `admission` says.
    pub(crate) async fn call(engine: &Engine, admission: Admission) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (there, _) = listener.accept().await.unwrap();
        let gate: Gate = Box::new(move |_| Ok(admission));
        engine.attach(there.into_std().unwrap(), bytes::Bytes::new(), gate).unwrap();
        let mut carrier = Self {
            socket: WebSocketStream::from_raw_socket(here, Role::Client, None).await,
            clock: interval(Duration::from_millis(20)),
            frames: 0,
            voice: SILENCE,
            received: Vec::new(),
            clears: 0,
            played_at: Instant::now(),
            marks: VecDeque::new(),
            closed: false,
        };
        carrier.send(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
        carrier.send(start()).await;
        carrier
    }

    pub(crate) async fn press(&mut self, digit: char) {
        let dtmf = json!({"track": "inbound_track", "digit": digit.to_string()});
        self.send(json!({"event": "dtmf", "streamSid": STREAM, "sequenceNumber": "3", "dtmf": dtmf})).await;
    }

    /// Goes on with the call until `enough` says so, at most for `seconds`; whether it did.
    pub(crate) async fn until(&mut self, seconds: u64, enough: impl Fn(&Self) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(seconds);
        while !enough(self) && !self.closed && Instant::now() < end {
            tokio::select! {
                message = self.socket.next() => self.take(message),
                _ = self.clock.tick() => self.tick().await,
            }
        }
        enough(self)
    }

    async fn tick(&mut self) {
        self.frames += 1;
        let media = json!({
            "track": "inbound",
            "chunk": self.frames.to_string(),
            "timestamp": (self.frames * 20).to_string(),
            "payload": STANDARD.encode([self.voice; 160]),
        });
        self.send(json!({"event": "media", "sequenceNumber": "2", "streamSid": STREAM, "media": media})).await;
        while self.marks.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            let (_, mark) = self.marks.pop_front().unwrap();
            self.send(json!({"event": "mark", "sequenceNumber": "4", "streamSid": STREAM, "mark": mark})).await;
        }
    }

    fn take(&mut self, message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return,
            _ => {
                self.closed = true;
                return;
            }
        };
        let message: Value = serde_json::from_str(&text).unwrap();
        match message["event"].as_str().unwrap() {
            "media" => {
                let sound = STANDARD.decode(message["media"]["payload"].as_str().unwrap()).unwrap();
                let length = Duration::from_micros(sound.len() as u64 * 125);
                self.played_at = self.played_at.max(Instant::now()) + length;
                self.received.extend(sound);
            }
            "mark" => self.marks.push_back((self.played_at, message["mark"].clone())),
            "clear" => {
                self.clears += 1;
                self.played_at = Instant::now();
                self.marks.iter_mut().for_each(|(at, _)| *at = self.played_at);
            }
            other => panic!("the carrier knows no {other}"),
        }
    }

    async fn send(&mut self, message: Value) {
        // A server that has closed is seen by reading.
        let _ = self.socket.send(Message::text(message.to_string())).await;
    }
}

fn start() -> Value {
    json!({"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": {
        "accountSid": "AC0123456789abcdef0123456789abcdef",
        "callSid": "CA0123456789abcdef0123456789abcdef",
        "streamSid": STREAM,
        "tracks": ["inbound"],
        "customParameters": {},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }})
}

//! A carrier's end of a media socket, for tests: writes what it is told, reads what comes.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use engine::capture::StartCapture;
use engine::port::{AgentEvent, AgentPort, EndCause};
use engine::turn::TurnParams;
use engine::{Admission, Engine, Refusal, Transport};
use fastwebsockets::{Frame, OpCode, Payload, Role, WebSocket};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

pub(crate) const STREAM: &str = "MZ00000000000000000000000000000001";
/// How long anything may take here before the test says that it does not happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a carrier's end reads and writes.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Handles of a connection, the server's first.
pub(crate) type Ends = (std::net::TcpStream, std::net::TcpStream);

/// The carrier's end.
pub(crate) struct Peer {
    socket: WebSocket<Box<dyn Io>>,
    /// Both ends, to set their options.
    server: std::net::TcpStream,
    client: std::net::TcpStream,
}

/// What came from the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Got {
    Message(Value),
    Pong(Vec<u8>),
    Close(u16),
    Gone,
}

/// A socket attached to the engine, with an agent that is told by `agent` what to do; and how the call ended.
pub(crate) async fn attach<F, A>(engine: &Engine, agent: A) -> (Peer, mpsc::UnboundedReceiver<EndCause>)
where
    A: FnOnce(AgentPort) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    attach_captured(engine, None, agent).await
}

/// The same, captured.
pub(crate) async fn attach_captured<F, A>(
    engine: &Engine,
    capture: Option<StartCapture>,
    agent: A,
) -> (Peer, mpsc::UnboundedReceiver<EndCause>)
where
    A: FnOnce(AgentPort) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (server, client) = connection();
    let ends = (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
    let client = TcpStream::from_std(client).expect("a tokio socket");
    attach_over(engine, server.into(), Box::new(client), ends, capture, agent)
}

/// Both ends of a connection, the server's first.
pub(crate) fn connection() -> Ends {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let client = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (server, _) = listener.accept().expect("a connection");
    client.set_nonblocking(true).expect("nonblocking");
    client.set_nodelay(true).expect("nodelay");
    (server, client)
}

/// The same over a connection that stands; `ends` are handles of its two ends.
pub(crate) fn attach_over<F, A>(
    engine: &Engine,
    server: Transport,
    client: Box<dyn Io>,
    ends: Ends,
    capture: Option<StartCapture>,
    agent: A,
) -> (Peer, mpsc::UnboundedReceiver<EndCause>)
where
    A: FnOnce(AgentPort) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (ended, end) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Handle::current();
    let gate = move |start: &engine::wire::StartInfo| {
        if start.call_sid.as_str() == "CArefused" {
            return Err(Refusal { code: 1008, reason: "who is this" });
        }
        Ok(Admission {
            turn: TurnParams::default(),
            capture,
            agent: Box::new(move |port| {
                runtime.spawn(agent(port));
            }),
            on_end: Box::new(move |report| {
                let _ = ended.send(report.cause);
            }),
        })
    };
    engine.attach(server, Bytes::new(), Box::new(gate)).expect("a running engine");
    let mut socket = WebSocket::after_handshake(client, Role::Client);
    socket.set_auto_close(false);
    (Peer { socket, server: ends.0, client: ends.1 }, end)
}

/// An agent that does nothing but wait for the end.
pub(crate) async fn silent(mut port: AgentPort) {
    while !matches!(port.next().await, AgentEvent::Ended(_)) {}
}

impl Peer {
    pub(crate) async fn text(&mut self, text: impl AsRef<str>) {
        self.frame(Frame::text(Payload::Owned(text.as_ref().as_bytes().to_vec()))).await;
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.text(message.to_string()).await;
    }

    /// A frame as it is; a server that has gone is no failure of the test.
    pub(crate) async fn frame(&mut self, frame: Frame<'_>) {
        let _ = self.socket.write_frame(frame).await;
    }

    pub(crate) async fn start(&mut self) {
        self.start_call("CA0001").await;
    }

    pub(crate) async fn start_call(&mut self, call: &str) {
        self.send(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
        self.send(json!({"event": "start", "sequenceNumber": "1", "streamSid": STREAM, "start": {
            "accountSid": "AC0001", "streamSid": STREAM, "callSid": call, "tracks": ["inbound"],
            "customParameters": {}, "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}}))
            .await;
    }

    pub(crate) async fn media(&mut self, ulaw: &[u8]) {
        self.send(json!({"event": "media", "streamSid": STREAM,
            "media": {"track": "inbound", "payload": STANDARD.encode(ulaw)}}))
            .await;
    }

    pub(crate) async fn mark(&mut self, name: &str) {
        self.send(json!({"event": "mark", "streamSid": STREAM, "mark": {"name": name}})).await;
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Got {
        let frame = tokio::time::timeout(PATIENCE, self.socket.read_frame()).await.expect("something within patience");
        match frame {
            Err(_) => Got::Gone,
            Ok(frame) => match frame.opcode {
                OpCode::Close => Got::Close(frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
                OpCode::Pong => Got::Pong(frame.payload.to_vec()),
                _ => Got::Message(serde_json::from_slice(&frame.payload).expect("JSON from the server")),
            },
        }
    }

    /// Skips sound and marks until the server closes; gives the code.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Got::Close(code) => return code,
                Got::Gone => return 1006,
                Got::Message(_) | Got::Pong(_) => {}
            }
        }
    }

    /// From now on the connection buffers a few kilobytes only.
    pub(crate) fn narrow(&self) {
        socket2::SockRef::from(&self.server).set_send_buffer_size(4_096).expect("a buffer size");
        socket2::SockRef::from(&self.client).set_recv_buffer_size(4_096).expect("a buffer size");
    }
}

/// The sound of a media message.
pub(crate) fn sound(message: &Value) -> Vec<u8> {
    STANDARD.decode(message["media"]["payload"].as_str().expect("a payload")).expect("base64")
}

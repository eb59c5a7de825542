//! The media socket: one task reads and stamps what comes, the call's own task writes.
//!
//! The library is another one than the server under test is likely to use, so that the two do not share mistakes.
//! Between reader and call stands a channel of 1,024 messages. Full: the reader stops reading, and the server feels
//! it. Empty: the call waits. Late: each message carries the time at which it was read.

use std::os::fd::AsFd;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::clock::Clock;
use super::route::Route;
use super::webhook::{NoConnection, connect};
use crate::time::Micros;
use crate::twilio::url::Url;
use crate::twilio::warning::{Code, Warning};

/// Messages read but not yet handled.
const AHEAD: usize = 1_024;
/// The largest message that is read: ten minutes of sound in base64 fit.
const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// How long the server may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a message may wait for the server to read.
const WRITE: Duration = Duration::from_secs(2);
/// How long the server may take to answer a close.
const CLOSE: Duration = Duration::from_secs(1);

/// What was read.
#[derive(Debug)]
pub enum Received {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message of this length.
    Binary(usize),
    /// The answer to [`Socket::ping`].
    Pong,
    /// The server closed properly.
    Closed(String),
    /// The socket broke.
    Broken(Warning),
}

/// An open media socket.
#[derive(Debug)]
pub struct Socket {
    sink: SplitSink<WebSocketStream<TcpStream>, Message>,
    received: mpsc::Receiver<(Micros, Received)>,
    reader: JoinHandle<()>,
    reading: watch::Sender<bool>,
    /// The same connection, to set what the WebSocket hides.
    twin: Option<std::net::TcpStream>,
}

impl Socket {
    /// Connects and shakes hands, signed unless the one who knocks has no signature.
    ///
    /// # Errors
    /// The [`Warning`] with which Twilio gives up.
    pub async fn open(url: Url, signature: Option<String>, route: Route, clock: Clock) -> Result<Self, Warning> {
        let place = route.place(&url).map_err(|e| Warning::new(Code::StreamRefused, e))?;
        let tcp = connect(&place).await.map_err(unconnected)?;
        let twin = tcp.as_fd().try_clone_to_owned().ok().map(Into::into);
        let handshake = shake(tcp, &url, signature.as_deref());
        let websocket = timeout(HANDSHAKE, handshake)
            .await
            .map_err(|_| Warning::new(Code::StreamTimeout, format!("{url}: no handshake within 10 s")))??;
        let (sink, stream) = websocket.split();
        let (sender, received) = mpsc::channel(AHEAD);
        let (reading, gate) = watch::channel(true);
        let reader = tokio::spawn(read(stream, sender, gate, clock));
        Ok(Self { sink, received, reader, reading, twin })
    }

    /// The next message, and when it was read. Safe to be dropped and called again.
    pub async fn receive(&mut self) -> (Micros, Received) {
        if !*self.reading.borrow() {
            return std::future::pending().await;
        }
        match self.received.recv().await {
            Some(received) => received,
            // The reader says how it ended before it ends, so this is behind the end.
            None => std::future::pending().await,
        }
    }

    /// Sends one text message.
    ///
    /// # Errors
    /// The [`Warning`] that ends the stream.
    pub async fn send(&mut self, text: String) -> Result<(), Warning> {
        self.write(Message::text(text)).await
    }

    /// Sends a WebSocket ping; [`Received::Pong`] answers it.
    ///
    /// # Errors
    /// The [`Warning`] that ends the stream.
    pub async fn ping(&mut self) -> Result<(), Warning> {
        self.write(Message::Ping("loadtest".into())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Warning> {
        match timeout(WRITE, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Warning::new(Code::StreamClosed, "the server did not read for 2 s")),
        }
    }

    /// Whether what comes is read; else it stays in the kernel until that is full, and the server feels it.
    pub fn set_reading(&self, reading: bool) {
        self.reading.send_replace(reading);
    }

    /// Resets the connection: the server gets an error instead of an end.
    pub async fn reset(self) {
        let twin = self.twin.and_then(|twin| TcpStream::from_std(twin).ok());
        // Without it the connection is closed instead, which nobody can help.
        let _ = twin.as_ref().map(TcpStream::set_zero_linger);
        self.reader.abort();
        let _ = self.reader.await;
    }

    /// Drops the connection as it is; for a server that no longer reads.
    pub fn cut(self) {
        self.reader.abort();
    }

    /// Closes, and gives the server a moment to do the same.
    pub async fn close(mut self) {
        // Whatever goes wrong here: the socket is over either way.
        let _ = timeout(CLOSE, self.sink.close()).await;
        drop(self.received);
        let stop = self.reader.abort_handle();
        if timeout(CLOSE, self.reader).await.is_err() {
            stop.abort();
        }
    }
}

fn unconnected(why: NoConnection) -> Warning {
    let code = match why {
        NoConnection::TimedOut(..) => Code::StreamTimeout,
        NoConnection::Refused(_) => Code::StreamRefused,
    };
    Warning::new(code, why)
}

async fn shake(tcp: TcpStream, url: &Url, signature: Option<&str>) -> Result<WebSocketStream<TcpStream>, Warning> {
    let bad = |e: &dyn std::fmt::Display| Warning::new(Code::StreamUrl, format!("{url}: {e}"));
    let mut request = url.to_string().into_client_request().map_err(|e| bad(&e))?;
    let headers = request.headers_mut();
    if let Some(signature) = signature {
        headers.insert("X-Twilio-Signature", signature.parse().map_err(|e| bad(&e))?);
    }
    headers.insert("User-Agent", "Twilio.TmeWs/1.0".parse().map_err(|e| bad(&e))?);
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    match client_async_with_config(request, tcp, Some(config)).await {
        Ok((websocket, _)) => Ok(websocket),
        Err(Error::Http(response)) => {
            let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let said: String = body.chars().take(200).collect();
            let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
            let text = format!("{url}: the handshake was answered {}, not 101{said}", response.status());
            Err(Warning::new(Code::StreamHandshake, text))
        }
        Err(error) => Err(Warning::new(Code::StreamHandshake, format!("{url}: {error}"))),
    }
}

async fn read(
    mut stream: SplitStream<WebSocketStream<TcpStream>>,
    sender: mpsc::Sender<(Micros, Received)>,
    mut gate: watch::Receiver<bool>,
    clock: Clock,
) {
    let mut ended = false;
    // Behind a close the rest is read and thrown away, so that the server can finish in peace.
    while let Some(message) = next(&mut stream, &mut gate).await {
        let now = clock.now();
        let received = match message {
            Ok(Message::Text(text)) => Received::Text(text),
            Ok(Message::Binary(bytes)) => Received::Binary(bytes.len()),
            Ok(Message::Close(frame)) => closed(frame.map(|f| (u16::from(f.code), f.reason.to_string()))),
            Ok(Message::Pong(_)) => Received::Pong,
            Ok(_) => continue,
            Err(error) => Received::Broken(broken(&error)),
        };
        let last = matches!(received, Received::Closed(_) | Received::Broken(_));
        if !ended && sender.send((now, received)).await.is_err() {
            ended = true;
        }
        ended |= last;
    }
    if !ended {
        let text = "the server cut the connection without closing the WebSocket";
        let _ = sender.send((clock.now(), Received::Broken(Warning::new(Code::StreamClosed, text)))).await;
    }
}

/// The next message, while the gate is open; a socket that is given up opens it for good.
async fn next(
    stream: &mut SplitStream<WebSocketStream<TcpStream>>,
    gate: &mut watch::Receiver<bool>,
) -> Option<Result<Message, Error>> {
    loop {
        let open = *gate.borrow_and_update();
        if open || gate.has_changed().is_err() {
            tokio::select! {
                biased;
                Ok(()) = gate.changed() => {}
                message = stream.next() => return message,
            }
        } else {
            let _ = gate.changed().await;
        }
    }
}

fn closed(frame: Option<(u16, String)>) -> Received {
    match frame {
        None | Some((1000 | 1001 | 1005, _)) => {
            Received::Closed(frame.map_or("no code".into(), |(code, _)| code.to_string()))
        }
        Some((code, reason)) => {
            let text = format!("the server closed the WebSocket with code {code} {reason:?}");
            Received::Broken(Warning::new(Code::StreamClosed, text))
        }
    }
}

fn broken(error: &Error) -> Warning {
    match error {
        Error::Protocol(protocol) if protocol.to_string().contains("without closing handshake") => {
            Warning::new(Code::StreamClosed, "the server cut the connection without closing the WebSocket")
        }
        Error::Protocol(_) | Error::Utf8(_) | Error::Capacity(_) => {
            Warning::new(Code::StreamProtocol, format!("the server broke the WebSocket protocol: {error}"))
        }
        _ => Warning::new(Code::StreamClosed, format!("the WebSocket broke: {error}")),
    }
}

//! A bare media server to measure others against: one thread, one task per call, nothing that a call could do without.
//!
//! It answers the voice webhook, greets, hears the caller with webrtc-vad and clears after five voiced frames in a row.
//! It checks no signature, keeps no ledger of what was heard, has no time-outs and no gates in front of its detector.

mod bot;
mod ears;
mod greeting;

use std::error::Error;
use std::net::SocketAddr;
use std::rc::Rc;

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::sleep_until;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

use bot::Bot;

/// A media message of 20 ms has about 370 bytes; no more than this is ever read into memory for one.
const INBOUND_BYTES_MAX: usize = 64 * 1024;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// A bare Media Streams server, to measure others against.
#[derive(Debug, Clone, Parser)]
struct Args {
    /// Where to listen. The webhook is POST /twilio/voice.
    #[arg(long, default_value = "127.0.0.1:9090")]
    listen: SocketAddr,
    /// Repeat the greeting for as long as nobody interrupts.
    #[arg(long = "loop")]
    repeat: bool,
    /// Parse and decode the caller's sound, but run no detector: nothing interrupts the bot.
    #[arg(long)]
    no_vad: bool,
    /// Read messages and drop them unparsed; says nothing either, as it never learns the stream's name.
    #[arg(long)]
    read_only: bool,
    /// Never speak.
    #[arg(long)]
    silent: bool,
}

fn main() -> Fallible<()> {
    let args = Args::parse();
    raise_descriptor_limit()?;
    let greeting = greeting::mulaw()?;
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(listen(Rc::new(Setup { args, greeting })))
}

/// What all calls share.
struct Setup {
    args: Args,
    /// µ-law.
    greeting: Vec<u8>,
}

async fn listen(setup: Rc<Setup>) -> Fallible<()> {
    let listener = TcpListener::bind(setup.args.listen).await?;
    eprintln!("voice webhook: http://{}/twilio/voice", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept().await?;
        let setup = Rc::clone(&setup);
        tokio::task::spawn_local(async move {
            if let Err(error) = serve(socket, &setup).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// A request line is shorter than a segment: one peek shows which of the two requests this is.
async fn serve(socket: TcpStream, setup: &Setup) -> Fallible<()> {
    socket.set_nodelay(true)?;
    let mut start = [0; 32];
    let n = socket.peek(&mut start).await?;
    if start[..n].starts_with(b"GET /media ") {
        let limits = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(8 * 1024)
            .max_message_size(Some(INBOUND_BYTES_MAX))
            .max_frame_size(Some(INBOUND_BYTES_MAX));
        // Boxed so that what the handshake needed is not kept for the length of the call.
        let socket = Box::pin(accept_async_with_config(socket, Some(limits))).await?;
        if setup.args.read_only { read_only(socket).await } else { carry(socket, setup).await }
    } else if start[..n].starts_with(b"POST /twilio/voice ") {
        let url = format!("ws://{}/media", socket.local_addr()?);
        let twiml = format!(r#"<Response><Connect><Stream url="{url}"/></Connect></Response>"#);
        answer(socket, "200 OK", &twiml).await
    } else {
        answer(socket, "404 Not Found", "").await
    }
}

/// Reads the request to its end, answers, and closes.
async fn answer(mut socket: TcpStream, status: &str, body: &str) -> Fallible<()> {
    let mut request = Vec::new();
    while !is_whole(&request) && request.len() < INBOUND_BYTES_MAX {
        if socket.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    socket.write_all((head + body).as_bytes()).await?;
    Ok(socket.shutdown().await?)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0);
    body.len() >= length
}

async fn read_only(mut socket: WebSocketStream<TcpStream>) -> Fallible<()> {
    while let Some(message) = socket.next().await {
        message?;
    }
    Ok(())
}

/// A call: messages as they come, sound when there is room for it at the carrier.
async fn carry(mut socket: WebSocketStream<TcpStream>, setup: &Setup) -> Fallible<()> {
    let mut bot = Bot::new(setup);
    let mut room = std::pin::pin!(sleep_until(bot.room_at()));
    let mut out = Vec::new();
    loop {
        tokio::select! {
            biased;
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => bot.take(&text, &mut out),
                // The library answers pings and closes.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            () = &mut room, if bot.is_talking() => bot.top_up(&mut out),
        }
        if !out.is_empty() {
            for message in out.drain(..) {
                socket.feed(Message::text(message)).await?;
            }
            socket.flush().await?;
            room.as_mut().reset(bot.room_at());
        }
    }
}

/// Every call is a descriptor, and many systems give a process 1,024 until it asks for more.
fn raise_descriptor_limit() -> Fallible<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

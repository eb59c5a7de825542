//! The minimal server on a real socket: webhooks and the media stream on one port.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use loadtest::twilio::signature::sign;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::{Act, Bot, Fault, after_twiml, voice_twiml};

pub(crate) const TOKEN: &str = "12345";

/// What the server saw.
#[derive(Default, Debug)]
pub(crate) struct Seen {
    pub(crate) requests: Vec<String>,
    pub(crate) bad_signatures: Vec<String>,
    pub(crate) stops: u32,
    /// Sockets that ended without a close.
    pub(crate) broken: u32,
    dial: bool,
}

/// Serves until the test ends; returns the voice URL.
pub(crate) async fn serve(fault: Fault) -> (String, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let url = format!("http://{authority}/twilio/voice");
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(connection(stream, authority.clone(), Arc::clone(&shared), fault));
        }
    });
    (url, seen)
}

async fn connection(stream: TcpStream, authority: String, seen: Arc<Mutex<Seen>>, fault: Fault) {
    let mut start = [0; 3];
    if stream.peek(&mut start).await.unwrap_or(0) < 3 {
        return;
    }
    if &start == b"GET" {
        media(stream, &authority, seen, fault).await
    } else {
        webhook(stream, &authority, seen).await
    }
}

async fn webhook(mut stream: TcpStream, authority: &str, seen: Arc<Mutex<Seen>>) {
    let (head, body) = request(&mut stream).await;
    let path = head.split(' ').nth(1).unwrap().to_owned();
    check(&seen, &header(&head, "x-twilio-signature"), &format!("http://{authority}{path}"), &decode(&body));
    let dial = seen.lock().unwrap().dial;
    let named = |name: &str| decode(&body).into_iter().find(|(n, _)| n == name).map(|(_, value)| value);
    let status = named("CallStatus").or_else(|| named("StreamEvent")).unwrap();
    seen.lock().unwrap().requests.push(format!("{path} {status}"));
    let twiml = match path.as_str() {
        "/twilio/voice" => voice_twiml(&format!("ws://{authority}/media")),
        _ => after_twiml(dial).to_owned(),
    };
    let length = twiml.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{twiml}");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

/// Head and body of a POST.
pub(crate) async fn request(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let count = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= header(head, "content-length").parse::<usize>().unwrap()
        {
            return (head.to_owned(), body.to_owned());
        }
    }
}

async fn media(stream: TcpStream, authority: &str, seen: Arc<Mutex<Seen>>, fault: Fault) {
    let mut signature = String::new();
    #[allow(clippy::result_large_err, reason = "the library's signature")]
    let look = |request: &Request, response: Response| {
        signature = request.headers()["X-Twilio-Signature"].to_str().unwrap().to_owned();
        Ok(response)
    };
    let mut socket = tokio_tungstenite::accept_hdr_async(stream, look).await.unwrap();
    check(&seen, &signature, &format!("ws://{authority}/media"), &[]);
    let mut bot = Bot::new(fault);
    while let Some(message) = socket.next().await {
        let Ok(message) = message else {
            seen.lock().unwrap().broken += 1;
            break;
        };
        let Message::Text(text) = message else { continue };
        for act in bot.on_text(&text) {
            let sent = match act {
                Act::Text(text) => socket.send(Message::text(text)).await,
                Act::Binary(bytes) => socket.send(Message::binary(bytes)).await,
                Act::Close { dial } => {
                    seen.lock().unwrap().dial = dial;
                    socket.close(None).await
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }
    seen.lock().unwrap().stops += u32::from(bot.stopped);
}

fn check(seen: &Mutex<Seen>, signature: &str, url: &str, fields: &[(String, String)]) {
    if sign(TOKEN, url, fields) != signature {
        seen.lock().unwrap().bad_signatures.push(url.to_owned());
    }
}

pub(crate) fn header(head: &str, name: &str) -> String {
    let found = head.lines().filter_map(|line| line.split_once(':')).find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

pub(crate) fn decode(body: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let hex = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (plain(n), plain(v))).collect()
}

//! A carrier's media socket, written by hand: handshake, masked text frames out, frames in.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Reply;

/// The headers of a handshake that everybody accepts.
pub const HANDSHAKE: &str = "Host: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
/// The answer to that key (RFC 6455, 1.3).
pub const ACCEPT: &str = "s3pplmbitxaq9kygzzhzrbk+xoo=";

/// What a socket is opened on.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// An open socket.
pub struct Socket {
    stream: Box<dyn Io>,
    early: Vec<u8>,
}

/// What the server sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Got {
    Text(String),
    Close(u16),
    Gone,
}

impl Socket {
    /// Opens a socket; the refusal where there is none.
    pub async fn open(address: SocketAddr, path: &str, headers: &str) -> Result<Self, Reply> {
        Self::open_on(TcpStream::connect(address).await.unwrap(), path, headers).await
    }

    /// Opens a socket on a connection that stands.
    pub async fn open_on(stream: impl Io + 'static, path: &str, headers: &str) -> Result<Self, Reply> {
        let mut stream: Box<dyn Io> = Box::new(stream);
        stream.write_all(format!("GET {path} HTTP/1.1\r\n{HANDSHAKE}{headers}\r\n").as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut chunk = [0; 2048];
            match stream.read(&mut chunk).await {
                Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
                _ => break,
            }
        }
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let early = bytes.split_off(end);
        let mut reply = Reply::parse(&String::from_utf8_lossy(&bytes));
        if reply.status == 101 {
            assert_eq!(reply.header("sec-websocket-accept"), Some(ACCEPT));
            return Ok(Self { stream, early });
        }
        let mut rest = early;
        let _ = stream.read_to_end(&mut rest).await;
        reply.body = String::from_utf8_lossy(&rest).into_owned();
        Err(reply)
    }

    /// Sends one text message.
    pub async fn send(&mut self, text: &str) {
        let length = text.len();
        let mut frame = vec![0x81];
        match length {
            0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).await.unwrap();
    }

    /// Says `connected` and `start` for a call, as the carrier does.
    pub async fn start(&mut self, account: &str, call: &str, parameters: &str) {
        self.send(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#).await;
        self.send(&format!(
            r#"{{"event":"start","sequenceNumber":"1","start":{{"accountSid":"{account}","streamSid":"MZ1","callSid":"{call}","tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"customParameters":{parameters}}},"streamSid":"MZ1"}}"#
        ))
        .await;
    }

    /// Says that a key was pressed.
    pub async fn press(&mut self, digit: char) {
        let press = format!(
            r#"{{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{{"track":"inbound_track","digit":"{digit}"}}}}"#
        );
        self.send(&press).await;
    }

    /// Says that the caller hung up, or that the call was moved.
    pub async fn stop(&mut self, account: &str, call: &str) {
        self.send(&format!(
            r#"{{"event":"stop","streamSid":"MZ1","sequenceNumber":"6","stop":{{"accountSid":"{account}","callSid":"{call}"}}}}"#
        ))
        .await;
    }

    /// The next message; marks are returned at once, as if all sound were played the moment it comes.
    pub async fn next(&mut self) -> Got {
        loop {
            let got =
                tokio::time::timeout(Duration::from_secs(10), self.next_frame()).await.expect("the server speaks");
            if let Got::Text(text) = &got
                && let Some(name) = text.split("\"mark\":{\"name\":\"").nth(1).and_then(|rest| rest.split('"').next())
            {
                let mark =
                    format!(r#"{{"event":"mark","streamSid":"MZ1","sequenceNumber":"4","mark":{{"name":"{name}"}}}}"#);
                self.send(&mark).await;
                continue;
            }
            return got;
        }
    }

    /// Reads until the server closes, and says how it did.
    pub async fn until_closed(&mut self) -> Got {
        loop {
            match self.next().await {
                Got::Text(_) => {}
                end => return end,
            }
        }
    }

    async fn next_frame(&mut self) -> Got {
        let Some(head) = self.take(2).await else { return Got::Gone };
        let length = match head[1] & 0x7f {
            126 => match self.take(2).await {
                Some(bytes) => usize::from(u16::from_be_bytes([bytes[0], bytes[1]])),
                None => return Got::Gone,
            },
            127 => panic!("a frame of more than 64 KB"),
            length => usize::from(length),
        };
        let Some(payload) = self.take(length).await else { return Got::Gone };
        match head[0] & 0x0f {
            8 if payload.len() >= 2 => Got::Close(u16::from_be_bytes([payload[0], payload[1]])),
            8 => Got::Close(1005),
            _ => Got::Text(String::from_utf8_lossy(&payload).into_owned()),
        }
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.early.len() < length {
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk).await {
                Ok(n) if n > 0 => self.early.extend_from_slice(&chunk[..n]),
                _ => return None,
            }
        }
        let rest = self.early.split_off(length);
        Some(std::mem::replace(&mut self.early, rest))
    }
}

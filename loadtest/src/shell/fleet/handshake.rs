//! The client's half of a WebSocket handshake (RFC 6455, section 4.1), signed as the carrier does.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::shell::route::Route;
use crate::shell::webhook::connect;
use crate::twilio::url::Url;

/// How long the server may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// What the standard appends to the key.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A socket that speaks WebSocket, and what the server said right behind its answer.
#[derive(Debug)]
pub struct Open {
    /// Non-blocking.
    pub stream: std::net::TcpStream,
    /// Bytes of frames.
    pub read_ahead: Vec<u8>,
}

/// Connects to `url` and shakes hands.
///
/// # Errors
/// One line that says what went wrong.
pub async fn open(url: &Url, signature: &str, nonce: [u8; 16], route: &Route) -> Result<Open, String> {
    let place = route.place(url)?;
    let mut stream = connect(&place).await?;
    let key = STANDARD.encode(nonce);
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\nUser-Agent: Twilio.TmeWs/1.0\r\nX-Twilio-Signature: {signature}\r\n\r\n",
        url.target(),
        url.authority(),
    );
    let io = |e: std::io::Error| format!("handshake: {e}");
    stream.write_all(request.as_bytes()).await.map_err(io)?;
    let answer = timeout(LIMIT, head(&mut stream)).await.map_err(|_| "no handshake within 10 s".to_owned())?;
    let (head, read_ahead) = answer?;
    check(&head, &key)?;
    Ok(Open { stream: stream.into_std().map_err(io)?, read_ahead })
}

async fn head(stream: &mut TcpStream) -> Result<(String, Vec<u8>), String> {
    let mut bytes = Vec::with_capacity(1_024);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if bytes.len() > HEAD_MAX_BYTES {
            return Err("handshake: an answer longer than 16 KiB".into());
        }
        if stream.read_buf(&mut bytes).await.map_err(|e| format!("handshake: {e}"))? == 0 {
            return Err("handshake: the server hung up".into());
        }
    }
}

fn check(head: &str, key: &str) -> Result<(), String> {
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("101") {
        return Err(format!("the handshake was answered {status:?}, not 101"));
    }
    let accepted = head.lines().filter_map(|line| line.split_once(':'));
    let accepted = accepted.filter(|(name, _)| name.trim().eq_ignore_ascii_case("sec-websocket-accept"));
    let expected = STANDARD.encode(Sha1::digest(format!("{key}{MAGIC}")));
    match accepted.map(|(_, value)| value.trim()).next() {
        Some(value) if value == expected => Ok(()),
        _ => Err("the handshake's Sec-WebSocket-Accept does not fit its key".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_accepted_and_others_are_not() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let head = "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(check(head, key), Ok(()));
        assert!(check(&head.replace("101", "403"), key).unwrap_err().contains("403"));
        assert!(check(&head.replace("s3p", "t3p"), key).unwrap_err().contains("Accept"));
    }
}

//! Writes a client's WebSocket frames (RFC 6455) and the carrier's messages into one buffer, without allocating.
//!
//! Every frame is masked with a key of its own, as the standard wants: the server must unmask whatever the key is, so
//! a zero key would save it nothing but would not be what a carrier sends.

use super::voice::Payload;

/// What kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Text.
    Text = 0x1,
    /// Binary.
    Binary = 0x2,
    /// Close.
    Close = 0x8,
    /// Ping.
    Ping = 0x9,
    /// Pong.
    Pong = 0xA,
}

const LONGEST_SHORT: usize = 125;

/// Appends one whole frame whose payload is what `body` appends, at most 65,535 bytes.
pub fn frame(out: &mut Vec<u8>, opcode: Opcode, key: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let key = key.to_ne_bytes();
    // The header of a medium frame; nearly all are.
    out.extend_from_slice(&[0x80 | opcode as u8, 0x80 | 126, 0, 0, key[0], key[1], key[2], key[3]]);
    let begins = start + 8;
    body(out);
    let length = out.len() - begins;
    debug_assert!(length <= usize::from(u16::MAX), "the carrier sends no longer messages");
    mask(&mut out[begins..], key);
    if length > LONGEST_SHORT {
        out[start + 2..start + 4].copy_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    } else {
        out[start + 1] = 0x80 | u8::try_from(length).unwrap_or_default();
        out.drain(start + 2..start + 4);
    }
}

fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends a `media` message: `frames` have been sent before it, `sequence` is its number.
pub fn media(out: &mut Vec<u8>, sequence: u64, frames: u64, payload: &Payload, sid: &str) {
    out.extend_from_slice(br#"{"event":"media","sequenceNumber":""#);
    decimal(out, sequence);
    out.extend_from_slice(br#"","media":{"track":"inbound","chunk":""#);
    decimal(out, frames + 1);
    out.extend_from_slice(br#"","timestamp":""#);
    decimal(out, frames * 20);
    out.extend_from_slice(br#"","payload":""#);
    out.extend_from_slice(payload);
    out.extend_from_slice(br#""},"streamSid":""#);
    out.extend_from_slice(sid.as_bytes());
    out.extend_from_slice(br#""}"#);
}

fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    use super::*;
    use crate::twilio::message;

    #[test]
    fn a_media_message_is_the_one_that_the_single_call_sends() {
        let sound = [0x42_u8; 160];
        for (sequence, frames) in [(2, 0), (10, 9), (123_456, 99_999)] {
            let expected = message::media(sequence, frames + 1, frames * 20, &sound, "MZ1");
            let payload = expected.split(r#""payload":""#).nth(1).unwrap().split('"').next().unwrap();
            let mut written = Vec::new();
            media(&mut written, sequence, frames, payload.as_bytes().try_into().unwrap(), "MZ1");
            assert_eq!(String::from_utf8(written).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn another_library_reads_what_is_written(
            texts in prop::collection::vec("[ -~äß€]{0,400}", 1..8),
            keys in prop::collection::vec(any::<u32>(), 8),
            ping in prop::collection::vec(any::<u8>(), 0..=125),
        ) {
            let mut bytes = Vec::new();
            for (text, key) in texts.iter().zip(&keys) {
                frame(&mut bytes, Opcode::Text, *key, |out| out.extend_from_slice(text.as_bytes()));
            }
            frame(&mut bytes, Opcode::Ping, keys[0], |out| out.extend_from_slice(&ping));
            let mut peer = WebSocket::from_raw_socket(std::io::Cursor::new(bytes), Role::Server, None);
            for text in &texts {
                prop_assert_eq!(peer.read().unwrap(), Message::text(text.clone()));
            }
            prop_assert_eq!(peer.read().unwrap(), Message::Ping(ping.into()));
        }
    }
}

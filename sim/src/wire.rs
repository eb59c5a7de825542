//! The bytes between carrier and server: the client's side of the WebSocket protocol (RFC 6455, 5.2).

/// A text message as a client sends it.
#[must_use]
pub fn text(text: &str, mask: u32) -> Vec<u8> {
    frame(0x1, text.as_bytes(), mask)
}

/// A goodbye as a client sends it.
#[must_use]
pub fn close(code: u16, mask: u32) -> Vec<u8> {
    frame(0x8, &code.to_be_bytes(), mask)
}

fn frame(opcode: u8, payload: &[u8], mask: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 8);
    bytes.push(0x80 | opcode);
    match u16::try_from(payload.len()) {
        Ok(short @ 0..=125) => bytes.push(0x80 | short as u8),
        long => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&long.unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    let mask = mask.to_be_bytes();
    bytes.extend_from_slice(&mask);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    let (chunks, rest) = bytes[start..].as_chunks_mut::<4>();
    chunks.iter_mut().for_each(|chunk| *chunk = (u32::from_ne_bytes(*chunk) ^ u32::from_ne_bytes(mask)).to_ne_bytes());
    rest.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    bytes
}

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// A text message.
    Text(String),
    /// A goodbye, with its code.
    Close(u16),
    /// Something that a client has no use for.
    Other,
}

/// Puts a server's bytes together again.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    at: usize,
}

impl Decoder {
    /// More bytes have come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes of a frame whose rest has not come.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next whole frame, and how many bytes it had.
    pub fn pop(&mut self) -> Option<(Sent, usize)> {
        let rest = &self.bytes[self.at..];
        let (length, start) = match *rest.get(1)? {
            126 => (usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?])), 4),
            short => (usize::from(short), 2),
        };
        let payload = rest.get(start..start + length)?;
        let sent = match rest[0] & 0xF {
            0x1 => Sent::Text(String::from_utf8(payload.to_vec()).unwrap_or_default()),
            0x8 => Sent::Close(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
            _ => Sent::Other,
        };
        self.at += start + length;
        Some((sent, start + length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_frames_come_out_whole_however_they_were_cut() {
        let long = "x".repeat(300);
        let mut bytes = vec![0x81, 2, b'h', b'i', 0x81, 126, 1, 44];
        bytes.extend_from_slice(long.as_bytes());
        bytes.extend_from_slice(&[0x88, 2, 0x03, 0xE8]);
        let (mut decoder, mut sent) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(7) {
            decoder.push(piece);
            sent.extend(std::iter::from_fn(|| decoder.pop()).map(|(sent, _)| sent));
        }
        assert_eq!(sent, [Sent::Text("hi".into()), Sent::Text(long), Sent::Close(1000)]);
    }

    #[test]
    fn a_client_s_frame_is_masked() {
        let bytes = text("ab", 0x0102_0304);
        assert_eq!(bytes, [0x81, 0x82, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2]);
    }
}

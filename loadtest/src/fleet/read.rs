//! Reads a server's WebSocket frames (RFC 6455) out of whatever pieces the socket delivers.
//!
//! Whole messages that arrive in one piece, as nearly all do, are handed over where they lie. What is incomplete is
//! kept, up to [`MAX_BYTES`]; more is an error that ends the stream.

use thiserror::Error;

/// The longest message: ten minutes of sound in base64 fit.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A text message; whether it is UTF-8 is for its reader to find out.
    Text(&'a [u8]),
    /// A binary message.
    Binary(&'a [u8]),
    /// To be answered by a pong with the same content.
    Ping(&'a [u8]),
    /// The answer to a ping.
    Pong(&'a [u8]),
    /// The server closes, with this code if it gave one.
    Close(Option<u16>),
}

/// How the server broke the protocol (Twilio's warning 31924).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// A bit that only an extension may set.
    #[error("reserved bits are set although no extension was agreed")]
    Reserved,
    /// A server's frame with a mask.
    #[error("a server's frame is masked")]
    Masked,
    /// An opcode that does not exist.
    #[error("unknown opcode {0:#x}")]
    Opcode(u8),
    /// A control frame that is long or in pieces.
    #[error("a control frame is fragmented or longer than 125 bytes")]
    Control,
    /// A continuation of nothing, or a new message inside another.
    #[error("fragments out of order")]
    Fragments,
    /// More than [`MAX_BYTES`].
    #[error("a message longer than {MAX_BYTES} bytes")]
    TooLong,
}

/// The reader of one socket.
#[derive(Debug, Default)]
pub struct Reader {
    /// The beginning of a frame whose end has not come.
    held: Vec<u8>,
    /// A message in fragments: its opcode, and what of it has come.
    parts: Option<(u8, Vec<u8>)>,
}

struct Header {
    fin: bool,
    opcode: u8,
    begins: usize,
    length: usize,
}

impl Reader {
    /// Reads `bytes`, handing over what is complete.
    ///
    /// # Errors
    /// [`Broken`]: nothing behind it can be understood.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(Received<'_>)) -> Result<(), Broken> {
        if self.held.is_empty() {
            let read = self.frames(bytes, out)?;
            self.held.extend_from_slice(&bytes[read..]);
            return Ok(());
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let read = self.frames(&held, out)?;
        held.drain(..read);
        // A buffer that once held a large message is not kept for good.
        if held.is_empty() && held.capacity() > 64 * 1024 {
            held = Vec::new();
        }
        self.held = held;
        Ok(())
    }

    fn frames(&mut self, bytes: &[u8], out: &mut dyn FnMut(Received<'_>)) -> Result<usize, Broken> {
        let mut at = 0;
        while let Some(header) = header(&bytes[at..])? {
            let begins = at + header.begins;
            let Some(payload) = bytes.get(begins..begins + header.length) else { break };
            self.frame(&header, payload, out)?;
            at = begins + header.length;
        }
        Ok(at)
    }

    fn frame(&mut self, header: &Header, payload: &[u8], out: &mut dyn FnMut(Received<'_>)) -> Result<(), Broken> {
        match (header.opcode, header.fin, &mut self.parts) {
            (0x8, ..) => out(Received::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code)))),
            (0x9, ..) => out(Received::Ping(payload)),
            (0xA, ..) => out(Received::Pong(payload)),
            (opcode @ (0x1 | 0x2), true, None) => out(whole(opcode, payload)),
            (opcode @ (0x1 | 0x2), false, parts @ None) => *parts = Some((opcode, payload.to_vec())),
            (0x0, fin, Some((opcode, message))) => {
                if message.len() + payload.len() > MAX_BYTES {
                    return Err(Broken::TooLong);
                }
                message.extend_from_slice(payload);
                if fin {
                    out(whole(*opcode, message));
                    self.parts = None;
                }
            }
            _ => return Err(Broken::Fragments),
        }
        Ok(())
    }
}

fn whole(opcode: u8, payload: &[u8]) -> Received<'_> {
    if opcode == 0x1 { Received::Text(payload) } else { Received::Binary(payload) }
}

/// The header at the start of `bytes`, or `None` when not all of it has come.
fn header(bytes: &[u8]) -> Result<Option<Header>, Broken> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
    if first & 0x70 != 0 {
        return Err(Broken::Reserved);
    }
    if second & 0x80 != 0 {
        return Err(Broken::Masked);
    }
    if !matches!(opcode, 0x0..=0x2 | 0x8..=0xA) {
        return Err(Broken::Opcode(opcode));
    }
    if opcode & 0x8 != 0 && (!fin || *second > 125) {
        return Err(Broken::Control);
    }
    let (extra, length) = match second {
        126 => (2, rest.first_chunk().map(|b| u64::from(u16::from_be_bytes(*b)))),
        127 => (8, rest.first_chunk().map(|b| u64::from_be_bytes(*b))),
        short => (0, Some(u64::from(*short))),
    };
    let Some(length) = length else { return Ok(None) };
    let length = usize::try_from(length).ok().filter(|l| *l <= MAX_BYTES).ok_or(Broken::TooLong)?;
    Ok(Some(Header { fin, opcode, begins: 2 + extra, length }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    use super::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Broken> {
        let mut reader = Reader::default();
        let mut seen = Vec::new();
        for piece in pieces {
            reader.feed(piece, &mut |received| seen.push(format!("{received:?}")))?;
        }
        Ok(seen)
    }

    fn written_by_another_library(messages: &[Message]) -> Vec<u8> {
        let mut peer = WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Server, None);
        for message in messages {
            peer.write(message.clone()).unwrap();
        }
        peer.flush().unwrap();
        peer.get_ref().get_ref().clone()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_the_pieces_the_messages_are_those_that_were_written(
            texts in prop::collection::vec("[a-z]{0,300}|[a-z]{70000}", 1..5),
            cuts in prop::collection::vec(1_usize..5_000, 1..60),
        ) {
            let messages: Vec<Message> = texts.iter().map(Message::text).collect();
            let bytes = written_by_another_library(&messages);
            let mut reader = Reader::default();
            let mut seen = Vec::new();
            let (mut rest, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                reader.feed(piece, &mut |received| match received {
                    Received::Text(text) => seen.push(String::from_utf8(text.to_vec()).unwrap()),
                    other => panic!("{other:?}"),
                }).unwrap();
                rest = behind;
            }
            prop_assert_eq!(seen, texts);
        }

        #[test]
        fn nonsense_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Reader::default().feed(&bytes, &mut |_| ());
        }
    }

    #[test]
    fn fragments_are_joined_and_control_frames_pass_between_them() {
        let part = |text: &'static str, opcode, fin| Message::Frame(Frame::message(text, opcode, fin));
        let bytes = written_by_another_library(&[
            part("ab", OpCode::Data(Data::Text), false),
            Message::Ping("p".into()),
            part("cd", OpCode::Data(Data::Continue), true),
            Message::Pong("q".into()),
            Message::Binary("x".into()),
        ]);
        assert_eq!(
            read(&[&bytes]).unwrap(),
            ["Ping([112])", "Text([97, 98, 99, 100])", "Pong([113])", "Binary([120])"]
        );
        assert_eq!(read(&[&[0x88, 2, 0x03, 0xE8]]).unwrap(), ["Close(Some(1000))"]);
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for (bytes, broken) in [
            (&[0xC1, 0][..], Broken::Reserved),
            (&[0x81, 0x80], Broken::Masked),
            (&[0x83, 0], Broken::Opcode(3)),
            (&[0x09, 0], Broken::Control),
            (&[0x89, 126], Broken::Control),
            (&[0x80, 0], Broken::Fragments),
            (&[0x01, 0, 0x81, 0], Broken::Fragments),
            (&[0x81, 127, 0, 0, 0, 0, 1, 0, 0, 0], Broken::TooLong),
        ] {
            assert_eq!(read(&[bytes]), Err(broken), "{bytes:x?}");
        }
    }
}

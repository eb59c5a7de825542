//! Joins the fragments of a message, within bounds.

use bytes::{Bytes, BytesMut};

use super::socket::{Fault, Piece, PieceKind};
use crate::limits::{FRAGMENTS_MAX, FRAGMENTS_TIME};
use crate::time::Instant;
use crate::wire::MESSAGE_BYTES_MAX;

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Text, not yet looked at.
    Text(Bytes),
    /// Something that no carrier sends.
    Binary,
}

/// At most one message is being joined at a time.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    text: bool,
    bytes: BytesMut,
    fragments: usize,
    since: Instant,
}

impl Assembler {
    /// Takes a data frame; gives the message that it completes.
    pub(super) fn push(&mut self, now: Instant, piece: Piece) -> Result<Option<Message>, Fault> {
        match (piece.kind, &mut self.open) {
            (PieceKind::Continuation, None) => Err(Fault::new(1002, "a continuation of nothing")),
            (PieceKind::Continuation, Some(_)) => self.join(now, &piece),
            (_, Some(_)) => Err(Fault::new(1002, "a message within a message")),
            (kind, None) if piece.last => Ok(Some(whole(kind == PieceKind::Text, piece.bytes))),
            (kind, None) => {
                let bytes = BytesMut::from(&piece.bytes[..]);
                self.open = Some(Open { text: kind == PieceKind::Text, bytes, fragments: 1, since: now });
                Ok(None)
            }
        }
    }

    fn join(&mut self, now: Instant, piece: &Piece) -> Result<Option<Message>, Fault> {
        let Some(open) = &mut self.open else { return Ok(None) };
        open.fragments += 1;
        if open.bytes.len() + piece.bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Fault::new(1009, "message larger than 65536 bytes"));
        }
        if open.fragments > FRAGMENTS_MAX || now.since(open.since) > FRAGMENTS_TIME {
            return Err(Fault::new(1008, "a message in too many pieces, or too slow"));
        }
        open.bytes.extend_from_slice(&piece.bytes);
        if !piece.last {
            return Ok(None);
        }
        Ok(self.open.take().map(|open| whole(open.text, open.bytes.freeze())))
    }
}

fn whole(text: bool, bytes: Bytes) -> Message {
    if text { Message::Text(bytes) } else { Message::Binary }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: PieceKind, last: bool, bytes: &'static [u8]) -> Piece {
        Piece { kind, last, bytes: Bytes::from_static(bytes) }
    }

    #[test]
    fn joins_what_came_in_pieces() {
        let mut joins = Assembler::default();
        let t = Instant::ZERO;
        assert_eq!(joins.push(t, piece(PieceKind::Text, false, b"ab")), Ok(None));
        assert_eq!(joins.push(t, piece(PieceKind::Continuation, false, b"")), Ok(None));
        let whole = joins.push(t, piece(PieceKind::Continuation, true, b"c"));
        assert_eq!(whole, Ok(Some(Message::Text(Bytes::from_static(b"abc")))));
    }

    #[test]
    fn refuses_more_pieces_more_bytes_or_more_time_than_a_message_may_take() {
        let t = Instant::ZERO;
        let mut many = Assembler::default();
        let mut result = many.push(t, piece(PieceKind::Text, false, b""));
        for _ in 0..FRAGMENTS_MAX {
            assert_eq!(result, Ok(None));
            result = many.push(t, piece(PieceKind::Continuation, false, b""));
        }
        assert_eq!(result.map_err(|fault| fault.code), Err(1008));

        let mut slow = Assembler::default();
        let _ = slow.push(t, piece(PieceKind::Text, false, b"a"));
        let late = slow.push(Instant::from_millis(5_001), piece(PieceKind::Continuation, true, b"b"));
        assert_eq!(late.map_err(|fault| fault.code), Err(1008));

        let mut large = Assembler::default();
        let half: &'static [u8] = Box::leak(vec![b'x'; MESSAGE_BYTES_MAX / 2 + 1].into_boxed_slice());
        let _ = large.push(t, piece(PieceKind::Text, false, half));
        let over = large.push(t, piece(PieceKind::Continuation, true, half));
        assert_eq!(over.map_err(|fault| fault.code), Err(1009));
    }

    #[test]
    fn refuses_pieces_out_of_place() {
        let t = Instant::ZERO;
        let mut joins = Assembler::default();
        assert_eq!(joins.push(t, piece(PieceKind::Continuation, true, b"")).map_err(|f| f.code), Err(1002));
        let _ = joins.push(t, piece(PieceKind::Text, false, b""));
        assert_eq!(joins.push(t, piece(PieceKind::Text, true, b"")).map_err(|f| f.code), Err(1002));
    }
}

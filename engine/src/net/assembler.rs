//! Joins the fragments of a message, within bounds.

use std::borrow::Cow;

use super::frame::{Fault, Kind, Piece};
use crate::limits::{FRAGMENTS_MAX, FRAGMENTS_TIME};
use crate::time::Instant;
use crate::wire::MESSAGE_BYTES_MAX;

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Text, not yet looked at.
    Text(Cow<'a, [u8]>),
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
    bytes: Vec<u8>,
    fragments: usize,
    since: Instant,
}

impl Assembler {
    /// Takes a data frame; gives the message that it completes.
    pub(super) fn push<'a>(&mut self, now: Instant, piece: Piece<'a>) -> Result<Option<Message<'a>>, Fault> {
        match (piece.kind, &mut self.open) {
            (Kind::Continuation, None) => Err(Fault::new(1002, "a continuation of nothing")),
            (Kind::Continuation, Some(_)) => self.join(now, &piece),
            (_, Some(_)) => Err(Fault::new(1002, "a message within a message")),
            (kind, None) if piece.last => Ok(Some(whole(kind == Kind::Text, Cow::Borrowed(piece.bytes)))),
            (kind, None) => {
                let bytes = piece.bytes.to_vec();
                self.open = Some(Open { text: kind == Kind::Text, bytes, fragments: 1, since: now });
                Ok(None)
            }
        }
    }

    fn join(&mut self, now: Instant, piece: &Piece<'_>) -> Result<Option<Message<'static>>, Fault> {
        let Some(open) = &mut self.open else { return Ok(None) };
        open.fragments += 1;
        if open.bytes.len() + piece.bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Fault::new(1009, "message larger than 65536 bytes"));
        }
        if open.fragments > FRAGMENTS_MAX || now.since(open.since) > FRAGMENTS_TIME {
            return Err(Fault::new(1008, "a message in too many pieces, or too slow"));
        }
        open.bytes.extend_from_slice(piece.bytes);
        if !piece.last {
            return Ok(None);
        }
        Ok(self.open.take().map(|open| whole(open.text, Cow::Owned(open.bytes))))
    }
}

fn whole(text: bool, bytes: Cow<'_, [u8]>) -> Message<'_> {
    if text { Message::Text(bytes) } else { Message::Binary }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: Kind, last: bool, bytes: &'static [u8]) -> Piece<'static> {
        Piece { kind, last, bytes }
    }

    #[test]
    fn joins_what_came_in_pieces() {
        let mut joins = Assembler::default();
        let t = Instant::ZERO;
        assert_eq!(joins.push(t, piece(Kind::Text, false, b"ab")), Ok(None));
        assert_eq!(joins.push(t, piece(Kind::Continuation, false, b"")), Ok(None));
        let whole = joins.push(t, piece(Kind::Continuation, true, b"c"));
        assert_eq!(whole, Ok(Some(Message::Text(Cow::Borrowed(b"abc")))));
    }

    #[test]
    fn refuses_more_pieces_more_bytes_or_more_time_than_a_message_may_take() {
        let t = Instant::ZERO;
        let mut many = Assembler::default();
        let mut result = many.push(t, piece(Kind::Text, false, b""));
        for _ in 0..FRAGMENTS_MAX {
            assert_eq!(result, Ok(None));
            result = many.push(t, piece(Kind::Continuation, false, b""));
        }
        assert_eq!(result.map_err(|fault| fault.code), Err(1008));

        let mut slow = Assembler::default();
        let _ = slow.push(t, piece(Kind::Text, false, b"a"));
        let late = slow.push(Instant::from_millis(5_001), piece(Kind::Continuation, true, b"b"));
        assert_eq!(late.map_err(|fault| fault.code), Err(1008));

        let mut large = Assembler::default();
        let half: &'static [u8] = Box::leak(vec![b'x'; MESSAGE_BYTES_MAX / 2 + 1].into_boxed_slice());
        let _ = large.push(t, piece(Kind::Text, false, half));
        let over = large.push(t, piece(Kind::Continuation, true, half));
        assert_eq!(over.map_err(|fault| fault.code), Err(1009));
    }

    #[test]
    fn refuses_pieces_out_of_place() {
        let t = Instant::ZERO;
        let mut joins = Assembler::default();
        assert_eq!(joins.push(t, piece(Kind::Continuation, true, b"")).map_err(|f| f.code), Err(1002));
        let _ = joins.push(t, piece(Kind::Text, false, b""));
        assert_eq!(joins.push(t, piece(Kind::Text, true, b"")).map_err(|f| f.code), Err(1002));
    }
}

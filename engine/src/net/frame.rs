//! A frame of the WebSocket protocol as a client sends it, in the bytes that were read (RFC 6455, 5.2).
//!
//! ```text
//!  0         1         2 ‥ 3 or 2 ‥ 9         4
//! ┌─┬───┬────┬─┬───────┬──────────────────────┬─────────┬─────────
//! │F│RSV│kind│M│ length│ longer length: 126   │ mask    │ payload, masked
//! │ │   │    │ │   7   │ two, 127 eight bytes │ 4 bytes │
//! └─┴───┴────┴─┴───────┴──────────────────────┴─────────┴─────────
//! ```

use crate::wire::MESSAGE_BYTES_MAX;

/// First byte: this frame is the last of its message.
const FIN: u8 = 0x80;
/// First byte: bits that only extensions use; none was agreed on.
const RESERVED: u8 = 0x70;
/// Second byte: the payload is masked, as a client's must be.
const MASKED: u8 = 0x80;
/// The longest payload of a control frame.
const CONTROL_BYTES_MAX: usize = 125;

/// How a stream goes wrong, as a WebSocket close code and the words that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Fault {
    pub(super) const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn of(opcode: u8) -> Option<Self> {
        Some(match opcode {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// The number that stands for it.
    pub(super) const fn opcode(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A frame, unmasked, where it was read: messages may come in several.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    /// It ends its message.
    pub(super) last: bool,
    pub(super) bytes: &'a [u8],
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    kind: Kind,
    last: bool,
    mask: [u8; 4],
    /// Where the payload begins.
    start: usize,
    /// Where the next frame begins.
    end: usize,
}

/// Takes the first frame of `bytes` and unmasks it there. Gives how long it was, or `None` where more must come first.
///
/// A frame that cannot be taken is refused by its head: nobody waits for a payload that is too long.
pub(super) fn split_first(bytes: &mut [u8]) -> Result<Option<(usize, Piece<'_>)>, Fault> {
    let Some(head) = head(bytes)? else { return Ok(None) };
    let Some(payload) = bytes.get_mut(head.start..head.end) else { return Ok(None) };
    unmask(payload, head.mask);
    Ok(Some((head.end, Piece { kind: head.kind, last: head.last, bytes: payload })))
}

fn head(bytes: &[u8]) -> Result<Option<Head>, Fault> {
    let [first, second, ..] = *bytes else { return Ok(None) };
    let last = first & FIN != 0;
    if first & RESERVED != 0 {
        return Err(Fault::new(1002, "an extension that was not agreed on"));
    }
    let kind = Kind::of(first & 0x0F).ok_or(Fault::new(1002, "a kind of frame that is not known"))?;
    if second & MASKED == 0 {
        return Err(Fault::new(1002, "a frame without a mask"));
    }
    let (length, at) = match second & !MASKED {
        126 => match bytes.get(2..4) {
            Some(long) => (u64::from(u16::from_be_bytes([long[0], long[1]])), 4),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|long| long.try_into().ok()) {
            Some(long) => (u64::from_be_bytes(long), 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 2),
    };
    if length > MESSAGE_BYTES_MAX as u64 {
        return Err(Fault::new(1009, "message larger than 65536 bytes"));
    }
    let length = length as usize;
    if kind.is_control() && (!last || length > CONTROL_BYTES_MAX) {
        return Err(Fault::new(1002, "a control frame in pieces, or of more than 125 bytes"));
    }
    let Some(mask) = bytes.get(at..at + 4).and_then(|mask| mask.try_into().ok()) else { return Ok(None) };
    let start = at + 4;
    Ok(Some(Head { kind, last, mask, start, end: start + length }))
}

/// `payload[i] ^= mask[i mod 4]`, sixteen bytes at a time.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide: [u8; 16] = std::array::from_fn(|i| mask[i % 4]);
    let (chunks, rest) = payload.as_chunks_mut::<16>();
    for chunk in chunks {
        for (byte, mask) in chunk.iter_mut().zip(wide) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in rest.iter_mut().zip(wide) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use fastwebsockets::{Frame, OpCode, Payload};
    use proptest::prelude::*;

    use super::*;

    /// A frame as the library writes it for a client.
    fn written(last: bool, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
        let mut frame = Frame::new(last, opcode, None, Payload::Owned(payload.to_vec()));
        frame.mask();
        let mut bytes = Vec::new();
        frame.write(&mut bytes).to_vec()
    }

    fn refused(mut bytes: Vec<u8>) -> u16 {
        split_first(&mut bytes).expect_err("refused").code
    }

    proptest! {
        #[test]
        fn reads_what_another_library_writes(
            payload in proptest::collection::vec(any::<u8>(), 0..70_000),
            last: bool,
            behind in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut bytes = written(last, OpCode::Text, &payload);
            let frame_bytes = bytes.len();
            bytes.extend(&behind);
            let got = split_first(&mut bytes);
            if payload.len() > MESSAGE_BYTES_MAX {
                prop_assert_eq!(got, Err(Fault::new(1009, "message larger than 65536 bytes")));
            } else {
                let expected = Piece { kind: Kind::Text, last, bytes: &payload };
                prop_assert_eq!(got, Ok(Some((frame_bytes, expected))));
            }
        }

        #[test]
        fn waits_for_the_rest_of_a_frame(payload in proptest::collection::vec(any::<u8>(), 0..300), keep in 0.0..1.0f64) {
            let mut bytes = written(true, OpCode::Text, &payload);
            bytes.truncate((bytes.len() as f64 * keep) as usize);
            prop_assert_eq!(split_first(&mut bytes), Ok(None));
        }

        #[test]
        fn any_bytes_are_a_frame_or_a_fault_or_not_enough(mut bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let length = bytes.len();
            if let Ok(Some((taken, piece))) = split_first(&mut bytes) {
                prop_assert!(taken <= length && piece.bytes.len() + 6 <= taken);
            }
        }
    }

    #[test]
    fn what_no_client_may_send_is_refused_by_its_head() {
        assert_eq!(refused(vec![0x81, 0x01, b'x']), 1002, "no mask");
        assert_eq!(refused(vec![0xC1, 0x80]), 1002, "a compressed message");
        assert_eq!(refused(vec![0x83, 0x80]), 1002, "an unknown kind");
        assert_eq!(refused(vec![0x09, 0x80]), 1002, "a ping in pieces");
        assert_eq!(refused(vec![0x89, 0xFE, 0, 126]), 1002, "a long ping");
        assert_eq!(refused(vec![0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1]), 1009, "65,537 bytes");
        assert_eq!(refused(vec![0x81, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0]), 1009, "more than there is");
    }
}

//! The sound of a media message: base64 as it came, decoded where it is wanted.

use std::borrow::Cow;
use std::fmt;

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeSliceError, Engine};

use super::{Chop, Error};
use crate::audio::frame::Frame;

/// Characters decoded at a time by [`Payload::frames`]: a multiple of 4 that gives three full frames.
const PIECE_CHARS: usize = 640;
const PIECE_BYTES: usize = PIECE_CHARS / 4 * 3;

/// Standard alphabet. Padding may be there or not: it says nothing that the length does not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Undecoded sound.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload<'a>(pub(super) Cow<'a, str>);

impl Payload<'_> {
    /// The base64 text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An upper bound of the decoded bytes, at most 3 too many.
    pub fn bytes_max(&self) -> usize {
        self.0.len().div_ceil(4) * 3
    }

    /// Decodes into `out` and says how many bytes it wrote.
    ///
    /// Gives [`Error::TooLarge`] if `out` is shorter than [`Payload::bytes_max`], [`Error::BadBase64`] for anything
    /// that is no base64; `out` may then hold a part.
    pub fn decode_into(&self, out: &mut [u8]) -> Result<usize, Error> {
        let bytes_max = out.len();
        BASE64.decode_slice(self.0.as_bytes(), out).map_err(|e| match e {
            DecodeSliceError::DecodeError(_) => Error::BadBase64,
            DecodeSliceError::OutputSliceTooSmall => Error::TooLarge { bytes: self.bytes_max(), bytes_max },
        })
    }

    /// Decodes piece by piece, through `chop`, and gives every complete frame to `each`. Says how many bytes there were.
    ///
    /// Needs 480 bytes of stack whatever the length. Gives [`Error::BadBase64`]; frames before the bad place have then
    /// been given out already.
    pub fn frames(&self, chop: &mut Chop, mut each: impl FnMut(Frame)) -> Result<usize, Error> {
        let mut piece = [0; PIECE_BYTES];
        let mut total = 0;
        let mut ended = false;
        for chars in self.0.as_bytes().chunks(PIECE_CHARS) {
            // Padding inside the text would decode here, piece by piece, but is no base64.
            if ended {
                return Err(Error::BadBase64);
            }
            let len = BASE64.decode_slice(chars, &mut piece).map_err(|_| Error::BadBase64)?;
            ended = len < PIECE_BYTES;
            total += len;
            chop.feed(&piece[..len], &mut each);
        }
        Ok(total)
    }
}

/// Says how long it is, not what was said in it.
impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} characters)", self.0.len())
    }
}

/// Appends the base64 of all frames, as if their bytes were one piece.
pub(super) fn write_base64(out: &mut Vec<u8>, frames: &[Frame]) {
    let bytes: usize = frames.iter().map(Frame::samples).sum();
    let start = out.len();
    out.resize(start + bytes.div_ceil(3) * 4, 0);
    let mut at = start;
    // Frames are gathered three at a time: 480 bytes are a multiple of 3, so only the last piece is padded.
    let mut piece = [0; PIECE_BYTES];
    let mut len = 0;
    let mut flush = |piece: &[u8]| {
        // The room was counted above; were it too small, the message would be short, never wrong in memory.
        at += BASE64.encode_slice(piece, &mut out[at..]).unwrap_or(0);
    };
    for mut rest in frames.iter().map(Frame::bytes) {
        while !rest.is_empty() {
            let taken = rest.len().min(PIECE_BYTES - len);
            piece[len..len + taken].copy_from_slice(&rest[..taken]);
            len += taken;
            rest = &rest[taken..];
            if len == PIECE_BYTES {
                flush(&piece);
                len = 0;
            }
        }
    }
    flush(&piece[..len]);
    out.truncate(at);
}

//! Cuts sound of any length into full frames and carries the remainder to the next piece.

use crate::audio::frame::{FRAME_SAMPLES, Frame, ULAW_ZERO};

/// The carrier of remainders: one per stream, fed with the bytes of each media message in order.
///
/// Bounded by its 160 bytes: it can be neither full nor late. Nothing is lost or reordered; what is held back is less
/// than one frame, until more arrives or [`Chop::flush`] takes it.
#[derive(Clone)]
pub struct Chop {
    held: [u8; FRAME_SAMPLES],
    /// 0..160: a full frame is given out at once.
    len: usize,
}

impl Chop {
    /// With no remainder.
    pub const fn new() -> Chop {
        Chop { held: [ULAW_ZERO; FRAME_SAMPLES], len: 0 }
    }

    /// Gives every frame that is now complete to `each`, in order.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        if self.len > 0 {
            let taken = bytes.len().min(FRAME_SAMPLES - self.len);
            self.hold(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.len == FRAME_SAMPLES {
                each(Frame::from_ulaw(&self.held));
                self.len = 0;
            }
        }
        let mut frames = bytes.chunks_exact(FRAME_SAMPLES);
        for frame in &mut frames {
            each(Frame::from_ulaw(frame));
        }
        self.hold(frames.remainder());
    }

    /// Takes the remainder, for the end of a stream or before a gap. `None` when there is none.
    pub fn flush(&mut self) -> Option<Frame> {
        let frame = Frame::from_ulaw(&self.held[..self.len]);
        self.len = 0;
        (!frame.is_empty()).then_some(frame)
    }

    /// How many samples are held back, 0 to 159: the next frame begins that much before the next message's timestamp.
    pub fn held_samples(&self) -> usize {
        self.len
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.held[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

impl Default for Chop {
    fn default() -> Chop {
        Chop::new()
    }
}

/// Says how much is held, not what.
impl std::fmt::Debug for Chop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chop({} samples held)", self.len)
    }
}

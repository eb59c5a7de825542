//! A frame: up to 20 ms of µ-law telephone sound, small enough to be copied through a ring.

use std::fmt;

/// Samples per second of everything that a carrier sends or plays. µ-law: one byte is one sample.
pub const SAMPLE_RATE: u32 = 8_000;

/// Samples of a full frame: 20 ms.
pub const FRAME_SAMPLES: usize = 160;

/// Length of a full frame in milliseconds.
pub const FRAME_MS: u32 = 20;

/// The µ-law code of a zero sample, which is what silence is made of.
pub const ULAW_ZERO: u8 = 0xFF;

/// Up to [`FRAME_SAMPLES`] µ-law bytes. Only the last frame of an utterance is short.
#[derive(Clone, Copy)]
pub struct Frame {
    bytes: [u8; FRAME_SAMPLES],
    /// 0..=160; the bytes after it are [`ULAW_ZERO`].
    len: u8,
}

// A ring slot of frame plus tag stays below three cache lines; see `ring.rs`.
const _: () = assert!(size_of::<Frame>() <= 164);

impl Frame {
    /// 20 ms of silence.
    pub const SILENCE: Frame = Frame { bytes: [ULAW_ZERO; FRAME_SAMPLES], len: FRAME_SAMPLES as u8 };

    /// A frame without a sample.
    pub const EMPTY: Frame = Frame { bytes: [ULAW_ZERO; FRAME_SAMPLES], len: 0 };

    /// A frame of all of these.
    pub const fn full(bytes: [u8; FRAME_SAMPLES]) -> Frame {
        Frame { bytes, len: FRAME_SAMPLES as u8 }
    }

    /// Copies at most [`FRAME_SAMPLES`] bytes.
    ///
    /// Cutting longer sound is [`crate::wire::chop::Chop`]'s work. More bytes than fit are a mistake of ours: a debug
    /// build asserts, a release build keeps the first 160.
    pub fn from_ulaw(bytes: &[u8]) -> Frame {
        debug_assert!(
            bytes.len() <= FRAME_SAMPLES,
            "a frame holds 160 bytes, got {}: cut with Chop first",
            bytes.len()
        );
        let len = bytes.len().min(FRAME_SAMPLES);
        let mut frame = Frame::EMPTY;
        frame.bytes[..len].copy_from_slice(&bytes[..len]);
        frame.len = len as u8;
        frame
    }

    /// The µ-law bytes, 0 to 160 of them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// How many samples it holds, 0 to 160.
    pub fn samples(&self) -> usize {
        usize::from(self.len)
    }

    /// True when it holds no sample.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// True when it holds the full 20 ms.
    pub fn is_full(&self) -> bool {
        self.samples() == FRAME_SAMPLES
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Frame) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Frame {}

/// Says how long it is, not what was said in it.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} samples)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_it_was_given_at_every_length() {
        let sound: Vec<u8> = (0..FRAME_SAMPLES as u8).collect();
        for len in 0..=FRAME_SAMPLES {
            let frame = Frame::from_ulaw(&sound[..len]);
            assert_eq!(frame.bytes(), &sound[..len]);
            assert_eq!(frame.samples(), len);
            assert_eq!(frame.is_empty(), len == 0);
            assert_eq!(frame.is_full(), len == FRAME_SAMPLES);
        }
    }

    #[test]
    #[should_panic(expected = "cut with Chop first")]
    #[cfg(debug_assertions)]
    fn asserts_that_it_is_never_overfilled() {
        let _ = Frame::from_ulaw(&[0; FRAME_SAMPLES + 1]);
    }

    #[test]
    fn equality_and_debug_see_the_held_bytes_only() {
        assert_eq!(Frame::from_ulaw(&[1, 2]), Frame::from_ulaw(&[1, 2]));
        assert_ne!(Frame::from_ulaw(&[1, 2]), Frame::from_ulaw(&[1, 2, ULAW_ZERO]));
        assert_eq!(format!("{:?}", Frame::SILENCE), "Frame(160 samples)");
    }
}

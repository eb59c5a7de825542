//! What listens in a seat: the detector, or in simulations the labels that stand in the sound.

use crate::audio::frame::{FRAME_SAMPLES, Frame};
use crate::audio::g711;
use crate::audio::level::BLOCK_SAMPLES;
use crate::audio::vad::{Block, Gates, Hearing};

/// How a simulation's callers are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ears {
    /// As everybody: by their sound.
    #[default]
    Detector,
    /// By labels, at a tenth of the price: a block whose first sample is zero is silence, any other is a voice.
    Labels,
}

/// The ear of one seat.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one per seat, made at the start, and small only in simulations")]
pub(super) enum Ear {
    Detector(Hearing),
    Labels,
}

/// A labelled block of speech, and of silence.
const SPEECH: Block = Block { level_dbfs: -15.0, floor_dbfs: -65.0, active: true, voiced: true };
const SILENCE: Block = Block { level_dbfs: -65.0, floor_dbfs: -65.0, active: false, voiced: false };

impl Ear {
    pub(super) fn new(ears: Ears) -> Self {
        match ears {
            Ears::Detector => Self::Detector(Hearing::new(Gates::default())),
            Ears::Labels => Self::Labels,
        }
    }

    /// Forgets the call, without allocating.
    pub(super) fn reset(&mut self) {
        if let Self::Detector(hearing) = self {
            hearing.reset();
        }
    }

    /// Gives `each` the verdict on every whole block of a frame.
    pub(super) fn hear(&mut self, frame: &Frame, mut each: impl FnMut(&Block)) {
        match self {
            Self::Detector(hearing) => {
                let mut pcm = [0; FRAME_SAMPLES];
                let samples = g711::decode_ulaw_into(frame.bytes(), &mut pcm);
                pcm[..samples].as_chunks::<BLOCK_SAMPLES>().0.iter().for_each(|block| each(&hearing.hear(block)));
            }
            Self::Labels => {
                let is_zero = |block: &[u8; BLOCK_SAMPLES]| block[0] & 0x7F == 0x7F;
                let blocks = frame.bytes().as_chunks::<BLOCK_SAMPLES>().0.iter();
                blocks.for_each(|block| each(if is_zero(block) { &SILENCE } else { &SPEECH }));
            }
        }
    }
}

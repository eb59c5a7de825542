//! Hears: base64 to µ-law to samples to webrtc-vad, and counts frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use webrtc_vad::{SampleRate, Vad, VadMode};

use crate::greeting::SAMPLES;

/// Bytes of µ-law in 20 ms.
pub(crate) const FRAME_BYTES: usize = 160;

/// The caller's sound, as far as it is not yet judged, and the verdict on what was.
pub(crate) struct Ears {
    vad: Vad,
    /// µ-law; less than a frame once all have been taken.
    held: Vec<u8>,
    /// Frames with voice in a row, up to now.
    pub(crate) voiced_frames: u32,
    /// Frames without voice in a row, up to now.
    pub(crate) quiet_frames: u32,
}

impl Ears {
    pub(crate) fn new() -> Self {
        let vad = Vad::new_with_rate_and_mode(SampleRate::Rate8kHz, VadMode::VeryAggressive);
        Self { vad, held: Vec::new(), voiced_frames: 0, quiet_frames: 0 }
    }

    /// Takes the payload of a media message. One that is no base64 is passed over.
    pub(crate) fn take(&mut self, payload: &str) {
        let held = self.held.len();
        if STANDARD.decode_vec(payload, &mut self.held).is_err() {
            self.held.truncate(held);
        }
    }

    /// The next whole frame, whatever the size of the messages in which it came.
    pub(crate) fn next_frame(&mut self) -> Option<[i16; FRAME_BYTES]> {
        let mulaw: &[u8; FRAME_BYTES] = self.held.first_chunk()?;
        let pcm = mulaw.map(|byte| SAMPLES[usize::from(byte)]);
        self.held.drain(..FRAME_BYTES);
        Some(pcm)
    }

    /// Judges a frame.
    pub(crate) fn judge(&mut self, pcm: &[i16; FRAME_BYTES]) {
        // It refuses only lengths other than 10, 20 and 30 ms.
        if self.vad.is_voice_segment(pcm) == Ok(true) {
            self.voiced_frames += 1;
            self.quiet_frames = 0;
        } else {
            self.voiced_frames = 0;
            self.quiet_frames += 1;
        }
    }
}

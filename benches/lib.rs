//! What the benchmarks share: sound of a real caller, and silence, as it comes over a telephone line.
//!
//! A file per step of the media flow, in its order: `parse`, `hear`, `turn`, `leg`, `write`; `resample` for agents that
//! speak PCM; `call` is all of it. Each checks its result before it is timed.
//!
//! ```sh
//! cargo bench -p offhook-benches            times them; --bench hear: one
//! cargo test -p offhook-benches --benches   runs each once, as the tests do
//! ```

use engine::audio::frame::{FRAME_SAMPLES, Frame};
use engine::audio::g711;

/// A woman who asks for a moment: 1.4 s, spoken throughout.
const VOICE: &[u8] = include_bytes!("../loadtest/clips/en-one-moment-please.wav");

/// The voice in frames of 20 ms.
///
/// # Panics
/// Where the clip is not what it was: 16 bits, mono, 8 kHz.
pub fn voice() -> Vec<Frame> {
    let mut clip = hound::WavReader::new(VOICE).expect("a WAV");
    let spec = clip.spec();
    assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (8_000, 1, 16));
    let pcm: Vec<i16> = clip.samples().collect::<Result<_, _>>().expect("whole samples");
    let mut codes = vec![0; pcm.len()];
    g711::encode_ulaw_into(&pcm, &mut codes);
    codes.as_chunks::<FRAME_SAMPLES>().0.iter().copied().map(Frame::full).collect()
}

/// A second of a quiet line: noise of two or three steps.
pub fn quiet() -> Vec<Frame> {
    let mut state = 1_u32;
    let mut code = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0xFF - (state >> 30) as u8
    };
    (0..50).map(|_| Frame::full(std::array::from_fn(|_| code()))).collect()
}

//! Resampling for agents: telephone sound at 8 kHz up to the rate at which an agent hears, and back.
//!
//! ```text
//! caller ─► 160 samples ─► Upsampler ─► 320, 480 or 960 ─► agent ─► as many ─► Downsampler ─► 160 ─► carrier
//!              20 ms          +10 ms                                             +10 ms
//! ```
//! A frame of 20 ms in, a frame of 20 ms out, each time; sound comes out [`DELAY`] later than it went in. The filter is
//! one FFT over the frame. Measured by `tests/audio_resample.rs`: 300 to 3,400 Hz within 0.001 dB; nothing above 4 kHz
//! comes back as a lower tone (104 dB down), no image above the band (98 dB down); there and back, 95 dB of signal to
//! noise.
//!
//! All memory is taken in `new`: a frame allocates nothing, which `tests/resample_no_alloc.rs` counts. Cost, measured:
//! about 2 µs per frame.

use std::fmt;
use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use super::frame::{FRAME_SAMPLES, SAMPLE_RATE};

/// How much later sound comes out than it went in, either way and at every rate: half of the filter's block of 20 ms.
pub const DELAY: Duration = Duration::from_millis(10);

/// Full scale of 16 bits.
const FULL_SCALE: f32 = 32_768.0;

/// The rate at which an agent hears and speaks, where that is not the telephone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rate {
    /// What recognisers ask for.
    Hz16000,
    /// What speech-to-speech models ask for.
    Hz24000,
    /// What sound cards and WebRTC have.
    Hz48000,
}

/// Samples of 20 ms at the highest rate.
pub const AGENT_FRAME_SAMPLES_MAX: usize = Rate::Hz48000.frame_samples();

impl Rate {
    /// All of them.
    pub const ALL: [Rate; 3] = [Rate::Hz16000, Rate::Hz24000, Rate::Hz48000];

    /// The rate of so many samples per second, where it is one of these. 8,000 is not: it needs no resampling.
    pub fn from_hz(hz: u32) -> Option<Rate> {
        Rate::ALL.into_iter().find(|rate| rate.hz() == hz)
    }

    /// Samples per second.
    pub const fn hz(self) -> u32 {
        match self {
            Rate::Hz16000 => 16_000,
            Rate::Hz24000 => 24_000,
            Rate::Hz48000 => 48_000,
        }
    }

    /// Samples of a frame of 20 ms: 320, 480 or 960.
    pub const fn frame_samples(self) -> usize {
        FRAME_SAMPLES * (self.hz() / SAMPLE_RATE) as usize
    }
}

/// From the telephone's 8 kHz to an agent's rate.
pub struct Upsampler {
    rate: Rate,
    engine: Stretch,
}

impl Upsampler {
    /// Takes all memory that it will ever need (about 30 KB at 48 kHz).
    pub fn new(rate: Rate) -> Upsampler {
        Upsampler { rate, engine: Stretch::new(SAMPLE_RATE, rate.hz(), FRAME_SAMPLES) }
    }

    /// Turns 20 ms into 20 ms at the agent's rate, written to the start of `out`; gives how many samples that are.
    ///
    /// # Panics
    /// If `out` holds fewer than [`Rate::frame_samples`].
    pub fn frame(&mut self, pcm: &[i16; FRAME_SAMPLES], out: &mut [i16]) -> usize {
        let samples = self.rate.frame_samples();
        assert!(out.len() >= samples, "20 ms at {} Hz are {samples} samples, room for {}", self.rate.hz(), out.len());
        self.engine.frame(pcm, &mut out[..samples]);
        samples
    }

    /// How much later sound comes out than it went in: [`DELAY`].
    pub fn delay(&self) -> Duration {
        DELAY
    }

    /// Forgets what it heard, without allocating.
    pub fn reset(&mut self) {
        self.engine.reset();
    }
}

/// From an agent's rate to the telephone's 8 kHz.
pub struct Downsampler {
    rate: Rate,
    engine: Stretch,
}

impl Downsampler {
    /// Takes all memory that it will ever need (about 30 KB at 48 kHz).
    pub fn new(rate: Rate) -> Downsampler {
        Downsampler { rate, engine: Stretch::new(rate.hz(), SAMPLE_RATE, rate.frame_samples()) }
    }

    /// Turns 20 ms of the agent's sound into 20 ms at 8 kHz; gives how many samples that are, always 160.
    ///
    /// Fewer samples than 20 ms are followed by silence: the last of an utterance. The sound that the filter still
    /// holds then comes out with the next frame; feed an empty one to have it.
    ///
    /// # Panics
    /// If `pcm` holds more than [`Rate::frame_samples`].
    pub fn frame(&mut self, pcm: &[i16], out: &mut [i16; FRAME_SAMPLES]) -> usize {
        let samples = self.rate.frame_samples();
        assert!(pcm.len() <= samples, "20 ms at {} Hz are {samples} samples, not {}", self.rate.hz(), pcm.len());
        self.engine.frame(pcm, out);
        FRAME_SAMPLES
    }

    /// How much later sound comes out than it went in: [`DELAY`].
    pub fn delay(&self) -> Duration {
        DELAY
    }

    /// Forgets what it heard, without allocating.
    pub fn reset(&mut self) {
        self.engine.reset();
    }
}

impl fmt::Debug for Upsampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upsampler").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl fmt::Debug for Downsampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Downsampler").field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// One direction: a block of 20 ms at one rate to a block of 20 ms at the other.
struct Stretch {
    filter: Fft<f32>,
    input: Box<[f32]>,
    output: Box<[f32]>,
}

impl Stretch {
    fn new(from_hz: u32, to_hz: u32, frame_samples: usize) -> Stretch {
        let filter = Fft::new(from_hz as usize, to_hz as usize, frame_samples, 1, FixedSync::Both)
            .expect("rates and sizes are constants that the library takes");
        let (takes, gives) = (filter.input_frames_max(), filter.output_frames_max());
        debug_assert_eq!(takes, frame_samples);
        Stretch { filter, input: vec![0.0; takes].into(), output: vec![0.0; gives].into() }
    }

    fn frame(&mut self, pcm: &[i16], out: &mut [i16]) {
        let (sound, rest) = self.input.split_at_mut(pcm.len());
        sound.iter_mut().zip(pcm).for_each(|(to, &from)| *to = f32::from(from) / FULL_SCALE);
        rest.fill(0.0);
        self.filter();
        // What overshoots is clipped by the conversion, which saturates.
        out.iter_mut().zip(&self.output).for_each(|(to, from)| *to = (from * FULL_SCALE).round() as i16);
    }

    fn filter(&mut self) {
        let (takes, gives) = (self.input.len(), self.output.len());
        let input = InterleavedSlice::new(&self.input, 1, takes).expect("one channel of its own length");
        let mut output = InterleavedSlice::new_mut(&mut self.output, 1, gives).expect("one channel of its own length");
        self.filter.process_into_buffer(&input, &mut output, None).expect("buffers are as long as it asked for");
    }

    fn reset(&mut self) {
        self.filter.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_20_ms_at_every_rate() {
        assert_eq!(Rate::ALL.map(Rate::frame_samples), [320, 480, 960]);
        assert_eq!(Rate::from_hz(24_000), Some(Rate::Hz24000));
        assert_eq!((Rate::from_hz(8_000), Rate::from_hz(44_100)), (None, None));
        for rate in Rate::ALL {
            let mut out = [0; AGENT_FRAME_SAMPLES_MAX];
            assert_eq!(Upsampler::new(rate).frame(&[0; FRAME_SAMPLES], &mut out), rate.frame_samples());
            assert_eq!(Downsampler::new(rate).frame(&out[..rate.frame_samples()], &mut [0; FRAME_SAMPLES]), 160);
        }
    }

    #[test]
    #[should_panic(expected = "room for 319")]
    fn asserts_that_there_is_room() {
        Upsampler::new(Rate::Hz16000).frame(&[0; FRAME_SAMPLES], &mut [0; 319]);
    }
}

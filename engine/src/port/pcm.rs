//! Sound as a model wants it: 16-bit PCM at its rate, both ways, in the agent's own task.
//!
//! ```text
//! caller ─► frame ─► hear ─► 20 ms of PCM             agent ─► PCM of any length ─► say, finish ─► µ-law
//!                     +10 ms                                              ±0 ms, sample for sample
//! ```
//! The filters are 10 ms late. What is heard stays so, as sound that goes on must. Of an utterance the first 10 ms that come
//! out are what was before it, silence, and are dropped; its end is fetched by silence behind it. So an utterance is as
//! long at 8 kHz as it was, and what was heard of it, in samples at 8 kHz, times the ratio of the rates, is where the
//! agent's own sound was cut.

use std::fmt;

use crate::audio::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE};
use crate::audio::g711;
use crate::audio::resample::{DELAY, Downsampler, Rate, Upsampler};

/// Samples at 8 kHz by which the filter is late.
const LATE: usize = (DELAY.as_millis() as usize) * SAMPLE_RATE as usize / 1_000;

/// An agent's ear and mouth at a rate. All memory but the sound that it gives is taken at the start: about 70 KB.
pub(super) struct Pcm {
    rate: Rate,
    up: Upsampler,
    down: Downsampler,
    heard: Vec<i16>,
    /// Said, and less than 20 ms.
    unsaid: Vec<i16>,
    /// Samples of the agent's in this utterance so far.
    taken: usize,
    /// Samples at 8 kHz that the filter gave for it, those dropped included.
    given: usize,
}

impl Pcm {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            up: Upsampler::new(rate),
            down: Downsampler::new(rate),
            heard: vec![0; rate.frame_samples()],
            unsaid: Vec::with_capacity(rate.frame_samples()),
            taken: 0,
            given: 0,
        }
    }

    /// 20 ms of the caller; a shorter frame is followed by silence.
    pub(super) fn hear(&mut self, frame: &Frame) -> &[i16] {
        let mut pcm = [0; FRAME_SAMPLES];
        g711::decode_ulaw_into(frame.bytes(), &mut pcm);
        let samples = self.up.frame(&pcm, &mut self.heard);
        &self.heard[..samples]
    }

    /// More of the utterance; gives as much of it as has become whole frames, as µ-law.
    pub(super) fn say(&mut self, mut pcm: &[i16]) -> Vec<u8> {
        self.taken += pcm.len();
        let frame_samples = self.rate.frame_samples();
        let mut ulaw = Vec::with_capacity((self.unsaid.len() + pcm.len()) / frame_samples * FRAME_SAMPLES);
        while self.unsaid.len() + pcm.len() >= frame_samples {
            let (now, rest) = pcm.split_at(frame_samples - self.unsaid.len());
            self.unsaid.extend_from_slice(now);
            self.give(&mut ulaw);
            pcm = rest;
        }
        self.unsaid.extend_from_slice(pcm);
        ulaw
    }

    /// The utterance is complete: its end.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let ratio = (self.rate.hz() / SAMPLE_RATE) as usize;
        let whole = LATE + self.taken.div_ceil(ratio);
        let mut ulaw = Vec::new();
        while self.taken > 0 && self.given < whole {
            self.give(&mut ulaw);
        }
        ulaw.truncate(ulaw.len().saturating_sub(self.given.saturating_sub(whole)));
        self.cut();
        ulaw
    }

    /// Nothing of the utterance will be said any more.
    pub(super) fn cut(&mut self) {
        self.unsaid.clear();
        self.down.reset();
        (self.taken, self.given) = (0, 0);
    }

    /// Puts what is unsaid, at most 20 ms, through the filter; silence where nothing is.
    fn give(&mut self, ulaw: &mut Vec<u8>) {
        let mut telephone = [0; FRAME_SAMPLES];
        self.down.frame(&self.unsaid, &mut telephone);
        self.unsaid.clear();
        let late = LATE.saturating_sub(self.given).min(FRAME_SAMPLES);
        self.given += FRAME_SAMPLES;
        ulaw.extend(telephone[late..].iter().map(|&sample| g711::encode_ulaw(sample)));
    }
}

impl fmt::Debug for Pcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pcm").field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    fn tone(hz: f32, rate: u32, samples: usize) -> Vec<i16> {
        (0..samples).map(|n| ((TAU * hz * n as f32 / rate as f32).sin() * 8_000.0) as i16).collect()
    }

    fn decoded(ulaw: &[u8]) -> Vec<i16> {
        ulaw.iter().map(|&byte| g711::decode_ulaw(byte)).collect()
    }

    /// Signal over what differs from it, in dB.
    fn snr_db(signal: &[i16], got: &[i16]) -> f32 {
        let energy = |sum: f32, difference: f32| sum + difference * difference;
        let noise = signal.iter().zip(got).map(|(&a, &b)| f32::from(a) - f32::from(b)).fold(1.0, energy);
        10.0 * (signal.iter().map(|&a| f32::from(a)).fold(0.0, energy) / noise).log10()
    }

    #[test]
    fn an_utterance_in_pieces_of_any_length_comes_out_in_its_place_and_as_long_as_it_was() {
        for rate in Rate::ALL {
            let ratio = (rate.hz() / SAMPLE_RATE) as usize;
            for telephone_samples in [1, 79, 80, 81, 160, 161, 3_999, 8_000] {
                let said = tone(1_000.0, rate.hz(), telephone_samples * ratio);
                let mut pcm = Pcm::new(rate);
                for round in 0..2 {
                    let mut ulaw = Vec::new();
                    for piece in said.chunks(977) {
                        ulaw.extend(pcm.say(piece));
                    }
                    ulaw.extend(pcm.finish());
                    assert_eq!(ulaw.len(), telephone_samples, "{rate:?}, round {round}");
                    if telephone_samples > 1_000 {
                        // Away from the edges, where a tone that begins from nothing is no tone.
                        let expected = tone(1_000.0, SAMPLE_RATE, telephone_samples);
                        let middle = 400..telephone_samples - 400;
                        let snr = snr_db(&expected[middle.clone()], &decoded(&ulaw)[middle]);
                        // µ-law alone leaves 38 dB.
                        assert!(snr > 35.0, "{rate:?}: {snr} dB");
                    }
                }
            }
        }
    }

    #[test]
    fn a_cut_utterance_leaves_nothing_in_the_next() {
        let mut pcm = Pcm::new(Rate::Hz24000);
        let _ = pcm.say(&[20_000; 700]);
        pcm.cut();
        let mut next = pcm.say(&[0; 960]);
        next.extend(pcm.finish());
        assert_eq!(next.len(), 320);
        assert!(decoded(&next).iter().all(|&sample| sample == 0));
        assert!(pcm.finish().is_empty(), "an utterance of nothing");
    }

    #[test]
    fn the_caller_is_heard_ten_milliseconds_late() {
        for rate in Rate::ALL {
            let mut pcm = Pcm::new(rate);
            let said = tone(440.0, SAMPLE_RATE, 8_000);
            let mut heard = Vec::new();
            for frame in said.chunks(FRAME_SAMPLES) {
                let ulaw: Vec<u8> = frame.iter().map(|&sample| g711::encode_ulaw(sample)).collect();
                heard.extend(pcm.hear(&Frame::from_ulaw(&ulaw)));
            }
            let late = rate.hz() as usize / 100;
            let expected = tone(440.0, rate.hz(), heard.len());
            let snr = snr_db(&expected[2_000..heard.len() - late], &heard[2_000 + late..]);
            assert!(snr > 35.0, "{rate:?}: {snr} dB");
        }
    }
}

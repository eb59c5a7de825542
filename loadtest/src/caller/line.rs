//! The caller's end of the line: puts clips and noise into frames of 20 ms, sample by sample on the call's time axis.

use std::sync::Arc;

use super::clips::Clip;
use super::echo::{Echo, EchoPlan};
use super::noise::{Disturbance, Noise};
use crate::audio::{FRAME_SAMPLES, mulaw};
use crate::time::{Micros, SAMPLE_US};

/// A clip being said, placed on the time axis.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// The recording.
    pub clip: Arc<Clip>,
    /// When its first sample is spoken.
    pub begins: Micros,
}

impl Utterance {
    /// When the first labelled sample of speech is spoken.
    #[must_use]
    pub fn onset(&self) -> Micros {
        self.begins + self.clip.onset
    }

    /// When the last labelled sample of speech has been spoken.
    #[must_use]
    pub fn offset(&self) -> Micros {
        self.begins + self.clip.offset
    }

    /// When the recording is over.
    #[must_use]
    pub fn ends(&self) -> Micros {
        self.begins + self.clip.length()
    }
}

/// The line of one caller.
#[derive(Debug)]
pub struct Line {
    noise: Noise,
    echo: Option<Echo>,
    utterance: Option<Utterance>,
}

impl Line {
    /// A line with nothing but this noise on it.
    #[must_use]
    pub const fn new(noise: Noise) -> Self {
        Self { noise, echo: None, utterance: None }
    }

    /// The same line, with what is heard coming back.
    #[must_use]
    pub fn with_echo(self, plan: Option<EchoPlan>) -> Self {
        Self { echo: plan.map(Echo::new), ..self }
    }

    /// The caller heard `mulaw` from `at` on.
    pub fn heard(&mut self, at: Micros, mulaw: &[u8]) {
        if let Some(echo) = &mut self.echo {
            echo.heard(at, mulaw);
        }
    }

    /// Begins to say `clip` at `begins`, on the next whole sample; what was being said stops there.
    pub fn say(&mut self, clip: Arc<Clip>, begins: Micros) -> Utterance {
        let begins = Micros(begins.0.div_ceil(SAMPLE_US) * SAMPLE_US);
        let utterance = Utterance { clip, begins };
        self.utterance = Some(utterance.clone());
        utterance
    }

    /// The frame whose first sample is spoken at `start`, in µ-law, and what disturbance begins in it.
    pub fn frame(&mut self, start: Micros) -> ([u8; FRAME_SAMPLES], Option<Disturbance>) {
        let said = self.utterance.as_ref().filter(|said| start < said.ends());
        let said = said.filter(|said| start + Micros::from_samples(FRAME_SAMPLES as u64) > said.begins);
        let began = self.noise.begin(FRAME_SAMPLES);
        if said.is_none()
            && self.echo.is_none()
            && let Some(frame) = self.noise.alone()
        {
            return (frame, began);
        }
        let mut mix = [0.0_f64; FRAME_SAMPLES];
        self.noise.add(&mut mix);
        if let Some(echo) = &self.echo {
            echo.add(start, &mut mix);
        }
        if let Some(said) = said {
            // A clip begins on a whole sample of its own, wherever in the frame that is.
            let first = said.begins.since(start).0.div_ceil(SAMPLE_US);
            let index = (start + Micros::from_samples(first)).since(said.begins).samples();
            let [first, index] = [first, index].map(|samples| usize::try_from(samples).unwrap_or(usize::MAX));
            let clip = said.clip.samples.get(index..).unwrap_or_default();
            let mix = mix.get_mut(first..).unwrap_or_default();
            mix.iter_mut().zip(clip).for_each(|(sample, &said)| *sample += f64::from(said));
        }
        (mix.map(|mixed| mulaw::encode(to_i16(mixed))), began)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast stops at the ends of the range")]
fn to_i16(sample: f64) -> i16 {
    // Half away from zero, as `round` does, which is a call where the processor is not known to have it.
    (sample + 0.5_f64.copysign(sample)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::noise::NoisePlan;
    use crate::rng::Rng;

    fn of_code(code: u8) -> i16 {
        mulaw::decode(code)
    }

    #[test]
    fn a_clip_lands_on_exactly_its_sample_across_frames() {
        let plan = NoisePlan { comfort_dbfs: -200.0, ..NoisePlan::default() };
        let mut line = Line::new(Noise::new(plan, Rng::new(1)));
        let clip = Clip {
            name: String::new(),
            text: String::new(),
            // Samples that µ-law can write.
            samples: (1..=200).map(of_code).collect(),
            onset: Micros::from_samples(10),
            offset: Micros::from_samples(190),
        };
        let said = line.say(Arc::new(clip), Micros(125 * 150 - 60));
        assert_eq!((said.begins, said.onset()), (Micros(125 * 150), Micros(125 * 160)));
        let (first, _) = line.frame(Micros::ZERO);
        let (second, _) = line.frame(Micros(20_000));
        let (third, _) = line.frame(Micros(40_000));
        let [first, second, third] = [first, second, third].map(|frame| frame.map(mulaw::decode));
        assert_eq!((first[149], first[150], first[159]), (0, of_code(1), of_code(10)));
        assert_eq!((second[0], second[159]), (of_code(11), of_code(170)));
        assert_eq!((third[0], third[29], third[30]), (of_code(171), of_code(200), 0));
    }
}

//! What callers say, ready to be sent: every clip and some noise as frames of base64, made once, shared by all calls.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::audio::FRAME_SAMPLES;
use crate::caller::clips::{self, BadClip};
use crate::caller::line::Line;
use crate::caller::noise::{Noise, NoisePlan};
use crate::rng::Rng;
use crate::time::Micros;
use crate::twilio::stream::FRAME;

/// One frame of 160 bytes of µ-law in base64.
pub type Payload = [u8; 216];

/// Positions within a frame at which a clip can begin, evenly spread: 2.5 ms apart.
pub const PHASES: usize = 8;
/// Frames of comfort noise before it repeats: 5 s. Each caller begins somewhere else in it.
const NOISE_FRAMES: usize = 250;

/// A clip at one position within a frame.
#[derive(Debug)]
pub struct Take {
    /// From the start of its first frame to the first labelled sample of speech.
    pub onset: Micros,
    /// From the start of its first frame to behind the last labelled sample of speech.
    pub offset: Micros,
    /// Its frames, noise included.
    pub frames: Vec<Payload>,
}

/// A clip in all its positions.
#[derive(Debug)]
pub struct Voice {
    /// Such as `en/im-sorry`.
    pub name: String,
    /// One for each of [`PHASES`].
    pub takes: Vec<Take>,
}

/// All that the fleet can say.
#[derive(Debug)]
pub struct Voices {
    /// The line when nobody speaks.
    pub noise: Vec<Payload>,
    /// The clips.
    pub clips: Vec<Voice>,
}

impl Voices {
    /// The named clips (built-in, or WAV files), all built-in ones if `names` is empty.
    ///
    /// # Errors
    /// [`BadClip`] says what to mend.
    pub fn load(names: &[String], seed: u64) -> Result<Self, BadClip> {
        let built_in = clips::names();
        let names = if names.is_empty() { &built_in } else { names };
        let mut rng = Rng::new(seed);
        let mut quiet = Line::new(Noise::new(NoisePlan::default(), Rng::new(rng.next_u64())));
        let noise = (0..NOISE_FRAMES).map(|_| payload(&mut quiet, Micros::ZERO)).collect();
        let clips = names.iter().map(|name| voice(name, &mut rng)).collect::<Result<_, _>>()?;
        Ok(Self { noise, clips })
    }
}

fn voice(name: &str, rng: &mut Rng) -> Result<Voice, BadClip> {
    let clip = clips::load(name, Path::new("."))?;
    let step = FRAME_SAMPLES / PHASES;
    let takes = (0..PHASES).map(|phase| {
        let begins = Micros::from_samples((phase * step) as u64);
        let mut line = Line::new(Noise::new(NoisePlan::default(), Rng::new(rng.next_u64())));
        let said = line.say(clip.clone(), begins);
        let frames = said.ends().0.div_ceil(FRAME.0);
        let frames = (0..frames).map(|index| payload(&mut line, Micros(index * FRAME.0))).collect();
        Take { onset: said.onset(), offset: said.offset(), frames }
    });
    Ok(Voice { name: name.to_owned(), takes: takes.collect() })
}

fn payload(line: &mut Line, start: Micros) -> Payload {
    let (sound, _) = line.frame(start);
    let mut text = [0; size_of::<Payload>()];
    // 160 bytes are exactly 216 characters, so the slice always has the right size.
    let written = STANDARD.encode_slice(sound, &mut text);
    debug_assert_eq!(written, Ok(text.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::{dbfs, rms};
    use crate::audio::mulaw;

    fn linear(payloads: &[Payload]) -> Vec<i16> {
        payloads.iter().flat_map(|p| STANDARD.decode(p).unwrap()).map(mulaw::decode).collect()
    }

    #[test]
    fn each_take_begins_to_speak_at_its_onset_and_not_before() {
        let voices = Voices::load(&["en/im-sorry".into()], 1).unwrap();
        let takes = &voices.clips[0].takes;
        assert_eq!(takes.len(), PHASES);
        for (phase, take) in (0..).zip(takes) {
            assert_eq!(take.onset, Micros::from_ms(75) + Micros(2_500 * phase));
            let sound = linear(&take.frames);
            let onset = usize::try_from(take.onset.samples()).unwrap();
            assert!(dbfs(rms(&sound[..onset - 40])) < -50.0);
            assert!(dbfs(rms(&sound[onset..onset + 160])) > -45.0);
            assert!(take.offset <= Micros::from_samples(sound.len() as u64));
        }
    }

    #[test]
    fn noise_is_there_and_quiet() {
        let voices = Voices::load(&["en/im-sorry".into()], 1).unwrap();
        let level = dbfs(rms(&linear(&voices.noise)));
        assert!((-70.0..-60.0).contains(&level), "{level}");
        assert!(Voices::load(&["nobody".into()], 1).is_err());
    }
}

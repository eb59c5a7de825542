//! What Twilio does not notice about a payload, but a listener does: other formats than raw µ-law, and tiny messages.
//!
//! Twilio plays whatever bytes it gets. A file header is a crackle; linear samples played as µ-law are loud noise.

use std::fmt;

use serde::Serialize;

/// Shorter than this is tiny: half a frame, which costs as much as a whole one.
const TINY_BYTES: usize = 80;
/// So many bytes are enough to tell one format from another.
const ENOUGH_BYTES: u64 = 4_000;
/// The distributions of even and odd bytes of µ-law differ by less, those of 16-bit samples by more.
const TWO_KINDS_OF_BYTES: f64 = 0.35;
/// So large a share of a voice's high bytes begins with four equal bits.
const SMALL: f64 = 0.6;
/// So large a share of low bytes at least begins with any given four bits.
const RARE: f64 = 0.003;
/// So large a share of zero bytes is no µ-law, whose zero is its loudest value.
const MANY_ZEROS: f64 = 0.5;

/// A format that is no raw µ-law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Foreign {
    /// `RIFF`: a WAV file with its header.
    Wav,
    /// `ID3` or a frame header of MPEG audio.
    Mp3,
    /// `OggS`: Opus or Vorbis.
    Ogg,
    /// `.snd` or `FORM`: an AU or AIFF file.
    Au,
    /// Every other byte is of another kind, as in samples of 16 bits; or nearly all are zero, which is silence there.
    Linear16,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wav => "a payload begins with RIFF, a WAV header: it plays as a crackle",
            Self::Mp3 => "a payload begins with ID3, an MP3 file: it plays as noise",
            Self::Ogg => "a payload begins with OggS, an Ogg file: it plays as noise",
            Self::Au => "a payload begins with the header of an AU or AIFF file: it plays as a crackle",
            Self::Linear16 => "every other byte looks like the high half of a 16-bit sample: it plays as noise",
        })
    }
}

/// What the payloads of a stream looked like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payloads {
    messages: u64,
    tiny: u64,
    bytes: u64,
    zeros: u64,
    header: Option<Foreign>,
    /// Bytes by their four highest bits, on even and on odd places.
    even: [u64; 16],
    odd: [u64; 16],
}

impl Payloads {
    /// Looks at one payload.
    pub fn look(&mut self, payload: &[u8]) {
        self.messages += 1;
        self.tiny += u64::from(payload.len() < TINY_BYTES);
        self.bytes += payload.len() as u64;
        self.zeros += payload.iter().filter(|&&byte| byte == 0).count() as u64;
        self.header = self.header.or_else(|| header(payload));
        for pair in payload.chunks_exact(2) {
            self.even[usize::from(pair[0] >> 4)] += 1;
            self.odd[usize::from(pair[1] >> 4)] += 1;
        }
    }

    /// The format that it is instead of µ-law, as far as bytes can tell.
    #[must_use]
    pub fn foreign(&self) -> Option<Foreign> {
        let enough = self.bytes >= ENOUGH_BYTES;
        let linear = enough && (self.is_of_two_kinds() || share(self.zeros, self.bytes) > MANY_ZEROS);
        self.header.or_else(|| linear.then_some(Foreign::Linear16))
    }

    /// Messages seen, and those of them that are tiny.
    #[must_use]
    pub const fn tiny(&self) -> (u64, u64) {
        (self.messages, self.tiny)
    }

    /// Bytes seen.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// High bytes of samples are small numbers of either sign; the low bytes beside them are anything. A tone in µ-law
    /// can differ from place to place as well, but not in that way.
    fn is_of_two_kinds(&self) -> bool {
        let pairs: u64 = self.even.iter().sum();
        let small = |places: &[u64; 16]| share(places[0] + places[15], pairs) > SMALL;
        let anything = |places: &[u64; 16]| places.iter().all(|&count| share(count, pairs) > RARE);
        self.difference() > TWO_KINDS_OF_BYTES
            && ((small(&self.odd) && anything(&self.even)) || (small(&self.even) && anything(&self.odd)))
    }

    /// How far the two distributions are apart, 0 to 1.
    fn difference(&self) -> f64 {
        let pairs: u64 = self.even.iter().sum();
        let apart = |(&even, &odd): (&u64, &u64)| even.abs_diff(odd);
        share(self.even.iter().zip(&self.odd).map(apart).sum(), 2 * pairs)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn header(payload: &[u8]) -> Option<Foreign> {
    match payload.get(..4)? {
        b"RIFF" => Some(Foreign::Wav),
        b"OggS" => Some(Foreign::Ogg),
        b".snd" | b"FORM" => Some(Foreign::Au),
        [b'I', b'D', b'3', _] => Some(Foreign::Mp3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audio::mulaw;
    use crate::caller::clips;

    fn looked_at(sound: &[u8], message: usize) -> Payloads {
        let mut payloads = Payloads::default();
        sound.chunks(message).for_each(|chunk| payloads.look(chunk));
        payloads
    }

    #[test]
    fn every_voice_is_told_from_the_same_voice_in_16_bits() {
        for name in clips::names() {
            let clip = clips::load(&name, Path::new(".")).unwrap();
            let mulaw: Vec<u8> = clip.samples.iter().map(|&s| mulaw::encode(s)).collect();
            let linear: Vec<u8> = clip.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
            let quiet: Vec<u8> = clip.samples.iter().flat_map(|s| (s / 8).to_le_bytes()).collect();
            assert_eq!(looked_at(&mulaw, 160).foreign(), None, "{name}");
            for pcm in [linear, quiet] {
                let payloads = looked_at(&pcm, 320);
                assert_eq!(payloads.foreign(), Some(Foreign::Linear16), "{name}: {}", payloads.difference());
            }
        }
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "below 32,768")]
    fn tones_are_no_linear_samples() {
        for hertz in [250.0, 500.0, 1_000.0, 2_000.0, 697.0] {
            let sample = |n: u32| 8_000.0 * (f64::from(n) * std::f64::consts::TAU * hertz / 8_000.0).sin();
            let tone: Vec<u8> = (0..8_000).map(|n| mulaw::encode(sample(n) as i16)).collect();
            assert_eq!(looked_at(&tone, 160).foreign(), None, "{hertz} Hz");
        }
    }

    #[test]
    fn silence_of_both_kinds_and_too_little_to_tell() {
        assert_eq!(looked_at(&[mulaw::SILENCE; 8_000], 160).foreign(), None);
        assert_eq!(looked_at(&[0; 8_000], 160).foreign(), Some(Foreign::Linear16));
        assert_eq!(looked_at(&[0; 320], 160).foreign(), None, "40 ms tell nothing");
    }

    #[test]
    fn headers_are_known_and_tiny_messages_counted() {
        for (bytes, foreign) in [
            (&b"RIFF\x24\0\0\0WAVE"[..], Foreign::Wav),
            (b"ID3\x04\0\0", Foreign::Mp3),
            (b"OggS\0\x02", Foreign::Ogg),
            (b".snd\0\0", Foreign::Au),
        ] {
            assert_eq!(looked_at(bytes, 4_000).foreign(), Some(foreign));
        }
        assert_eq!(looked_at(&[0x7F; 400], 40).tiny(), (10, 10));
        assert_eq!(looked_at(&[0x7F; 400], 160).tiny(), (3, 0));
    }
}

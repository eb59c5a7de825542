//! The dye in the bot's sound: every frame says, softly, of which utterance it is and which of its frames.
//!
//! ```text
//! byte   0  1  2  3    4  5  6  7    8  9  10  11    12 ‥ 159
//!        mark          utterance     frame           sound as it was
//! ```
//! Each of the first twelve bytes carries four bits in µ-law codes of the softest segment, at about −55 dBFS.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use engine::audio::frame::FRAME_SAMPLES;
use engine::port::UtteranceId;

/// What the first four bytes carry.
const MARK: u32 = spread(0x5A3C);
/// Bytes that are dyed.
pub const DYED: usize = 12;
/// What each of them has in its upper half.
const SOFT: u32 = 0xF0F0_F0F0;

/// Four bits in each byte, the highest first.
const fn spread(value: u16) -> u32 {
    let value = value as u32;
    SOFT | value >> 12 | value & 0xF00 | (value & 0xF0) << 12 | (value & 0xF) << 24
}

const fn gathered(bytes: u32) -> Option<u16> {
    let value = (bytes & 0xF) << 12 | bytes & 0xF00 | bytes >> 12 & 0xF0 | bytes >> 24 & 0xF;
    if bytes & SOFT == SOFT { Some(value as u16) } else { None }
}

/// What was dyed already: agents say the same prompts, call after call.
#[derive(Default)]
struct Dyed {
    /// By utterance, and by where in memory the sound is, which is kept there.
    clips: HashMap<(UtteranceId, usize, usize), [Bytes; 2]>,
    bytes: usize,
}

/// Sound that is dyed only once.
const LONG: usize = 8_000;
/// What is kept of it, in bytes; then all is forgotten.
const DYED_MAX: usize = 16 * 1024 * 1024;

thread_local! {
    static DYED_BEFORE: RefCell<Dyed> = RefCell::default();
}

/// The same sound, dyed; a last piece of less than twelve bytes is left as it is.
#[must_use]
pub fn dye(utterance: UtteranceId, sound: Bytes) -> Bytes {
    if sound.len() < LONG {
        return dye_from(utterance, 0, &sound);
    }
    DYED_BEFORE.with_borrow_mut(|before| {
        if before.bytes > DYED_MAX {
            *before = Dyed::default();
        }
        let key = (utterance, sound.as_ptr() as usize, sound.len());
        let Dyed { clips, bytes } = before;
        let [_, dyed] = clips.entry(key).or_insert_with(|| {
            *bytes += sound.len();
            [sound.clone(), dye_from(utterance, 0, &sound)]
        });
        dyed.clone()
    })
}

/// The same, for sound that begins with frame number `first` of its utterance.
#[must_use]
pub fn dye_from(utterance: UtteranceId, first: usize, sound: &[u8]) -> Bytes {
    let (mut dyed, of) = (sound.to_vec(), spread(utterance.0 as u16));
    for (frame, bytes) in (first..).zip(dyed.chunks_mut(FRAME_SAMPLES)) {
        if let Some(bytes) = bytes.first_chunk_mut::<DYED>() {
            let words = [MARK, of, spread(frame as u16)];
            bytes.as_chunks_mut().0.iter_mut().zip(words).for_each(|(four, word)| *four = word.to_le_bytes());
        }
    }
    dyed.into()
}

/// Samples of a voice that are kept for each utterance.
const VOICE_MAX: usize = 160_000;
/// Utterances for which one is kept: few calls have more.
const VOICES: usize = 64;
/// One loud sample after the other.
const LOUD: u8 = 0x90;

thread_local! {
    static VOICE_OF: RefCell<Vec<Bytes>> = RefCell::default();
}

/// Something to hear, dyed, of an utterance from its frame number `first` on: a piece of what all utterances of that number
/// say, so that nothing is copied.
#[must_use]
pub fn voice(utterance: UtteranceId, first: usize, samples: usize) -> Bytes {
    let (place, begins) = (utterance.0 as usize, first * FRAME_SAMPLES);
    if place >= VOICES || begins + samples > VOICE_MAX {
        return dye_from(utterance, first, &vec![LOUD; samples]);
    }
    VOICE_OF.with_borrow_mut(|voices| {
        while voices.len() <= place {
            voices.push(dye_from(UtteranceId(voices.len() as u32), 0, &[LOUD; VOICE_MAX]));
        }
        voices[place].slice(begins..begins + samples)
    })
}

/// Of which utterance a frame is, and which of its frames; `None` where it is not dyed.
#[must_use]
pub fn read(frame: &[u8]) -> Option<(UtteranceId, u16)> {
    let bytes: &[u8; DYED] = frame.first_chunk()?;
    let [mark, utterance, number] = [0, 4, 8].map(|at| u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[at + byte])));
    if mark != MARK {
        return None;
    }
    Some((UtteranceId(gathered(utterance)?.into()), gathered(number)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_dyed_wherever_it_begins_and_however_long_it_is() {
        for (utterance, first, samples) in [(1, 0, 500), (1, 3, 500), (VOICES as u32, 3, 500), (2, 999, 500)] {
            let utterance = UtteranceId(utterance);
            let dyed = dye_from(utterance, first, &vec![LOUD; samples]);
            assert_eq!(voice(utterance, first, samples), dyed);
            assert_eq!(super::read(&dyed), Some((utterance, first as u16)));
        }
    }

    #[test]
    fn what_was_dyed_is_recognised_and_what_was_not_is_not() {
        let dyed = dye(UtteranceId(777), Bytes::from(vec![0x10; 500]));
        assert_eq!(dyed.len(), 500);
        let read: Vec<_> = dyed.chunks(160).map(read).collect();
        assert_eq!(read, [0, 1, 2, 3].map(|n| Some((UtteranceId(777), n))));
        assert_eq!(dyed[..12], [0xF5, 0xFA, 0xF3, 0xFC, 0xF0, 0xF3, 0xF0, 0xF9, 0xF0, 0xF0, 0xF0, 0xF0]);
        assert_eq!(super::read(&[0x10; 160]), None);
        assert_eq!(super::read(&[0xFF; 160]), None);
        assert_eq!(super::read(&[0xFF; 5]), None);
    }
}

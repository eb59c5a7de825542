//! The dye in the bot's sound: every frame says, softly, of which utterance it is and which of its frames.
//!
//! ```text
//! byte   0  1  2  3    4  5  6  7    8  9  10  11    12 ‥ 159
//!        mark          utterance     frame           sound as it was
//! ```
//! Each of the first twelve bytes carries four bits in µ-law codes of the softest segment, at about −55 dBFS.

use bytes::Bytes;
use engine::audio::frame::FRAME_SAMPLES;
use engine::port::UtteranceId;

/// What the first four bytes carry.
const MARK: u16 = 0x5A3C;
/// Bytes that are dyed.
const DYED: usize = 12;

/// The same sound, dyed; a last piece of less than twelve bytes is left as it is.
#[must_use]
pub fn dye(utterance: UtteranceId, sound: Bytes) -> Bytes {
    dye_from(utterance, 0, &sound)
}

/// The same, for sound that begins with frame number `first` of its utterance.
#[must_use]
pub fn dye_from(utterance: UtteranceId, first: usize, sound: &[u8]) -> Bytes {
    let mut dyed = sound.to_vec();
    for (frame, bytes) in (first..).zip(dyed.chunks_mut(FRAME_SAMPLES)) {
        if bytes.len() >= DYED {
            let values = [MARK, utterance.0 as u16, frame as u16];
            for (four, value) in bytes.chunks_mut(4).zip(values) {
                four.iter_mut()
                    .zip([12, 8, 4, 0])
                    .for_each(|(byte, shift)| *byte = 0xF0 | (value >> shift & 0xF) as u8);
            }
        }
    }
    dyed.into()
}

/// Of which utterance a frame is, and which of its frames; `None` where it is not dyed.
#[must_use]
pub fn read(frame: &[u8]) -> Option<(UtteranceId, u16)> {
    let fours = frame.get(..DYED)?.as_chunks::<4>().0;
    let value = |four: &[u8; 4]| {
        let nibble = |value: u16, &byte: &u8| (byte & 0xF0 == 0xF0).then_some(value << 4 | u16::from(byte & 0xF));
        four.iter().try_fold(0, nibble)
    };
    let (mark, utterance, number) = (value(&fours[0])?, value(&fours[1])?, value(&fours[2])?);
    (mark == MARK).then_some((UtteranceId(utterance.into()), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dyed_is_recognised_and_what_was_not_is_not() {
        let dyed = dye(UtteranceId(777), Bytes::from(vec![0x10; 500]));
        assert_eq!(dyed.len(), 500);
        let read: Vec<_> = dyed.chunks(160).map(read).collect();
        assert_eq!(read, [0, 1, 2, 3].map(|n| Some((UtteranceId(777), n))));
        assert_eq!(super::read(&[0x10; 160]), None);
        assert_eq!(super::read(&[0xFF; 160]), None);
        assert_eq!(super::read(&[0xFF; 5]), None);
    }
}

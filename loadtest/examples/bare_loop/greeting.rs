//! What the bot says, in µ-law (ITU-T G.711).

use std::io::Cursor;

use hound::WavReader;

use crate::Fallible;

/// "I'm sorry. All circuits are busy now. One moment please.": 4.4 s.
const CLIPS: [&[u8]; 3] = [
    include_bytes!("../../clips/en-im-sorry.wav"),
    include_bytes!("../../clips/en-all-circuits-busy-now.wav"),
    include_bytes!("../../clips/en-one-moment-please.wav"),
];

/// The sample that each byte of µ-law stands for.
pub(crate) const SAMPLES: [i16; 256] = samples();

/// The greeting.
pub(crate) fn mulaw() -> Fallible<Vec<u8>> {
    let mut greeting = Vec::new();
    for clip in CLIPS {
        for sample in WavReader::new(Cursor::new(clip))?.into_samples::<i16>() {
            greeting.push(nearest(sample?));
        }
    }
    Ok(greeting)
}

/// The byte whose sample comes closest. Slow, and done once.
fn nearest(sample: i16) -> u8 {
    (0..=u8::MAX).min_by_key(|&byte| SAMPLES[usize::from(byte)].abs_diff(sample)).unwrap_or(0xff)
}

const fn samples() -> [i16; 256] {
    let mut samples = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        // Sent inverted: sign, three bits of exponent, four of mantissa.
        let bits = !(byte as u8);
        let mantissa = (((bits & 0x0f) as i16) << 3) + 0x84;
        let magnitude = (mantissa << ((bits & 0x70) >> 4)) - 0x84;
        samples[byte] = if bits & 0x80 != 0 { -magnitude } else { magnitude };
        byte += 1;
    }
    samples
}

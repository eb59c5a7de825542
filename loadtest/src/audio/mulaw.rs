//! G.711 µ-law, both ways, by the formula of ITU-T G.711 (bias 132, eight segments), looked up in tables made from it.

const BIAS: i32 = 132;
const CLIP: i32 = 32_635;

/// Magnitudes are looked up in steps of four: no two in a step have different codes.
const STEP: i32 = 4;
const STEPS: usize = (1 << 15) / STEP as usize;

/// The code of every magnitude, and the sample of every code: a call needs them for every sample of it.
static CODES: [u8; STEPS] = codes();
static SAMPLES: [i16; 256] = samples();

/// One linear 16-bit sample to its µ-law byte.
#[must_use]
pub fn encode(sample: i16) -> u8 {
    // The one magnitude that has no place is clipped as those below it are.
    let magnitude = usize::from(sample.unsigned_abs().min(i16::MAX.unsigned_abs()));
    CODES[magnitude / STEP as usize] & if sample < 0 { 0x7F } else { 0xFF }
}

/// One µ-law byte to its linear 16-bit sample.
#[must_use]
pub fn decode(byte: u8) -> i16 {
    SAMPLES[usize::from(byte)]
}

/// By the formula, for samples that are not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seven bits")]
const fn code(sample: i32) -> u8 {
    let magnitude = if sample > CLIP { CLIP } else { sample } + BIAS;
    // The segment is where the highest set bit stands, counted from bit 7.
    let segment = (31 - magnitude.leading_zeros() as i32) - 7;
    let mantissa = (magnitude >> (segment + 3)) & 0x0F;
    !(((segment << 4) | mantissa) as u8)
}

/// By the formula.
#[expect(clippy::cast_possible_truncation, reason = "at most 32,124")]
const fn sample(byte: u8) -> i16 {
    let bits = !byte;
    let segment = (bits >> 4) & 0x07;
    let mantissa = (bits & 0x0F) as i32;
    let magnitude = (((mantissa << 3) + BIAS) << segment) - BIAS;
    if bits & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "below 2^15")]
const fn codes() -> [u8; STEPS] {
    let mut codes = [0; STEPS];
    let mut step = 0;
    while step < STEPS {
        codes[step] = code(step as i32 * STEP);
        step += 1;
    }
    codes
}

#[expect(clippy::cast_possible_truncation, reason = "below 256")]
const fn samples() -> [i16; 256] {
    let mut samples = [0; 256];
    let mut byte = 0;
    while byte < samples.len() {
        samples[byte] = sample(byte as u8);
        byte += 1;
    }
    samples
}

/// The byte of digital silence.
pub const SILENCE: u8 = 0xFF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_a_round_trip() {
        for byte in 0..=255_u8 {
            // 0x7F is negative zero: it decodes to 0, which encodes as positive zero.
            let expected = if byte == 0x7F { SILENCE } else { byte };
            assert_eq!(encode(decode(byte)), expected, "code {byte:#x}");
        }
    }

    #[test]
    fn the_table_holds_what_the_formula_says() {
        for sample in i16::MIN..=i16::MAX {
            let sign = if sample < 0 { 0x7F } else { 0xFF };
            assert_eq!(encode(sample), code(i32::from(sample).abs()) & sign, "{sample}");
        }
    }

    #[test]
    fn known_codes_of_the_standard() {
        assert_eq!(decode(0x00), -32_124);
        assert_eq!(decode(0x80), 32_124);
        assert_eq!(decode(0xFF), 0);
        assert_eq!(encode(i16::MIN), 0x00);
        assert_eq!(encode(i16::MAX), 0x80);
    }

    #[test]
    fn a_sample_is_never_further_off_than_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            let back = i32::from(decode(encode(sample)));
            let error = (i32::from(sample).clamp(-32_124, 32_124) - back).abs();
            assert!(error <= 4 + i32::from(sample).abs() / 24, "{sample} came back as {back}");
        }
    }
}

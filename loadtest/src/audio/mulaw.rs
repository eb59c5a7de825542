//! G.711 µ-law, both ways, by the formula of ITU-T G.711 (bias 132, eight segments).

const BIAS: i32 = 132;
const CLIP: i32 = 32_635;

/// One linear 16-bit sample to its µ-law byte.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "masked to eight bits")]
pub fn encode(sample: i16) -> u8 {
    let sign: i32 = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The segment is where the highest set bit stands, counted from bit 7.
    let segment = (31 - magnitude.leading_zeros() as i32) - 7;
    let mantissa = (magnitude >> (segment + 3)) & 0x0F;
    !((sign | (segment << 4) | mantissa) as u8)
}

/// One µ-law byte to its linear 16-bit sample.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "at most 32,124")]
pub const fn decode(byte: u8) -> i16 {
    let bits = !byte;
    let segment = (bits >> 4) & 0x07;
    let mantissa = (bits & 0x0F) as i32;
    let magnitude = (((mantissa << 3) + BIAS) << segment) - BIAS;
    if bits & 0x80 == 0 { magnitude as i16 } else { -magnitude as i16 }
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

//! G.711 against an independent library whose tables come from the ITU's tools: every code, every sample.

use audio_codec_algorithms as reference;
use engine::audio::g711::{decode_alaw, decode_ulaw, decode_ulaw_into, encode_alaw, encode_ulaw, encode_ulaw_into};

#[test]
fn decodes_all_codes_as_the_reference_does() {
    for code in 0..=u8::MAX {
        assert_eq!(decode_ulaw(code), reference::decode_ulaw(code), "µ-law {code:#04x}");
        assert_eq!(decode_alaw(code), reference::decode_alaw(code), "A-law {code:#04x}");
    }
}

#[test]
fn encodes_all_samples_as_the_reference_does() {
    for sample in i16::MIN..=i16::MAX {
        assert_eq!(encode_ulaw(sample), reference::encode_ulaw(sample), "µ-law {sample}");
        assert_eq!(encode_alaw(sample), reference::encode_alaw(sample), "A-law {sample}");
    }
}

#[test]
fn a_code_survives_being_decoded_and_encoded() {
    for code in 0..=u8::MAX {
        assert_eq!(encode_alaw(decode_alaw(code)), code);
        // µ-law alone has two zeros, and the negative one becomes the positive one.
        let expected = if code == 0x7F { 0xFF } else { code };
        assert_eq!(encode_ulaw(decode_ulaw(code)), expected);
    }
}

#[test]
fn a_louder_sample_never_gets_a_quieter_code() {
    for sample in i16::MIN..i16::MAX {
        assert!(decode_ulaw(encode_ulaw(sample)) <= decode_ulaw(encode_ulaw(sample + 1)));
        assert!(decode_alaw(encode_alaw(sample)) <= decode_alaw(encode_alaw(sample + 1)));
    }
}

#[test]
fn slices_stop_at_the_shorter_one() {
    let mut samples = [1; 4];
    assert_eq!(decode_ulaw_into(&[0xFF, 0x00], &mut samples), 2);
    assert_eq!(samples, [0, -32_124, 1, 1]);
    let mut codes = [1; 2];
    assert_eq!(encode_ulaw_into(&samples, &mut codes), 2);
    assert_eq!(codes, [0xFF, 0x00]);
}

//! G.711: telephone sound, one byte a sample. Both laws, both ways.
//!
//! Bit-exact with the ITU's own reference code (G.191 software tools). Where the standard is silent, its convention is
//! ours: samples are 16 bits left-justified; the bits below the code's 14 (µ-law) or 13 (A-law) are cut off, a negative
//! sample's after taking its one's complement, so −1 is coded as zero; decoding gives the middle of the interval; what
//! is louder than the loudest code clips to it. (Sun's g711.c, and what descends from it, rounds 508 negative µ-law
//! samples to the neighbouring code; decoding is the same everywhere.)

/// µ-law codes to samples.
static ULAW_SAMPLES: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_ulaw(code as u8);
        code += 1;
    }
    table
};

/// µ-law codes to the squares of their samples.
static ULAW_SQUARES: [u32; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ULAW_SAMPLES[code].unsigned_abs() as u32 * ULAW_SAMPLES[code].unsigned_abs() as u32;
        code += 1;
    }
    table
};

/// A-law codes to samples.
static ALAW_SAMPLES: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand_alaw(code as u8);
        code += 1;
    }
    table
};

/// µ-law's offset in 14-bit units: it makes every segment begin at a power of two.
const ULAW_BIAS: u16 = 33;

/// The largest biased 14-bit magnitude.
const ULAW_CLIP: u16 = 0x1FFF;

/// A-law inverts every other bit on the line.
const ALAW_TOGGLE: u8 = 0x55;

/// The sample of a µ-law code, −32,124 to 32,124.
#[inline]
pub fn decode_ulaw(code: u8) -> i16 {
    ULAW_SAMPLES[usize::from(code)]
}

/// The sample of an A-law code, −32,256 to 32,256, never 0.
#[inline]
pub fn decode_alaw(code: u8) -> i16 {
    ALAW_SAMPLES[usize::from(code)]
}

/// The µ-law code of a sample.
#[inline]
pub const fn encode_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (magnitude(sample) >> 2) + ULAW_BIAS;
    let biased = if magnitude > ULAW_CLIP { ULAW_CLIP } else { magnitude };
    // The highest set bit, 5 to 12, tells the segment; the four bits below it are kept.
    let segment = 10 - biased.leading_zeros() as u16;
    let step = (biased >> (segment + 1)) & 0x0F;
    !(sign | (segment as u8) << 4 | step as u8)
}

/// The A-law code of a sample.
#[inline]
pub const fn encode_alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = magnitude(sample) >> 4;
    let code = if magnitude < 32 {
        // The two lowest segments have the same step.
        magnitude as u8
    } else {
        let segment = 12 - magnitude.leading_zeros() as u16;
        let step = (magnitude >> (segment - 1)) & 0x0F;
        (segment as u8) << 4 | step as u8
    };
    (sign | code) ^ ALAW_TOGGLE
}

/// Decodes as many µ-law bytes as both slices have room for, and says how many.
#[inline]
pub fn decode_ulaw_into(codes: &[u8], samples: &mut [i16]) -> usize {
    for (sample, &code) in samples.iter_mut().zip(codes) {
        *sample = decode_ulaw(code);
    }
    codes.len().min(samples.len())
}

/// The sum of the squares of the samples of µ-law codes.
#[inline]
pub fn ulaw_energy(codes: &[u8]) -> u64 {
    codes.iter().map(|&code| u64::from(ULAW_SQUARES[usize::from(code)])).sum()
}

/// Encodes as many samples to µ-law as both slices have room for, and says how many.
#[inline]
pub fn encode_ulaw_into(samples: &[i16], codes: &mut [u8]) -> usize {
    for (code, &sample) in codes.iter_mut().zip(samples) {
        *code = encode_ulaw(sample);
    }
    samples.len().min(codes.len())
}

/// One's complement of a negative sample: 0 to 32,767.
const fn magnitude(sample: i16) -> u16 {
    (if sample < 0 { !sample } else { sample }) as u16
}

const fn expand_ulaw(code: u8) -> i16 {
    let code = !code;
    let segment = (code & 0x70) >> 4;
    let biased = (((code & 0x0F) as i16) << 3) + ((ULAW_BIAS as i16) << 2);
    let magnitude = (biased << segment) - ((ULAW_BIAS as i16) << 2);
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

const fn expand_alaw(code: u8) -> i16 {
    let code = code ^ ALAW_TOGGLE;
    let segment = (code & 0x70) >> 4;
    let step = (code & 0x0F) as i16;
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => (((step + 16) << 4) + 8) << (segment - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

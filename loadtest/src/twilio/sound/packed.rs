//! MP3 and AIFF files, read by a library.

use std::io::Cursor;

use symphonia::core::audio::SampleBuffer;
use symphonia::core::codecs::DecoderOptions;
use symphonia::core::formats::FormatOptions;
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::probe::Hint;

/// What was in a file, all channels mixed.
#[derive(Debug)]
pub(super) struct Packed {
    /// 16-bit samples.
    pub(super) mono: Vec<i32>,
    pub(super) rate_hz: u32,
}

/// Reads at most `seconds` of a file; a broken packet is skipped, as players do.
pub(super) fn read(body: &[u8], extension: &str, seconds: usize) -> Result<Packed, String> {
    let wrong = |e: symphonia::core::errors::Error| format!("it says {extension} and cannot be read: {e}");
    let source = MediaSourceStream::new(Box::new(Cursor::new(body.to_vec())), Default::default());
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let (formats, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let probed = symphonia::default::get_probe().format(&hint, source, &formats, &metadata).map_err(wrong)?;
    let mut file = probed.format;
    let track = file.default_track().ok_or_else(|| format!("the {extension} has no sound"))?;
    let (id, params) = (track.id, &track.codec_params);
    let mut decoder = symphonia::default::get_codecs().make(params, &DecoderOptions::default()).map_err(wrong)?;
    let mut read = Packed { mono: Vec::new(), rate_hz: 0 };
    while let Ok(packet) = file.next_packet() {
        if packet.track_id() != id {
            continue;
        }
        let Ok(decoded) = decoder.decode(&packet) else { continue };
        let spec = *decoded.spec();
        // A file that changes its rate on the way is played up to there.
        if read.rate_hz != 0 && read.rate_hz != spec.rate || !(1_000..=192_000).contains(&spec.rate) {
            break;
        }
        read.rate_hz = spec.rate;
        let mut samples = SampleBuffer::<i16>::new(decoded.capacity() as u64, spec);
        samples.copy_interleaved_ref(decoded);
        read.mix(samples.samples(), spec.channels.count());
        if read.mono.len() > seconds * spec.rate as usize {
            break;
        }
    }
    if read.mono.is_empty() { Err(format!("the {extension} has no sound")) } else { Ok(read) }
}

impl Packed {
    fn mix(&mut self, interleaved: &[i16], channels: usize) {
        let count = i32::try_from(channels).unwrap_or(1).max(1);
        let frames = interleaved.chunks_exact(channels.max(1));
        self.mono.extend(frames.map(|frame| frame.iter().map(|&sample| i32::from(sample)).sum::<i32>() / count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of MPEG-1 layer III, mono, 44,100 Hz, 128 kbit/s: 26 ms of a tone near 480 Hz, written bit by bit.
    fn frame() -> Vec<u8> {
        let mut bits = String::from("11111111111110111001000011000000");
        // Side information: the main data begins here, and no granule shares what is before it.
        bits += &"0".repeat(9 + 5 + 4);
        for _granule in 0..2 {
            // Ten bits of Huffman code, eight pairs, the gain, no scale factors, a long block, table 1 in all regions.
            bits += &format!("{:012b}{:09b}{:08b}{:04b}0", 10, 8, 204, 0);
            bits += &format!("{:05b}{:05b}{:05b}{:04b}{:03b}000", 1, 1, 1, 15, 7);
        }
        // The thirteenth of the first sixteen lines is 1, the others 0.
        bits += &"1111110101".repeat(2);
        let mut bytes: Vec<u8> =
            bits.as_bytes().chunks(8).map(|b| b.iter().fold(0, |n, bit| n << 1 | (bit - b'0'))).collect();
        bytes.resize(417, 0);
        bytes
    }

    #[test]
    fn an_mp3_is_heard_behind_its_tags() {
        let mut file = b"ID3\x04\0\0\0\0\0\x0A".to_vec();
        file.extend([0; 10]);
        file.extend(frame().repeat(40));
        let read = read(&file, "mp3", 60).unwrap();
        assert_eq!((read.rate_hz, read.mono.len()), (44_100, 40 * 1_152));
        let middle = &read.mono[20_000..30_000];
        let rises = middle.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
        let hz = rises * 44_100 / middle.len();
        assert!((400..560).contains(&hz) && middle.iter().any(|&s| s > 2_000), "{hz} Hz, {:?}", middle.iter().max());
    }

    #[test]
    fn an_aiff_is_heard() {
        let mut file = b"FORM\0\0\0\x36AIFFCOMM\0\0\0\x12".to_vec();
        // One channel, four samples, 16 bits, 8,000 Hz as an extended float.
        file.extend([0, 1, 0, 0, 0, 4, 0, 16, 0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]);
        file.extend(b"SSND\0\0\0\x10\0\0\0\0\0\0\0\0");
        file.extend([1_000_i16, 2_000, -3_000, 4_000].iter().flat_map(|sample| sample.to_be_bytes()));
        let read = read(&file, "aiff", 60).unwrap();
        assert_eq!((read.rate_hz, read.mono), (8_000, vec![1_000, 2_000, -3_000, 4_000]));
    }

    #[test]
    fn no_more_is_read_than_is_wanted() {
        let read = read(&frame().repeat(100), "mp3", 1).unwrap();
        assert!((44_100..44_100 + 3_000).contains(&read.mono.len()), "{}", read.mono.len());
    }
}

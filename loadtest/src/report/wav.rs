//! Writes a call as stereo WAV: left what the caller said, right what the caller heard, sample by sample together.

use std::path::Path;

use crate::audio::{RATE_HZ, mulaw};
use crate::call::record::Record;

/// Writes 16-bit stereo at 8,000 Hz.
///
/// # Errors
/// What the file system or the writer said.
pub fn write(path: &Path, record: &Record) -> Result<(), hound::Error> {
    let sample_rate = u32::try_from(RATE_HZ).unwrap_or(8_000);
    let spec =
        hound::WavSpec { channels: 2, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec)?;
    let at = |track: &[u8], index: usize| mulaw::decode(track.get(index).copied().unwrap_or(mulaw::SILENCE));
    for index in 0..record.said.len().max(record.heard.len()) {
        writer.write_sample(at(&record.said, index))?;
        writer.write_sample(at(&record.heard, index))?;
    }
    writer.finalize()
}

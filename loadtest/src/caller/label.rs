//! Where speech begins and ends in a clean recording: the labels against which latency is measured.

use crate::audio::level::{dbfs, rms};
use crate::time::Micros;

/// Length of one hop: 5 ms.
pub const HOP_SAMPLES: usize = 40;
/// A hop louder than this is speech.
pub const SPEECH_DBFS: f64 = -45.0;
/// So many hops in a row make speech; a click of the mouth is shorter.
pub const SUSTAINED_HOPS: usize = 4;

/// First and last sample of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// From the first sample of the recording to the first of speech.
    pub onset: Micros,
    /// From the first sample of the recording to behind the last of speech.
    pub offset: Micros,
}

/// Labels a recording; `None` when nothing in it is sustained above [`SPEECH_DBFS`].
#[must_use]
pub fn label(samples: &[i16]) -> Option<Label> {
    let loud: Vec<bool> = samples.chunks_exact(HOP_SAMPLES).map(|hop| dbfs(rms(hop)) > SPEECH_DBFS).collect();
    let sustained = |window: &[bool]| window.iter().all(|&loud| loud);
    let first = loud.windows(SUSTAINED_HOPS).position(sustained)?;
    let last = loud.windows(SUSTAINED_HOPS).rposition(sustained)? + SUSTAINED_HOPS;
    let at = |hop: usize| Micros::from_samples((hop * HOP_SAMPLES) as u64);
    Some(Label { onset: at(first), offset: at(last) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_no_speech_and_a_tone_is() {
        let mut samples = vec![0_i16; 8_000];
        samples[400..440].fill(20_000);
        assert_eq!(label(&samples), None);
        samples[1_600..3_200].fill(1_000);
        let expected = Label { onset: Micros::from_ms(200), offset: Micros::from_ms(400) };
        assert_eq!(label(&samples), Some(expected));
    }
}

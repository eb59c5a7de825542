//! Where to take up a prompt that was interrupted: at the start of the phrase in which the caller stopped hearing.
//!
//! ```text
//!   sound   We are open from nine.   On Saturday we clo|se at noon.
//!                                 ^^^ a pause          | heard so far
//!                                    ^ taken up here
//! ```

use engine::time::Samples;

/// A quiet stretch is looked for in steps of 10 ms.
const STEP_SAMPLES: usize = 80;
/// A pause between phrases: longer than the closure of a consonant, shorter than a sentence's end.
const PAUSE_STEPS: usize = 15;
/// µ-law codes below this, counted from zero upwards, are quieter than about -42 dBFS.
const QUIET_CODE: u8 = 0x18;

/// The start of the phrase that sounds at `at`; the start of the sound where no pause comes before.
#[must_use]
pub fn phrase_start(ulaw: &[u8], at: Samples) -> Samples {
    let end = usize::try_from(at.0).unwrap_or(usize::MAX).min(ulaw.len());
    let mut start = 0;
    let mut quiet_steps = 0;
    for (step, samples) in ulaw[..end].chunks_exact(STEP_SAMPLES).enumerate() {
        if samples.iter().all(|&code| is_quiet(code)) {
            quiet_steps += 1;
            continue;
        }
        if quiet_steps >= PAUSE_STEPS {
            // The step in which sound begins belongs to the phrase, and one step before it keeps a soft onset.
            start = (step - 1) * STEP_SAMPLES;
        }
        quiet_steps = 0;
    }
    Samples(start as u64)
}

/// µ-law is sent inverted: without sign and inversion, a code grows with the magnitude that it stands for.
fn is_quiet(code: u8) -> bool {
    !code & 0x7f < QUIET_CODE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 300 ms loud, a pause, 300 ms loud.
    fn two_phrases(pause_ms: usize) -> Vec<u8> {
        let loud = [0x90; 2_400];
        [loud.as_slice(), &vec![0xff; pause_ms * 8], &loud].concat()
    }

    #[test]
    fn an_interrupted_phrase_is_taken_up_at_its_start() {
        let sound = two_phrases(200);
        assert_eq!(phrase_start(&sound, Samples::from_millis(600)), Samples::from_millis(490));
        assert_eq!(phrase_start(&sound, Samples::from_millis(200)), Samples::ZERO);
    }

    #[test]
    fn in_a_pause_the_phrase_before_is_said_again() {
        assert_eq!(phrase_start(&two_phrases(200), Samples::from_millis(480)), Samples::ZERO);
    }

    #[test]
    fn a_gap_within_a_word_is_no_pause() {
        assert_eq!(phrase_start(&two_phrases(100), Samples::from_millis(600)), Samples::ZERO);
    }

    #[test]
    fn hearing_more_than_there_is_means_the_last_phrase() {
        assert_eq!(phrase_start(&two_phrases(200), Samples(u64::MAX)), Samples::from_millis(490));
        assert_eq!(phrase_start(&[], Samples(7)), Samples::ZERO);
    }
}

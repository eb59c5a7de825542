//! What is measured on a call.
//!
//! The latency of a barge-in is `clear` received minus the onset of speech. The onset is a moment of the caller's life:
//! ```text
//! frame k holds the sound of [start + 20k, start + 20k + 20) ms and is sent when it is complete, at start + 20(k+1) ms
//!            onset (labelled sample, somewhere in frame k) ──────────────────► clear received
//!                          └ up to 20 ms until its frame is sent ┘└ network, detector, network ┘
//! ```
//! so the figure contains the 20 ms framing that no carrier can avoid, as the human caller would experience it.

use serde::Serialize;

use crate::caller::line::Utterance;
use crate::time::Micros;
use crate::twilio::payload::Payloads;
use crate::twilio::stream::Refusal;

/// So long after speech or a key, a `clear` still counts as its consequence.
pub const PROVOKED: Micros = Micros::from_ms(2_000);

/// One utterance of the caller's and the `clear` that followed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Barge {
    /// Which clip.
    pub clip: String,
    /// Whether the script meant to interrupt the bot.
    pub meant: bool,
    /// When its first labelled sample of speech was spoken.
    #[serde(rename = "onset_ms")]
    pub onset: Micros,
    /// When its speech was over.
    #[serde(skip)]
    pub offset: Micros,
    /// From onset to `clear`.
    #[serde(rename = "clear_after_ms")]
    pub clear_after: Option<Micros>,
}

/// The measures of one call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measures {
    /// When the first `start` message was sent.
    #[serde(rename = "start_ms")]
    pub start: Option<Micros>,
    /// From `start` to the first media message.
    #[serde(rename = "first_audio_ms")]
    pub first_audio: Option<Micros>,
    /// From `start` to the first audible sound.
    #[serde(rename = "first_audible_ms")]
    pub first_audible: Option<Micros>,
    /// Utterances of the caller.
    pub barges: Vec<Barge>,
    /// `clear` messages.
    pub clears: u64,
    /// Those that nobody provoked and that cut off sound.
    pub false_clears: u64,
    /// Coughs, clicks, bouts of typing.
    pub disturbances: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Frames that the script lost.
    pub frames_lost: u64,
    /// Media messages received.
    pub media_received: u64,
    /// How often the bot fell silent in the middle of what it said because its sound came too late.
    pub gaps: u64,
    /// The longest of these.
    #[serde(rename = "longest_gap_ms")]
    pub longest_gap: Micros,
    /// Marks echoed because they were played.
    pub marks_played: u64,
    /// Marks returned by a clear.
    pub marks_cleared: u64,
    /// Messages refused, the silent ones included.
    pub messages_refused: u64,
    /// How late each frame was handed to the socket; our own fault.
    #[serde(skip)]
    pub lateness: Vec<Micros>,
    /// What the payloads looked like.
    #[serde(skip)]
    pub payloads: Payloads,
    /// The first refused message of each kind.
    #[serde(skip)]
    pub refusals: Vec<Refusal>,
    /// Sound that came within [`LATE`] of a clear though the caller had not finished, in messages; and how late the
    /// last.
    #[serde(skip)]
    pub late_audio: (u64, Micros),
    #[serde(skip)]
    last_digit: Option<Micros>,
    #[serde(skip)]
    last_clear: Option<Micros>,
}

/// Sound that follows a clear so soon was on its way already.
pub const LATE: Micros = Micros::from_ms(300);

/// What a `clear` meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// From the onset of the speech that it answers first.
    pub after_onset: Option<Micros>,
    /// Nobody provoked it, and sound was lost.
    pub unprovoked: bool,
}

impl Measures {
    /// The caller begins to say something.
    pub fn said(&mut self, utterance: &Utterance, meant: bool) {
        self.barges.push(Barge {
            clip: utterance.clip.name.clone(),
            meant,
            onset: utterance.onset(),
            offset: utterance.offset(),
            clear_after: None,
        });
    }

    /// The caller pressed a key.
    pub const fn pressed(&mut self, at: Micros) {
        self.last_digit = Some(at);
    }

    /// Sound arrived at `at`.
    pub fn media(&mut self, at: Micros, payload: &[u8]) {
        self.media_received += 1;
        self.payloads.look(payload);
        let speaking = self.barges.last().is_some_and(|barge| at >= barge.onset && at < barge.offset);
        if let Some(after) = self.last_clear.map(|clear| at.since(clear)).filter(|after| speaking && *after < LATE) {
            self.late_audio = (self.late_audio.0 + 1, after);
        }
    }

    /// A `clear` arrived at `at` and threw `lost_bytes` away.
    pub fn cleared(&mut self, at: Micros, lost_bytes: u64) -> Judged {
        self.clears += 1;
        self.last_clear = Some(at);
        let by_key = self.last_digit.is_some_and(|key| at >= key && at <= key + PROVOKED);
        let speech = self.barges.iter_mut().rev().find(|b| at >= b.onset && at <= b.offset + PROVOKED);
        let by_speech = speech.is_some();
        let mut after_onset = None;
        if let Some(barge) = speech.filter(|b| b.clear_after.is_none()) {
            barge.clear_after = Some(at - barge.onset);
            after_onset = barge.clear_after;
        }
        let unprovoked = !by_key && !by_speech && lost_bytes > 0;
        self.false_clears += u64::from(unprovoked);
        Judged { after_onset, unprovoked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_speech(onset_ms: u64, offset_ms: u64) -> Measures {
        let (onset, offset) = (Micros::from_ms(onset_ms), Micros::from_ms(offset_ms));
        let barge = Barge { clip: "c".into(), meant: true, onset, offset, clear_after: None };
        Measures { barges: vec![barge], ..Measures::default() }
    }

    #[test]
    fn the_first_clear_after_the_onset_is_the_latency() {
        let mut measures = with_speech(1_000, 2_000);
        let first = measures.cleared(Micros::from_ms(1_080), 800);
        assert_eq!(first, Judged { after_onset: Some(Micros::from_ms(80)), unprovoked: false });
        let second = measures.cleared(Micros::from_ms(1_500), 800);
        assert_eq!(second, Judged { after_onset: None, unprovoked: false });
    }

    #[test]
    fn sound_behind_a_clear_is_late_while_the_caller_still_speaks() {
        let mut measures = with_speech(1_000, 2_000);
        measures.media(Micros::from_ms(1_050), &[0xFF; 160]);
        measures.cleared(Micros::from_ms(1_080), 800);
        assert_eq!(measures.late_audio, (0, Micros::ZERO));
        measures.media(Micros::from_ms(1_100), &[0xFF; 160]);
        measures.media(Micros::from_ms(1_400), &[0xFF; 160]);
        measures.cleared(Micros::from_ms(1_990), 800);
        measures.media(Micros::from_ms(2_010), &[0xFF; 160]);
        assert_eq!(measures.late_audio, (1, Micros::from_ms(20)));
    }

    #[test]
    fn a_clear_before_the_onset_or_long_after_is_a_false_stop_if_sound_was_lost() {
        for at in [999, 4_001] {
            assert!(with_speech(1_000, 2_000).cleared(Micros::from_ms(at), 1).unprovoked);
            assert!(!with_speech(1_000, 2_000).cleared(Micros::from_ms(at), 0).unprovoked);
        }
        let mut measures = Measures::default();
        measures.pressed(Micros::from_ms(10));
        assert!(!measures.cleared(Micros::from_ms(500), 9).unprovoked);
        assert_eq!((measures.clears, measures.false_clears), (1, 0));
    }
}

//! What the fleet measures, over the measured window, per minute of it, and behind a stall.

use std::collections::BTreeMap;

use serde::Serialize;

use super::mind::{Judged, Verdict};
use super::recent::Recent;
use super::spread::{Figures, Spread};
use super::worst::Worst;
use crate::time::Micros;

/// What was counted in the measured window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Frames of sound sent.
    pub frames: u64,
    /// Frames that had to wait because the server did not read.
    pub frames_blocked: u64,
    /// Messages of sound received.
    pub media: u64,
    /// `clear` messages.
    pub clears: u64,
    /// Interruptions that could be answered: those with a `clear`, and the missed.
    pub interruptions: u64,
    /// Interruptions without a `clear` within 1 s of the onset, although the bot went on.
    pub missed: u64,
    /// Interruptions that met a bot with nothing left to say.
    pub moot: u64,
    /// `clear` messages that cut off sound although nobody had done anything.
    pub false_clears: u64,
    /// Keys pressed because the bot was silent.
    pub digits: u64,
    /// Times that the buffer ran dry in the middle of what the bot said.
    pub gaps: u64,
    /// Marks echoed because they were played.
    pub marks_played: u64,
    /// Marks returned by a clear.
    pub marks_cleared: u64,
    /// Messages that Twilio would have refused.
    pub refused: u64,
    /// Pings without an answer within 10 s.
    pub pings_lost: u64,
}

/// One minute, to see whether the last is like the first.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Minute {
    /// Which, from 1.
    pub minute: usize,
    /// Onset of speech to `clear`.
    pub clear: Figures,
    /// Last frame sent to `clear`.
    pub share: Figures,
    /// Socket round trip.
    pub ping: Figures,
    /// Own lateness.
    pub lateness: Figures,
    /// What was counted in it.
    pub counts: Counts,
}

/// 100 ms behind a stall.
#[derive(Clone, Debug, Default)]
pub struct Behind {
    /// Last frame sent to `clear`.
    pub share: Spread,
    /// Socket round trip.
    pub ping: Spread,
}

/// How long the recovery from a stall is looked at, in rows of 100 ms.
pub const ROWS: usize = 20;
const ROW: Micros = Micros::from_ms(100);

/// Where what is seen now belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    /// Nowhere: the calls are being set up, or ended.
    Shut,
    /// Into the figures.
    Open,
    /// Into the rows behind the stall, which ended then.
    Stall(Micros),
}

/// All figures of a run.
#[derive(Debug)]
pub struct Measures {
    gate: Gate,
    /// Onset of speech to `clear`.
    pub clear: Spread,
    /// The same, per clip.
    pub clips: Vec<Spread>,
    /// Last frame sent before a `clear`, to that `clear`.
    pub share: Spread,
    /// `start` to the first sound, of all calls, ramp included.
    pub first_audio: Spread,
    /// Ping to pong.
    pub ping: Spread,
    /// Lengths of gaps.
    pub gap: Spread,
    /// Own frames: handed to the socket so long after they were due.
    pub lateness: Spread,
    /// The counts.
    pub counts: Counts,
    /// Rows behind a stall.
    pub behind: Vec<Behind>,
    /// Whole minutes.
    pub minutes: Vec<Minute>,
    minute: [Spread; 4],
    counted: Counts,
    /// Why calls were lost, ramp included, and how often.
    pub lost: BTreeMap<String, u64>,
    /// The first refused message, in Twilio's words.
    pub first_refused: Option<String>,
    /// The worst calls.
    pub worst: Worst,
    /// The last second, ramp included.
    pub recent: Recent,
}

/// Different reasons that are kept; the rest is counted as one.
const REASONS_MAX: usize = 20;

impl Measures {
    /// Nothing measured yet, of this many clips.
    #[must_use]
    pub fn new(clips: usize) -> Self {
        Self {
            gate: Gate::Shut,
            clear: Spread::default(),
            clips: vec![Spread::default(); clips],
            share: Spread::default(),
            first_audio: Spread::default(),
            ping: Spread::default(),
            gap: Spread::default(),
            lateness: Spread::default(),
            counts: Counts::default(),
            behind: Vec::new(),
            minutes: Vec::new(),
            minute: Default::default(),
            counted: Counts::default(),
            lost: BTreeMap::new(),
            first_refused: None,
            worst: Worst::default(),
            recent: Recent::default(),
        }
    }

    /// The measured window begins.
    pub fn open(&mut self) {
        self.gate = Gate::Open;
    }

    /// The measured window ends.
    pub fn shut(&mut self) {
        self.gate = Gate::Shut;
    }

    /// A stall begins that will end at `ends`; until [`ROWS`] rows behind it nothing counts as ordinary.
    pub fn stall(&mut self, ends: Micros) {
        self.gate = Gate::Stall(ends);
        self.behind = vec![Behind::default(); ROWS];
    }

    /// Whether a stall is on, or its consequences; ends that when its time has come.
    pub fn is_stalled(&mut self, now: Micros) -> bool {
        if let Gate::Stall(ended) = self.gate
            && now >= ended + Micros(ROW.0 * ROWS as u64)
        {
            self.gate = Gate::Open;
        }
        matches!(self.gate, Gate::Stall(_))
    }

    /// The counts, if they count now.
    pub fn count(&mut self) -> Option<&mut Counts> {
        (self.gate == Gate::Open).then_some(&mut self.counts)
    }

    /// A frame went out `late`.
    pub fn sent(&mut self, late: Micros) {
        self.recent.sent(late);
        if self.gate == Gate::Open {
            self.counts.frames += 1;
            self.lateness.add(late);
            self.minute[3].add(late);
        }
    }

    /// A call was lost.
    pub fn lose(&mut self, why: String) {
        let known = self.lost.contains_key(&why) || self.lost.len() < REASONS_MAX;
        *self.lost.entry(if known { why } else { "other reasons".into() }).or_default() += 1;
    }

    /// A `clear` came at `now`, `share` after the last frame.
    pub fn cleared(&mut self, now: Micros, share: Micros, judged: Judged) {
        if let Judged::Interruption { onset, .. } = judged {
            self.recent.cleared(now.since(onset));
        }
        if let (Some(row), Judged::Interruption { .. }) = (self.row(now), judged) {
            return self.behind[row].share.add(share);
        }
        let Some(counts) = self.count() else { return };
        counts.clears += 1;
        match judged {
            Judged::Interruption { clip, onset } => {
                counts.interruptions += 1;
                let took = now.since(onset);
                self.clear.add(took);
                self.share.add(share);
                self.minute[0].add(took);
                self.minute[1].add(share);
                if let Some(clip) = self.clips.get_mut(clip) {
                    clip.add(took);
                }
            }
            Judged::Provoked => {}
            Judged::Unprovoked => counts.false_clears += 1,
        }
    }

    /// An interruption ended without a `clear`.
    pub fn judged(&mut self, verdict: Verdict) {
        let Some(counts) = self.count() else { return };
        match verdict {
            Verdict::Moot => counts.moot += 1,
            Verdict::Missed { .. } => {
                counts.interruptions += 1;
                counts.missed += 1;
            }
        }
    }

    /// A pong came at `now`, `took` after its ping.
    pub fn ponged(&mut self, now: Micros, took: Micros) {
        if let Some(row) = self.row(now) {
            self.behind[row].ping.add(took);
        } else if self.gate == Gate::Open {
            self.ping.add(took);
            self.minute[2].add(took);
        }
    }

    /// A message was refused.
    pub fn refused(&mut self, why: impl FnOnce() -> String) {
        self.first_refused.get_or_insert_with(why);
        if let Some(counts) = self.count() {
            counts.refused += 1;
        }
    }

    /// A minute is over.
    pub fn roll(&mut self) {
        let counts = self.counts.since(&self.counted);
        let [clear, share, ping, lateness] = self.minute.each_ref().map(Spread::figures);
        self.minutes.push(Minute { minute: self.minutes.len() + 1, clear, share, ping, lateness, counts });
        self.minute.iter_mut().for_each(Spread::reset);
        self.counted = self.counts;
    }

    fn row(&self, now: Micros) -> Option<usize> {
        let Gate::Stall(ended) = self.gate else { return None };
        let row = usize::try_from(now.since(ended).0 / ROW.0).unwrap_or(ROWS);
        (now >= ended && row < ROWS).then_some(row)
    }
}

impl Counts {
    fn since(&self, earlier: &Self) -> Self {
        Self {
            frames: self.frames - earlier.frames,
            frames_blocked: self.frames_blocked - earlier.frames_blocked,
            media: self.media - earlier.media,
            clears: self.clears - earlier.clears,
            interruptions: self.interruptions - earlier.interruptions,
            missed: self.missed - earlier.missed,
            moot: self.moot - earlier.moot,
            false_clears: self.false_clears - earlier.false_clears,
            digits: self.digits - earlier.digits,
            gaps: self.gaps - earlier.gaps,
            marks_played: self.marks_played - earlier.marks_played,
            marks_cleared: self.marks_cleared - earlier.marks_cleared,
            refused: self.refused - earlier.refused,
            pings_lost: self.pings_lost - earlier.pings_lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Micros = Micros::from_ms;

    fn interruption(onset: Micros) -> Judged {
        Judged::Interruption { clip: 0, onset }
    }

    #[test]
    fn only_the_window_counts() {
        let mut measures = Measures::new(1);
        measures.cleared(MS(80), MS(1), interruption(MS(0)));
        measures.open();
        measures.cleared(MS(1_080), MS(1), interruption(MS(1_000)));
        measures.sent(MS(0));
        measures.shut();
        measures.cleared(MS(2_080), MS(1), interruption(MS(2_000)));
        assert_eq!((measures.clear.figures().count, measures.counts.interruptions, measures.counts.frames), (1, 1, 1));
        assert!((measures.clips[0].figures().max_ms - 80.0).abs() < 0.1);
    }

    #[test]
    fn behind_a_stall_everything_goes_into_rows_of_100_ms() {
        let mut measures = Measures::new(1);
        measures.open();
        measures.stall(MS(10_000));
        assert!(measures.is_stalled(MS(9_500)));
        measures.cleared(MS(9_900), MS(1), interruption(MS(9_000)));
        measures.cleared(MS(10_250), MS(30), interruption(MS(9_000)));
        measures.ponged(MS(10_250), MS(2));
        measures.judged(Verdict::Missed { onset: MS(9_000) });
        assert_eq!(measures.behind[2].share.figures().count, 1);
        assert_eq!(measures.behind[2].ping.figures().count, 1);
        assert_eq!((measures.counts, measures.clear.figures().count), (Counts::default(), 0));
        assert!(!measures.is_stalled(MS(12_000)));
        measures.cleared(MS(12_100), MS(1), interruption(MS(12_000)));
        assert_eq!(measures.counts.interruptions, 1);
    }

    #[test]
    fn minutes_add_up_to_the_whole() {
        let mut measures = Measures::new(1);
        measures.open();
        for minute in 0..3 {
            for _ in 0..=minute {
                measures.judged(Verdict::Missed { onset: MS(0) });
            }
            measures.roll();
        }
        let missed: Vec<u64> = measures.minutes.iter().map(|m| m.counts.missed).collect();
        assert_eq!((missed, measures.counts.missed), (vec![1, 2, 3], 6));
    }

    #[test]
    fn reasons_are_bounded() {
        let mut measures = Measures::new(1);
        (0..100).for_each(|n| measures.lose(format!("reason {n}")));
        assert_eq!(measures.lost.len(), REASONS_MAX + 1);
        assert_eq!(measures.lost.values().sum::<u64>(), 100);
    }
}

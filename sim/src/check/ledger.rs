//! Invariant 3: heard ≤ sent ≤ queued, each only grows, and what is said to have been heard was heard.
//!
//! The truth is what left the carrier's buffer. The ledger may say less than that: by the sound since the last mark, and by
//! a round trip where a clear was decided by the clock. It may say more only by how much the way to the carrier varies:
//! what a mark confirmed was heard to the last sample.

use std::collections::VecDeque;
use std::time::Duration;

use engine::port::{AgentEvent, Playout, UtteranceId};
use engine::time::Samples;

use super::slack::Slack;
use super::{Found, Invariant, Message, Seen, Ticked};
use crate::truth::Truth;

/// What the agent was told of an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Over {
    utterance: UtteranceId,
    playout: Playout,
    /// Samples that it is said to have been heard of.
    heard: u64,
}

/// The ledger of one stream.
#[derive(Debug, Default)]
pub struct Ledger {
    last: [u64; 4],
    over: Vec<Over>,
    /// The newest utterance that was written.
    written: UtteranceId,
    /// Of each clear on its way to the carrier, the newest utterance that it cuts.
    clears: VecDeque<UtteranceId>,
    /// This and all before it were cut at the carrier.
    cut: UtteranceId,
}

impl Ledger {
    /// Something was seen.
    pub fn see(&mut self, seen: &Seen<'_>, slack: &Slack, found: &mut Found) {
        match seen {
            Seen::Written(Message::Media(parts)) => {
                self.written = parts.iter().map(|(utterance, _)| *utterance).fold(self.written, UtteranceId::max);
            }
            Seen::Written(Message::Clear) => self.clears.push_back(self.written),
            Seen::Arrives(Message::Clear, _) => self.cut = self.clears.pop_front().unwrap_or(self.cut),
            Seen::Told(AgentEvent::Played { utterance, playout, heard }) => {
                if self.over.iter().any(|over| over.utterance == *utterance) {
                    found.push((Invariant::Ledger, format!("utterance {} was over twice", utterance.0)));
                }
                self.over.push(Over { utterance: *utterance, playout: *playout, heard: heard.0 });
            }
            Seen::Ticked(ticked) => self.grow(ticked, slack, found),
            Seen::Over(truth) => self.compare(truth, slack, found),
            _ => {}
        }
    }

    fn grow(&mut self, ticked: &Ticked<'_>, slack: &Slack, found: &mut Found) {
        let Ticked { progress, truth, stands, .. } = ticked;
        let now = [progress.queued, progress.sent, progress.heard, progress.cleared].map(|samples| samples.0);
        let [queued, sent, heard, cleared] = now;
        if heard > sent || sent > queued || heard + cleared > queued {
            let what = format!("queued {queued}, sent {sent}, heard {heard}, cleared {cleared}");
            found.push((Invariant::Ledger, what));
        }
        if now.iter().zip(self.last).any(|(now, last)| *now < last) {
            found.push((Invariant::Ledger, format!("from {:?} to {now:?}: it shrank", self.last)));
        }
        self.last = now;
        // What the caller's ear will have had when what is on its way has arrived.
        let ahead = samples(slack.to_caller + slack.io * 2 + slack.worker);
        if *stands && slack.marks_return && heard > truth.played() + ahead {
            let what = format!(
                "{heard} samples are said to be heard, {} were played, and {ahead} may be on their way",
                truth.played()
            );
            found.push((Invariant::Ledger, what));
        }
    }

    /// Every utterance that was over, against what the caller heard of it.
    fn compare(&self, truth: &Truth, slack: &Slack, found: &mut Found) {
        if !slack.marks_return {
            return;
        }
        for over in &self.over {
            let heard = truth.spoken(over.utterance).heard;
            let (more, less) = match over.playout {
                Playout::Finished => (0, u64::MAX),
                // The caller may have hung up before the clear reached the carrier, or was written.
                Playout::Cut if over.utterance > self.cut && over.utterance <= self.written => continue,
                Playout::Cut => {
                    let varies = slack.varies + slack.io + slack.worker;
                    (samples(varies), samples(varies + slack.round_trip()))
                }
            };
            if over.heard > heard + more || heard > over.heard.saturating_add(less) {
                let UtteranceId(utterance) = over.utterance;
                let what = format!(
                    "utterance {utterance} is {:?} with {} samples heard; it was {heard}, give or take \
                    {more} and {less}",
                    over.playout, over.heard
                );
                let marks = over.playout == Playout::Finished;
                found.push((if marks { Invariant::Clear } else { Invariant::Ledger }, what));
            }
        }
    }
}

fn samples(time: Duration) -> u64 {
    Samples::from_duration(time).0
}

//! The story of a captured call: what was decided, what a replay decides, and where they part.

use std::io::BufRead;
use std::time::Duration;

use super::decision::Decision;
use super::error::CaptureError;
use super::header::Header;
use super::reader::Reader;
use super::record::Entry;
use super::replay::Replay;
use crate::turn::TurnParams;

/// Decisions of the same kind that lie no further apart are shown as the same one, sooner or later.
const APART_MAX: Duration = Duration::from_secs(1);

/// A decision and when it was taken, counted from the beginning of the call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Since the leg was made.
    pub at: Duration,
    /// What was decided.
    pub decision: Decision,
}

/// Whether a replay did what the call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every output at the same time, sound included; or, of a capture without its end, every decision that it has.
    Identical,
    /// Every decision is the same, some sound sent to the caller or passed to the agent is not.
    OtherSound,
    /// They part at this index of [`Story::recorded`] and [`Story::replayed`].
    Differs(usize),
}

/// A captured call and its replay.
#[derive(Debug)]
pub struct Story {
    /// How the call began.
    pub header: Header,
    /// What was decided on the call.
    pub recorded: Vec<Moment>,
    /// What the replay decided.
    pub replayed: Vec<Moment>,
    /// Where records are missing, since the beginning, and how many.
    pub missed: Vec<(Duration, u64)>,
    /// Why the capture has no end, where it has none.
    pub broken: Option<CaptureError>,
    /// Whether all sound was the same; unknown without an end.
    same_sound: Option<bool>,
}

impl Story {
    /// Replays a call as it was.
    pub fn replay<R: BufRead>(capture: Reader<R>) -> Story {
        let replay = Replay::new(capture.header());
        tell(capture, replay)
    }

    /// Replays a call as it would have been with other parameters.
    ///
    /// Exact up to the first difference. From there an estimate: the caller and the agent say what they said, because
    /// nobody knows what else they would have; the carrier plays what it is sent and returns marks as late as it did.
    pub fn what_if<R: BufRead>(capture: Reader<R>, turn: TurnParams) -> Story {
        let replay = Replay::what_if(capture.header(), turn);
        tell(capture, replay)
    }

    /// Where the two part, if they do. Behind a hole nothing is compared: what was told there is unknown.
    pub fn verdict(&self) -> Verdict {
        let known = |moment: &&Moment| self.missed.first().is_none_or(|(hole, _)| moment.at < *hole);
        let recorded = self.recorded.iter().take_while(known).count();
        let mut replayed = self.replayed.iter().take_while(known).count();
        if self.broken.is_some() {
            // The decisions of the last step may not have been written any more.
            replayed = replayed.min(recorded);
        }
        let same = self.recorded[..recorded].iter().zip(&self.replayed[..replayed]).take_while(|(a, b)| a == b).count();
        match self.same_sound {
            _ if same < recorded.max(replayed) => Verdict::Differs(same),
            Some(false) if self.missed.is_empty() => Verdict::OtherSound,
            _ => Verdict::Identical,
        }
    }

    /// Both side by side in the order of time: what belongs together in a row, however much sooner or later it came.
    pub fn rows(&self) -> Vec<(Option<Moment>, Option<Moment>)> {
        let mut left: Vec<Option<usize>> = vec![None; self.replayed.len()];
        pair(&self.recorded, &self.replayed, &mut left, |a, b| a == b);
        pair(&self.recorded, &self.replayed, &mut left, |a, b| a.decision.is_like(&b.decision));
        let mut paired = vec![false; self.recorded.len()];
        left.iter().flatten().for_each(|&index| paired[index] = true);
        let replayed = self.replayed.iter().zip(&left).map(|(b, a)| (a.map(|a| self.recorded[a]), Some(*b)));
        let alone = self.recorded.iter().zip(&paired).filter(|(_, paired)| !**paired).map(|(a, _)| (Some(*a), None));
        let mut rows: Vec<_> = replayed.chain(alone).collect();
        rows.sort_by_key(|(a, b)| a.iter().chain(b).map(|moment| moment.at).min());
        rows
    }

    /// Whether both are the same, the first `same` known to be; moves that on.
    fn is_same_from(&self, same: &mut usize) -> bool {
        let (recorded, replayed) = (&self.recorded[*same..], &self.replayed[*same..]);
        *same += recorded.iter().zip(replayed).take_while(|(a, b)| a == b).count();
        *same == self.recorded.len() && *same == self.replayed.len()
    }
}

/// For each decision of the replay that has no partner yet the first free one of the call that is `alike` and near.
fn pair(
    recorded: &[Moment],
    replayed: &[Moment],
    partners: &mut [Option<usize>],
    alike: impl Fn(&Moment, &Moment) -> bool,
) {
    let mut taken = vec![false; recorded.len()];
    partners.iter().flatten().for_each(|&index| taken[index] = true);
    for (b, partner) in replayed.iter().zip(partners).filter(|(_, partner)| partner.is_none()) {
        let from = recorded.partition_point(|a| a.at + APART_MAX < b.at);
        let near = recorded[from..].iter().take_while(|a| a.at <= b.at + APART_MAX);
        let found = near.zip(from..).find(|(a, index)| !taken[*index] && alike(a, b));
        *partner = found.map(|(_, index)| index);
        partner.iter().for_each(|&index| taken[index] = true);
    }
}

fn tell<R: BufRead>(capture: Reader<R>, mut replay: Replay) -> Story {
    let header = *capture.header();
    let (recorded, replayed, missed) = (Vec::new(), Vec::new(), Vec::new());
    let mut story = Story { header, recorded, replayed, missed, broken: None, same_sound: None };
    let (mut step, mut same) = (Duration::ZERO, 0);
    for record in capture {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                story.broken = Some(error);
                break;
            }
        };
        let at = record.at.since(header.begun);
        // Within a step what is told comes first and then what was decided: between two both are known.
        if at > step && !story.is_same_from(&mut same) {
            replay.diverge();
        }
        step = at;
        match record.entry {
            Entry::Decided(decision) => story.recorded.push(Moment { at, decision }),
            Entry::Missed(records) => story.missed.push((at, records)),
            Entry::Told(_) | Entry::Heard | Entry::End(_) => {}
        }
        let decisions = replay.take(&record).iter().filter_map(Decision::of);
        story.replayed.extend(decisions.map(|decision| Moment { at, decision }));
        if let Entry::End(end) = record.entry {
            story.same_sound = Some(replay.ends_with(&end));
        }
    }
    story
}

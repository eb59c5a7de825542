//! What if: the carrier and the agent of a call that went another way than the captured one, as far as they are known.

use std::collections::VecDeque;
use std::time::Duration;

use super::decision::Decision;
use crate::leg::{Generation, Output, Speech};
use crate::time::{Instant, Samples};
use crate::wire::MarkName;

/// A carrier that plays what it is sent and returns marks as late as the captured one did; an agent that says what the
/// captured one said, when it did.
#[derive(Debug, Default)]
pub(super) struct WhatIf {
    diverged: bool,
    /// Marks out, with the time at which what stands before them has been played.
    marks: VecDeque<(MarkName, Instant)>,
    plays_until: Instant,
    /// How late marks came back, smoothed.
    round_trip: Duration,
    /// Interruptions of the captured call so far.
    cuts: u32,
    /// Speech that the leg had no room for yet, and how many interruptions its agent did not know of.
    waiting: VecDeque<(Speech, u32)>,
    /// An utterance was begun and not finished.
    open: bool,
}

impl WhatIf {
    pub(super) fn diverge(&mut self) {
        self.diverged = true;
    }

    pub(super) fn diverged(&self) -> bool {
        self.diverged
    }

    /// The captured call decided this.
    pub(super) fn recorded(&mut self, decision: &Decision) {
        self.cuts += u32::from(matches!(decision, Decision::Clear { onset: Some(_), .. }));
    }

    /// The leg wants this done: the carrier has it at once.
    pub(super) fn sent(&mut self, now: Instant, output: &Output) {
        match output {
            Output::Audio(frame) => {
                self.plays_until = self.plays_until.max(now) + Samples(frame.samples() as u64).duration();
            }
            Output::Mark(name) => self.marks.push_back((*name, self.plays_until.max(now))),
            Output::Clear { .. } => {
                self.plays_until = now;
                self.marks.iter_mut().for_each(|(_, played)| *played = now.min(*played));
                // The agent says something else then: what it said was over for it.
                self.waiting.clear();
            }
            Output::Close(_) | Output::Event(_) | Output::Measured(_) => {}
        }
    }

    /// A mark came back while both calls are still the same.
    pub(super) fn returned(&mut self, now: Instant, name: MarkName) {
        let Some(index) = self.marks.iter().position(|(mark, _)| *mark == name) else { return };
        let late = now.since(self.marks[index].1);
        self.round_trip = if self.round_trip.is_zero() { late } else { (self.round_trip * 7 + late) / 8 };
        self.marks.drain(..=index);
    }

    /// The next mark that the carrier returns by now.
    pub(super) fn due(&mut self, now: Instant) -> Option<MarkName> {
        let due = self.marks.front().is_some_and(|(_, played)| *played + self.round_trip <= now);
        self.marks.pop_front_if(|_| due).map(|(name, _)| name)
    }

    /// The agent said this while both calls are still the same.
    pub(super) fn said(&mut self, speech: &Speech) {
        match speech {
            Speech::Begin { .. } => self.open = true,
            Speech::End => self.open = false,
            Speech::Audio(_) => {}
        }
    }

    /// The captured agent said this; it waits for room.
    pub(super) fn wait(&mut self, speech: Speech) {
        let unknown = match speech {
            Speech::Begin { generation, .. } => self.cuts.saturating_sub(generation.cuts),
            Speech::Audio(_) | Speech::End => 0,
        };
        self.waiting.push_back((speech, unknown));
    }

    /// What is said next, to a leg that has been interrupted `cuts` times. An utterance that an interruption of the
    /// captured call broke off is ended before another begins.
    pub(super) fn next_speech(&mut self, cuts: u32) -> Option<Speech> {
        let (speech, unknown) = *self.waiting.front()?;
        if self.open && matches!(speech, Speech::Begin { .. }) {
            self.open = false;
            return Some(Speech::End);
        }
        self.waiting.pop_front();
        self.said(&speech);
        Some(match speech {
            Speech::Begin { utterance, interruptible, generation } => {
                let generation = Generation { cuts: cuts.saturating_sub(unknown), ..generation };
                Speech::Begin { utterance, interruptible, generation }
            }
            other => other,
        })
    }
}

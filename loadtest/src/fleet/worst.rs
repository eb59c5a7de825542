//! The worst calls of a run, each once, with what had happened in it until then.

use serde::Serialize;

use super::diary::{Diary, Entry};
use crate::time::Micros;

/// So many are kept; a better one makes place for a worse.
const KEPT: usize = 6;

/// What was bad about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// An interruption was answered so late.
    Late(Micros),
    /// The first sound came so late.
    FirstAudio(Micros),
    /// The server stopped for nothing.
    FalseStop,
    /// The server went on.
    Missed,
}

impl Bad {
    /// Greater is worse.
    const fn weight(self) -> u64 {
        match self {
            Self::Late(took) | Self::FirstAudio(took) => took.0,
            Self::FalseStop => u64::MAX - 1,
            Self::Missed => u64::MAX,
        }
    }
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Late(took) => write!(f, "stopped {took} behind the caller's first sound"),
            Self::FirstAudio(took) => write!(f, "was first heard {took} after its start"),
            Self::FalseStop => f.write_str("stopped although nobody had spoken"),
            Self::Missed => f.write_str("went on for a second although it was interrupted"),
        }
    }
}

/// A call that is among the worst.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// `CA…`
    pub call: String,
    /// What was bad.
    pub bad: Bad,
    /// When, since the run began.
    pub at: Micros,
    /// When the call began.
    pub started: Micros,
    /// What had happened until then.
    pub entries: Vec<Entry>,
}

/// The worst, the very worst first.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    stories: Vec<Story>,
}

impl Worst {
    /// Something bad happened in `call`. Its diary is copied only if it belongs here.
    pub fn offer(&mut self, bad: Bad, at: Micros, call: &str, started: Micros, diary: &Diary) {
        let full = self.stories.len() == KEPT;
        if full && self.stories.last().is_some_and(|last| last.bad.weight() >= bad.weight()) {
            return;
        }
        if let Some(known) = self.stories.iter().position(|story| story.call == call) {
            if self.stories[known].bad.weight() >= bad.weight() {
                return;
            }
            self.stories.remove(known);
        }
        let place = self.stories.partition_point(|story| story.bad.weight() >= bad.weight());
        let story = Story { call: call.to_owned(), bad, at, started, entries: diary.entries().collect() };
        self.stories.insert(place, story);
        self.stories.truncate(KEPT);
    }

    /// The stories, the very worst first.
    #[must_use]
    pub fn into_stories(self) -> Vec<Story> {
        self.stories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_kept_each_call_once() {
        let mut worst = Worst::default();
        let diary = Diary::default();
        for ms in 0..1_000_u64 {
            let call = format!("CA{}", ms % 100);
            worst.offer(Bad::Late(Micros::from_ms(ms * 7_919 % 1_000)), Micros::ZERO, &call, Micros::ZERO, &diary);
        }
        worst.offer(Bad::Missed, Micros::ZERO, "CA1", Micros::ZERO, &diary);
        let stories = worst.into_stories();
        assert_eq!(stories[0].bad, Bad::Missed);
        assert_eq!(stories[1].bad, Bad::Late(Micros::from_ms(999)));
        assert!(stories.windows(2).all(|pair| pair[0].bad.weight() >= pair[1].bad.weight()));
        let mut calls: Vec<&str> = stories.iter().map(|story| story.call.as_str()).collect();
        calls.sort_unstable();
        calls.dedup();
        assert_eq!(calls.len(), KEPT);
    }
}

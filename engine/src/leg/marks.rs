//! Marks: which of ours are still out, where on the line they stand, and which returns count as played.
//!
//! After a clear the carrier returns every pending mark, played or not, and nothing in a returned mark says which. So
//! a mark carries its epoch, and one of an epoch older than the last clear never counts as played.

use std::collections::VecDeque;

use crate::limits::MARKS_PENDING_MAX;
use crate::time::{Instant, Samples};
use crate::wire::{MarkKind, MarkName};

/// A mark that the carrier has not yet returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending {
    /// Its name.
    pub(super) name: MarkName,
    /// Where on the line it stands: everything before it has been played when it returns.
    pub(super) position: Samples,
    /// When it should return, the network apart.
    pub(super) expected: Instant,
}

/// What a returned mark means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returned {
    /// What stood before it was played.
    Played(Pending),
    /// The fence of the last clear: the carrier's buffer was emptied. Holds when it was sent.
    Fence(Pending),
    /// Returned by a clear, or too late to tell: says nothing about what was heard.
    Cleared,
    /// Never sent by us, or returned twice.
    Unknown,
}

/// The marks of one call.
#[derive(Debug, Clone)]
pub(super) struct Marks {
    pending: VecDeque<Pending>,
    next_sequence: u32,
}

impl Default for Marks {
    fn default() -> Self {
        Self { pending: VecDeque::with_capacity(MARKS_PENDING_MAX), next_sequence: 1 }
    }
}

impl Marks {
    /// A new mark at `position`; `None` while too many are out (the carrier returns none: the clock must do).
    pub(super) fn issue(
        &mut self,
        kind: MarkKind,
        epoch: u32,
        position: Samples,
        expected: Instant,
    ) -> Option<MarkName> {
        if self.pending.len() >= MARKS_PENDING_MAX {
            return None;
        }
        let name = MarkName { epoch, sequence: self.next_sequence, kind };
        self.next_sequence = self.next_sequence.wrapping_add(1);
        self.pending.push_back(Pending { name, position, expected });
        Some(name)
    }

    /// A mark came back. Marks return in order, so those before it are settled with it.
    pub(super) fn returned(&mut self, name: MarkName, epoch: u32) -> Returned {
        if name.epoch != epoch {
            return Returned::Cleared;
        }
        let Some(index) = self.pending.iter().position(|p| p.name == name) else {
            return Returned::Unknown;
        };
        self.pending.drain(..index);
        match self.pending.pop_front() {
            Some(mark) if mark.name.kind == MarkKind::Fence => Returned::Fence(mark),
            Some(mark) => Returned::Played(mark),
            None => Returned::Unknown,
        }
    }

    /// The oldest mark that is out.
    pub(super) fn oldest(&self) -> Option<&Pending> {
        self.pending.front()
    }

    /// Gives up waiting for the oldest mark.
    pub(super) fn abandon_oldest(&mut self) -> Option<Pending> {
        self.pending.pop_front()
    }

    /// A clear was sent: whatever of the marks comes back now says nothing.
    pub(super) fn clear(&mut self) {
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(marks: &mut Marks, epoch: u32, position: u64) -> MarkName {
        marks.issue(MarkKind::Progress, epoch, Samples(position), Instant::ZERO).expect("room")
    }

    #[test]
    fn a_mark_of_the_epoch_counts_as_played() {
        let mut marks = Marks::default();
        let name = issue(&mut marks, 0, 160);
        assert!(matches!(marks.returned(name, 0), Returned::Played(p) if p.position == Samples(160)));
        assert_eq!(marks.returned(name, 0), Returned::Unknown, "a second return means nothing");
    }

    #[test]
    fn marks_returned_by_a_clear_never_count_as_played() {
        let mut marks = Marks::default();
        let name = issue(&mut marks, 0, 160);
        marks.clear();
        assert_eq!(marks.returned(name, 1), Returned::Cleared);
    }

    #[test]
    fn a_later_mark_settles_the_earlier_ones() {
        let mut marks = Marks::default();
        let first = issue(&mut marks, 0, 160);
        let second = issue(&mut marks, 0, 320);
        assert!(matches!(marks.returned(second, 0), Returned::Played(_)));
        assert_eq!(marks.returned(first, 0), Returned::Unknown);
    }

    #[test]
    fn a_carrier_that_returns_none_does_not_make_us_grow() {
        let mut marks = Marks::default();
        for n in 0..MARKS_PENDING_MAX {
            issue(&mut marks, 0, n as u64);
        }
        assert_eq!(marks.issue(MarkKind::Progress, 0, Samples(1), Instant::ZERO), None);
    }
}

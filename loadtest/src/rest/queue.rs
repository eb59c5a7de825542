//! Calls that wait to be dialled: so many a second and account, the rest later, for a day at most.
//!
//! ```text
//! created ─► place free? ─► dialled            (1 CPS: a second lies between two)
//!               └ no ─► waits, oldest first ─► dialled when its turn comes
//!                                           └► canceled 24 h after it was created
//! ```
//! Empty: nothing happens. It is not bounded itself: the calls that an account may have are.

use std::collections::VecDeque;

use crate::time::Micros;

/// Twilio gives a queued call up after a day.
pub const LONGEST: Micros = Micros::from_ms(24 * 3_600_000);

/// What becomes of a call at the head of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Dial it now.
    Dial(String),
    /// It has waited a day.
    GiveUp(String),
}

/// The queue of one account.
#[derive(Debug)]
pub struct Queue {
    gap: Micros,
    free_at: Micros,
    waiting: VecDeque<(String, Micros)>,
}

impl Queue {
    /// An empty queue that lets so many calls a second go.
    #[must_use]
    pub fn new(calls_per_second: u32) -> Self {
        let gap = Micros(1_000_000 / u64::from(calls_per_second.max(1)));
        Self { gap, free_at: Micros::ZERO, waiting: VecDeque::new() }
    }

    /// A call was created; says how long it will wait if nothing changes.
    pub fn push(&mut self, now: Micros, call: String) -> Micros {
        let first = self.free_at.max(now);
        let turn = first + Micros(self.gap.0 * self.waiting.len() as u64);
        self.waiting.push_back((call, now));
        turn - now
    }

    /// A call is called off; true when it waited.
    pub fn remove(&mut self, call: &str) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| waiting != call);
        self.waiting.len() < before
    }

    /// Whose turn it is; ask again until `None`.
    pub fn next(&mut self, now: Micros) -> Option<Turn> {
        let (_, created) = self.waiting.front()?;
        if now >= *created + LONGEST {
            return self.waiting.pop_front().map(|(call, _)| Turn::GiveUp(call));
        }
        if now < self.free_at {
            return None;
        }
        // The gaps are kept exactly even when the time is told late, so that the rate is as promised.
        self.free_at = if now < self.free_at + self.gap { self.free_at + self.gap } else { now + self.gap };
        self.waiting.pop_front().map(|(call, _)| Turn::Dial(call))
    }

    /// When [`Self::next`] has something.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.waiting.front().map(|(_, created)| self.free_at.min(*created + LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(name: &str) -> Option<Turn> {
        Some(Turn::Dial(name.into()))
    }

    #[test]
    fn one_a_second_in_the_order_of_creation() {
        let (mut queue, ms) = (Queue::new(1), Micros::from_ms);
        assert_eq!(queue.push(ms(0), "a".into()), ms(0));
        assert_eq!(queue.next(ms(0)), dial("a"));
        assert_eq!(queue.push(ms(400), "b".into()), ms(600));
        assert_eq!(queue.push(ms(400), "c".into()), ms(1_600));
        assert_eq!((queue.next(ms(999)), queue.next_deadline()), (None, Some(ms(1_000))));
        assert_eq!((queue.next(ms(1_003)), queue.next(ms(1_999))), (dial("b"), None));
        assert_eq!((queue.next(ms(2_000)), queue.next(ms(2_000)), queue.next_deadline()), (dial("c"), None, None));
    }

    #[test]
    fn who_waits_longer_than_a_day_is_given_up() {
        let mut queue = Queue::new(1);
        queue.push(Micros::ZERO, "a".into());
        queue.push(Micros::ZERO, "b".into());
        assert_eq!(queue.next(Micros::ZERO), dial("a"));
        assert_eq!(queue.next(LONGEST), Some(Turn::GiveUp("b".into())));
        assert_eq!(queue.next(LONGEST), None);
    }

    #[test]
    fn who_is_called_off_takes_no_turn() {
        let mut queue = Queue::new(10);
        queue.push(Micros::ZERO, "a".into());
        queue.push(Micros::ZERO, "b".into());
        assert!(queue.remove("a") && !queue.remove("a"));
        assert_eq!(queue.next(Micros::ZERO), dial("b"));
    }
}

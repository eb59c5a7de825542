//! Which slots of a worker have something to look at, and on which side: one bit each, set by anyone, taken by the worker.
//!
//! A look at a side is a look at rings that another thread has written to, which are not in this core's cache. Fifty times
//! a second it is the socket alone that has something.

use crate::sync::{AtomicU64, Ordering};

/// Who has something for the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The call's socket.
    Socket,
    /// The call's agent.
    Agent,
}

/// What a worker is to look at in a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    pub(crate) socket: bool,
    pub(crate) agent: bool,
}

impl Looks {
    /// At everything.
    pub(crate) const ALL: Self = Self { socket: true, agent: true };
}

/// A set of slots. Setting is one atomic or; taking 64 slots is two atomic swaps.
#[derive(Debug)]
pub(crate) struct Due {
    words: Box<[Word]>,
}

/// 64 slots.
#[derive(Debug)]
struct Word {
    socket: AtomicU64,
    agent: AtomicU64,
}

impl Due {
    /// An empty set for `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        let word = |_| Word { socket: AtomicU64::new(0), agent: AtomicU64::new(0) };
        Self { words: (0..slots.div_ceil(64)).map(word).collect() }
    }

    /// Marks a slot. Whatever was pushed before is visible to the worker that takes the mark.
    pub(crate) fn set(&self, slot: usize, side: Side) {
        let (word, bit) = (&self.words[slot / 64], 1 << (slot % 64));
        let word = match side {
            Side::Socket => &word.socket,
            Side::Agent => &word.agent,
        };
        // A bit that is set already will be taken after this: the release of the earlier setter does not cover our
        // push, so the or is always done.
        word.fetch_or(bit, Ordering::Release);
    }

    /// Takes all marks, calling `visit` once with each slot.
    pub(crate) fn take(&self, mut visit: impl FnMut(usize, Looks)) {
        for (index, word) in self.words.iter().enumerate() {
            let (socket, agent) = (take(&word.socket), take(&word.agent));
            let mut bits = socket | agent;
            while bits != 0 {
                let bit = bits & bits.wrapping_neg();
                let looks = Looks { socket: socket & bit != 0, agent: agent & bit != 0 };
                visit(index * 64 + bit.trailing_zeros() as usize, looks);
                bits ^= bit;
            }
        }
    }
}

fn take(word: &AtomicU64) -> u64 {
    // A look without a write leaves the line where it is.
    if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::Acquire) }
}

#[cfg(all(test, not(offhook_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_taken_once() {
        let due = Due::new(200);
        for slot in [0, 63, 64, 199, 199] {
            due.set(slot, Side::Socket);
        }
        due.set(63, Side::Agent);
        due.set(65, Side::Agent);
        let (socket, agent) = (Looks { socket: true, agent: false }, Looks { socket: false, agent: true });
        let mut taken = Vec::new();
        due.take(|slot, looks| taken.push((slot, looks)));
        assert_eq!(taken, [(0, socket), (63, Looks::ALL), (64, socket), (65, agent), (199, socket)]);
        due.take(|slot, _| panic!("slot {slot} was taken twice"));
    }
}

#[cfg(all(test, offhook_loom))]
mod loom_tests {
    use super::*;
    use crate::sync::AtomicU32;
    use loom::thread;
    use std::sync::Arc;

    /// Two producers push (a relaxed store each) and mark the same slot; the worker takes until both pushes were seen
    /// through a mark. A mark that was taken without its push would end the worker's look too early.
    #[test]
    fn loom_what_was_pushed_before_a_mark_is_seen_by_whoever_takes_it() {
        loom::model(|| {
            let due = Arc::new(Due::new(64));
            let rings = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
            let producers: Vec<_> = (0..2)
                .map(|n| {
                    let (due, rings) = (due.clone(), rings.clone());
                    thread::spawn(move || {
                        rings[n].store(1, Ordering::Relaxed);
                        due.set(3, if n == 0 { Side::Socket } else { Side::Agent });
                    })
                })
                .collect();
            let seen = || rings.iter().map(|ring| ring.load(Ordering::Relaxed)).sum::<u32>();
            let mut seen_at_last_mark = 0;
            due.take(|_, _| seen_at_last_mark = seen());
            producers.into_iter().for_each(|producer| producer.join().expect("no panic"));
            // Whatever was not seen yet must still be marked.
            let mut marked = false;
            due.take(|slot, _| marked = slot == 3);
            assert!(seen_at_last_mark == 2 || marked, "a push was left without a mark");
        });
    }

    /// A single producer: when the worker takes the mark, the push is there.
    #[test]
    fn loom_a_taken_mark_brings_its_push() {
        loom::model(|| {
            let due = Arc::new(Due::new(64));
            let ring = Arc::new(AtomicU32::new(0));
            let producer = {
                let (due, ring) = (due.clone(), ring.clone());
                thread::spawn(move || {
                    ring.store(1, Ordering::Relaxed);
                    due.set(0, Side::Socket);
                })
            };
            due.take(|_, _| assert_eq!(ring.load(Ordering::Relaxed), 1));
            producer.join().expect("no panic");
        });
    }
}

//! Which slots of a worker have something to look at: one bit each, set by anyone, taken by the worker.

use crate::sync::{AtomicU64, Ordering};

/// A set of slots. Setting is one atomic or; taking 64 slots is one atomic swap.
#[derive(Debug)]
pub(crate) struct Due {
    words: Box<[AtomicU64]>,
}

impl Due {
    /// An empty set for `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        Self { words: (0..slots.div_ceil(64)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Marks a slot. Whatever was pushed before is visible to the worker that takes the mark.
    pub(crate) fn set(&self, slot: usize) {
        let (word, bit) = (&self.words[slot / 64], 1 << (slot % 64));
        // A bit that is set already will be taken after this: the release of the earlier setter does not cover our
        // push, so the or is always done.
        word.fetch_or(bit, Ordering::Release);
    }

    /// Takes all marks, calling `visit` with each slot.
    pub(crate) fn take(&self, mut visit: impl FnMut(usize)) {
        for (index, word) in self.words.iter().enumerate() {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let mut bits = word.swap(0, Ordering::Acquire);
            while bits != 0 {
                visit(index * 64 + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(all(test, not(offhook_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_taken_once() {
        let due = Due::new(200);
        for slot in [0, 63, 64, 199, 199] {
            due.set(slot);
        }
        let mut taken = Vec::new();
        due.take(|slot| taken.push(slot));
        assert_eq!(taken, [0, 63, 64, 199]);
        due.take(|slot| panic!("slot {slot} was taken twice"));
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
                        due.set(3);
                    })
                })
                .collect();
            let seen = || rings.iter().map(|ring| ring.load(Ordering::Relaxed)).sum::<u32>();
            let mut seen_at_last_mark = 0;
            due.take(|_| seen_at_last_mark = seen());
            producers.into_iter().for_each(|producer| producer.join().expect("no panic"));
            // Whatever was not seen yet must still be marked.
            let mut marked = false;
            due.take(|slot| marked = slot == 3);
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
                    due.set(0);
                })
            };
            due.take(|_| assert_eq!(ring.load(Ordering::Relaxed), 1));
            producer.join().expect("no panic");
        });
    }
}

//! Which slots of a worker have something to look at: one bit each, set by anyone, taken by the worker.

use std::sync::atomic::{AtomicU64, Ordering};

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

#[cfg(test)]
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

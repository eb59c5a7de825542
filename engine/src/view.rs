//! A live call as others may look at it: published by the worker once a second, read at any time, without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::leg::{Progress, Quality};
use crate::time::Samples;

/// Values beside those of quality.
const PLAIN: usize = 7;

/// A window on one call, valid as long as it is held; a call that is over stays as it was.
#[derive(Debug, Clone, Default)]
pub struct CallView(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    plain: [AtomicU64; PLAIN],
    quality: [AtomicU64; Quality::VALUES],
}

impl CallView {
    /// The call as of the last second. Values published at the same time may be seen a moment apart.
    pub fn progress(&self) -> Progress {
        let [queued, sent, heard, cleared, barge_ins, turns, frames_in] = read(&self.0.plain);
        Progress {
            queued: Samples(queued),
            sent: Samples(sent),
            heard: Samples(heard),
            cleared: Samples(cleared),
            barge_ins: barge_ins as u32,
            turns: turns as u32,
            frames_in,
            quality: Quality::from_values(read(&self.0.quality)),
        }
    }

    pub(crate) fn publish(&self, progress: &Progress) {
        let Progress { queued, sent, heard, cleared, barge_ins, turns, frames_in, quality } = progress;
        let counts = [u64::from(*barge_ins), u64::from(*turns), *frames_in];
        write(&self.0.plain, [queued.0, sent.0, heard.0, cleared.0, counts[0], counts[1], counts[2]]);
        write(&self.0.quality, quality.values());
    }
}

fn read<const N: usize>(from: &[AtomicU64; N]) -> [u64; N] {
    std::array::from_fn(|index| from[index].load(Ordering::Relaxed))
}

fn write<const N: usize>(to: &[AtomicU64; N], values: [u64; N]) {
    for (cell, value) in to.iter().zip(values) {
        cell.store(value, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_seen() {
        let view = CallView::default();
        let progress = Progress {
            heard: Samples(160),
            turns: 3,
            quality: Quality { gaps: 2, ..Quality::default() },
            ..Progress::default()
        };
        view.publish(&progress);
        assert_eq!(view.clone().progress(), progress);
    }
}

//! A histogram of durations: fixed buckets, counted by anyone without a lock, read at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds. Dense where budgets lie: the tick (1–5 ms), a frame (20 ms), the
/// barge-in budget (100, 135, 180 ms), a stall (1 s).
pub const BOUNDS_US: [u64; 22] = [
    50, 100, 200, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 135_000,
    160_000, 180_000, 250_000, 500_000, 1_000_000, 2_000_000,
];

/// Counts durations. Adding one costs two relaxed atomic additions.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One per bound, and one for what is longer than all.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn add(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|&bound| bound < us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn snapshot(&self) -> Distribution {
        let mut counts = [0; BOUNDS_US.len() + 1];
        for (count, bucket) in counts.iter_mut().zip(&self.buckets) {
            *count = bucket.load(Ordering::Relaxed);
        }
        Distribution { counts, sum_us: self.sum_us.load(Ordering::Relaxed) }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many fell into each bucket: up to and including [`BOUNDS_US`], and one for what is longer than all.
    pub counts: [u64; BOUNDS_US.len() + 1],
    /// Their sum in microseconds.
    pub sum_us: u64,
}

impl Distribution {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What was counted after `earlier`, which is of the same histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut counts = self.counts;
        for (count, before) in counts.iter_mut().zip(&earlier.counts) {
            *count = count.saturating_sub(*before);
        }
        Self { counts, sum_us: self.sum_us.saturating_sub(earlier.sum_us) }
    }

    /// Where the quantile `q` (0 to 1) lies in its bucket, were that evenly filled, in microseconds. The longest of all
    /// is left out, as what happens once; 0 where nothing else was counted, the last bound where it lies beyond it.
    pub fn estimate_us(&self, q: f64) -> f64 {
        let count = self.count();
        let wanted = ((count as f64 * q).ceil() as u64).min(count.saturating_sub(1));
        if wanted == 0 {
            return 0.0;
        }
        let (mut below, mut from) = (0, 0);
        for (&bound, &count) in BOUNDS_US.iter().zip(&self.counts) {
            if below + count >= wanted {
                return from as f64 + (bound - from) as f64 * (wanted - below) as f64 / count as f64;
            }
            (below, from) = (below + count, bound);
        }
        from as f64
    }

    /// The upper bound of the bucket in which the quantile `q` (0 to 1) lies, in microseconds; `None` where nothing
    /// was counted, or where it lies beyond all bounds.
    pub fn quantile_us(&self, q: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * q).ceil().max(1.0) as u64;
        let mut below = 0;
        for (bound, count) in BOUNDS_US.iter().zip(&self.counts) {
            below += count;
            if below >= wanted {
                return Some(*bound);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_that_bounds_them() {
        let histogram = Histogram::default();
        for us in [50, 51, 1_000, 5_000_000] {
            histogram.add(Duration::from_micros(us));
        }
        let seen = histogram.snapshot();
        assert_eq!((seen.counts[0], seen.counts[1], seen.counts[4]), (1, 1, 1));
        assert_eq!((seen.counts[BOUNDS_US.len()], seen.count(), seen.sum_us), (1, 4, 5_001_101));
    }

    #[test]
    fn an_estimate_lies_within_its_bucket_and_leaves_out_what_happened_once() {
        let histogram = Histogram::default();
        let before = histogram.snapshot();
        for _ in 0..100 {
            histogram.add(Duration::from_millis(15));
        }
        histogram.add(Duration::from_secs(9));
        let seen = histogram.snapshot().since(&before);
        assert_eq!((seen.estimate_us(0.5), seen.estimate_us(1.0)), (15_100.0, 20_000.0));
        assert_eq!(seen.since(&seen).estimate_us(0.99), 0.0);
        histogram.add(Duration::from_secs(9));
        assert_eq!(histogram.snapshot().estimate_us(1.0), 2_000_000.0, "the last bound");
    }

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        let histogram = Histogram::default();
        for _ in 0..99 {
            histogram.add(Duration::from_micros(900));
        }
        histogram.add(Duration::from_millis(150));
        let seen = histogram.snapshot();
        assert_eq!(
            (seen.quantile_us(0.5), seen.quantile_us(0.99), seen.quantile_us(1.0)),
            (Some(1_000), Some(1_000), Some(160_000))
        );
        assert_eq!(Distribution::default().quantile_us(0.5), None);
    }
}

//! When a request is sent again: a delay that doubles, spread by chance, within a number of tries and a time.

use std::time::Duration;

use crate::clock::Moment;

/// No try begins later than this after the first, so that whoever waits for the answer knows for how long.
const WITHIN: Duration = Duration::from_secs(30);

/// How often, and how soon.
#[derive(Debug, Clone, Copy)]
pub(in crate::carrier) struct Retry {
    /// Tries behind the first.
    pub(in crate::carrier) retries_max: u32,
    /// Before the second; doubled before each one behind it.
    pub(in crate::carrier) delay: Duration,
}

/// The tries of one request.
#[derive(Debug)]
pub(super) struct Tries {
    retry: Retry,
    made: u32,
    until: Moment,
}

impl Retry {
    /// The first try begins `now`.
    pub(super) fn begin(self, now: Moment) -> Tries {
        Tries { retry: self, made: 0, until: now + WITHIN }
    }
}

impl Tries {
    /// When the next try begins, where there is to be one. `asked` is how long the carrier wants us to wait at least;
    /// `chance` takes up to half of our own delay away, so that many who were refused together do not come back together.
    pub(super) fn next(&mut self, now: Moment, asked: Option<Duration>, chance: u8) -> Option<Moment> {
        if self.made >= self.retry.retries_max {
            return None;
        }
        let full = self.retry.delay.saturating_mul(1 << self.made.min(16));
        let ours = full - full.mul_f64(f64::from(chance) / f64::from(u8::MAX) / 2.0);
        self.made += 1;
        let at = now.checked_add(ours.max(asked.unwrap_or_default()))?;
        (at <= self.until).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { retries_max: 3, delay: Duration::from_secs(1) };
    const NONE: Option<Duration> = None;

    #[test]
    fn delays_double_and_chance_takes_up_to_half() {
        let mut tries = RETRY.begin(Moment::ZERO);
        let mut next = |chance| tries.next(Moment::ZERO, NONE, chance).map(|at| at.as_millis());
        assert_eq!((next(0), next(255), next(0), next(0)), (Some(1_000), Some(1_000), Some(4_000), None));
    }

    #[test]
    fn the_carriers_wish_is_a_least_and_one_that_is_too_long_ends_it() {
        let now = Moment::from_secs(100);
        let asks = |s| RETRY.begin(now).next(now, Some(Duration::from_secs(s)), 0);
        assert_eq!((asks(0), asks(7)), (Some(now + Duration::from_secs(1)), Some(now + Duration::from_secs(7))));
        assert_eq!((asks(31), asks(u64::MAX)), (None, None));
    }

    #[test]
    fn none_begins_after_the_time() {
        let mut tries = RETRY.begin(Moment::ZERO);
        assert_eq!(tries.next(WITHIN - RETRY.delay, NONE, 0), Some(WITHIN));
        assert_eq!(tries.next(WITHIN, NONE, 0), None);
    }
}

//! How many of the calls that are not taken are written down.
//!
//! A flood of calls that find no place must cost those that found one nothing: neither the disk's time nor their place
//! in the journal. *Full:* beyond [`PER_SECOND`] on average, and [`AT_ONCE`] in a burst, a refusal is counted only.

use std::num::NonZeroU32;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::{Clock, Moment};

/// More refused calls than this nobody reads.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// An hour's usual refusals, coming together.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// The allowance.
pub(crate) struct Refusals(RateLimiter<NotKeyed, InMemoryState, Clock, NoOpMiddleware<Moment>>);

impl Refusals {
    pub(crate) fn new(clock: Clock) -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(AT_ONCE);
        Self(RateLimiter::direct_with_clock(quota, clock))
    }

    /// Whether one more may be written.
    pub(crate) fn may_write(&self) -> bool {
        self.0.check().is_ok()
    }
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refusals").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_written_then_so_many_a_second() {
        let clock = Clock::manual();
        let refusals = Refusals::new(clock.clone());
        let written = |asked: usize| (0..asked).filter(|_| refusals.may_write()).count();
        assert_eq!(written(5_000), 1_000);
        clock.advance(Duration::from_secs(2));
        assert_eq!(written(5_000), 200);
        clock.advance(Duration::from_secs(60));
        assert_eq!(written(5_000), 1_000);
    }
}

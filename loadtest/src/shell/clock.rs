//! The one file that reads the clock.
#![allow(clippy::disallowed_methods, reason = "this is the clock file of the crate")]

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Micros;

/// A monotonic clock that began at zero when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts at zero, now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Waits until `at`; the runtime rounds up to its next millisecond.
    pub async fn sleep_until(&self, at: Micros) {
        // Far enough for every call, near enough for the runtime's timer.
        let at = at.min(self.now() + Micros::from_ms(3_600_000));
        tokio::time::sleep_until((self.origin + Duration::from_micros(at.0)).into()).await;
    }
}

/// Waits on a thread that has nothing else to do.
pub fn pause(length: Duration) {
    std::thread::sleep(length);
}

/// Seconds since 1970.
#[must_use]
pub fn unix_s() -> u64 {
    since_1970().as_secs()
}

/// A seed that differs from run to run, and between runs that begin at the same moment: two calls of one name at once
/// would be one call to the server. From the standard library's own random keys; short enough to be typed again.
#[must_use]
pub fn fresh_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 24
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

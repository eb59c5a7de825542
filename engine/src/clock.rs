//! The one place of the engine that reads time or waits for it.

use rustix::thread::ClockId;
use rustix::time::{Timespec, clock_gettime};

use crate::time::Instant;

/// The machine's monotonic clock, counted from when the engine started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// CLOCK_MONOTONIC at the start, in microseconds.
    start_us: u64,
}

impl Clock {
    /// A clock that reads zero now.
    pub(crate) fn start() -> Self {
        Self { start_us: monotonic_us() }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(monotonic_us() - self.start_us)
    }

    /// Blocks this thread until `at`; returns at once when that has passed. Never late by drift: the deadline is
    /// absolute.
    pub(crate) fn sleep_until(&self, at: Instant) {
        let us = self.start_us + at.micros();
        let deadline = Timespec { tv_sec: (us / 1_000_000) as i64, tv_nsec: (us % 1_000_000) as i64 * 1_000 };
        // A signal may end the sleep early; a tick too early does no harm.
        let _ = rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &deadline);
    }
}

fn monotonic_us() -> u64 {
    let t = clock_gettime(rustix::time::ClockId::Monotonic);
    t.tv_sec as u64 * 1_000_000 + t.tv_nsec as u64 / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn sleeping_until_a_moment_lets_it_pass() {
        let clock = Clock::start();
        let at = clock.now() + Duration::from_millis(2);
        clock.sleep_until(at);
        assert!(clock.now() >= at);
        clock.sleep_until(Instant::ZERO);
    }
}

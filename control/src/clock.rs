//! The one place of this crate that reads time. Everything else is told what time it is.
#![allow(clippy::disallowed_methods, reason = "this is the crate's clock file")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::Timestamp;

/// A point in time: how long after the service's start.
pub type Moment = Duration;

/// Where the time comes from: the machine, or a test's hand.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's monotonic clock, counted from here.
    Machine(Instant),
    /// Milliseconds that a test moves forward itself.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The machine's clock, starting now.
    pub fn machine() -> Self {
        Self::Machine(Instant::now())
    }

    /// A clock that stands still until [`advance`](Self::advance) is called.
    pub fn manual() -> Self {
        Self::Manual(Arc::new(AtomicU64::new(0)))
    }

    /// How long ago the start was.
    pub fn now(&self) -> Moment {
        match self {
            Self::Machine(start) => start.elapsed(),
            Self::Manual(ms) => Duration::from_millis(ms.load(Ordering::Relaxed)),
        }
    }

    /// What time it is for people. A manual clock began on 2026-01-01.
    pub fn wall(&self) -> Timestamp {
        const MANUAL_START_MS: i64 = 1_767_225_600_000;
        let ms = |since: Duration| i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        match self {
            Self::Machine(_) => Timestamp(ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())),
            Self::Manual(_) => Timestamp(MANUAL_START_MS + ms(self.now())),
        }
    }

    /// Returns when it is `at`.
    pub async fn sleep_until(&self, at: Moment) {
        /// How soon somebody who waits sees that a test has moved the clock.
        const LOOK: Duration = Duration::from_millis(5);
        while let Some(left) = at.checked_sub(self.now()).filter(|left| !left.is_zero()) {
            tokio::time::sleep(if matches!(self, Self::Machine(_)) { left } else { LOOK }).await;
        }
    }

    /// Moves a manual clock forward; the machine's clock does not listen.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(ms) = self {
            ms.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Self::now(self)
    }
}

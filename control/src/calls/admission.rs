//! Admission: whether there is room for a call more, by how full and how late the service is.
//!
//! ```text
//! load = the largest of   places taken ÷ OFFHOOK_CALLS_MAX            known at every moment
//!                         lag of the workers' ticks, p99 ÷ its limit  ┐ measured every half second: the strain
//!                         age of callers' frames, p90 ÷ its limit     ┘
//! 80 %  what can wait does: captures, the deletion of old calls
//! 90 %  no call is placed
//! 95 %  no call is taken; what is left is for calls that are taken up again
//! ```
//! *Late:* strain is felt for two seconds after it was last measured, so that a service at its limit does not take a call
//! with every breath. *Of the frames* it is p90: one caller in twenty behind a bad network is no load of ours.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::Distribution;

use crate::config::LoadLimits;
use crate::directory::Busy;

/// From here on, in percent, what can wait does.
pub(crate) const SPARING: u32 = 80;
/// From here on no call is placed.
pub(crate) const OUTBOUND_UNTIL: u32 = 90;
/// From here on no call is taken.
pub(crate) const INBOUND_UNTIL: u32 = 95;

/// Between two measurements.
pub(crate) const EVERY: Duration = Duration::from_millis(500);
/// So many measurements count: two seconds.
const FELT: usize = 4;
/// Fewer frames of callers in a measurement say more about a caller's network than about us: eight calls' worth.
const FRAMES_MIN: u64 = 200;

/// A build without optimisation is late by itself, and is for trying things out.
const PATIENCE: u32 = if cfg!(debug_assertions) { 50 } else { 1 };

/// How late the engine is, in percent of its limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Strain {
    /// Its ticks.
    pub(crate) ticks: u32,
    /// Callers' frames.
    pub(crate) frames: u32,
}

impl Strain {
    /// The larger one.
    pub(crate) fn percent(self) -> u32 {
        self.ticks.max(self.frames)
    }

    fn max(self, other: Self) -> Self {
        Self { ticks: self.ticks.max(other.ticks), frames: self.frames.max(other.frames) }
    }
}

/// What a load means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Everything goes.
    Open,
    /// What can wait does.
    Sparing,
    /// No call is placed.
    Inbound,
    /// No call is taken.
    Full,
}

impl Level {
    /// Of a load in percent.
    pub(crate) fn of(percent: u32) -> Self {
        match percent {
            INBOUND_UNTIL.. => Self::Full,
            OUTBOUND_UNTIL.. => Self::Inbound,
            SPARING.. => Self::Sparing,
            _ => Self::Open,
        }
    }

    /// For the log.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Open => "everything goes",
            Self::Sparing => "what can wait does: no capture begins, no old call is deleted",
            Self::Inbound => "no call is placed",
            Self::Full => "no call is taken",
        }
    }
}

/// There is no place for another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// So many places are taken that what is left is for others.
    Full,
    /// The engine is so late that a call more would be at the cost of those that are there.
    Strained,
    /// The tenant has as many calls as it may have at once.
    TenantAtOnce,
    /// The tenant has had as many new calls as may come in a second.
    TenantPerSecond,
}

impl From<Busy> for NoPlace {
    fn from(busy: Busy) -> Self {
        match busy {
            Busy::AtOnce => Self::TenantAtOnce,
            Busy::PerSecond => Self::TenantPerSecond,
        }
    }
}

/// What was measured, and what is read without waiting.
#[derive(Debug)]
pub(crate) struct Admission {
    scale: Mutex<Scale>,
    load: AtomicU32,
}

impl Admission {
    pub(crate) fn new(limits: LoadLimits) -> Self {
        let limits = LoadLimits { tick_lag: limits.tick_lag * PATIENCE, frame_age: limits.frame_age * PATIENCE };
        Self { scale: Mutex::new(Scale::new(limits)), load: AtomicU32::new(0) }
    }

    /// What the engine counted until now; every [`EVERY`].
    pub(crate) fn measure(&self, tick_lag: Distribution, frame_late: Distribution) -> Strain {
        // Numbers only: whole whatever happened.
        self.scale.lock().unwrap_or_else(PoisonError::into_inner).measure(tick_lag, frame_late)
    }

    /// The load is now this, in percent. Gives the level before and after.
    pub(crate) fn note(&self, percent: u32) -> (Level, Level) {
        (Level::of(self.load.swap(percent, Ordering::Relaxed)), Level::of(percent))
    }

    /// The load, as of the last look.
    pub(crate) fn load(&self) -> u32 {
        self.load.load(Ordering::Relaxed)
    }

    /// Whether what can wait should.
    pub(crate) fn is_sparing(&self) -> bool {
        Level::of(self.load()) >= Level::Sparing
    }
}

/// Makes strain of what the engine counts.
#[derive(Debug)]
struct Scale {
    limits: LoadLimits,
    counted: Option<(Distribution, Distribution)>,
    felt: [Strain; FELT],
    next: usize,
}

impl Scale {
    fn new(limits: LoadLimits) -> Self {
        Self { limits, counted: None, felt: [Strain::default(); FELT], next: 0 }
    }

    fn measure(&mut self, tick_lag: Distribution, frame_late: Distribution) -> Strain {
        let before = self.counted.replace((tick_lag, frame_late));
        let now = before.map_or_else(Strain::default, |(ticks_before, frames_before)| {
            let (ticks, frames) = (tick_lag.since(&ticks_before), frame_late.since(&frames_before));
            let age = if frames.count() < FRAMES_MIN { 0.0 } else { frames.estimate_us(0.9) };
            Strain {
                ticks: percent(ticks.estimate_us(0.99), self.limits.tick_lag),
                frames: percent(age, self.limits.frame_age),
            }
        });
        self.felt[self.next] = now;
        self.next = (self.next + 1) % FELT;
        self.felt.into_iter().fold(Strain::default(), Strain::max)
    }
}

fn percent(us: f64, limit: Duration) -> u32 {
    // Saturates; a limit is never zero.
    (us / limit.as_micros().max(1) as f64 * 100.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LoadLimits =
        LoadLimits { tick_lag: Duration::from_millis(20), frame_age: Duration::from_millis(100) };

    /// Durations that were counted since the start, so many of each.
    fn counted(of: &[(u64, u64)]) -> Distribution {
        let mut seen = Distribution::default();
        for &(us, count) in of {
            let bucket = engine::BOUNDS_US.partition_point(|&bound| bound < us);
            seen.counts[bucket] += count;
        }
        seen
    }

    #[test]
    fn each_threshold_is_where_it_says() {
        let level = |percent| Level::of(percent);
        assert_eq!([0, 79, 80, 89].map(level), [Level::Open, Level::Open, Level::Sparing, Level::Sparing]);
        assert_eq!([90, 94, 95, 400].map(level), [Level::Inbound, Level::Inbound, Level::Full, Level::Full]);
    }

    #[test]
    fn strain_is_what_came_since_the_last_look() {
        let mut scale = Scale::new(LIMITS);
        let late_before = counted(&[(1_000_000, 400)]);
        assert_eq!(scale.measure(late_before, Distribution::default()).percent(), 0, "what was before is not known");
        let now = counted(&[(1_000_000, 400), (900, 500)]);
        assert!(scale.measure(now, Distribution::default()).percent() < 10);
    }

    #[test]
    fn late_ticks_are_felt_at_once_and_two_seconds_long() {
        let mut scale = Scale::new(LIMITS);
        let (mut slow, mut quick) = (0, 0);
        let mut look = |add_slow: u64, add_quick: u64| {
            (slow, quick) = (slow + add_slow, quick + add_quick);
            scale.measure(counted(&[(39_000, slow), (400, quick)]), Distribution::default()).ticks
        };
        look(0, 500);
        assert!(look(0, 500) < 10);
        assert!(look(10, 400) > 95, "ten ticks of 410 were 40 ms late");
        for _ in 0..3 {
            assert!(look(0, 500) > 95);
        }
        assert!(look(0, 500) < 10);
    }

    #[test]
    fn one_late_tick_is_a_hiccup() {
        let mut scale = Scale::new(LIMITS);
        scale.measure(Distribution::default(), Distribution::default());
        assert!(scale.measure(counted(&[(1_000_000, 1), (400, 60)]), Distribution::default()).ticks < 10);
        assert!(scale.measure(counted(&[(1_000_000, 2), (400, 60)]), Distribution::default()).ticks < 10, "alone");
    }

    #[test]
    fn one_bad_network_is_no_load_and_all_are() {
        let mut scale = Scale::new(LIMITS);
        scale.measure(Distribution::default(), Distribution::default());
        let one = counted(&[(400_000, 25), (300, 475)]);
        assert!(scale.measure(Distribution::default(), one).frames < 10);
        let all = counted(&[(400_000, 25), (300, 475), (180_000, 500)]);
        assert!(scale.measure(Distribution::default(), all).frames > 95);
        let few = counted(&[(400_000, 75), (300, 475), (180_000, 500)]);
        for _ in 0..FELT {
            scale.measure(Distribution::default(), few);
        }
        assert_eq!(scale.measure(Distribution::default(), few).frames, 0, "two calls say nothing about us");
    }
}

//! Time as a number: an instant is microseconds since the engine started, always passed in, never read here.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time: whole microseconds since an arbitrary start. Tests simply write the number they want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The start of time.
    pub const ZERO: Self = Self(0);

    /// `us` microseconds after the start.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// `ms` milliseconds after the start.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    /// Microseconds since the start.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the start.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, by: Duration) {
        *self = *self + by;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// An amount of sound in samples at 8 kHz (one sample is 125 µs and one byte of G.711).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Samples(pub u64);

impl Samples {
    /// No sound.
    pub const ZERO: Self = Self(0);

    /// The samples that `ms` milliseconds hold.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 8)
    }

    /// The samples that play in `duration`.
    pub fn from_duration(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) / 125)
    }

    /// How long they sound.
    pub const fn duration(self) -> Duration {
        Duration::from_micros(self.0 * 125)
    }

    /// How long they sound, in whole milliseconds.
    pub const fn millis(self) -> u64 {
        self.0 / 8
    }

    /// The difference, never below zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Samples {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Samples {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_never_go_below_the_start() {
        let t = Instant::from_millis(5);
        assert_eq!(t - Duration::from_millis(9), Instant::ZERO);
        assert_eq!(Instant::ZERO.since(t), Duration::ZERO);
        assert_eq!((t + Duration::from_millis(20)).since(t), Duration::from_millis(20));
    }

    #[test]
    fn a_sample_lasts_125_microseconds() {
        assert_eq!(Samples(160).duration(), Duration::from_millis(20));
        assert_eq!(Samples::from_duration(Duration::from_millis(20)), Samples(160));
        assert_eq!(Samples::from_millis(20).millis(), 20);
    }
}

//! The type of every moment and duration here: whole microseconds, always handed in, never read from a clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};

/// Microseconds since the run began, or a length of time in microseconds.
///
/// One telephone sample at 8,000 Hz lasts exactly 125 µs, so sample arithmetic never rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

/// How long one sample (one byte of µ-law) lasts.
pub const SAMPLE_US: u64 = 125;

impl Micros {
    /// The earliest moment.
    pub const ZERO: Self = Self(0);
    /// Never.
    pub const MAX: Self = Self(u64::MAX);

    /// Whole milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// The length of `n` samples at 8,000 Hz.
    #[must_use]
    pub const fn from_samples(n: u64) -> Self {
        Self(n.saturating_mul(SAMPLE_US))
    }

    /// Milliseconds with their fraction.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a call is far shorter than 2^52 µs")]
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// How many whole samples fit into this length.
    #[must_use]
    pub const fn samples(self) -> u64 {
        self.0 / SAMPLE_US
    }

    /// The length from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds from `origin` to here, negative before it.
    #[must_use]
    pub fn relative_ms(self, origin: Self) -> f64 {
        if self >= origin { self.since(origin).as_ms() } else { -origin.since(self).as_ms() }
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.as_ms())
    }
}

impl Serialize for Micros {
    /// As milliseconds, the unit of every field name that ends in `_ms`.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_f64(self.as_ms())
    }
}

//! How a great many times are spread: an HDR histogram in microseconds, exact to 0.1 %.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::time::Micros;

/// Longer times count as this.
const LONGEST_US: u64 = 60_000_000;

/// The times seen so far.
#[derive(Clone, Debug)]
pub struct Spread(Histogram<u32>);

/// A spread in a few numbers, all in milliseconds; zero when nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// How many.
    pub count: u64,
    /// Half are not longer.
    pub p50_ms: f64,
    /// 95 of 100 are not longer.
    pub p95_ms: f64,
    /// 99 of 100 are not longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Spread {
    fn default() -> Self {
        // The bounds are valid, so the fallback is never made.
        Self(Histogram::new_with_bounds(1, LONGEST_US, 3).unwrap_or_else(|_| unreachable!("constant bounds")))
    }
}

impl Spread {
    /// One more.
    pub fn add(&mut self, time: Micros) {
        self.0.saturating_record(time.0.clamp(1, LONGEST_US));
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// The numbers.
    #[must_use]
    pub fn figures(&self) -> Figures {
        if self.0.is_empty() {
            return Figures::default();
        }
        let at = |quantile| Micros(self.0.value_at_quantile(quantile)).as_ms();
        let max_ms = Micros(self.0.max()).as_ms();
        Figures { count: self.0.len(), p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99), max_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_a_thousandth() {
        let mut spread = Spread::default();
        (1..=100_000).for_each(|us| spread.add(Micros(us)));
        let figures = spread.figures();
        assert_eq!(figures.count, 100_000);
        for (measured, expected) in [(figures.p50_ms, 50.0), (figures.p95_ms, 95.0), (figures.p99_ms, 99.0)] {
            assert!((measured / expected - 1.0).abs() < 0.001, "{measured} for {expected}");
        }
        assert_eq!(Spread::default().figures(), Figures::default());
    }

    #[test]
    fn nothing_is_too_short_or_too_long() {
        let mut spread = Spread::default();
        spread.add(Micros::ZERO);
        spread.add(Micros::MAX);
        assert_eq!(spread.figures().count, 2);
        assert!(spread.figures().max_ms >= 60_000.0);
    }
}

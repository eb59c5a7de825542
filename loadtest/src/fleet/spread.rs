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

/// A spread as a histogram: how many in each step of time, from zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bins {
    /// How long a step is, ms.
    pub step_ms: f64,
    /// How many in each.
    pub counts: Vec<u64>,
    /// How many were longer than all steps.
    pub above: u64,
}

/// Steps of a histogram at most, and the shortest, µs.
const STEPS_MAX: u64 = 60;
const STEP_LEAST_US: u64 = 50;

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

    /// As a histogram that ends where all but the last half of a percent have been counted.
    #[must_use]
    pub fn bins(&self) -> Bins {
        if self.0.is_empty() {
            return Bins::default();
        }
        let last_us = self.0.value_at_quantile(0.995);
        let step = step_us(last_us);
        let mut bins = Bins { step_ms: Micros(step).as_ms(), counts: vec![0; (last_us / step) as usize + 1], above: 0 };
        for seen in self.0.iter_recorded() {
            match bins.counts.get_mut((seen.value_iterated_to() / step) as usize) {
                Some(count) => *count += seen.count_since_last_iteration(),
                None => bins.above += seen.count_since_last_iteration(),
            }
        }
        bins
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

/// The shortest of 1, 2, 5, 10, 20, 50 … times [`STEP_LEAST_US`] with which `last_us` is within [`STEPS_MAX`].
fn step_us(last_us: u64) -> u64 {
    let mut step = STEP_LEAST_US;
    for factor in [2, 2, 5].into_iter().cycle() {
        if last_us / step < STEPS_MAX {
            break;
        }
        step = if factor == 5 { step / 4 * 10 } else { step * factor };
    }
    step
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Nothing is lost between the steps, and a percentile lies in the step in which as many have been counted.
        #[test]
        fn a_histogram_has_all_of_it_where_it_is(times in prop::collection::vec(0_u64..2_000_000, 1..400)) {
            let mut spread = Spread::default();
            times.iter().for_each(|us| spread.add(Micros(*us)));
            let (bins, figures) = (spread.bins(), spread.figures());
            prop_assert_eq!(bins.counts.iter().sum::<u64>() + bins.above, figures.count);
            prop_assert!(bins.counts.len() as u64 <= STEPS_MAX && bins.above as usize <= times.len().div_ceil(100));
            for (quantile, value_ms) in [(0.5, figures.p50_ms), (0.95, figures.p95_ms)] {
                let wanted = (quantile * figures.count as f64).ceil() as u64;
                let up_to = |bin: usize| bins.counts[..=bin].iter().sum::<u64>();
                let bin = (0..bins.counts.len()).find(|bin| up_to(*bin) >= wanted).unwrap();
                let (from, to) = (bin as f64 * bins.step_ms, (bin + 1) as f64 * bins.step_ms);
                prop_assert!((from * 0.998..=to * 1.002).contains(&value_ms), "{} in {}..{}", value_ms, from, to);
            }
            let sorted = { let mut sorted = times.clone(); sorted.sort_unstable(); sorted };
            let exact = Micros(sorted[(times.len() * 95).div_ceil(100) - 1].max(1)).as_ms();
            prop_assert!((figures.p95_ms - exact).abs() <= exact * 0.001 + 0.001, "{} for {}", figures.p95_ms, exact);
        }
    }

    #[test]
    fn steps_are_round() {
        let steps: Vec<u64> = [0, 3_000, 12_000, 15_000, 40_000, 120_000, 59_000_000].map(step_us).to_vec();
        assert_eq!(steps, [50, 100, 500, 500, 1_000, 5_000, 1_000_000]);
        assert_eq!(Spread::default().bins(), Bins::default());
    }

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

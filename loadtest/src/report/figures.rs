//! Percentiles of a handful of times.

use serde::Serialize;

use crate::time::Micros;

/// How a set of times is spread. Serialises as milliseconds; all zero when there was nothing to measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Half are not longer.
    pub p50_ms: Micros,
    /// 95 of 100 are not longer.
    pub p95_ms: Micros,
    /// 99 of 100 are not longer.
    pub p99_ms: Micros,
    /// The longest.
    pub max_ms: Micros,
}

impl Spread {
    /// The spread of `times`, by the nearest rank.
    #[must_use]
    pub fn of(mut times: Vec<Micros>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).copied().unwrap_or_default()
        };
        Self { count: times.len(), p50_ms: at(50), p95_ms: at(95), p99_ms: at(99), max_ms: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let spread = Spread::of((1..=100).rev().map(Micros).collect());
        assert_eq!(
            (spread.p50_ms, spread.p95_ms, spread.p99_ms, spread.max_ms),
            (Micros(50), Micros(95), Micros(99), Micros(100))
        );
        assert_eq!(Spread::of(vec![Micros(7)]).p50_ms, Micros(7));
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}

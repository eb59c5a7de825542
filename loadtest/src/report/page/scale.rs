//! From values to places of a drawing, and the round values that are written beside it.

/// A stretch of values from zero, on a stretch of a drawing.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// The value at the end.
    pub max: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Values from 0 to `max` between `from` and `to`; nothing to show is shown as one.
    #[must_use]
    pub fn new(max: f64, from: f64, to: f64) -> Self {
        Self { max: if max.is_finite() && max > 0.0 { max } else { 1.0 }, from, to }
    }

    /// Where `value` is; what is beyond the end is at the end.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let value = if value.is_finite() { value.clamp(0.0, self.max) } else { self.max };
        self.from + (self.to - self.from) * (value / self.max)
    }

    /// About `count` round values from zero on.
    #[must_use]
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        let step = round_up(self.max / count.max(1) as f64);
        (0_u32..).map(|n| f64::from(n) * step).take_while(|tick| *tick <= self.max * 1.000_001).collect()
    }
}

/// The next of 1, 2, 5, 10, 20, 50 … (and their tenths) that is not less.
#[must_use]
pub fn round_up(value: f64) -> f64 {
    if !(value.is_finite() && value > 0.0) {
        return 1.0;
    }
    let ten = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * ten);
    steps.into_iter().find(|step| *step >= value * 0.999_999).unwrap_or(10.0 * ten)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(Scale::new(97.0, 0.0, 1.0).ticks(5), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(Scale::new(0.0, 0.0, 1.0).ticks(2), [0.0, 0.5, 1.0]);
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside(max in -1.0_f64..1e7, value in any::<f64>()) {
            let scale = Scale::new(max, 40.0, 990.0);
            prop_assert!((40.0..=990.0).contains(&scale.at(value)));
            let ticks = scale.ticks(5);
            prop_assert!((2..=7).contains(&ticks.len()), "{:?}", ticks);
        }
    }
}

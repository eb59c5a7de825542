//! The stages of a run: calls are set up, settle, are measured, hang up.

use crate::time::Micros;

/// How long after the ramp calls that are still being set up are waited for.
const PATIENCE: Micros = Micros::from_ms(20_000);
/// How long all calls run before measuring begins.
const SETTLE: Micros = Micros::from_ms(1_000);
/// How long the last words may take.
const GOODBYE: Micros = Micros::from_ms(10_000);

/// A stage of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    /// Calls are being set up.
    Ramp = 0,
    /// All are up.
    Settle = 1,
    /// What is seen counts.
    Measure = 2,
    /// Calls end.
    HangUp = 3,
    /// All over.
    Done = 4,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ramp => "calling",
            Self::Settle => "settling",
            Self::Measure => "measuring",
            Self::HangUp | Self::Done => "hanging up",
        })
    }
}

/// Where a run stands.
#[derive(Debug)]
pub struct Timeline {
    calls: usize,
    length: Micros,
    stage: Stage,
    /// When the stage ends at the latest.
    ends: Micros,
}

impl Timeline {
    /// A run of `calls` calls, set up within `ramp` from `now` and measured for `length`.
    #[must_use]
    pub fn new(now: Micros, calls: usize, ramp: Micros, length: Micros) -> Self {
        Self { calls, length, stage: Stage::Ramp, ends: now + ramp + PATIENCE }
    }

    /// The stage.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// When the stage ends at the latest.
    #[must_use]
    pub const fn ends(&self) -> Micros {
        self.ends
    }

    /// Moves on if it is time: `settled` calls have come up or failed, `open` sockets are left. Returns a new stage.
    pub fn step(&mut self, now: Micros, settled: usize, open: usize) -> Option<Stage> {
        let early = match self.stage {
            Stage::Ramp => settled >= self.calls,
            Stage::HangUp => open == 0,
            Stage::Settle | Stage::Measure | Stage::Done => false,
        };
        if self.stage == Stage::Done || (now < self.ends && !early) {
            return None;
        }
        (self.stage, self.ends) = match self.stage {
            // Nobody came up: there is nothing to measure.
            Stage::Ramp if open == 0 => (Stage::Done, Micros::MAX),
            Stage::Ramp => (Stage::Settle, now + SETTLE),
            // From the planned end, not from when somebody looked.
            Stage::Settle => (Stage::Measure, self.ends + self.length),
            Stage::Measure => (Stage::HangUp, now + GOODBYE),
            Stage::HangUp | Stage::Done => (Stage::Done, Micros::MAX),
        };
        Some(self.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_through_its_stages_as_soon_as_it_can() {
        let ms = Micros::from_ms;
        let mut timeline = Timeline::new(ms(0), 10, ms(1_000), ms(5_000));
        assert_eq!(timeline.step(ms(900), 9, 9), None);
        assert_eq!(timeline.step(ms(950), 10, 10), Some(Stage::Settle));
        assert_eq!(timeline.step(ms(1_949), 10, 10), None);
        assert_eq!(timeline.step(ms(1_951), 10, 10), Some(Stage::Measure));
        assert_eq!(timeline.step(ms(6_949), 10, 10), None);
        assert_eq!(timeline.step(ms(6_950), 10, 10), Some(Stage::HangUp));
        assert_eq!(timeline.step(ms(6_960), 10, 1), None);
        assert_eq!(timeline.step(ms(6_970), 10, 0), Some(Stage::Done));
        assert_eq!(timeline.step(ms(99_999), 10, 0), None);
    }

    #[test]
    fn a_run_without_calls_is_over_at_once() {
        let mut timeline = Timeline::new(Micros::ZERO, 10, Micros::ZERO, Micros::ZERO);
        assert_eq!(timeline.step(Micros(1), 10, 0), Some(Stage::Done));
    }

    #[test]
    fn calls_that_never_come_up_and_sockets_that_never_close_are_not_waited_for_forever() {
        let mut timeline = Timeline::new(Micros::ZERO, 10, Micros::ZERO, Micros::ZERO);
        assert_eq!(timeline.step(PATIENCE, 3, 3), Some(Stage::Settle));
        let mut now = PATIENCE;
        while timeline.stage() != Stage::Done {
            now += Micros::from_ms(10);
            timeline.step(now, 3, 3);
        }
        assert!(now < PATIENCE + SETTLE + GOODBYE + Micros::from_ms(100));
    }
}

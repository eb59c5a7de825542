//! The last second of a run, for who watches it: how soon interruptions were answered, how late our own frames were.

use crate::time::Micros;

/// Reactions that are kept of one second. Full: the rest of that second is not looked at; the figures of the run, which
/// are kept elsewhere, have them all.
const CLEARS_MAX: usize = 4_096;

/// What has been seen since the last look.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    clears: Vec<Micros>,
    late_max: Micros,
}

/// One second in three numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Interruptions that were answered.
    pub clears: usize,
    /// 95 of 100 of them so soon; zero when there was none.
    pub clear_p95: Micros,
    /// The latest of our own frames.
    pub late_max: Micros,
}

impl Recent {
    /// An interruption was answered after so long.
    pub fn cleared(&mut self, took: Micros) {
        if self.clears.len() < CLEARS_MAX {
            self.clears.push(took);
        }
    }

    /// A frame of ours was so late.
    pub fn sent(&mut self, late: Micros) {
        self.late_max = self.late_max.max(late);
    }

    /// The second is over: what it was, and the next begins.
    pub fn roll(&mut self) -> Glance {
        self.clears.sort_unstable();
        let rank = (self.clears.len() * 95).div_ceil(100);
        let clear_p95 = rank.checked_sub(1).and_then(|at| self.clears.get(at)).copied().unwrap_or_default();
        let glance = Glance { clears: self.clears.len(), clear_p95, late_max: self.late_max };
        self.clears.clear();
        self.late_max = Micros::ZERO;
        glance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_forgets_the_one_before() {
        let mut recent = Recent::default();
        (1..=100).rev().for_each(|ms| recent.cleared(Micros::from_ms(ms)));
        recent.sent(Micros(700));
        recent.sent(Micros(30));
        let glance = recent.roll();
        assert_eq!((glance.clears, glance.clear_p95, glance.late_max), (100, Micros::from_ms(95), Micros(700)));
        assert_eq!(recent.roll(), Glance::default());
        (0..2 * CLEARS_MAX).for_each(|_| recent.cleared(Micros(1)));
        assert_eq!(recent.roll().clears, CLEARS_MAX);
    }
}

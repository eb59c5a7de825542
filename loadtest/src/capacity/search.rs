//! The search: doubles while the server holds, halves the gap to what it did not hold, and proves the answer at length.
//!
//! ```text
//! Grow    50, 100, 200 … until one is missed (or --max is held)
//! Narrow  halfway between the last held and the first missed, until they are close
//! Prove   the last held once more, for longer; missed: a little less, and again
//! ```
//! A miss by little may be chance, so it is tried once more; two misses count. A plateau in which our own frames were
//! late says nothing about the server: once more, and void again it bounds the search as a miss would, but the answer
//! then says that the limit was ours.

use serde::Serialize;

/// What one plateau came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All budgets were kept.
    #[default]
    Held,
    /// One was missed; `gross` by so much that chance cannot have done it.
    Missed {
        /// By far.
        gross: bool,
    },
    /// Our own frames were late.
    Void,
}

/// What to play next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// So many calls.
    pub calls: usize,
    /// At length, as a proof.
    pub is_proof: bool,
}

/// Where the search is to look.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The first number of calls.
    pub start: usize,
    /// The greatest.
    pub max: usize,
    /// How close the answer is to be, as a share of it.
    pub within: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Grow,
    Narrow,
    Prove,
    Over,
}

/// A search that goes on.
#[derive(Clone, Debug)]
pub struct Search {
    bounds: Bounds,
    phase: Phase,
    calls: usize,
    /// The greatest that was held; zero for none.
    low: usize,
    /// The least that was not.
    high: Option<usize>,
    /// The plateau is played for the second time.
    again: bool,
    /// By how much less the next proof is tried, as a share.
    back: f64,
    proved: bool,
    void_at: Option<usize>,
}

/// What the search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The greatest number of calls that was held at length; zero for none.
    pub held: usize,
    /// The least that was not held; `None`: all that was allowed to be tried was held.
    pub missed: Option<usize>,
    /// So many calls were already more than this program could play in time: the answer is a lower bound.
    pub void_at: Option<usize>,
}

impl Search {
    /// A search that has tried nothing yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let calls = bounds.start.clamp(1, bounds.max.max(1));
        Self {
            bounds,
            phase: Phase::Grow,
            calls,
            low: 0,
            high: None,
            again: false,
            back: bounds.within,
            proved: false,
            void_at: None,
        }
    }

    /// What to play next; `None` when the search is over.
    #[must_use]
    pub fn next(&self) -> Option<Attempt> {
        (self.phase != Phase::Over).then_some(Attempt { calls: self.calls, is_proof: self.phase == Phase::Prove })
    }

    /// What it came to.
    pub fn take(&mut self, verdict: Verdict) {
        let doubtful = matches!(verdict, Verdict::Missed { gross: false } | Verdict::Void);
        if doubtful && !self.again {
            self.again = true;
            return;
        }
        self.again = false;
        if verdict == Verdict::Void {
            self.void_at = Some(self.void_at.map_or(self.calls, |at| at.min(self.calls)));
        }
        let held = verdict == Verdict::Held;
        match self.phase {
            Phase::Prove if held => (self.proved, self.phase) = (true, Phase::Over),
            Phase::Prove => self.step_back(),
            Phase::Grow | Phase::Narrow => {
                if held {
                    self.low = self.calls;
                } else {
                    self.high = Some(self.calls);
                }
                self.go_on();
            }
            Phase::Over => {}
        }
    }

    /// What was found; only when [`next`](Self::next) has nothing more is it the answer.
    #[must_use]
    pub fn found(&self) -> Found {
        Found { held: if self.proved { self.low } else { 0 }, missed: self.high, void_at: self.void_at }
    }

    fn go_on(&mut self) {
        let (phase, calls) = match self.high {
            None if self.calls < self.bounds.max => (Phase::Grow, self.calls.saturating_mul(2).min(self.bounds.max)),
            None => (Phase::Prove, self.low),
            Some(high) => match between(self.low, high, self.bounds.within) {
                Some(middle) => (Phase::Narrow, middle),
                None if self.low == 0 => (Phase::Over, 0),
                None => (Phase::Prove, self.low),
            },
        };
        (self.phase, self.calls) = (phase, calls);
    }

    /// A proof failed: less, and each time twice as much less, so that it comes to an end.
    fn step_back(&mut self) {
        self.high = Some(self.calls);
        let less = ((self.calls as f64 * self.back) as usize).max(1);
        self.back *= 2.0;
        self.low = if self.back > 2.0 { 0 } else { round(self.calls - less) };
        (self.phase, self.calls) = if self.low == 0 { (Phase::Over, 0) } else { (Phase::Prove, self.low) };
    }
}

/// A number to try between `low` and `high`, if they are not close enough yet.
fn between(low: usize, high: usize, within: f64) -> Option<usize> {
    let close = ((low as f64 * within) as usize).max(1);
    if high - low <= close {
        return None;
    }
    let middle = low + (high - low) / 2;
    Some(round(middle)).filter(|at| (low + 1..high).contains(at)).or(Some(middle))
}

/// Numbers that people remember: tens from a hundred, fifties from a thousand.
const fn round(calls: usize) -> usize {
    let to = match calls {
        0..100 => 1,
        100..1_000 => 10,
        _ => 50,
    };
    calls / to * to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Rng;

    const BOUNDS: Bounds = Bounds { start: 50, max: 5_000, within: 0.05 };

    /// Plays `search` against a server that is a function of the number of calls, and says what was tried.
    fn play(bounds: Bounds, mut server: impl FnMut(Attempt) -> Verdict) -> (Found, Vec<Attempt>) {
        let (mut search, mut tried) = (Search::new(bounds), Vec::new());
        while let Some(attempt) = search.next() {
            tried.push(attempt);
            assert!(tried.len() < 60, "it does not end: {tried:?}");
            search.take(server(attempt));
        }
        (search.found(), tried)
    }

    fn up_to(limit: usize) -> impl FnMut(Attempt) -> Verdict {
        move |attempt| if attempt.calls <= limit { Verdict::Held } else { Verdict::Missed { gross: true } }
    }

    #[test]
    fn it_doubles_then_halves_then_proves() {
        let (found, tried) = play(BOUNDS, up_to(1_930));
        let calls: Vec<usize> = tried.iter().map(|attempt| attempt.calls).collect();
        assert_eq!(calls, [50, 100, 200, 400, 800, 1_600, 3_200, 2_400, 2_000, 1_800, 1_900, 1_950, 1_900]);
        assert!(tried.last().unwrap().is_proof);
        assert_eq!(found, Found { held: 1_900, missed: Some(1_950), void_at: None });
    }

    #[test]
    fn a_server_that_holds_nothing_is_found_out_and_one_that_holds_all_is_not_pressed_further() {
        let (found, tried) = play(BOUNDS, up_to(0));
        assert_eq!((found.held, found.missed), (0, Some(1)));
        assert!(tried.iter().all(|attempt| !attempt.is_proof && attempt.calls > 0));
        let (found, tried) = play(BOUNDS, up_to(1_000_000));
        assert_eq!((found.held, found.missed), (5_000, None));
        assert_eq!(tried.iter().filter(|attempt| attempt.calls == 5_000).count(), 2, "once, and its proof");
    }

    #[test]
    fn one_bad_moment_does_not_decide_but_a_gross_miss_does() {
        let mut first = true;
        let (found, tried) = play(BOUNDS, |attempt| {
            if attempt.calls == 400 && std::mem::take(&mut first) {
                return Verdict::Missed { gross: false };
            }
            up_to(1_000)(attempt)
        });
        assert_eq!((found.held, found.missed), (1_000, Some(1_050)), "{tried:?}");
        let (found, _) = play(BOUNDS, |attempt| Verdict::Missed { gross: attempt.calls >= 400 });
        assert_eq!(found.held, 0);
    }

    #[test]
    fn what_only_lasts_for_a_short_while_is_not_held() {
        let (found, tried) = play(BOUNDS, |attempt| match attempt.is_proof {
            false => up_to(2_000)(attempt),
            true => up_to(1_500)(attempt),
        });
        assert!((1_300..=1_500).contains(&found.held), "{found:?} {tried:?}");
        let (found, _) = play(BOUNDS, |attempt| match attempt.is_proof {
            false => Verdict::Held,
            true => Verdict::Missed { gross: true },
        });
        assert_eq!(found.held, 0, "nothing was ever proved");
    }

    #[test]
    fn lateness_of_our_own_bounds_the_search_and_is_said() {
        let (found, _) = play(BOUNDS, |attempt| if attempt.calls > 700 { Verdict::Void } else { Verdict::Held });
        assert!((660..=700).contains(&found.held), "{found:?}");
        assert!(found.void_at.is_some_and(|at| at > 700));
        let (found, _) = play(BOUNDS, |_| Verdict::Void);
        assert_eq!((found.held, found.void_at), (0, Some(1)));
    }

    proptest! {
        /// Whatever the true limit, and where one plateau in twenty lies, the answer is never above what can be held,
        /// and hardly below it.
        #[test]
        fn the_answer_is_close(limit in 1_usize..5_000, start in 1_usize..500, seed in any::<u64>()) {
            let mut rng = Rng::new(seed);
            let bounds = Bounds { start, ..BOUNDS };
            let (found, tried) = play(bounds, |attempt| {
                let unlucky = attempt.calls <= limit && rng.below(20) == 0;
                if unlucky { Verdict::Missed { gross: false } } else { up_to(limit)(attempt) }
            });
            prop_assert!(found.held <= limit, "{:?} {:?}", found, tried);
            let two_unlucky_in_a_row = tried.windows(2).any(|pair| pair[0] == pair[1]);
            if !two_unlucky_in_a_row {
                let close = (limit as f64 * 0.05).max(1.0) + 50.0;
                prop_assert!(found.held as f64 >= limit as f64 - close, "{:?} {:?}", found, tried);
            }
        }
    }
}

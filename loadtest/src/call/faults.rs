//! Which faults of the script hold now: a state machine that is told the time and the step at hand.

use crate::caller::fault::{Fault, Kind, When};
use crate::rng::Rng;
use crate::time::Micros;

/// What a fault asks for at the moment when it begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It begins.
    Begins(Fault),
    /// It is over.
    Ends(Fault),
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    fault: Fault,
    /// Known as soon as its stream or step has begun.
    begins: Option<Micros>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ahead,
    Holds,
    Over,
}

/// The faults of one call.
#[derive(Debug)]
pub struct Faults {
    all: Vec<Armed>,
    rng: Rng,
}

impl Faults {
    /// Faults of which none has begun.
    #[must_use]
    pub fn new(faults: &[Fault], rng: Rng) -> Self {
        let armed = |&fault| Armed { fault, begins: None, state: State::Ahead };
        Self { all: faults.iter().map(armed).collect(), rng }
    }

    /// The first stream has started.
    pub fn stream_started(&mut self, now: Micros) {
        self.arm(|when| if let When::At(after) = when { Some(now + after) } else { None });
    }

    /// The script is at this step, from 1; steps that took no time were before it.
    pub fn at_step(&mut self, now: Micros, at: usize) {
        self.arm(|when| match when {
            When::Step(step, after) if step <= at => Some(now + after),
            _ => None,
        });
    }

    fn arm(&mut self, begins: impl Fn(When) -> Option<Micros>) {
        for armed in self.all.iter_mut().filter(|armed| armed.begins.is_none()) {
            armed.begins = begins(armed.fault.when);
        }
    }

    /// The next change that has come; ask again until `None`.
    pub fn change(&mut self, now: Micros) -> Option<Change> {
        self.all.iter_mut().find_map(|armed| {
            let due = armed.next()?;
            if due > now {
                return None;
            }
            let begins = armed.state == State::Ahead;
            armed.state = if begins && armed.lasts() { State::Holds } else { State::Over };
            Some(if begins { Change::Begins(armed.fault) } else { Change::Ends(armed.fault) })
        })
    }

    /// When the next change comes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.all.iter().filter_map(Armed::next).min()
    }

    /// Whether a frame that is due now is lost.
    pub fn loses(&mut self) -> bool {
        let per_mille = self.holding().filter_map(|(f, _)| if let Kind::Loss(n) = f.kind { Some(n) } else { None });
        per_mille.max().is_some_and(|n| self.rng.below(1_000) < u64::from(n))
    }

    /// When a message that is ready at `at` leaves: at once on a good line, later on this one. Order is the caller's.
    pub fn leaves(&mut self, at: Micros) -> Micros {
        let (mut held, mut jitter) = (at, Micros::ZERO);
        for (fault, begins) in self.holding() {
            match fault.kind {
                Kind::Stall => held = held.max(begins + fault.lasts),
                Kind::Bunch(every) => held = held.max(begins + Micros((at - begins).0.div_ceil(every.0) * every.0)),
                Kind::Jitter(up_to) => jitter = jitter.max(up_to),
                _ => {}
            }
        }
        held + Micros(self.rng.below(jitter.0 + u64::from(jitter.0 > 0)))
    }

    fn holding(&self) -> impl Iterator<Item = (Fault, Micros)> {
        let holds = self.all.iter().filter(|armed| armed.state == State::Holds);
        holds.map(|armed| (armed.fault, armed.begins.unwrap_or_default()))
    }
}

impl Armed {
    fn next(&self) -> Option<Micros> {
        match self.state {
            State::Ahead => self.begins,
            State::Holds => self.begins.map(|at| at + self.fault.lasts).filter(|_| self.fault.lasts != Micros::MAX),
            State::Over => None,
        }
    }

    const fn lasts(&self) -> bool {
        let kind = self.fault.kind;
        matches!(kind, Kind::Jitter(_) | Kind::Bunch(_) | Kind::Stall | Kind::Loss(_) | Kind::SlowReader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: Kind, at_ms: u64, for_ms: u64) -> Faults {
        let fault = Fault { kind, when: When::At(Micros::from_ms(at_ms)), lasts: Micros::from_ms(for_ms) };
        let mut faults = Faults::new(&[fault], Rng::new(1));
        faults.stream_started(Micros::from_ms(1_000));
        faults
    }

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    #[test]
    fn a_stall_holds_all_until_its_end() {
        let mut faults = faults(Kind::Stall, 100, 500);
        assert_eq!(faults.next_deadline(), Some(ms(1_100)));
        assert_eq!(faults.change(ms(1_099)), None);
        assert_eq!(faults.leaves(ms(1_099)), ms(1_099));
        assert!(matches!(faults.change(ms(1_100)), Some(Change::Begins(_))));
        assert_eq!((faults.leaves(ms(1_100)), faults.leaves(ms(1_599))), (ms(1_600), ms(1_600)));
        assert!(matches!(faults.change(ms(1_600)), Some(Change::Ends(_))));
        assert_eq!((faults.change(ms(9_000)), faults.next_deadline()), (None, None));
        assert_eq!(faults.leaves(ms(1_601)), ms(1_601));
    }

    #[test]
    fn bunches_leave_on_their_own_beat_and_jitter_stays_below_its_bound() {
        let mut bunches = faults(Kind::Bunch(ms(200)), 0, 5_000);
        bunches.change(ms(1_000));
        assert_eq!((bunches.leaves(ms(1_020)), bunches.leaves(ms(1_200))), (ms(1_200), ms(1_200)));
        assert_eq!(bunches.leaves(ms(1_201)), ms(1_400));
        let mut jitter = faults(Kind::Jitter(ms(60)), 0, 5_000);
        jitter.change(ms(1_000));
        let late: Vec<u64> = (0..500).map(|_| (jitter.leaves(ms(2_000)) - ms(2_000)).0).collect();
        assert!(late.iter().max() > Some(&55_000) && late.iter().all(|&us| us <= 60_000));
    }

    #[test]
    fn loss_takes_its_share() {
        let mut loss = faults(Kind::Loss(100), 0, 5_000);
        assert!(!loss.loses(), "not begun");
        loss.change(ms(1_000));
        let lost = (0..10_000).filter(|_| loss.loses()).count();
        assert!((900..1_100).contains(&lost), "{lost}");
    }

    #[test]
    fn a_step_arms_its_fault_when_it_begins_and_only_once() {
        let fault = Fault { kind: Kind::Reset, when: When::Step(2, ms(50)), lasts: Micros::MAX };
        let mut faults = Faults::new(&[fault], Rng::new(1));
        faults.stream_started(ms(0));
        faults.at_step(ms(10), 1);
        assert_eq!(faults.next_deadline(), None);
        faults.at_step(ms(20), 2);
        faults.at_step(ms(60), 2);
        assert_eq!(faults.change(ms(70)), Some(Change::Begins(fault)));
        assert_eq!(faults.change(ms(99)), None);
    }
}

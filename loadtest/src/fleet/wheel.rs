//! The schedule of frames: forty phases of 500 µs in each 20 ms, each with the calls whose frame is due then.
//!
//! ```text
//!  0      0.5     1.0          19.5    20.0 ms
//!  ├───────┼───────┼─── … ───────┼───────┼──►   point n is at origin + n × 500 µs
//!  calls   calls   calls         calls   calls of phase 0 again
//! ```
//! Points are fixed on the clock once and for all. Late: every point is still served, in order, none is skipped, so
//! that neither a slow server nor a slow generator hides its delay.

use crate::time::Micros;
use crate::twilio::stream::FRAME;

/// Distance of two points.
pub const POINT: Micros = Micros(500);
/// Phases of a frame.
pub const PHASES: usize = (FRAME.0 / POINT.0) as usize;

/// Which calls send when.
#[derive(Debug)]
pub struct Wheel {
    /// The first point that has not been served.
    next: u64,
    phases: Vec<Vec<u32>>,
}

impl Wheel {
    /// A wheel without calls that turns from `now` on.
    #[must_use]
    pub fn new(now: Micros) -> Self {
        // Streams start one turn before their first frame, and time begins at zero.
        Self { next: now.max(FRAME).0.div_ceil(POINT.0), phases: vec![Vec::new(); PHASES] }
    }

    /// Puts `call` into the emptiest phase. Returns when its stream starts: its first frame is due 20 ms later.
    pub fn join(&mut self, call: u32) -> Micros {
        let now = self.next;
        // Among equally empty phases the next one to come, so that nobody waits for nothing.
        let ahead = |phase: usize| (phase + PHASES - to_phase(now)) % PHASES;
        let emptiest = (0..PHASES).min_by_key(|&phase| (self.phases[phase].len(), ahead(phase)));
        let phase = emptiest.unwrap_or_default();
        self.phases[phase].push(call);
        // The first frame is sent by the very next turn, so the stream counts as started one turn before it.
        Micros((now + ahead(phase) as u64) * POINT.0).since(FRAME)
    }

    /// Takes out `call`, whose stream started at `started`.
    pub fn leave(&mut self, call: u32, started: Micros) {
        let phase = &mut self.phases[to_phase(started.0 / POINT.0)];
        phase.retain(|&other| other != call);
    }

    /// When somebody's frame is due next, or would be.
    #[must_use]
    pub const fn next_point(&self) -> Micros {
        Micros(self.next * POINT.0)
    }

    /// The next point that is not later than `now`, and its calls into `calls`; `None` when all have been served.
    pub fn turn(&mut self, now: Micros, calls: &mut Vec<u32>) -> Option<Micros> {
        let point = self.next_point();
        (point <= now).then(|| {
            calls.clear();
            calls.extend_from_slice(&self.phases[to_phase(self.next)]);
            self.next += 1;
            point
        })
    }

    /// Lets all points up to `now` pass unserved, and names every call: for who sends a backlog at once.
    pub fn skip(&mut self, now: Micros, calls: &mut Vec<u32>) {
        self.next = self.next.max(now.0 / POINT.0 + 1);
        calls.clear();
        self.phases.iter().for_each(|phase| calls.extend_from_slice(phase));
    }

    /// Calls on the wheel.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.phases.iter().map(Vec::len).sum()
    }
}

fn to_phase(point: u64) -> usize {
    (point % PHASES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_spread_evenly_and_each_is_due_every_20_ms_of_its_own_start() {
        let mut wheel = Wheel::new(Micros(1_000_100));
        let started: Vec<Micros> = (0..100).map(|call| wheel.join(call)).collect();
        assert_eq!(wheel.calls(), 100);
        assert!(wheel.phases.iter().all(|phase| (2..=3).contains(&phase.len())));
        let mut sent = vec![0_u64; 100];
        let mut calls = Vec::new();
        while let Some(point) = wheel.turn(Micros(2_000_000), &mut calls) {
            for &call in &calls {
                let call = call as usize;
                sent[call] += 1;
                assert_eq!(point, started[call] + Micros(sent[call] * FRAME.0));
            }
        }
        assert!(sent.iter().all(|&n| n == 50), "{sent:?}");
    }

    #[test]
    fn a_late_turn_serves_every_point_in_order() {
        let mut wheel = Wheel::new(Micros::ZERO);
        wheel.join(7);
        let mut calls = Vec::new();
        let mut points = Vec::new();
        while let Some(point) = wheel.turn(Micros::from_ms(100), &mut calls) {
            points.extend(calls.iter().map(|_| point));
        }
        assert_eq!(points.len(), 5);
        assert!(points.windows(2).all(|pair| pair[1] == pair[0] + FRAME));
        assert!(wheel.next_point() > Micros::from_ms(100));
    }

    #[test]
    fn who_left_is_not_called_and_a_skip_names_everybody_once() {
        let mut wheel = Wheel::new(Micros::ZERO);
        let started: Vec<Micros> = (0..3).map(|call| wheel.join(call)).collect();
        wheel.leave(1, started[1]);
        let mut calls = Vec::new();
        wheel.skip(Micros::from_ms(1_000), &mut calls);
        calls.sort_unstable();
        assert_eq!(calls, [0, 2]);
        assert_eq!(wheel.turn(Micros::from_ms(1_000), &mut calls), None);
    }
}

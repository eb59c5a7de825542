//! A worker without a thread: everything that [`thread`](super::thread) runs, one tick at a time, when it is told to.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Receiver;
use rtrb::{Consumer, RingBuffer};

use super::bell::{self, Notes, Wakes};
use super::call::Call;
use super::ear::Ears;
use super::thread::Worker;
use super::tick::{Exit, Seats};
use crate::leg::Progress;
use crate::planted::Planted;
use crate::port::EndCause;
use crate::stats::{Counters, Stats};
use crate::time::Instant;

/// A worker that ticks when it is told to.
pub struct SteppedWorker {
    pub(crate) worker: Worker,
    seats: Seats,
    arrivals: Receiver<Box<Call>>,
    sockets: Notes,
    agents: Notes,
    leavers: Consumer<Box<Call>>,
}

impl SteppedWorker {
    /// A worker with so many places, all free.
    pub fn new(slots: usize, ears: Ears) -> Self {
        let (worker, arrivals) = Worker::new(slots, Arc::new(Counters::default()));
        let ((socket_bell, sockets), (agent_bell, agents)) = (bell::ropeless(slots), bell::ropeless(slots));
        let (finished, leavers) = RingBuffer::new(slots);
        let exit = Exit { bell: socket_bell, finished };
        let seats = Seats::new(worker.shared.clone(), ears, vec![exit], agent_bell);
        Self { worker, seats, arrivals, sockets, agents, leavers }
    }

    /// One tick: who has arrived takes a seat, and what is due is stepped. A panic outside of any call gives all calls up.
    pub fn tick(&mut self, now: Instant) {
        let Self { seats, arrivals, .. } = self;
        let ticked = catch_unwind(AssertUnwindSafe(|| {
            while let Ok(call) = arrivals.try_recv() {
                seats.seat(now, call);
            }
            seats.tick(now);
        }));
        if ticked.is_err() {
            self.seats.abandon();
        }
    }

    /// When it must tick though nothing comes: until then, and until a stream or an agent has done something, ticks change
    /// nothing.
    pub fn next_due(&self) -> Instant {
        self.seats.next_due()
    }

    /// Wakes the tasks that the last tick has news for and frees the calls that are over, as the runtimes do.
    pub fn answer_bells(&mut self) {
        self.sockets.answer(&self.worker.shared, Wakes::Socket);
        self.agents.answer(&self.worker.shared, Wakes::Agent);
        while let Ok(call) = self.leavers.pop() {
            drop(call);
        }
    }

    /// Plants a fault.
    pub fn plant(&self, fault: Planted) {
        self.worker.shared.plant(fault);
    }

    /// Tells every socket that the engine stops.
    pub fn stop(&self) {
        self.worker.shared.stop();
    }

    /// How many slots are held.
    pub fn active(&self) -> usize {
        self.worker.shared.active()
    }

    /// How many calls have a seat, or take one with the next tick.
    pub fn seated(&self) -> usize {
        self.seats.seated() + self.arrivals.len()
    }

    /// The call in a slot, so far, and why it ended if it has.
    pub fn look(&self, slot: usize) -> Option<(Progress, Option<EndCause>)> {
        self.seats.call(slot).map(|call| (call.progress(), call.ended()))
    }

    /// Steps of calls and ticks that panicked so far.
    pub fn panics(&self) -> [u64; 2] {
        let counters = &self.worker.shared.counters;
        [&counters.panics, &counters.workers_failed].map(|counter| counter.load(Ordering::Relaxed))
    }

    /// The worker's numbers.
    pub fn stats(&self) -> Stats {
        self.worker.shared.counters.snapshot(self.active() as u64)
    }
}

impl fmt::Debug for SteppedWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteppedWorker").field("active", &self.active()).finish_non_exhaustive()
    }
}

//! A worker's thread: its loop, and how calls reach it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use rtrb::RingBuffer;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::stats::{Counters, count};
use crate::time::Instant;

use super::bell::{self, Wakes};
use super::call::Call;
use super::slots::Shared;
use super::tick::Seats;

/// How a worker is made.
#[derive(Debug)]
pub(crate) struct WorkerConfig {
    /// Its number, for its name.
    pub(crate) index: usize,
    /// Calls that it can hold.
    pub(crate) slots: usize,
    /// Time between two ticks.
    pub(crate) tick: Duration,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    /// Where sockets live.
    pub(crate) sockets: Handle,
    /// Where agents live.
    pub(crate) agents: Handle,
}

/// A handle to a running worker.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    calls: Sender<Box<Call>>,
}

impl Worker {
    /// Hands a call over. Gives it back where the worker is gone.
    ///
    /// *Full* cannot be: the channel has a place for every slot, and a call holds its slot.
    pub(crate) fn seat(&self, call: Box<Call>) -> Result<(), Box<Call>> {
        self.calls.try_send(call).map_err(|error| match error {
            TrySendError::Full(call) | TrySendError::Disconnected(call) => call,
        })
    }
}

/// Starts a worker's thread, and the tasks that answer its bells.
pub(crate) fn spawn(config: WorkerConfig) -> io::Result<Worker> {
    let shared = Arc::new(Shared::new(config.slots, config.counters.clone()));
    let (calls, arrivals) = bounded(config.slots);
    let (socket_bell, socket_listener) = bell::bell(config.slots)?;
    let (agent_bell, agent_listener) = bell::bell(config.slots)?;
    let (finished, leavers) = RingBuffer::new(config.slots);
    config.sockets.spawn(bell::answer(socket_listener, shared.clone(), Wakes::Socket, Some(leavers)));
    config.agents.spawn(bell::answer(agent_listener, shared.clone(), Wakes::Agent, None));
    let worker = Worker { shared: shared.clone(), calls };
    std::thread::Builder::new().name(format!("worker-{}", config.index)).spawn(move || {
        // Made on the thread that uses it: a detector cannot move between threads.
        let seats = Seats::new(shared, socket_bell, agent_bell, finished);
        run(seats, &arrivals, config.clock, config.tick, &config.counters);
    })?;
    Ok(worker)
}

/// Ticks while calls sit here, sleeps without a tick while none does.
fn run(mut seats: Seats, arrivals: &Receiver<Box<Call>>, clock: Clock, tick: Duration, counters: &Counters) {
    let mut next = clock.now();
    loop {
        if seats.seated() == 0 {
            let Ok(call) = arrivals.recv() else { return };
            next = clock.now();
            seats.seat(next, call);
        }
        loop {
            match arrivals.try_recv() {
                Ok(call) => seats.seat(clock.now(), call),
                Err(TryRecvError::Empty) => break,
                // The engine is gone and so are its sockets: what sits here ends as they do.
                Err(TryRecvError::Disconnected) => break,
            }
        }
        seats.tick(clock.now());
        next = following(next, clock.now(), tick, counters);
        clock.sleep_until(next);
    }
}

/// The next tick on the grid. Ticks that were missed are not made up for: they would all do the same.
fn following(last: Instant, now: Instant, tick: Duration, counters: &Counters) -> Instant {
    let next = last + tick;
    if next + tick < now {
        count(&counters.ticks_late, 1);
        return now;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_on_their_grid_and_missed_ones_are_not_made_up_for() {
        let counters = Counters::default();
        let (ms, tick) = (Instant::from_millis, Duration::from_millis(2));
        assert_eq!(following(ms(10), ms(11), tick, &counters), ms(12));
        assert_eq!(following(ms(10), ms(13), tick, &counters), ms(12), "late by less than a tick: catch up");
        assert_eq!(following(ms(10), ms(30), tick, &counters), ms(30));
        assert_eq!(counters.snapshot(0).ticks_late, 1);
    }
}

//! A worker's thread: its loop, and how calls reach it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rtrb::RingBuffer;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::net::{IoThread, WORKER_PHASE};
use crate::placement;
use crate::stats::{Counters, count};
use crate::time::Instant;

use super::bell::{self, Wakes};
use super::call::Call;
use super::ear::Ears;
use super::slots::Shared;
use super::tick::{Exit, Seats};

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
    /// The core to run on, if it is to stay on one.
    pub(crate) core: Option<usize>,
    /// Where sockets live.
    pub(crate) io_threads: Vec<IoThread>,
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
    /// A handle, and where the calls that are handed over arrive.
    pub(super) fn new(slots: usize, counters: Arc<Counters>) -> (Self, Receiver<Box<Call>>) {
        let (calls, arrivals) = bounded(slots);
        (Self { shared: Arc::new(Shared::new(slots, counters)), calls }, arrivals)
    }

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
    let (worker, arrivals) = Worker::new(config.slots, config.counters.clone());
    let shared = worker.shared.clone();
    let exits = config.io_threads.iter().map(|thread| exit(thread, &shared)).collect::<io::Result<Vec<_>>>()?;
    let (agent_bell, agent_listener) = bell::bell(config.slots)?;
    config.agents.spawn(bell::answer(agent_listener, shared.clone(), Wakes::Agent, None));
    std::thread::Builder::new().name(format!("worker-{}", config.index)).spawn(move || {
        config.core.inspect(|&core| placement::pin(core));
        // Made on the thread that uses it: a detector cannot move between threads.
        let mut seats = Seats::new(shared, Ears::Detector, exits, agent_bell);
        while catch_unwind(AssertUnwindSafe(|| run(&mut seats, &arrivals, &config))).is_err() {
            seats.abandon();
        }
    })?;
    Ok(worker)
}

/// A bell for the sockets of one I/O thread, and the way back for their finished calls.
fn exit(thread: &IoThread, shared: &Arc<Shared>) -> io::Result<Exit> {
    let slots = shared.slots.len();
    let (bell, listener) = bell::bell(slots)?;
    let (finished, leavers) = RingBuffer::new(slots);
    thread.hear(listener.try_clone_rope()?);
    thread.handle.spawn(bell::answer(listener, shared.clone(), Wakes::Socket, Some(leavers)));
    Ok(Exit { bell, finished })
}

/// Ticks while calls sit here, sleeps without a tick while none does. Returns when the engine is gone.
fn run(seats: &mut Seats, arrivals: &Receiver<Box<Call>>, config: &WorkerConfig) {
    let WorkerConfig { clock, tick, counters, .. } = config;
    let mut next = clock.now();
    loop {
        if seats.seated() == 0 {
            let Ok(call) = arrivals.recv() else { return };
            next = on_grid(clock.now(), *tick);
            seats.seat(clock.now(), call);
        }
        // When the engine is gone so are its sockets: what sits here ends as they do.
        while let Ok(call) = arrivals.try_recv() {
            seats.seat(clock.now(), call);
        }
        let began = clock.now();
        seats.tick(began);
        let ended = clock.now();
        counters.tick_lag.add(began.since(next));
        counters.tick_time.add(ended.since(began));
        next = following(next, ended, *tick, counters);
        clock.sleep_until(next);
    }
}

/// The tick at or before now, on a grid that lies a little behind the I/O threads' looks at their sockets.
fn on_grid(now: Instant, tick: Duration) -> Instant {
    let every = tick.as_micros() as u64;
    Instant::from_micros(now.micros() / every * every) + WORKER_PHASE
}

/// The next tick on the grid. Ticks that were missed are not made up for: they would all do the same.
fn following(last: Instant, now: Instant, tick: Duration, counters: &Counters) -> Instant {
    let next = last + tick;
    if next + tick < now {
        count(&counters.ticks_late, 1);
        return on_grid(now, tick);
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
        assert_eq!(following(ms(10), ms(30), tick, &counters), ms(30) + WORKER_PHASE);
        assert_eq!(counters.snapshot(0).ticks_late, 1);
    }
}

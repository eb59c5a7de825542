//! The engine: started once, given sockets, asked for numbers, stopped.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::capture::StartCapture;
use crate::clock::Clock;
use crate::config::EngineConfig;
use crate::leg::EndReport;
use crate::net::{self, Attachment, IoThread, Seat, Transport};
use crate::placement::Placement;
use crate::planted::Planted;
use crate::port::AgentPort;
use crate::ring::rings;
use crate::stats::{Counters, Stats};
use crate::time::Instant;
use crate::turn::TurnParams;
use crate::view::CallView;
use crate::wire::StartInfo;
use crate::worker::{self, Call, Worker, WorkerConfig};

/// Asked once, with the carrier's `start`, whether and how a stream is served. Runs on an I/O thread: must not block.
pub type Gate = Box<dyn FnOnce(&StartInfo) -> Result<Admission, Refusal> + Send>;

/// How a stream is served.
pub struct Admission {
    /// How turns are taken.
    pub turn: TurnParams,
    /// Makes the tap of a call that is to be captured; `None` for one that is not. Runs on an I/O thread.
    pub capture: Option<StartCapture>,
    /// Given the call's port; spawns the agent's task. Runs on an I/O thread: must not block.
    pub agent: Box<dyn FnOnce(AgentPort) + Send>,
    /// Called once when the stream is over and its socket is done. Runs on an I/O thread: must not block.
    pub on_end: Box<dyn FnOnce(EndReport) + Send>,
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// Why a stream is not served: a WebSocket close code and the words that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// 1008 for who is not who they should be, 1013 for no room.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: &'static str,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Not called within a tokio runtime, on which agents could run.
    #[error("the engine must be started within a tokio runtime")]
    NoRuntime,
    /// A thread, runtime or pipe could not be made.
    #[error("the engine could not start: {0}; check the limits on threads and open files (ulimit -u, -n)")]
    Io(#[from] std::io::Error),
}

/// Why a socket was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

/// The media engine. Cheap to clone; the last clone dropped stops it.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    counters: Arc<Counters>,
    workers: Vec<Worker>,
    io_threads: Vec<IoThread>,
    stopping: watch::Sender<bool>,
}

impl Engine {
    /// Starts the I/O threads and the workers. Call within a tokio runtime: agents are woken there.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(config: EngineConfig) -> Result<Self, StartError> {
        let agents = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        let (clock, counters) = (Clock::start(), Arc::new(Counters::default()));
        let (stopping, stop) = watch::channel(false);
        let placement = Placement::for_this_machine(&config);
        let io_threads = (0..placement.io_threads)
            .map(|index| IoThread::start(index, clock, stop.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let worker = |index| {
            worker::spawn(WorkerConfig {
                index,
                slots: config.calls_max.max(1).div_ceil(placement.workers),
                tick: config.tick,
                clock,
                counters: counters.clone(),
                core: placement.cores.get(index).copied(),
                io_threads: io_threads.clone(),
                agents: agents.clone(),
            })
        };
        let workers = (0..placement.workers).map(worker).collect::<Result<Vec<_>, _>>()?;
        let inner = Inner { clock, counters, workers, io_threads, stopping };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes over a socket whose WebSocket upgrade has been answered. `early` was read past the request.
    ///
    /// # Errors
    /// [`AttachError::Stopping`] after [`shutdown`](Self::shutdown).
    pub fn attach(&self, socket: impl Into<Transport>, early: Bytes, gate: Gate) -> Result<(), AttachError> {
        let Inner { clock, counters, workers, io_threads, stopping } = &*self.inner;
        if *stopping.borrow() {
            return Err(AttachError::Stopping);
        }
        let (io, thread) =
            (io_threads.iter().enumerate()).min_by_key(|(_, thread)| thread.streams()).ok_or(AttachError::Stopping)?;
        let (clock, workers) = (*clock, workers.clone());
        let admit = move |start: &StartInfo| admit(&workers, clock.now(), io, gate, start);
        let seat = Seat { resident: thread.settle(), clock, counters: counters.clone() };
        thread.handle.spawn(net::serve(socket.into(), early, seat, stopping.subscribe(), admit));
        Ok(())
    }

    /// How many streams are attached.
    pub fn active_calls(&self) -> usize {
        self.inner.workers.iter().map(|worker| worker.shared.active()).sum()
    }

    /// The engine's numbers at this moment.
    pub fn stats(&self) -> Stats {
        self.inner.counters.snapshot(self.active_calls() as u64)
    }

    /// Plants a fault in every worker, to see who suffers.
    #[doc(hidden)]
    pub fn plant(&self, fault: Planted) {
        self.inner.workers.iter().for_each(|worker| worker.shared.plant(fault));
    }

    /// Closes every stream with code 1001. The threads end when the streams have.
    pub fn shutdown(&self) {
        // In this order: a stream that is admitted in between looks for the first when it has its slot.
        self.inner.stopping.send_replace(true);
        self.inner.workers.iter().for_each(|worker| worker.shared.stop());
    }
}

/// A slot on the least loaded worker, rings, the agent's port, and the call on its way. The slot comes first: once the
/// gate has admitted a stream, its end will be reported.
pub(crate) fn admit(
    workers: &[Worker],
    now: Instant,
    io: usize,
    gate: Gate,
    start: &StartInfo,
) -> Result<Attachment, (u16, &'static str)> {
    let worker = workers.iter().min_by_key(|worker| worker.shared.active()).ok_or((1011, "no worker"))?;
    let lease = worker.shared.lease().ok_or((1013, "no room for another call"))?;
    let Admission { turn, capture, agent, on_end } = gate(start).map_err(|refusal| (refusal.code, refusal.reason))?;
    let (socket_ends, leg_ends, agent_ends) = rings();
    let view = CallView::default();
    let mut call = Box::new(Call::new(now, turn, leg_ends, lease.clone(), io, view.clone(), on_end));
    if let Some(start) = capture {
        call.capture(now, turn, start);
    }
    worker.seat(call).map_err(|_| (1011, "the engine is gone"))?;
    agent(AgentPort::new(agent_ends, lease.clone(), view));
    Ok(Attachment { ends: socket_ends, lease })
}

//! The door to the engine: what a socket must show at its `start`, who talks on it, and what its end means.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use engine::port::{AgentPort, EndCause};
use engine::wire::StartInfo;
use engine::{
    Admission, EndReport, Engine, EngineConfig, Gate, Placement, Progress, Quality, Refusal, StartError, Stats,
    Transport,
};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::app::App;
use crate::boot::BootError;
use crate::calls::Token;
use crate::calls::registry::{StreamKind, Ticket};
use crate::capture::Captures;
use crate::config::{Config, Threads};
use crate::metrics::SocketRefused;
use crate::twilio::socket::reason;

/// The `<Parameter>` that brings a token where the path does not.
const TOKEN_PARAMETER: &str = "token";
/// Streams may overlap for a moment: the old one of a resumed call is still closing when the new one stands.
const OVERLAP: usize = 8;
/// What others want of a call and its agent has not yet done; it does each at once.
const WISHES: usize = 8;

/// The engine, the agents' runtime, and what they say.
#[derive(Debug)]
pub(crate) struct Media {
    engine: Engine,
    agents: Handle,
    call_max: Duration,
    /// Where every input of every stream is written, where that was asked for.
    captures: Option<Captures>,
    /// Sockets that have shown no token yet.
    unproven: Arc<Semaphore>,
    /// Seats that are taken.
    seats: AtomicUsize,
}

/// What a socket has shown before its `start`.
#[derive(Debug)]
pub(crate) enum Claim {
    /// A token, in the path.
    Ticket(Seat),
    /// Nothing yet; its token comes with `start`. The permit bounds how many such sockets there are.
    Parameter(#[allow(dead_code, reason = "held, not read")] OwnedSemaphorePermit),
}

/// A call's place while its socket lives. However the socket goes, dropping this says so to the registry.
#[derive(Debug)]
pub(crate) struct Seat {
    app: Arc<App>,
    ticket: Ticket,
    /// Why its stream ended, once it has.
    cause: Option<EndCause>,
}

impl Seat {
    /// The place that a redeemed token stands for.
    pub(crate) fn new(app: &Arc<App>, ticket: Ticket) -> Self {
        app.media.seats.fetch_add(1, Ordering::Relaxed);
        Self { app: Arc::clone(app), ticket, cause: None }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.app.calls().ended(self.app.clock.now(), &self.ticket, self.cause);
        self.app.media.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Media {
    /// Starts the engine. Agents run on the runtime that this is called on.
    ///
    /// # Errors
    /// What the engine says, or the directory of the captures.
    pub(crate) fn start(config: &Config) -> Result<Self, BootError> {
        let places = config.limits.calls_max;
        let engine = start_engine(config, places + OVERLAP)?;
        let captures = match &config.capture_dir {
            Some(dir) => Some(Captures::start(dir).map_err(|error| BootError::CaptureDir(dir.clone(), error))?),
            None => None,
        };
        Ok(Self {
            engine,
            agents: Handle::current(),
            call_max: config.limits.call_max,
            captures,
            unproven: Arc::new(Semaphore::new(places)),
            seats: AtomicUsize::new(0),
        })
    }

    /// A place for a socket whose token is yet to come; as many as there may be calls.
    pub(crate) fn unproven(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unproven).try_acquire_owned().ok()
    }

    /// Closes every stream.
    pub(crate) fn shutdown(&self) {
        self.engine.shutdown();
    }

    /// Sockets with a call's token whose end has not been noted yet; their calls may be gone from the registry before.
    pub(crate) fn seats(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }

    /// The engine's numbers at this moment.
    pub(crate) fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

/// Lets the agent talk until it ends or the call has lasted as long as it may, all its streams counted.
fn talk(app: &Arc<App>, port: AgentPort, ticket: Ticket) {
    let media = &app.media;
    let profile = Arc::clone(&ticket.line.plan.agent);
    let profile = match ticket.kind {
        StreamKind::Answer => profile,
        StreamKind::Resume => Arc::new(profile.as_ref().clone().resumed()),
    };
    let (wish, wishes) = mpsc::channel(WISHES);
    app.calls().show(&ticket, port.view(), wish);
    let (teller, call) = (Arc::clone(app), ticket.call);
    let tell = move |happening| teller.chronicle.tell(&call, happening);
    let conversation = agent::run(port, ticket.desk.clone(), profile, wishes, tell);
    let left = media.call_max.saturating_sub(app.clock.now().saturating_sub(ticket.since));
    let app = Arc::clone(app);
    media.agents.spawn(async move {
        tokio::pin!(conversation);
        if tokio::time::timeout(left, &mut conversation).await.is_err() {
            tracing::warn!(call = %ticket.call, "call ended: it reached OFFHOOK_CALL_MAX_S");
            // Before the conversation is dropped, which closes the stream and makes the carrier ask what comes next.
            ticket.desk.goodbye();
            app.calls().time_up(&ticket);
        }
    });
}

fn start_engine(config: &Config, calls_max: usize) -> Result<Engine, StartError> {
    let Threads { workers, io_threads, pin, tick } = config.threads;
    let wanted = EngineConfig { calls_max, workers, io_threads, pin, tick };
    let engine = Engine::start(wanted)?;
    let Placement { workers, io_threads, cores } = Placement::for_this_machine(&wanted);
    tracing::info!(workers, io_threads, pinned_to = ?cores, tick_ms = tick.as_millis() as u64, "engine started");
    if pin == Some(true) && cores.is_empty() {
        tracing::warn!("workers are not pinned: there are more than cores; lower OFFHOOK_WORKERS, or let them float");
    }
    Ok(engine)
}

/// Hands an upgraded socket to the engine.
pub(crate) fn attach(app: &Arc<App>, socket: Transport, early: Bytes, claim: Claim) {
    let shared = Arc::clone(app);
    let gate: Gate = Box::new(move |start| admit(&shared, claim, start));
    match app.media.engine.attach(socket, early, gate) {
        Ok(()) => app.metrics.sockets_accepted.increment(1),
        Err(error) => tracing::warn!(%error, "media socket not taken"),
    }
}

/// Whether the stream that begins is the one that the token was issued for.
fn admit(app: &Arc<App>, claim: Claim, start: &StartInfo) -> Result<Admission, Refusal> {
    let mut seat = match claim {
        Claim::Ticket(seat) => seat,
        Claim::Parameter(_) => redeem(app, start)?,
    };
    let ticket = &seat.ticket;
    if ticket.call != start.call_sid || ticket.account != start.account_sid || !app.calls().started(ticket) {
        tracing::warn!(call = %ticket.call, "media socket refused: its start names another call or account");
        return Err(refusal(app, SocketRefused::Foreign, "the token was issued for another call"));
    }
    tracing::info!(call = %ticket.call, stream = %start.stream_sid, kind = ?ticket.kind, "stream started");
    app.chronicle.stream_started(&ticket.call, start.stream_sid.as_str());
    let (ticket, shared) = (ticket.clone(), Arc::clone(app));
    Ok(Admission {
        turn: ticket.line.plan.turn,
        capture: match &app.media.captures {
            Some(captures) if !app.admission.is_sparing() => captures.of(start),
            _ => None,
        },
        agent: Box::new(move |port| talk(&shared, port, ticket)),
        on_end: Box::new(move |report| {
            log_end(&seat.ticket, &report);
            seat.app.chronicle.stream_ended(&seat.ticket.call, &report);
            seat.cause = Some(report.cause);
            drop(seat);
        }),
    })
}

fn redeem(app: &Arc<App>, start: &StartInfo) -> Result<Seat, Refusal> {
    let Some(text) = start.custom_parameters.get(TOKEN_PARAMETER) else {
        return Err(refusal(app, SocketRefused::TokenMissing, "no token in the path and none among the parameters"));
    };
    let redeemed = Token::parse(text).map(|token| app.calls().redeem(app.clock.now(), &token));
    match redeemed {
        Some(Ok(ticket)) => Ok(Seat::new(app, ticket)),
        Some(Err(fault)) => Err(refusal(app, reason(fault), "the token is used up or has expired")),
        None => Err(refusal(app, SocketRefused::TokenUnknown, "the token was never issued")),
    }
}

/// 1008, policy violation: not who they should be.
fn refusal(app: &App, counted: SocketRefused, reason: &'static str) -> Refusal {
    app.metrics.sockets_refused.count(counted);
    Refusal { code: 1008, reason }
}

fn log_end(ticket: &Ticket, report: &EndReport) {
    let EndReport { cause, progress: Progress { sent, heard, barge_ins, turns, frames_in, quality, .. } } = *report;
    let (call, sent_ms, heard_ms, quality) = (ticket.call, sent.millis(), heard.millis(), in_a_word(&quality));
    match cause {
        EndCause::AgentHungUp | EndCause::CarrierStopped | EndCause::Shutdown => {
            tracing::info!(%call, ?cause, sent_ms, heard_ms, barge_ins, turns, frames_in, quality, "stream ended");
        }
        _ => tracing::warn!(%call, ?cause, sent_ms, heard_ms, barge_ins, turns, frames_in, quality, "stream ended"),
    }
}

/// Every value that is not zero, with the side it is on: `gaps=1(carrier) underruns=2(agent)`; `none` where all are.
fn in_a_word(quality: &Quality) -> String {
    let mut text = String::new();
    quality.for_each(|name, side, value| {
        if value > 0 {
            let space = if text.is_empty() { "" } else { " " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{space}{name}={value}({})", side.name());
        }
    });
    if text.is_empty() { "none".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_stream_says_whose_fault_what_was() {
        let quality = Quality { gaps: 1, underruns: 2, ..Quality::default() };
        assert_eq!(in_a_word(&quality), "gaps=1(carrier) underruns=2(agent)");
        assert_eq!(in_a_word(&Quality::default()), "none");
    }
}

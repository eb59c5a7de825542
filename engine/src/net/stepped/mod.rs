//! A stream without a socket: the life that [`stream`](super::stream) gives one, stepped by hand.
//!
//! What is read, parsed, pushed, joined and written here goes through the code that sockets use; only waiting is done by
//! whoever steps it: for bytes, for a wake, and until [`deadline`](SteppedStream::deadline).

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::batch::Batch;
use super::frame::{Fault, Piece};
use super::greeting::{Greeting, NO_START};
use super::socket::{ReadEnd, Takes, take_frames};
use super::stream::{Carried, STOPPING};
use super::writer::Next;
use crate::engine::{Gate, admit};
use crate::limits::{CLOSE_TIME, RX_PATIENCE, START_TIME, WRITE_TIME};
use crate::port::EndCause;
use crate::stats::{Counters, count};
use crate::time::Instant;
use crate::worker::SteppedWorker;

/// One stream, from its upgrade to its end.
pub struct SteppedStream {
    counters: Arc<Counters>,
    life: Life,
    inbox: Inbox,
    outbox: Outbox,
}

enum Life {
    Greeting {
        greeting: Greeting,
        gate: Option<Gate>,
        until: Instant,
    },
    Carried {
        carried: Box<Carried>,
        saying: Saying,
    },
    /// The last words of a stream: written if that is possible, and then it is over.
    Leaving {
        carried: Option<Box<Carried>>,
        cause: EndCause,
    },
    Over,
}

/// Where writing stands.
#[derive(Debug, Clone, Copy)]
enum Saying {
    Idle,
    /// What was put together is on its way; then, perhaps, the stream is closed.
    Flushing(Option<u16>),
    /// Our close is on its way.
    Closing,
    /// It has been sent, and the peer has so long to answer.
    Closed(Instant),
}

/// What the kernel has received.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    /// Frames of the protocol that were taken so far.
    taken: u64,
    /// The peer has closed or broken the connection.
    ended: bool,
    /// Until when a worker that takes nothing is waited for.
    patience: Option<Instant>,
}

/// What is written, and what the kernel has taken of it.
#[derive(Debug)]
struct Outbox {
    batch: Batch,
    taken: usize,
    /// Until when the kernel must have taken the rest.
    until: Option<Instant>,
    broken: bool,
    /// The connection is gone: nothing can be written.
    reset: bool,
    /// Bytes that the kernel takes at present.
    room: usize,
    /// Taken by the kernel.
    kernel: Vec<u8>,
}

impl SteppedStream {
    /// A stream whose upgrade has just been answered.
    pub fn new(now: Instant, worker: &SteppedWorker, gate: Gate) -> Self {
        let counters = worker.worker.shared.counters.clone();
        let greeting = Greeting::new(counters.clone());
        let life = Life::Greeting { greeting, gate: Some(gate), until: now + START_TIME };
        let (batch, kernel) = (Batch::new(), Vec::new());
        let outbox = Outbox { batch, taken: 0, until: None, broken: false, reset: false, room: 0, kernel };
        Self { counters, life, inbox: Inbox::default(), outbox }
    }

    /// Bytes of the peer's have come.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.inbox.bytes.extend_from_slice(bytes);
    }

    /// The peer is gone; what came before is still read.
    pub fn peer_gone(&mut self) {
        self.inbox.ended = true;
    }

    /// The connection broke: what was not read never will be.
    pub fn reset(&mut self) {
        self.inbox.bytes.clear();
        self.inbox.ended = true;
        self.outbox.reset = true;
    }

    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    /// The slot in which its call sits, while it is carried.
    pub fn slot(&self) -> Option<usize> {
        if let Life::Carried { carried, .. } = &self.life { Some(carried.slot()) } else { None }
    }

    /// Frames of the protocol that were taken of what the peer has sent.
    pub fn taken(&self) -> u64 {
        self.inbox.taken
    }

    /// When it must be stepped though nothing has come.
    pub fn deadline(&self) -> Option<Instant> {
        let own = match &self.life {
            Life::Greeting { until, .. } => Some(*until),
            Life::Carried { saying: Saying::Closed(until), .. } => Some(*until),
            Life::Carried { .. } | Life::Leaving { .. } => None,
            Life::Over => return None,
        };
        [own, self.inbox.patience, self.outbox.until].into_iter().flatten().min()
    }

    /// Does what can be done now, of which the kernel takes `room` bytes; what it took is given to `sent`.
    pub fn step(
        &mut self,
        now: Instant,
        worker: &SteppedWorker,
        waker: &Waker,
        room: usize,
        mut sent: impl FnMut(&[u8]),
    ) {
        self.outbox.room = room;
        let context = Context::from_waker(waker);
        while self.advance(now, worker, &context) {}
        if !self.outbox.kernel.is_empty() {
            sent(&self.outbox.kernel);
            self.outbox.kernel.clear();
        }
    }

    /// One change; false where it waits.
    fn advance(&mut self, now: Instant, worker: &SteppedWorker, context: &Context<'_>) -> bool {
        match &mut self.life {
            Life::Greeting { .. } => self.greet(now, worker),
            Life::Carried { carried, saying } => {
                // In the order of the task: reading first.
                let ended = self.inbox.read(now, context, carried);
                let ended = ended.map(|end| match end {
                    ReadEnd::Gone => (Fault::new(1000, ""), EndCause::SocketLost),
                    ReadEnd::Fault(fault) => (fault, end.cause()),
                });
                let written = ended.map_or_else(|| say(now, context, carried, saying, &mut self.outbox), Said::Ends);
                match written {
                    Said::Waits => false,
                    Said::More => true,
                    Said::Ends((fault, cause)) => {
                        self.leave(Some(fault), cause);
                        true
                    }
                    Said::Lost(cause) => {
                        self.leave(None, cause);
                        true
                    }
                }
            }
            Life::Leaving { carried, cause } => {
                if self.outbox.flush(now).is_pending() {
                    return false;
                }
                if let Some(carried) = carried.take() {
                    carried.end(*cause);
                }
                self.outbox.until = None;
                self.inbox.patience = None;
                self.life = Life::Over;
                false
            }
            Life::Over => false,
        }
    }

    fn greet(&mut self, now: Instant, worker: &SteppedWorker) -> bool {
        let Life::Greeting { greeting, gate, until } = &mut self.life else { return false };
        let read = self.inbox.take(now, greeting);
        let started = match (greeting.start.take(), read) {
            (Some(start), _) => Ok(start),
            (None, Err(end)) => Err(end),
            (None, Ok(())) if self.inbox.ended => Err(ReadEnd::Gone),
            (None, Ok(())) if now >= *until => Err(NO_START),
            (None, Ok(())) => return false,
        };
        let Some(gate) = gate.take() else { return false };
        let admitted = started.and_then(|start| {
            let workers = std::slice::from_ref(&worker.worker);
            let admitted = admit(workers, now, 0, gate, &start);
            let refused = |(code, reason)| ReadEnd::Fault(Fault::new(code, reason));
            admitted.map(|attachment| Carried::new(start.stream_sid, attachment)).map_err(refused)
        });
        match admitted {
            Ok(carried) => {
                count(&self.counters.calls_started, 1);
                self.life = Life::Carried { carried: Box::new(carried), saying: Saying::Idle };
            }
            Err(end) => {
                count(&self.counters.calls_refused, 1);
                let fault = if let ReadEnd::Fault(fault) = end { Some(fault) } else { None };
                count(&self.counters.protocol_errors, u64::from(fault.is_some()));
                self.leave(fault, end.cause());
            }
        }
        true
    }

    /// Says goodbye, if there is something to say and somebody to hear it, and ends.
    fn leave(&mut self, fault: Option<Fault>, cause: EndCause) {
        if let Some(fault) = fault {
            self.outbox.add_close(fault);
        } else {
            self.outbox.drop_rest();
        }
        let before = std::mem::replace(&mut self.life, Life::Over);
        let carried = if let Life::Carried { carried, .. } = before { Some(carried) } else { None };
        self.life = Life::Leaving { carried, cause };
    }
}

/// How a look at what there is to write came out.
enum Said {
    Waits,
    More,
    Ends((Fault, EndCause)),
    Lost(EndCause),
}

/// What [`writer::run`](super::writer::run) does between two waits.
fn say(now: Instant, context: &Context<'_>, carried: &mut Carried, saying: &mut Saying, outbox: &mut Outbox) -> Said {
    match *saying {
        Saying::Idle => match carried.writing.poll_next(context, &mut outbox.batch) {
            Poll::Pending => return Said::Waits,
            Poll::Ready(Next::Abort) => return Said::Lost(EndCause::SocketLost),
            Poll::Ready(Next::Stop) => return Said::Ends((STOPPING, EndCause::Shutdown)),
            Poll::Ready(Next::Flush) => *saying = Saying::Flushing(None),
            Poll::Ready(Next::Close(code)) => *saying = Saying::Flushing(Some(code)),
        },
        Saying::Flushing(close) => match (outbox.flush(now), close) {
            (Poll::Pending, _) => return Said::Waits,
            (Poll::Ready(Err(cause)), _) => return Said::Lost(cause),
            (Poll::Ready(Ok(())), None) => {
                carried.writing.written(|| now);
                *saying = Saying::Idle;
            }
            (Poll::Ready(Ok(())), Some(code)) => {
                outbox.add_close(Fault::new(code, ""));
                *saying = Saying::Closing;
            }
        },
        Saying::Closing => match outbox.flush(now) {
            Poll::Pending => return Said::Waits,
            Poll::Ready(_) => *saying = Saying::Closed(now + CLOSE_TIME),
        },
        Saying::Closed(until) if now >= until => return Said::Lost(EndCause::SocketLost),
        Saying::Closed(_) => return Said::Waits,
    }
    Said::More
}

/// Counts what is taken.
struct Counting<'a, T> {
    to: &'a mut T,
    taken: &'a mut u64,
}

impl<T: Takes> Takes for Counting<'_, T> {
    fn has_room(&mut self) -> bool {
        self.to.has_room()
    }

    fn take(&mut self, now: Instant, piece: Piece<'_>) -> Result<(), ReadEnd> {
        *self.taken += 1;
        self.to.take(now, piece)
    }
}

impl Inbox {
    /// What [`reader::run`](super::reader::run) does between two waits; says how reading ends, if it does.
    fn read(&mut self, now: Instant, context: &Context<'_>, carried: &mut Carried) -> Option<ReadEnd> {
        let reading = &mut carried.reading;
        loop {
            if !reading.has_room() && reading.poll_room(context).is_pending() {
                let until = *self.patience.get_or_insert(now + RX_PATIENCE);
                if now < until {
                    return None;
                }
                reading.lose_patience();
            }
            self.patience = None;
            if let Err(end) = self.take(now, reading) {
                return Some(end);
            }
            if reading.has_room() {
                return self.ended.then_some(ReadEnd::Gone);
            }
        }
    }

    fn take(&mut self, now: Instant, to: &mut impl Takes) -> Result<(), ReadEnd> {
        let mut counting = Counting { to, taken: &mut self.taken };
        let taken = take_frames(now, &mut self.bytes, &mut counting)?;
        self.bytes.drain(..taken);
        Ok(())
    }
}

impl Outbox {
    /// Hands the kernel what it takes.
    fn flush(&mut self, now: Instant) -> Poll<Result<(), EndCause>> {
        if self.reset {
            self.drop_rest();
            return Poll::Ready(Err(EndCause::SocketLost));
        }
        let rest = &self.batch.bytes()[self.taken..];
        let takes = rest.len().min(self.room);
        self.kernel.extend_from_slice(&rest[..takes]);
        self.taken += takes;
        self.room -= takes;
        if self.taken == self.batch.bytes().len() {
            self.drop_rest();
            self.broken = false;
            return Poll::Ready(Ok(()));
        }
        self.broken = true;
        if now < *self.until.get_or_insert(now + WRITE_TIME) {
            return Poll::Pending;
        }
        self.drop_rest();
        Poll::Ready(Err(EndCause::SocketLost))
    }

    /// Says goodbye, if that can still be understood.
    fn add_close(&mut self, fault: Fault) {
        if self.broken {
            self.drop_rest();
        } else {
            self.batch.add_close(fault);
        }
    }

    fn drop_rest(&mut self) {
        self.batch.clear();
        self.taken = 0;
        self.until = None;
    }
}

impl fmt::Debug for SteppedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteppedStream").field("taken", &self.taken()).finish_non_exhaustive()
    }
}

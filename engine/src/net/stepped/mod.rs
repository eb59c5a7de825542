//! A stream without a socket: the life that [`stream`](super::stream) gives one, stepped by hand.
//!
//! What is read, parsed, pushed, joined and written here goes through the code that sockets use; only waiting is done by
//! whoever steps it: for bytes, for a wake, and until [`deadline`](SteppedStream::deadline).
//!
//! Once its `start` was read a stream can go on in [values]: then there is no wire, and no bytes.

mod inbox;
mod outbox;
mod values;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use self::inbox::Inbox;
use self::outbox::{Leaves, Outbox};
pub use self::values::{Said, Told};
use self::values::{Speaker, Values};
use super::frame::Fault;
use super::greeting::{Greeting, NO_START};
use super::socket::ReadEnd;
use super::stream::{Carried, STOPPING};
use super::writer::Next;
use crate::engine::{Gate, admit};
use crate::limits::{CLOSE_TIME, START_TIME};
use crate::port::EndCause;
use crate::stats::{Counters, count};
use crate::time::Instant;
use crate::worker::SteppedWorker;

/// One stream, from its upgrade to its end.
pub struct SteppedStream {
    course: Course,
    outbox: Outbox,
}

/// All of it but its way out.
struct Course {
    counters: Arc<Counters>,
    life: Life,
    inbox: Inbox,
    /// Reading has ended, and nobody has looked since.
    ends: Option<ReadEnd>,
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

impl SteppedStream {
    /// A stream whose upgrade has just been answered.
    pub fn new(now: Instant, worker: &SteppedWorker, gate: Gate) -> Self {
        let counters = worker.worker.shared.counters.clone();
        let greeting = Greeting::new(counters.clone());
        let life = Life::Greeting { greeting, gate: Some(gate), until: now + START_TIME };
        let course = Course { counters, life, inbox: Inbox::default(), ends: None };
        Self { course, outbox: Outbox::new() }
    }

    /// Bytes of the peer's have come.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.course.inbox.bytes.extend_from_slice(bytes);
    }

    /// The peer says something without a wire; taken at once where there is room. Whether that is all, so that nothing is
    /// left to [step](Self::step_values) for.
    pub fn tell(&mut self, now: Instant, told: Told) -> bool {
        let Course { life, inbox, ends, .. } = &mut self.course;
        match life {
            Life::Carried { carried, .. } => inbox.take_now(now, told, &mut carried.reading).unwrap_or_else(|end| {
                *ends = Some(end);
                false
            }),
            Life::Greeting { .. } => {
                inbox.told.push_back(told);
                false
            }
            Life::Leaving { .. } | Life::Over => true,
        }
    }

    /// The peer is gone; what came before is still read.
    pub fn peer_gone(&mut self) {
        self.course.inbox.ended = true;
    }

    /// The connection broke: what was not read never will be.
    pub fn reset(&mut self) {
        self.course.inbox.bytes.clear();
        self.course.inbox.told.clear();
        self.course.inbox.ended = true;
        self.outbox.reset = true;
    }

    /// Whether nothing more will come of it.
    pub fn is_over(&self) -> bool {
        matches!(self.course.life, Life::Over)
    }

    /// The slot in which its call sits, while it is carried.
    pub fn slot(&self) -> Option<usize> {
        if let Life::Carried { carried, .. } = &self.course.life { Some(carried.slot()) } else { None }
    }

    /// Frames of the protocol, or values, that were taken of what the peer has sent.
    pub fn taken(&self) -> u64 {
        self.course.inbox.taken
    }

    /// When it must be stepped though nothing has come.
    pub fn deadline(&self) -> Option<Instant> {
        let own = match &self.course.life {
            Life::Greeting { until, .. } => Some(*until),
            Life::Carried { saying: Saying::Closed(until), .. } => Some(*until),
            Life::Carried { .. } | Life::Leaving { .. } => None,
            Life::Over => return None,
        };
        [own, self.course.inbox.patience, self.outbox.until].into_iter().flatten().min()
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
        let Self { course, outbox } = self;
        while course.advance(now, worker, &context, outbox) {}
        if !outbox.kernel.is_empty() {
            sent(&outbox.kernel);
            outbox.kernel.clear();
        }
    }

    /// The same without a wire; `room` says whether the peer takes what is sent.
    pub fn step_values(
        &mut self,
        now: Instant,
        worker: &SteppedWorker,
        waker: &Waker,
        room: bool,
        said: impl FnMut(Said<'_>),
    ) {
        let mut until = self.outbox.until;
        let spoke = until.is_some();
        let mut values =
            Values { said: Speaker { to: said, spoke }, room, reset: self.outbox.reset, until: &mut until };
        while self.course.advance(now, worker, &Context::from_waker(waker), &mut values) {}
        self.outbox.until = until;
    }
}

impl Course {
    /// One change; false where it waits.
    fn advance(
        &mut self,
        now: Instant,
        worker: &SteppedWorker,
        context: &Context<'_>,
        outbox: &mut impl Leaves,
    ) -> bool {
        match &mut self.life {
            Life::Greeting { .. } => self.greet(now, worker, outbox),
            Life::Carried { carried, saying } => {
                // In the order of the task: reading first.
                let ended = self.ends.take().or_else(|| self.inbox.read(now, context, carried));
                let ended = ended.map(|end| match end {
                    ReadEnd::Gone => (Fault::new(1000, ""), EndCause::SocketLost),
                    ReadEnd::Fault(fault) => (fault, end.cause()),
                });
                let written = ended.map_or_else(|| say(now, context, carried, saying, outbox), Spoke::Ends);
                match written {
                    Spoke::Waits => false,
                    Spoke::More => true,
                    Spoke::Ends((fault, cause)) => {
                        self.leave(Some(fault), cause, outbox);
                        true
                    }
                    Spoke::Lost(cause) => {
                        self.leave(None, cause, outbox);
                        true
                    }
                }
            }
            Life::Leaving { carried, cause } => {
                if outbox.flush(now).is_pending() {
                    return false;
                }
                if let Some(carried) = carried.take() {
                    carried.end(*cause);
                }
                outbox.drop_rest();
                self.inbox.patience = None;
                self.life = Life::Over;
                false
            }
            Life::Over => false,
        }
    }

    fn greet(&mut self, now: Instant, worker: &SteppedWorker, outbox: &mut impl Leaves) -> bool {
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
                self.leave(fault, end.cause(), outbox);
            }
        }
        true
    }

    /// Says goodbye, if there is something to say and somebody to hear it, and ends.
    fn leave(&mut self, fault: Option<Fault>, cause: EndCause, outbox: &mut impl Leaves) {
        if let Some(fault) = fault {
            outbox.add_close(fault);
        } else {
            outbox.drop_rest();
        }
        let before = std::mem::replace(&mut self.life, Life::Over);
        let carried = if let Life::Carried { carried, .. } = before { Some(carried) } else { None };
        self.life = Life::Leaving { carried, cause };
    }
}

/// How a look at what there is to write came out.
enum Spoke {
    Waits,
    More,
    Ends((Fault, EndCause)),
    Lost(EndCause),
}

/// What [`writer::run`](super::writer::run) does between two waits.
fn say(
    now: Instant,
    context: &Context<'_>,
    carried: &mut Carried,
    saying: &mut Saying,
    outbox: &mut impl Leaves,
) -> Spoke {
    match *saying {
        Saying::Idle => match carried.writing.poll_next(context, outbox.page()) {
            Poll::Pending => return Spoke::Waits,
            Poll::Ready(Next::Abort) => return Spoke::Lost(EndCause::SocketLost),
            Poll::Ready(Next::Stop) => return Spoke::Ends((STOPPING, EndCause::Shutdown)),
            Poll::Ready(Next::Flush) => *saying = Saying::Flushing(None),
            Poll::Ready(Next::Close(code)) => *saying = Saying::Flushing(Some(code)),
        },
        Saying::Flushing(close) => match (outbox.flush(now), close) {
            (Poll::Pending, _) => return Spoke::Waits,
            (Poll::Ready(Err(cause)), _) => return Spoke::Lost(cause),
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
            Poll::Pending => return Spoke::Waits,
            Poll::Ready(_) => *saying = Saying::Closed(now + CLOSE_TIME),
        },
        Saying::Closed(until) if now >= until => return Spoke::Lost(EndCause::SocketLost),
        Saying::Closed(_) => return Spoke::Waits,
    }
    Spoke::More
}

impl fmt::Debug for SteppedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteppedStream").field("taken", &self.taken()).finish_non_exhaustive()
    }
}

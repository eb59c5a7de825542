//! A stream's life on its socket: greeted, admitted, attached, carried, ended.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::frame::Fault;
use super::greeting::await_start;
use super::io_thread::Resident;
use super::reader::{self, Pong, StreamReader};
use super::socket::{self, ReadEnd};
use super::transport::Transport;
use super::writer::{self, StreamWriter, WriteEnd};
use crate::clock::Clock;
use crate::limits::CLOSE_TIME;
use crate::port::EndCause;
use crate::ring::SocketEnds;
use crate::stats::{Counters, count};
use crate::wire::{Sid, StartInfo};
use crate::worker::{Lease, Order, Side};

/// What a stream is told when the engine stops.
pub(super) const STOPPING: Fault = Fault::new(1001, "the server is stopping");

/// A stream that has found its place: the socket's ends of its rings.
pub(crate) struct Attachment {
    pub(crate) ends: SocketEnds,
    pub(crate) lease: Arc<Lease>,
}

/// What a stream has of its I/O thread while it lives there.
#[derive(Debug)]
pub(crate) struct Seat {
    #[allow(dead_code, reason = "held, not read: the thread counts who lives there")]
    pub(crate) resident: Resident,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
}

/// Serves one socket from its upgrade to its end. `admit` finds a stream its place, or says with which code and
/// words it is refused.
pub(crate) async fn serve<A>(socket: Transport, early: Bytes, seat: Seat, mut stopping: watch::Receiver<bool>, admit: A)
where
    A: FnOnce(&StartInfo) -> Result<Attachment, (u16, &'static str)> + Send,
{
    let Seat { clock, ref counters, .. } = seat;
    let Ok((mut reader, mut writer)) = socket::split(socket, &early, clock) else { return };
    let started = tokio::select! {
        biased;
        started = await_start(&mut reader, counters) => started,
        () = stop_signal(&mut stopping) => Err(ReadEnd::Fault(STOPPING)),
    };
    let admitted = started.and_then(|start| match admit(&start) {
        Ok(attachment) => Ok((start.stream_sid, attachment)),
        Err((code, reason)) => Err(ReadEnd::Fault(Fault::new(code, reason))),
    });
    match admitted {
        Ok((stream_sid, attachment)) => {
            count(&counters.calls_started, 1);
            // One that was admitted while the engine stopped has missed its order.
            if *stopping.borrow() {
                attachment.lease.cell().order(Order::Stop);
            }
            let mut carried = Carried::new(stream_sid, attachment);
            let cause = carry(&mut reader, &mut writer, &mut carried, clock).await;
            carried.end(cause);
        }
        Err(end) => {
            count(&counters.calls_refused, 1);
            if let ReadEnd::Fault(fault) = end {
                count(&counters.protocol_errors, 1);
                writer.close(fault).await;
            }
        }
    }
}

/// A stream that is carried between its socket and its rings.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) reading: StreamReader,
    pub(super) writing: StreamWriter,
    lease: Arc<Lease>,
}

impl Carried {
    pub(super) fn new(stream_sid: Sid, Attachment { ends, lease }: Attachment) -> Self {
        let (SocketEnds { rx, tx }, pong) = (ends, Pong::default());
        let reading = StreamReader::new(stream_sid, rx, lease.clone(), pong.clone());
        let writing = StreamWriter::new(stream_sid, tx, lease.clone(), pong);
        Self { reading, writing, lease }
    }

    /// The slot in which its call sits.
    pub(super) fn slot(&self) -> usize {
        self.lease.slot()
    }

    /// The socket is done: the worker sees that its rings were let go, and why.
    pub(super) fn end(self, cause: EndCause) {
        let Self { reading, writing, lease } = self;
        if let EndCause::ProtocolError(_) = cause {
            count(&lease.shared().counters.protocol_errors, 1);
        }
        lease.cell().set_cause(cause);
        drop((reading, writing));
        lease.set_due(Side::Socket);
    }
}

/// Reads and writes until either ends; says why.
async fn carry(
    reader: &mut socket::Reader,
    writer: &mut socket::Writer,
    carried: &mut Carried,
    clock: Clock,
) -> EndCause {
    let Carried { reading, writing, .. } = carried;
    let mut read = pin!(reader::run(reader, reading));
    // In this order, so that a pong that reading owes is seen by writing in the same turn.
    let fault = tokio::select! {
        biased;
        end = &mut read => match end {
            ReadEnd::Gone => return gone(writer, EndCause::SocketLost).await,
            ReadEnd::Fault(fault) => fault,
        },
        end = writer::run(writer, writing, clock) => match end {
            WriteEnd::Lost(cause) => return cause,
            WriteEnd::Closed => {
                let _ = tokio::time::timeout(CLOSE_TIME, read).await;
                return EndCause::SocketLost;
            }
            WriteEnd::Stopping => STOPPING,
        },
    };
    writer.close(fault).await;
    if fault == STOPPING { EndCause::Shutdown } else { ReadEnd::Fault(fault).cause() }
}

/// Answers the peer's close, as far as there still is a peer.
async fn gone(writer: &mut socket::Writer, cause: EndCause) -> EndCause {
    writer.close(Fault::new(1000, "")).await;
    cause
}

/// Returns when the engine stops, or is gone.
async fn stop_signal(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

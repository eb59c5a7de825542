//! What a stepped stream says, on its way out.

use std::task::Poll;

use super::super::batch::Batch;
use super::super::frame::Fault;
use super::super::writer::Page;
use crate::limits::WRITE_TIME;
use crate::port::EndCause;
use crate::time::Instant;

/// What is written, and what the kernel has taken of it.
#[derive(Debug)]
pub(super) struct Outbox {
    batch: Batch,
    taken: usize,
    /// Until when the kernel must have taken the rest.
    pub(super) until: Option<Instant>,
    broken: bool,
    /// The connection is gone: nothing can be written.
    pub(super) reset: bool,
    /// Bytes that the kernel takes at present.
    pub(super) room: usize,
    /// Taken by the kernel.
    pub(super) kernel: Vec<u8>,
}

/// How a stream's words leave: as bytes that a kernel takes, or as values.
pub(super) trait Leaves {
    /// Where they are put together.
    type Page: Page;

    /// The page.
    fn page(&mut self) -> &mut Self::Page;

    /// Lets them go, as far as the peer takes them; pending where it does not.
    fn flush(&mut self, now: Instant) -> Poll<Result<(), EndCause>>;

    /// Says goodbye, if that can still be understood.
    fn add_close(&mut self, fault: Fault);

    /// What has not gone never will.
    fn drop_rest(&mut self);
}

impl Outbox {
    pub(super) fn new() -> Self {
        let (batch, kernel) = (Batch::new(), Vec::new());
        Self { batch, taken: 0, until: None, broken: false, reset: false, room: 0, kernel }
    }
}

impl Leaves for Outbox {
    type Page = Batch;

    fn page(&mut self) -> &mut Batch {
        &mut self.batch
    }

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

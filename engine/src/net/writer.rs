//! From ring to socket: drop what a clear has overtaken, join frames into messages, write.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use rtrb::Consumer;

use super::batch::Batch;
use super::frame::Fault;
use super::reader::Pong;
use super::socket;
use crate::audio::frame::Frame;
use crate::clock::Clock;
use crate::limits::MESSAGE_FRAMES_MAX;
use crate::port::EndCause;
use crate::ring::{Interruption, Tx, since_us};
use crate::stats::{Counters, count};
use crate::time::Instant;
use crate::wire::{Outbound, Sid, twilio};
use crate::worker::{Lease, Order};

/// How writing ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteEnd {
    /// The worker asked for a close, and it has been sent.
    Closed,
    /// The peer does not take what is sent.
    Lost(EndCause),
    /// The engine stops; nothing has been said of it yet.
    Stopping,
}

/// Takes what a stream that has started sends off its ring.
#[derive(Debug)]
pub(super) struct StreamWriter {
    stream_sid: Sid,
    tx: Consumer<Tx>,
    lease: Arc<Lease>,
    pong: Pong,
    /// The interruption that what is being written answers.
    interruption: Option<Interruption>,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Write what was put together.
    Flush,
    /// Write it, then close.
    Close(u16),
    /// Nothing more can reach the peer.
    Abort,
    /// The engine stops.
    Stop,
}

/// Where what is to be written is put together.
pub(super) trait Page {
    /// Whether it is written before more is added.
    fn is_full(&self) -> bool;

    /// Whether there is nothing to write.
    fn is_empty(&self) -> bool;

    /// Adds a message of this stream; gives how many were added: none for a message that says nothing.
    fn add(&mut self, stream: &Sid, message: Outbound<'_>) -> u64;

    /// Adds the answer to a ping.
    fn add_pong(&mut self, payload: &[u8]);
}

/// Bytes from which on what is put together is written; a message of sound is more, so that a mark and the sound behind
/// it share a write, and the buffer stays as small as a message.
const BATCH_BYTES: usize = 512;

impl Page for Batch {
    fn is_full(&self) -> bool {
        self.bytes().len() >= BATCH_BYTES
    }

    fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    fn add(&mut self, stream: &Sid, message: Outbound<'_>) -> u64 {
        self.add_text(|batch| twilio::encode(batch, stream, message))
    }

    fn add_pong(&mut self, payload: &[u8]) {
        self.add_pong(payload);
    }
}

/// Writes until told to close or until the peer no longer takes anything.
pub(super) async fn run(socket: &mut socket::Writer, stream: &mut StreamWriter, clock: Clock) -> WriteEnd {
    loop {
        let next = poll_fn(|context| stream.poll_next(context, &mut socket.batch)).await;
        let written = match next {
            Next::Abort => Err(EndCause::SocketLost),
            Next::Stop => return WriteEnd::Stopping,
            Next::Flush | Next::Close(_) => socket.flush().await,
        };
        match (next, written) {
            (_, Err(cause)) => return WriteEnd::Lost(cause),
            (Next::Close(code), Ok(())) => {
                socket.close(Fault::new(code, "")).await;
                return WriteEnd::Closed;
            }
            (_, Ok(())) => stream.written(|| clock.now()),
        }
    }
}

impl StreamWriter {
    /// The writing half of a stream that has just started.
    pub(super) fn new(stream_sid: Sid, tx: Consumer<Tx>, lease: Arc<Lease>, pong: Pong) -> Self {
        Self { stream_sid, tx, lease, pong, interruption: None }
    }

    /// What to do next; what there is to write is put together on `page`.
    pub(super) fn poll_next(&mut self, context: &Context<'_>, page: &mut impl Page) -> Poll<Next> {
        // Before the look: what comes behind it would wake nobody. Mostly there is nothing, since the task wakes for each
        // frame that is read, so a look before that would be one too many.
        self.lease.register_socket(context.waker());
        self.take_next(page).map_or(Poll::Pending, Poll::Ready)
    }

    /// Puts together what there is to write.
    fn take_next(&mut self, page: &mut impl Page) -> Option<Next> {
        match self.lease.cell().ordered() {
            Order::Carry => {}
            Order::Abort => return Some(Next::Abort),
            Order::Stop => return Some(Next::Stop),
        }
        if let Some(payload) = self.pong.lock().unwrap_or_else(PoisonError::into_inner).take() {
            page.add_pong(&payload);
        }
        let mut messages = 0;
        while !page.is_full()
            && let Ok(message) = self.tx.pop()
        {
            messages += match message {
                Tx::Audio { epoch, frame } => self.join_audio(epoch, frame, page),
                Tx::Mark(name) => page.add(&self.stream_sid, Outbound::Mark(name)),
                Tx::Clear(interruption) => {
                    self.interruption = interruption;
                    page.add(&self.stream_sid, Outbound::Clear)
                }
                Tx::Close(code) => return Some(Next::Close(code)),
            };
        }
        if !page.is_empty() {
            count(&self.counters().messages_out, messages);
            return Some(Next::Flush);
        }
        // Looked at after the ring was empty: a worker that let go has no last word left in it.
        (self.tx.is_abandoned() && self.tx.is_empty()).then_some(Next::Close(1011))
    }

    /// One message of this frame and those of its epoch right behind it.
    fn join_audio(&mut self, epoch: u32, first: Frame, page: &mut impl Page) -> u64 {
        if !self.is_current(epoch) {
            count(&self.counters().frames_cleared, 1);
            return 0;
        }
        let mut frames = [Frame::EMPTY; MESSAGE_FRAMES_MAX];
        frames[0] = first;
        let mut joined = 1;
        while joined < frames.len()
            && let Ok(&Tx::Audio { epoch: next, frame }) = self.tx.peek()
            && next == epoch
        {
            frames[joined] = frame;
            joined += 1;
            let _ = self.tx.pop();
        }
        let samples: usize = frames[..joined].iter().map(Frame::samples).sum();
        // Before the write: a mark for it can only come back after.
        self.lease.cell().written.fetch_add(samples as u64, Ordering::Release);
        count(&self.counters().frames_out, joined as u64);
        page.add(&self.stream_sid, Outbound::Media(&frames[..joined]))
    }

    /// What was put together has been handed to the socket; a clear that an interruption caused is measured.
    pub(super) fn written(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(Interruption { onset, read_us }) = self.interruption.take() {
            let own = since_us(now(), read_us);
            self.counters().barge_in_own.add(own);
            self.counters().barge_in.add(onset.duration() + own);
        }
    }

    fn is_current(&self, epoch: u32) -> bool {
        self.lease.cell().epoch.load(Ordering::Acquire) == epoch
    }

    fn counters(&self) -> &Counters {
        &self.lease.shared().counters
    }
}

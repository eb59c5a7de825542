//! The doorbell: how a worker wakes tasks on a tokio runtime with one system call per tick, however many calls moved.
//!
//! In a tick the worker notes which slots have news for that runtime; at its end it pushes them into one ring and
//! writes one byte to a pipe. A task on the runtime ([`answer`]) reads it and wakes the tasks of those slots: from inside
//! the runtime a wake is a push to a local queue, from outside it would be a lock and a system call each.
//!
//! *Full:* where the runtime has not answered for so long that the ring is full, the bell says so and the answering
//! task wakes everyone. *Late:* tasks wake late; nothing is lost.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rtrb::{Consumer, Producer, RingBuffer};
use rustix::pipe::PipeFlags;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::call::Call;
use super::slots::Shared;
use crate::sync::{AtomicBool, Ordering};

/// Which task of a slot a bell wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wakes {
    /// The socket's task.
    Socket,
    /// The agent's task.
    Agent,
}

/// The worker's side.
#[derive(Debug)]
pub(crate) struct Bell {
    noted: Vec<u32>,
    ring: Producer<u32>,
    /// The writing end of the pipe; writing never waits. None where whoever answers looks by itself.
    rope: Option<OwnedFd>,
    line: Arc<Line>,
}

/// The runtime's side, for [`answer`].
#[derive(Debug)]
pub(crate) struct Listener {
    notes: Notes,
    rope: OwnedFd,
}

/// What a bell has to tell.
#[derive(Debug)]
pub(crate) struct Notes {
    ring: Consumer<u32>,
    line: Arc<Line>,
}

#[derive(Debug, Default)]
struct Line {
    /// The ring was full: wake everyone.
    overflowed: AtomicBool,
    /// The worker is gone.
    closed: AtomicBool,
}

impl Line {
    /// A slot found no place in the ring. Before the pull.
    fn overflow(&self) {
        // As an or it has its place in the order of the swaps; of a store loom would not know that.
        self.overflowed.fetch_or(true, Ordering::Release);
    }

    /// The worker is gone. Before the last pull.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether everyone must be woken, and whether this was the last time. After a pull was read, before the ring is.
    fn heard(&self) -> (bool, bool) {
        let closed = self.closed.load(Ordering::Acquire);
        (self.overflowed.swap(false, Ordering::AcqRel) || closed, closed)
    }
}

/// A bell for a worker of `slots` slots.
pub(crate) fn bell(slots: usize) -> io::Result<(Bell, Listener)> {
    let (answer, pull) = rustix::pipe::pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
    let (mut bell, notes) = ropeless(slots);
    bell.rope = Some(pull);
    Ok((bell, Listener { notes, rope: answer }))
}

/// A bell without a rope, for whoever looks at its notes after every tick.
pub(crate) fn ropeless(slots: usize) -> (Bell, Notes) {
    let (producer, consumer) = RingBuffer::new(slots * 4);
    let line = Arc::new(Line::default());
    let bell = Bell { noted: Vec::with_capacity(slots * 2), ring: producer, rope: None, line: line.clone() };
    (bell, Notes { ring: consumer, line })
}

impl Notes {
    /// Wakes the tasks of all slots that were noted; whether the worker is gone.
    pub(crate) fn answer(&mut self, shared: &Shared, wakes: Wakes) -> bool {
        let (everyone, closed) = self.line.heard();
        while let Ok(slot) = self.ring.pop() {
            shared.wake(slot as usize, wakes);
        }
        if everyone {
            (0..shared.slots.len()).for_each(|slot| shared.wake(slot, wakes));
        }
        closed
    }
}

impl Listener {
    /// The end of the pipe that becomes readable when the bell is rung, for whoever waits on it beside the runtime.
    pub(crate) fn try_clone_rope(&self) -> io::Result<OwnedFd> {
        self.rope.try_clone()
    }
}

impl Bell {
    /// This slot has news. At most twice per slot and tick, so the note always has room.
    pub(crate) fn note(&mut self, slot: usize) {
        if self.noted.last() != Some(&(slot as u32)) && self.noted.len() < self.noted.capacity() {
            self.noted.push(slot as u32);
        }
    }

    /// Rings once if anything was noted since the last time.
    pub(crate) fn ring(&mut self) {
        if self.noted.is_empty() {
            return;
        }
        for slot in self.noted.drain(..) {
            if self.ring.push(slot).is_err() {
                self.line.overflow();
            }
        }
        self.pull();
    }

    /// A full pipe (thousands of unanswered rings) is the only way to fail, and then it has rung.
    fn pull(&self) {
        if let Some(rope) = &self.rope {
            let _ = rustix::io::write(rope, &[1]);
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.line.close();
        self.pull();
    }
}

/// Answers a bell until its worker is gone: runs on the runtime whose tasks it wakes, and frees the calls that are over.
pub(crate) async fn answer(
    listener: Listener,
    shared: Arc<Shared>,
    wakes: Wakes,
    mut leavers: Option<Consumer<Box<Call>>>,
) {
    let Listener { mut notes, rope } = listener;
    let Ok(mut rope) = pipe::Receiver::from_owned_fd(rope) else { return };
    loop {
        // Whatever it was pulled since: once is answered by looking at everything.
        if rope.read(&mut [0; 64]).await.is_err() {
            return;
        }
        let closed = notes.answer(&shared, wakes);
        while let Some(Ok(call)) = leavers.as_mut().map(Consumer::pop) {
            let slot = call.slot();
            drop(call);
            // An agent that was not told of the end may have looked before its rings were let go.
            shared.wake(slot, Wakes::Agent);
        }
        if closed {
            return;
        }
    }
}

#[cfg(all(test, offhook_loom))]
mod loom_tests {
    use super::*;
    use crate::sync::AtomicU32;
    use loom::sync::{Condvar, Mutex};
    use loom::thread;

    /// A pipe: bytes that one side writes and the other reads all of, or waits.
    #[derive(Default)]
    struct Pipe {
        bytes: Mutex<u32>,
        written: Condvar,
    }

    impl Pipe {
        fn write(&self) {
            *self.bytes.lock().expect("no panic") += 1;
            self.written.notify_one();
        }

        fn read(&self) {
            let mut bytes = self.bytes.lock().expect("no panic");
            while std::mem::take(&mut *bytes) == 0 {
                bytes = self.written.wait(bytes).expect("no panic");
            }
        }
    }

    /// The ring is full and two slots have news, one after the other: were one forgotten, the listener would wait for
    /// good, which loom finds.
    #[test]
    fn loom_a_bell_whose_ring_is_full_wakes_everyone() {
        loom::model(|| {
            let line = loom::sync::Arc::new(Line::default());
            let pipe = loom::sync::Arc::new(Pipe::default());
            let news = loom::sync::Arc::new(AtomicU32::new(0));
            let worker = {
                let (line, pipe, news) = (line.clone(), pipe.clone(), news.clone());
                thread::spawn(move || {
                    for slot in 1..=2 {
                        news.store(slot, Ordering::Relaxed);
                        line.overflow();
                        pipe.write();
                    }
                })
            };
            let mut seen = 0;
            while seen < 2 {
                pipe.read();
                if line.heard().0 {
                    seen = news.load(Ordering::Relaxed);
                }
            }
            worker.join().expect("no panic");
        });
    }
}

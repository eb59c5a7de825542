//! An I/O thread: a runtime of its own for sockets, which looks at them on a tick once there are many.
//!
//! With a few calls the thread wakes for each frame. A thousand calls send a frame every 20 µs, and a thread that
//! sleeps and wakes for each spends more on that than on the frames. So when it would go to sleep, and enough calls
//! live here, it waits for the next tick of the engine's clock, or for a worker's bell, and then takes everything that
//! has come. That adds a millisecond to what is read on average and 2 ms at most, and nothing to what is written.
//! Workers tick a little behind it ([`WORKER_PHASE`]), so that what was read is stepped at once.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::time::Instant;

/// Time between two looks at the sockets.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Streams from which on sockets are looked at on a tick: 3,200 frames a second.
const STREAMS_MIN: usize = 64;
/// How far behind the I/O threads' tick workers tick: time to read and parse what came in a millisecond.
pub(crate) const WORKER_PHASE: Duration = Duration::from_micros(400);
/// A close has a second to be answered, a write two: after this nothing of ours can still be under way.
const LAST_WORDS: Duration = Duration::from_secs(4);

/// A handle to a running I/O thread.
#[derive(Debug, Clone)]
pub(crate) struct IoThread {
    /// Its runtime.
    pub(crate) handle: Handle,
    /// How many streams live there.
    streams: Arc<AtomicUsize>,
    /// The bells that are rung for its sockets.
    bells: Arc<Mutex<Vec<OwnedFd>>>,
}

/// A stream that lives on an I/O thread, as long as this is held.
#[derive(Debug)]
pub(crate) struct Resident(Arc<AtomicUsize>);

impl IoThread {
    /// Starts one. It ends when the engine stops and its streams have ended.
    pub(crate) fn start(index: usize, clock: Clock, mut stop: watch::Receiver<bool>) -> io::Result<Self> {
        let streams = Arc::new(AtomicUsize::new(0));
        let bells: Arc<Mutex<Vec<OwnedFd>>> = Arc::default();
        let (looked, heard) = (streams.clone(), bells.clone());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || {
                if looked.load(Ordering::Relaxed) >= STREAMS_MIN {
                    wait(&heard, next_look(clock.now()).since(clock.now()));
                }
            })
            .build()?;
        let handle = runtime.handle().clone();
        let left = streams.clone();
        std::thread::Builder::new().name(format!("media-io-{index}")).spawn(move || {
            runtime.block_on(async {
                let _ = stop.wait_for(|stop| *stop).await;
                let all_gone = async {
                    while left.load(Ordering::Relaxed) > 0 {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    // Their calls are still on their way back from the workers.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                };
                let _ = tokio::time::timeout(LAST_WORDS, all_gone).await;
            });
        })?;
        Ok(Self { handle, streams, bells })
    }

    /// A bell that must be heard while the thread waits for its next look.
    pub(crate) fn hear(&self, bell: OwnedFd) {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner).push(bell);
    }

    /// How many streams live there.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    /// One stream more.
    pub(crate) fn settle(&self) -> Resident {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Resident(self.streams.clone())
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits for so long, or until a bell is rung. The lock is this thread's alone once the engine has started.
fn wait(bells: &Mutex<Vec<OwnedFd>>, time: Duration) {
    let bells = bells.lock().unwrap_or_else(PoisonError::into_inner);
    let mut fds: Vec<_> = bells.iter().map(|bell| PollFd::new(bell, PollFlags::IN)).collect();
    let time = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
    // Ended early by a signal, it looks early.
    let _ = poll(&mut fds, Some(&time));
}

/// The next tick of the grid that all threads share.
fn next_look(now: Instant) -> Instant {
    let every = LOOK_EVERY.as_micros() as u64;
    Instant::from_micros((now.micros() / every + 1) * every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_lie_on_the_grid() {
        assert_eq!(next_look(Instant::from_micros(0)), Instant::from_millis(2));
        assert_eq!(next_look(Instant::from_micros(3_999)), Instant::from_millis(4));
        assert_eq!(next_look(Instant::from_micros(4_000)), Instant::from_millis(6));
    }

    #[test]
    fn streams_are_counted_while_they_live() {
        let (_stopping, stop) = watch::channel(false);
        let thread = IoThread::start(9, Clock::start(), stop).expect("a thread");
        let resident = thread.settle();
        assert_eq!(thread.streams(), 1);
        drop(resident);
        assert_eq!(thread.streams(), 0);
    }
}

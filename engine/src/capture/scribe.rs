//! The scribe: one thread that writes the captures of all calls, a few times a second.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::recorder::{Drained, Recorder};

/// Time between two drains: a tenth of what a ring holds.
const EVERY: Duration = Duration::from_millis(300);

/// Captures that wait to be taken up, all within one [`EVERY`].
const WAITING_MAX: usize = 256;

/// A recorder to whatever kind of file.
pub type AnyRecorder = Recorder<Box<dyn Write + Send>>;

/// A handle to the thread. Dropped, it goes on until the last capture is complete.
///
/// *Full:* a capture that finds no place is handed back: its call goes on uncaptured. *Late:* a disk that stalls for
/// seconds makes holes in captures, which say so.
#[derive(Debug)]
pub struct Scribe {
    recorders: Sender<AnyRecorder>,
    failed: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

/// Creates a file that only its owner may read: it will hold what was said on a call.
///
/// # Errors
/// What the file system says, among it that the file is there already.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

impl Scribe {
    /// Starts the thread.
    ///
    /// # Errors
    /// That there can be no more threads.
    pub fn start() -> io::Result<Scribe> {
        let (recorders, arrivals) = bounded(WAITING_MAX);
        let failed = Arc::new(AtomicU64::new(0));
        let counted = failed.clone();
        let thread = std::thread::Builder::new().name("scribe".to_owned()).spawn(move || run(&arrivals, &counted))?;
        Ok(Scribe { recorders, failed, thread })
    }

    /// Hands a capture over, to be written until its call is over. Never waits.
    ///
    /// # Errors
    /// Gives it back when too many wait.
    pub fn write(&self, recorder: AnyRecorder) -> Result<(), Box<AnyRecorder>> {
        self.recorders.try_send(recorder).map_err(|error| match error {
            TrySendError::Full(recorder) | TrySendError::Disconnected(recorder) => Box::new(recorder),
        })
    }

    /// Captures that were given up because they could not be written.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Waits until every capture handed over is complete, which is when its call is over. Gives how many failed.
    pub fn finish(self) -> u64 {
        drop(self.recorders);
        // It does not panic, and if it did its captures would be broken off and say so.
        let _ = self.thread.join();
        self.failed.load(Ordering::Relaxed)
    }
}

fn run(arrivals: &Receiver<AnyRecorder>, failed: &AtomicU64) {
    let mut open: Vec<AnyRecorder> = Vec::new();
    let mut more = true;
    while more || !open.is_empty() {
        if more {
            match arrivals.recv_timeout(EVERY) {
                Ok(recorder) => open.push(recorder),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => more = false,
            }
        } else {
            std::thread::park_timeout(EVERY);
        }
        open.extend(arrivals.try_iter());
        open.retain_mut(|recorder| match recorder.drain() {
            Ok(Drained::Going) => true,
            Ok(Drained::Complete) => false,
            Err(_) => {
                failed.fetch_add(1, Ordering::Relaxed);
                false
            }
        });
    }
}

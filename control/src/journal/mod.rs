//! The journal: what happens on calls, on its way to disk; waits on this machine while the database is away.
//!
//! ```text
//! note, record ─► queue ─► writer ─┬─► database                       (it is there, and the spool is empty)
//!                                  └─► spool ─► database, in order    (otherwise; nothing overtakes)
//! ```
//! *Full:* what finds the queue or the spool full is refused, counted and logged; what is there already stays.
//! *Late:* `record` returns when its update is on a disk, the database's or this machine's. *Twice:* after a crash some
//! updates are written again, which changes nothing.

mod spool;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::db::Store;
use crate::model::CallUpdate;

use spool::Spool;
use writer::{Sink, Writer};

/// Updates between the calls and the writer: some seconds of a full house, about 1 KB each.
const QUEUE: usize = 16_384;
/// Updates that nobody waits for leave so many places to those that somebody does.
const KEPT_FREE: usize = QUEUE / 4;
/// Of losses, one in so many is logged.
const LOG_EVERY: u64 = 1_000;

/// A handle to the journal. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    queue: mpsc::Sender<Item>,
    counts: Arc<Counts>,
}

/// It is on no disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// What goes through the queue.
#[derive(Debug)]
enum Item {
    /// Something that happened, and who waits for it.
    Update(Box<CallUpdate>, Option<oneshot::Sender<bool>>),
    /// Tells when everything before it is done.
    Flush(oneshot::Sender<()>),
}

/// What the journal counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Updates written to the database.
    pub(crate) written: AtomicU64,
    /// Updates that went through the spool.
    pub(crate) spooled: AtomicU64,
    /// Updates that are on no disk.
    pub(crate) lost: AtomicU64,
    /// Updates in the spool now.
    pub(crate) in_spool: AtomicU64,
    /// Bytes of the spool now.
    pub(crate) spool_bytes: AtomicU64,
}

impl Journal {
    /// Starts it; what an earlier process left in its spool is written first. Call within a tokio runtime.
    ///
    /// # Errors
    /// What the file system says to the spool below `dir`.
    pub(crate) fn start(store: Store, dir: &Path, spool_bytes_max: u64) -> io::Result<Self> {
        Self::start_with(Sink::Store(store), dir, spool_bytes_max)
    }

    fn start_with(sink: Sink, dir: &Path, spool_bytes_max: u64) -> io::Result<Self> {
        let spool = Spool::open(&dir.join("spool"), spool_bytes_max)?;
        if spool.len() > 0 {
            tracing::info!(
                updates = spool.len(),
                "what an earlier process could not write to the database is written first"
            );
        }
        let (queue, items) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        tokio::spawn(Writer::new(sink, spool, Arc::clone(&counts)).run(items));
        Ok(Self { queue, counts })
    }

    /// Writes it soon, without waiting.
    pub(crate) fn note(&self, update: CallUpdate) {
        if self.queue.capacity() <= KEPT_FREE || self.queue.try_send(Item::Update(Box::new(update), None)).is_err() {
            self.counts.lose("the queue is full");
        }
    }

    /// Takes it at once, in its place among the others; the future returns when it is on disk, here or in the database:
    /// what is answered 2xx waits for it.
    pub(crate) fn record(&self, update: CallUpdate) -> impl Future<Output = Result<(), Lost>> + Send + use<> {
        let (done, wait) = oneshot::channel();
        let taken = self.queue.try_send(Item::Update(Box::new(update), Some(done)));
        if taken.is_err() {
            self.counts.lose("the queue is full");
        }
        async move { if taken.is_ok() && wait.await == Ok(true) { Ok(()) } else { Err(Lost) } }
    }

    /// Returns when everything noted so far is on disk, or after `patience`.
    pub(crate) async fn flush(&self, patience: Duration) {
        let (done, wait) = oneshot::channel();
        let flushed = async {
            if self.queue.send(Item::Flush(done)).await.is_ok() {
                let _ = wait.await;
            }
        };
        if tokio::time::timeout(patience, flushed).await.is_err() {
            tracing::error!(waiting = self.waiting(), "events are lost: they could not be written in time");
        }
    }

    /// What is counted.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Updates that are not in the database yet.
    pub(crate) fn waiting(&self) -> u64 {
        (QUEUE - self.queue.capacity()) as u64 + self.counts.in_spool.load(Ordering::Relaxed)
    }
}

impl Counts {
    fn lose(&self, why: &str) {
        let before = self.lost.fetch_add(1, Ordering::Relaxed);
        if before.is_multiple_of(LOG_EVERY) {
            tracing::error!(why, lost = before + 1, "an event of a call is lost");
        }
    }
}

#[cfg(test)]
mod tests;

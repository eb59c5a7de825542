//! The writer: one task that takes what waits, in order, to the database or to the spool.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Sleep, sleep};

use super::spool::{Batch, Spool, SpoolError};
use super::{Counts, Item};
use crate::db::{Store, StoreError};
use crate::model::CallUpdate;

/// What is written in one step: as much as waits while the step before is under way.
const BATCH: usize = 256;
/// A database that takes longer for a step is away; the carrier waits 15 s for an answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Between two attempts to reach a database that is away, doubled each time.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Where updates go in the end.
#[derive(Debug)]
pub(super) enum Sink {
    /// The database.
    Store(Store),
    /// What a test can take away.
    #[cfg(test)]
    Planted(super::tests::Planted),
}

impl Sink {
    async fn record(&self, updates: Vec<CallUpdate>) -> Result<(), StoreError> {
        let written = async {
            match self {
                Self::Store(store) => store.record(updates).await,
                #[cfg(test)]
                Self::Planted(planted) => planted.record(updates),
            }
        };
        // Given up half-way, it may be written all the same; then it is written twice, which changes nothing.
        tokio::time::timeout(PATIENCE, written)
            .await
            .unwrap_or_else(|_| Err(StoreError::Away(format!("no answer within {} s", PATIENCE.as_secs()))))
    }
}

/// The writer's state.
#[derive(Debug)]
pub(super) struct Writer {
    sink: Sink,
    spool: Arc<Mutex<Spool>>,
    counts: Arc<Counts>,
    spooled: u64,
    retry: Duration,
    next_try: Pin<Box<Sleep>>,
}

type Waiting = (CallUpdate, Option<oneshot::Sender<bool>>);

impl Writer {
    pub(super) fn new(sink: Sink, spool: Spool, counts: Arc<Counts>) -> Self {
        let spooled = spool.len();
        let spool = Arc::new(Mutex::new(spool));
        Self { sink, spool, counts, spooled, retry: RETRY_MIN, next_try: Box::pin(sleep(Duration::ZERO)) }
    }

    /// Works until nobody holds the journal any more.
    pub(super) async fn run(mut self, mut items: mpsc::Receiver<Item>) {
        let mut taken = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                count = items.recv_many(&mut taken, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.take(&mut taken).await;
                }
                () = &mut self.next_try, if self.spooled > 0 => self.drain().await,
            }
        }
    }

    async fn take(&mut self, taken: &mut Vec<Item>) {
        let (mut updates, mut flushes) = (Vec::with_capacity(taken.len()), Vec::new());
        for item in taken.drain(..) {
            match item {
                Item::Update(update, wait) => updates.push((*update, wait)),
                Item::Flush(done) => flushes.push(done),
            }
        }
        self.write(updates).await;
        // Whoever asked may have stopped waiting.
        for done in flushes {
            let _ = done.send(());
        }
    }

    async fn write(&mut self, waiting: Vec<Waiting>) {
        if waiting.is_empty() {
            return;
        }
        if self.spooled > 0 {
            return self.put_by(waiting).await;
        }
        match self.sink.record(waiting.iter().map(|(update, _)| update.clone()).collect()).await {
            Ok(()) => self.written(waiting),
            Err(StoreError::Away(why)) => {
                tracing::warn!(why, "the database is away: events of calls wait on this machine");
                self.put_by(waiting).await;
            }
            Err(_) => self.write_singly(waiting).await,
        }
    }

    /// One that the database cannot take does not keep the others from being written.
    async fn write_singly(&mut self, waiting: Vec<Waiting>) {
        let mut waiting = waiting.into_iter();
        while let Some((update, wait)) = waiting.next() {
            match self.sink.record(vec![update.clone()]).await {
                Ok(()) => self.written(vec![(update, wait)]),
                Err(StoreError::Away(_)) => {
                    return self.put_by([(update, wait)].into_iter().chain(waiting).collect()).await;
                }
                Err(error) => {
                    tracing::error!(%error, call = %update.call.id, event = ?update.event.kind, "the database refuses an event");
                    self.counts.lose("the database refuses it");
                    answer(wait, false);
                }
            }
        }
    }

    fn written(&self, waiting: Vec<Waiting>) {
        self.counts.written.fetch_add(waiting.len() as u64, Ordering::Relaxed);
        waiting.into_iter().for_each(|(_, wait)| answer(wait, true));
    }

    /// Behind what is in the spool.
    async fn put_by(&mut self, waiting: Vec<Waiting>) {
        let (updates, waits): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let count = updates.len() as u64;
        if self.spooled == 0 {
            self.retry = RETRY_MIN;
            self.next_try = Box::pin(sleep(self.retry));
        }
        let kept = self.on_disk(move |spool| spool.append(&updates)).await;
        let kept = kept.unwrap_or_else(|error| Err(SpoolError::Io(error)));
        match &kept {
            Ok(()) => drop(self.counts.spooled.fetch_add(count, Ordering::Relaxed)),
            Err(error) => (0..count).for_each(|_| self.counts.lose(&error.to_string())),
        }
        waits.into_iter().for_each(|wait| answer(wait, kept.is_ok()));
    }

    /// Writes the oldest of the spool to the database.
    async fn drain(&mut self) {
        let batch = match self.on_disk(|spool| spool.peek(BATCH)).await.and_then(|peeked| peeked) {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(%error, "the spool cannot be read");
                return self.wait_longer();
            }
        };
        match self.sink.record(batch.updates.clone()).await {
            Ok(()) => drop(self.counts.written.fetch_add(batch.updates.len() as u64, Ordering::Relaxed)),
            Err(StoreError::Away(_)) => return self.wait_longer(),
            Err(_) if !self.drain_singly(&batch).await => return self.wait_longer(),
            Err(_) => {}
        }
        (0..batch.unreadable()).for_each(|_| self.counts.lose("it makes no sense in the spool"));
        self.retry = RETRY_MIN;
        let taken = self.on_disk(move |spool| spool.take(&batch)).await.and_then(|taken| taken);
        if let Err(error) = taken {
            tracing::error!(%error, "the spool cannot be shortened: what is in it is written again after a restart");
        }
        if self.spooled == 0 {
            tracing::info!("the database is back: everything that waited is written");
        }
    }

    /// False where the database went away meanwhile.
    async fn drain_singly(&self, batch: &Batch) -> bool {
        for update in &batch.updates {
            match self.sink.record(vec![update.clone()]).await {
                Ok(()) => drop(self.counts.written.fetch_add(1, Ordering::Relaxed)),
                Err(StoreError::Away(_)) => return false,
                Err(error) => {
                    tracing::error!(%error, call = %update.call.id, event = ?update.event.kind, "the database refuses an event");
                    self.counts.lose("the database refuses it");
                }
            }
        }
        true
    }

    fn wait_longer(&mut self) {
        self.next_try = Box::pin(sleep(self.retry));
        self.retry = (self.retry * 2).min(RETRY_MAX);
    }

    /// Does something with the spool where it may block; then notes how full it is.
    async fn on_disk<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Spool) -> R + Send + 'static,
    ) -> io::Result<R> {
        let spool = Arc::clone(&self.spool);
        let done = tokio::task::spawn_blocking(move || {
            let mut spool = spool.lock().unwrap_or_else(PoisonError::into_inner);
            let result = work(&mut spool);
            (result, spool.len(), spool.bytes())
        });
        let (result, updates, bytes) = done.await.map_err(io::Error::other)?;
        self.spooled = updates;
        self.counts.in_spool.store(updates, Ordering::Relaxed);
        self.counts.spool_bytes.store(bytes, Ordering::Relaxed);
        Ok(result)
    }
}

/// Whoever asked may have stopped waiting.
fn answer(wait: Option<oneshot::Sender<bool>>, kept: bool) {
    if let Some(wait) = wait {
        let _ = wait.send(kept);
    }
}

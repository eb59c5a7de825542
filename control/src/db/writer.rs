//! Group commit: many callers' writes, one transaction, one wait for the disk.
//!
//! ```text
//! caller ─► queue ─┐            BEGIN ─ a ─ b ─ c ─ COMMIT ─► all three are told
//! caller ─► queue ─┼─► batch ─►           └─ fails: undo, then once more with
//! caller ─► queue ─┘            BEGIN ─ SAVEPOINT a RELEASE ─ SAVEPOINT b ROLLBACK TO ─ SAVEPOINT c RELEASE ─ COMMIT
//!                                                     └─► a and c: done; b: its own error
//! ```
//! A batch is what came while the one before was committed, at most [`BATCH_MAX`]: a lone write waits for nobody, and
//! the slower the disk, the larger the batches. A full queue makes its callers wait.

use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::arg::args;
use super::connection::{Connection, Pool};
use super::store::{Doing, Result};

/// Writes in one transaction: what a power cut takes at once, and what a failing disk makes wait together.
const BATCH_MAX: usize = 64;
/// Writes that wait. Each holds its content, a few kilobytes.
const QUEUE: usize = 1024;

/// The way to the one who writes. It ends with the last of these.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Order>,
}

enum Order {
    Write(Box<dyn Write>),
    Close(oneshot::Sender<()>),
}

/// A write that waits for its turn, then for the commit.
trait Write: Send {
    /// Does it, and says whether it may stay.
    fn run<'a>(&'a mut self, db: &'a mut Connection) -> Doing<'a, ()>;
    /// Tells the caller. `committed`: what became of the transaction.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Pending<T, F> {
    work: F,
    done: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T, F> Write for Pending<T, F>
where
    T: Send,
    F: for<'a> Fn(&'a mut Connection) -> Doing<'a, T> + Send + Sync,
{
    fn run<'a>(&'a mut self, db: &'a mut Connection) -> Doing<'a, ()> {
        Box::pin(async move {
            let done = (self.work)(db).await;
            let verdict = done.as_ref().map(|_| ()).map_err(Clone::clone);
            self.done = Some(done);
            verdict
        })
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let answer = match (self.done, committed) {
            (Some(Ok(done)), Ok(())) => Ok(done),
            // Its own error stands whatever became of the others.
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(lost()),
        };
        // A caller that went away does not want to know.
        let _ = self.caller.send(answer);
    }
}

impl Writer {
    /// Starts it: a task of this runtime.
    pub(super) fn start(pool: Pool) -> Self {
        let (queue, orders) = mpsc::channel(QUEUE);
        tokio::spawn(run(pool, orders));
        Self { queue }
    }

    /// Returns when it is durable, or did not happen.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Connection) -> Doing<'a, T> + Send + Sync + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let order = Order::Write(Box::new(Pending { work, done: None, caller }));
        self.queue.send(order).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Returns when all that was queued is written; what comes later is refused.
    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Order::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Away("closed".to_owned())
}

fn lost() -> StoreError {
    StoreError::Fault("a write ended without an answer".to_owned())
}

async fn run(pool: Pool, mut orders: mpsc::Receiver<Order>) {
    let mut waiting = Vec::with_capacity(BATCH_MAX);
    let mut closers = Vec::new();
    while orders.recv_many(&mut waiting, BATCH_MAX).await > 0 {
        let mut batch = Vec::with_capacity(waiting.len());
        for order in waiting.drain(..) {
            match order {
                Order::Write(write) => batch.push(write),
                Order::Close(done) => {
                    orders.close();
                    closers.push(done);
                }
            }
        }
        // A task of its own: a panic in there undoes this batch, and the next is written all the same.
        if tokio::spawn(write(pool.clone(), batch)).await.is_err() {
            tracing::error!("a write panicked; its transaction was undone");
        }
    }
    for done in closers {
        let _ = done.send(());
    }
}

async fn write(pool: Pool, mut batch: Vec<Box<dyn Write>>) {
    if batch.is_empty() {
        return;
    }
    let committed = transact(&pool, &mut batch).await;
    for write in batch {
        write.answer(committed.clone());
    }
}

async fn transact(pool: &Pool, batch: &mut [Box<dyn Write>]) -> Result<()> {
    if together(pool, batch).await? { Ok(()) } else { apart(pool, batch).await }
}

/// All of them, without savepoints, which would double what is asked of the database. Whether all went well; where one
/// did not, nothing happened.
async fn together(pool: &Pool, batch: &mut [Box<dyn Write>]) -> Result<bool> {
    let mut db = pool.begin().await?;
    let alone = batch.len() == 1;
    for write in batch {
        match write.run(&mut db).await {
            Ok(()) => {}
            Err(error @ StoreError::Away(_)) => return Err(error),
            // Its failure is the transaction's.
            Err(error) if alone => return Err(error),
            Err(_) => return Ok(false),
        }
    }
    db.commit().await.map(|()| true)
}

/// Each behind a savepoint: what fails undoes itself only.
async fn apart(pool: &Pool, batch: &mut [Box<dyn Write>]) -> Result<()> {
    let mut db = pool.begin().await?;
    for write in batch {
        db.execute("SAVEPOINT one", args![]).await?;
        match write.run(&mut db).await {
            Ok(()) => {}
            // The transaction itself may be gone with it: SQLite undoes all where the disk fails or is full.
            Err(error @ StoreError::Away(_)) => return Err(error),
            Err(_) => drop(db.execute("ROLLBACK TO SAVEPOINT one", args![]).await?),
        }
        db.execute("RELEASE SAVEPOINT one", args![]).await?;
    }
    db.commit().await
}

//! The store's face: opening, closing, and the way to the database. The nouns' files have the rest.

use std::pin::Pin;
use std::sync::Arc;

use crate::clock::Clock;
use crate::model::{Actor, Timestamp};

use super::arg::args;
use super::connection::{Connection, Pool};
use super::writer::Writer;
use super::{OpenError, StoreError, postgres, sqlite, tenants};

/// Transactions of live calls at once on PostgreSQL: each is bound by its one process there.
const LANES: usize = 2;
/// How often a transaction is tried that meets others'.
const TRIES: u32 = 5;

pub(super) type Result<T> = std::result::Result<T, StoreError>;

/// What a transaction does, under way.
pub(super) type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Who does something, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct By {
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
}

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    readers: Pool,
    writers: Pool,
    writer: Writer,
    /// Of what happens on calls: each call's in one of these. SQLite has one writer for everything.
    lanes: Vec<Writer>,
    clock: Clock,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`, brings it to this version's schema and makes sure that the default
    /// tenant exists. Call within a tokio runtime.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &str, clock: Clock) -> std::result::Result<Self, OpenError> {
        let (writers, readers) = match url.split_once(':') {
            Some(("sqlite", path)) => sqlite::open(path.strip_prefix("//").unwrap_or(path)).await?,
            Some(("postgres" | "postgresql", _)) => {
                let pool = postgres::open(url).await?;
                (pool.clone(), pool)
            }
            _ => {
                return Err(OpenError::Url("is neither sqlite:PATH nor postgres://user:password@host/name".to_owned()));
            }
        };
        let lanes = match &writers {
            Pool::Sqlite(_) => 0,
            Pool::Postgres(_) => LANES,
        };
        let (writer, lane) = (Writer::start(writers.clone()), || Writer::start(writers.clone()));
        let lanes = std::iter::repeat_with(lane).take(lanes).collect();
        let store = Self { inner: Arc::new(Inner { readers, writers, writer, lanes, clock }) };
        let now = store.now();
        let made = store.write(move |db| Box::pin(tenants::make_default(db, now))).await;
        made.map_err(|error| OpenError::Connect(error.to_string()))?;
        Ok(store)
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn ping(&self) -> Result<()> {
        self.reader().await?.rows("SELECT 1", args![]).await.map(drop)
    }

    /// Writes what is under way and closes. What comes later finds the database away.
    pub async fn close(&self) {
        self.inner.writer.close().await;
        for lane in &self.inner.lanes {
            lane.close().await;
        }
        self.inner.writers.close().await;
        self.inner.readers.close().await;
    }

    pub(super) fn by(&self, actor: Actor) -> By {
        By { actor, now: self.now() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.wall()
    }

    pub(super) async fn reader(&self) -> Result<Connection> {
        self.inner.readers.connect().await
    }

    /// Does it in a transaction: all of it, durably, or nothing.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Connection) -> Doing<'a, T> + Send + Sync + 'static,
    {
        match self.inner.writers {
            Pool::Sqlite(_) => self.inner.writer.write(work).await,
            Pool::Postgres(_) => self.write_apart(work).await,
        }
    }

    /// The same, for the many small writes of live calls: on PostgreSQL too they share their commits.
    pub(super) async fn write_in<T, F>(&self, lane: usize, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> Fn(&'a mut Connection) -> Doing<'a, T> + Send + Sync + 'static,
    {
        self.inner.lanes.get(lane).unwrap_or(&self.inner.writer).write(work).await
    }

    /// How many transactions of live calls are under way at once.
    pub(super) fn lanes(&self) -> usize {
        self.inner.lanes.len().max(1)
    }

    /// In a transaction of its own, beside others'.
    async fn write_apart<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'a> Fn(&'a mut Connection) -> Doing<'a, T>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut db = self.inner.writers.begin().await?;
            let done = work(&mut db).await;
            let again = db.worth_again() && tries < TRIES;
            match done {
                Ok(answer) => return db.commit().await.map(|()| answer),
                Err(error) => {
                    db.undo().await;
                    if !again {
                        return Err(error);
                    }
                }
            }
        }
    }
}

//! Opening SQLite: one connection that writes, a few that read beside it, and one that carries what was written from the
//! log into the database.
//!
//! By itself SQLite does that within a commit, each time 4 MB have been logged: under load many times a second, the same
//! pages again and again, and whoever waits for that commit waits for it. Here it is done once a second, beside the
//! writer; only where that falls far behind does the writer do it, so that the log stays bounded.

use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool};

use super::connection::Pool;
use super::{OpenError, migrations};

/// Each is a thread and a page cache of 2 MB. Reads are short; more would not make two cores faster.
const READERS: u32 = 4;
/// Another process, such as the command line, writes for milliseconds.
const BUSY: Duration = Duration::from_secs(5);
/// For a reader to become free.
const FREE: Duration = Duration::from_secs(5);
/// Pages of 4 KB in the log from which on the writer itself carries them over: 64 MB.
const LOG_PAGES_MAX: &str = "16384";
/// Between two times that the log is carried over.
const CARRY_EVERY: Duration = Duration::from_secs(1);

/// The writer and the readers.
pub(super) async fn open(path: &str) -> Result<(Pool, Pool), OpenError> {
    if path.is_empty() || path == ":memory:" {
        let fix = "names no file: write sqlite:PATH, such as sqlite:data/offhook.db".to_owned();
        return Err(OpenError::Url(fix));
    }
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).foreign_keys(true);
    // FULL: what was acknowledged survives a power cut, not only a crash.
    let writing = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", LOG_PAGES_MAX);
    let cannot = |error: sqlx::Error| {
        let why = super::StoreError::from(error);
        OpenError::Connect(format!("{path}: {why}; name a file in a directory that this user may write to"))
    };
    let writer = pool(1).connect_with(writing.clone()).await.map_err(cannot)?;
    migrate(&writer).await?;
    let carrier = pool(1).connect_with(writing).await.map_err(cannot)?;
    tokio::spawn(carry_log(carrier, writer.clone()));
    let readers = pool(READERS).connect_with(options.read_only(true)).await.map_err(cannot)?;
    Ok((Pool::Sqlite(writer), Pool::Sqlite(readers)))
}

fn pool(connections: u32) -> PoolOptions<Sqlite> {
    PoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .acquire_timeout(FREE)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Carries the log over as long as the writer is open. *Late:* the log grows, to its bound. *Fails:* the same; the next
/// time may go well, and a full disk is what the writer tells.
async fn carry_log(carrier: SqlitePool, writer: SqlitePool) {
    let mut every = tokio::time::interval(CARRY_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let closed = writer.close_event();
    tokio::pin!(closed);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = &mut closed => break,
        }
        // Passive: waits for nobody, and nobody for it.
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&carrier).await {
            tracing::debug!(%error, "the log was not carried into the database");
        }
    }
    carrier.close().await;
}

async fn migrate(writer: &SqlitePool) -> Result<(), OpenError> {
    migrations::sqlite().run(writer).await.map_err(|error| OpenError::Migrate(error.to_string()))
}

//! Opening SQLite: one connection that writes, a few that read beside it.

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
        .synchronous(SqliteSynchronous::Full);
    let cannot = |error: sqlx::Error| {
        let why = super::StoreError::from(error);
        OpenError::Connect(format!("{path}: {why}; name a file in a directory that this user may write to"))
    };
    let writer = pool(1).connect_with(writing).await.map_err(cannot)?;
    migrate(&writer).await?;
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

async fn migrate(writer: &SqlitePool) -> Result<(), OpenError> {
    migrations::sqlite().run(writer).await.map_err(|error| OpenError::Migrate(error.to_string()))
}

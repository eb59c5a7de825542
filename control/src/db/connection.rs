//! A connection, whichever database it leads to: what is asked of it is written once for both.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction};

use super::StoreError;
use super::arg::Arg;
use super::row::Row;

/// For one answer of PostgreSQL, which may be behind a network that swallows packets.
const ANSWER_MAX: Duration = Duration::from_secs(10);

type Result<T> = std::result::Result<T, StoreError>;

/// Where connections come from.
#[derive(Debug, Clone)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// A connection for reading.
    pub(super) async fn connect(&self) -> Result<Connection> {
        let link = match self {
            Self::Sqlite(pool) => Link::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Link::Postgres(pool.acquire().await?),
        };
        Ok(Connection { link, worth_again: false })
    }

    /// A connection with a transaction, which is undone unless [`Connection::commit`] ends it.
    pub(super) async fn begin(&self) -> Result<Connection> {
        let link = match self {
            // At once the one that writes: a transaction that began as a reader's may have to give up.
            Self::Sqlite(pool) => Link::SqliteWrite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Link::PostgresWrite(within(pool.begin()).await?),
        };
        Ok(Connection { link, worth_again: false })
    }

    /// Waits for what is under way and closes.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A connection.
pub(super) struct Connection {
    link: Link,
    worth_again: bool,
}

enum Link {
    Sqlite(PoolConnection<Sqlite>),
    SqliteWrite(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
}

/// A query with its values, of either database.
macro_rules! query {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query($sql);
        for arg in $args {
            query = match arg {
                Arg::Text(text) => query.bind(text),
                Arg::Int(number) => query.bind(number),
                Arg::Bool(flag) => query.bind(flag),
                Arg::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }};
}

impl Connection {
    /// How many rows it changed.
    pub(super) async fn execute(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<u64> {
        let done = match &mut self.link {
            Link::Sqlite(link) => query!(sql, args).execute(&mut **link).await.map(|done| done.rows_affected()),
            Link::SqliteWrite(link) => query!(sql, args).execute(&mut **link).await.map(|done| done.rows_affected()),
            Link::Postgres(link) => {
                within(query!(sql, args).execute(&mut **link)).await.map(|done| done.rows_affected())
            }
            Link::PostgresWrite(link) => {
                within(query!(sql, args).execute(&mut **link)).await.map(|done| done.rows_affected())
            }
        };
        self.noted(done)
    }

    /// All rows that it gives.
    pub(super) async fn rows(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Vec<Row>> {
        fn each<R>(rows: Vec<R>, row: fn(R) -> Row) -> Vec<Row> {
            rows.into_iter().map(row).collect()
        }
        let rows = match &mut self.link {
            Link::Sqlite(link) => query!(sql, args).fetch_all(&mut **link).await.map(|rows| each(rows, Row::Sqlite)),
            Link::SqliteWrite(link) => {
                query!(sql, args).fetch_all(&mut **link).await.map(|rows| each(rows, Row::Sqlite))
            }
            Link::Postgres(link) => {
                within(query!(sql, args).fetch_all(&mut **link)).await.map(|rows| each(rows, Row::Postgres))
            }
            Link::PostgresWrite(link) => {
                within(query!(sql, args).fetch_all(&mut **link)).await.map(|rows| each(rows, Row::Postgres))
            }
        };
        self.noted(rows)
    }

    /// The first row, where there is one.
    pub(super) async fn row(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Option<Row>> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// Makes it durable.
    pub(super) async fn commit(self) -> Result<()> {
        match self.link {
            Link::SqliteWrite(transaction) => transaction.commit().await?,
            Link::PostgresWrite(transaction) => within(transaction.commit()).await?,
            Link::Sqlite(_) | Link::Postgres(_) => {}
        }
        Ok(())
    }

    /// Whether it leads to PostgreSQL: for the few statements that the two have no common words for.
    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_) | Link::PostgresWrite(_))
    }

    /// Whether an error came from meeting somebody else's transaction: the same again may well succeed.
    pub(super) fn worth_again(&self) -> bool {
        self.worth_again
    }

    fn noted<T>(&mut self, done: std::result::Result<T, sqlx::Error>) -> Result<T> {
        done.map_err(|error| {
            self.worth_again |= super::error::met_another(&error);
            error.into()
        })
    }
}

async fn within<T>(
    answer: impl Future<Output = std::result::Result<T, sqlx::Error>>,
) -> std::result::Result<T, sqlx::Error> {
    tokio::time::timeout(ANSWER_MAX, answer).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

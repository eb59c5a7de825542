//! Which steps of the schema a database has taken, read without taking any.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{OpenError, StoreError, migrations};

const VERSION: &str = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";

/// How far a database's schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The last step that it has taken; `None`: it does not exist yet, or is empty.
    pub version: Option<i64>,
    /// The last step that this version knows.
    pub latest: i64,
}

impl Schema {
    /// Looks at a database and changes nothing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn look(url: &str) -> Result<Self, OpenError> {
        match url.split_once(':') {
            Some(("sqlite", path)) => sqlite(path.strip_prefix("//").unwrap_or(path)).await,
            _ => postgres(url).await,
        }
    }
}

async fn sqlite(path: &str) -> Result<Schema, OpenError> {
    let latest = migrations::latest(&migrations::sqlite());
    if !std::path::Path::new(path).exists() {
        return Ok(Schema { version: None, latest });
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await.map_err(cannot)?;
    let found = sqlx::query_scalar(VERSION).fetch_one(&mut connection).await;
    let _ = connection.close().await;
    Ok(Schema { version: version(found)?, latest })
}

async fn postgres(url: &str) -> Result<Schema, OpenError> {
    let bad = |_| OpenError::Url("is no such URL: write postgres://user:password@host/name".to_owned());
    let options = PgConnectOptions::from_str(url).map_err(bad)?.application_name("offhook");
    let mut connection = options.connect().await.map_err(cannot)?;
    let found = sqlx::query_scalar(VERSION).fetch_one(&mut connection).await;
    let _ = connection.close().await;
    Ok(Schema { version: version(found)?, latest: migrations::latest(&migrations::postgres()) })
}

/// No table of steps: none was taken.
fn version(found: Result<Option<i64>, sqlx::Error>) -> Result<Option<i64>, OpenError> {
    match found {
        Ok(version) => Ok(version),
        Err(sqlx::Error::Database(error)) if is_no_table(&*error) => Ok(None),
        Err(error) => Err(cannot(error)),
    }
}

fn is_no_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
}

fn cannot(error: sqlx::Error) -> OpenError {
    OpenError::Connect(StoreError::from(error).to_string())
}

//! How the store says no.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

/// Why an operation did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is none, or it is another tenant's.
    #[error("not found")]
    NotFound,
    /// Something else has it already; the constraint's meaning, such as `did_number`.
    #[error("conflict on {0}")]
    Conflict(&'static str),
    /// It has been changed since the version that was named.
    #[error("changed since")]
    Stale,
    /// What it refers to does not exist for this tenant; the field.
    #[error("{0} refers to nothing")]
    NoSuch(&'static str),
    /// The idempotency key was used for another request.
    #[error("idempotency key reused")]
    KeyReused,
    /// The database cannot be reached, is full or read-only: worth trying again later.
    #[error("the database is away: {0}")]
    Away(String),
    /// A mistake of ours, or a damaged database.
    #[error("the database answered in a way that makes no sense: {0}")]
    Fault(String),
}

/// Why a store could not be opened. Each names cause and fix.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL.
    #[error("DATABASE_URL {0}")]
    Url(String),
    /// No connection.
    #[error("cannot open the database: {0}")]
    Connect(String),
    /// The schema.
    #[error("cannot bring the database to this version's schema: {0}")]
    Migrate(String),
}

/// Rules of the schema that a caller can break: the index in PostgreSQL, the column in SQLite's words, what it means.
const RULES: &[(&str, &str, &str)] = &[
    ("phone_numbers_did_number", "phone_numbers.did_number", "did_number"),
    ("contacts_phone_number", "contacts.phone_number", "phone_number"),
    ("provider_configs_account", "provider_configs.account_id", "account_id"),
    ("provider_configs_one", "provider_configs.provider_type", "provider_type"),
    ("ai_profiles_one_default", "ai_profiles.tenant_id", "is_default"),
];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => of_database(&*error),
            sqlx::Error::Io(error) => Self::Away(error.kind().to_string()),
            sqlx::Error::Tls(_) => Self::Away("no TLS connection".to_owned()),
            sqlx::Error::PoolTimedOut => Self::Away("no answer in time".to_owned()),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Away("closed".to_owned()),
            // Neither says more than which statement of ours it was; both may quote what a row holds.
            sqlx::Error::ColumnDecode { index, .. } => Self::Fault(format!("column {index} cannot be read")),
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) => Self::Fault("a value cannot be read".to_owned()),
            other => Self::Fault(other.to_string()),
        }
    }
}

fn of_database(error: &dyn DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default();
    let is_postgres = error.try_downcast_ref::<PgDatabaseError>().is_some();
    let away = if is_postgres { postgres_away(&code) } else { sqlite_away(&code) };
    if let Some(why) = away {
        return StoreError::Away(format!("{why} (code {code})"));
    }
    let rule = RULES.iter().find(|(index, column, _)| match error.constraint() {
        Some(name) => name == *index,
        None => error.is_unique_violation() && error.message().ends_with(column),
    });
    match rule {
        Some((.., meaning)) => StoreError::Conflict(meaning),
        // Whatever else refers to something is looked up first, with the tenant locked.
        None if error.is_foreign_key_violation() => StoreError::NoSuch("tenant_id"),
        // A message of PostgreSQL may quote a value; its code and the constraint's name do not.
        None if is_postgres => StoreError::Fault(format!("code {code} {}", error.constraint().unwrap_or_default())),
        None => StoreError::Fault(format!("{} (code {code})", error.message())),
    }
}

/// SQLite's primary result code is the low byte.
fn sqlite_away(code: &str) -> Option<&'static str> {
    match code.parse::<u32>().ok()? & 0xff {
        5 | 6 => Some("busy"),
        8 => Some("read-only"),
        10 => Some("the disk fails"),
        13 => Some("the disk is full"),
        14 => Some("the file cannot be opened"),
        _ => None,
    }
}

fn postgres_away(code: &str) -> Option<&'static str> {
    match code {
        "25006" => Some("read-only"),
        "55P03" | "57014" => Some("no answer in time"),
        "40001" | "40P01" => Some("busy"),
        "53100" => Some("the disk is full"),
        _ => match code.get(..2)? {
            "08" | "57" => Some("no connection"),
            "53" => Some("out of resources"),
            "58" => Some("the disk fails"),
            _ => None,
        },
    }
}

/// A deadlock or a serialization failure.
pub(super) fn met_another(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, SqliteConnection};

    use super::*;

    async fn memory() -> SqliteConnection {
        SqliteConnectOptions::new().in_memory(true).connect().await.unwrap()
    }

    async fn refused(db: &mut SqliteConnection, sql: &'static str) -> StoreError {
        sqlx::raw_sql(sql).execute(db).await.unwrap_err().into()
    }

    #[tokio::test]
    async fn a_full_disk_is_away() {
        let mut db = memory().await;
        sqlx::raw_sql("PRAGMA max_page_count = 2; CREATE TABLE t (x)").execute(&mut db).await.unwrap();
        let error = refused(&mut db, "INSERT INTO t VALUES (zeroblob(100000))").await;
        assert_eq!(error, StoreError::Away("the disk is full (code 13)".to_owned()));
    }

    #[tokio::test]
    async fn a_read_only_file_is_away() {
        let mut db = memory().await;
        sqlx::raw_sql("CREATE TABLE t (x); PRAGMA query_only = 1").execute(&mut db).await.unwrap();
        let error = refused(&mut db, "INSERT INTO t VALUES (1)").await;
        assert_eq!(error, StoreError::Away("read-only (code 8)".to_owned()));
    }

    #[tokio::test]
    async fn a_mistake_of_ours_is_a_fault() {
        let error = refused(&mut memory().await, "SELECT nothing FROM nowhere").await;
        assert!(matches!(error, StoreError::Fault(_)), "{error}");
    }

    #[test]
    fn what_postgres_says_when_it_cannot_is_away() {
        for code in ["25006", "40001", "40P01", "53100", "53300", "57P01", "57P03", "08006", "58030"] {
            assert!(postgres_away(code).is_some(), "{code}");
        }
        for code in ["23505", "42601", "22P02", ""] {
            assert!(postgres_away(code).is_none(), "{code}");
        }
    }
}

//! How the store says no.

/// Why an operation did not happen.
#[derive(Debug, thiserror::Error)]
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

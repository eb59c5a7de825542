//! The store: all SQL of the service, on SQLite or PostgreSQL, strictly by tenant.
//!
//! ```text
//! Store ─┬─ reads ─────────────────► a pool of readers
//!        └─ writes ─┬─► queue ─► writer: what queued up, in one commit      (PostgreSQL: events of calls)
//!                   └─► a transaction each, again after a deadlock          (PostgreSQL: all else)
//! ```
//! One file per noun; what it asks of a connection is written once, in SQL that both databases understand. Ids are
//! text, times are milliseconds, JSON is text. Every column is named: a newer version may add some at any time, and
//! PostgreSQL refuses a prepared `SELECT *` whose columns have changed.

mod arg;
mod connection;
mod error;
mod migrations;
mod postgres;
mod row;
mod schema;
mod select;
mod sqlite;
mod store;
mod writer;

mod audit;
mod calls;
mod contacts;
mod directory;
mod keys;
mod numbers;
mod once;
mod page;
mod place;
mod profiles;
mod provider_configs;
mod record;
mod registrations;
mod settings;
mod tenants;

pub use directory::DirectoryTenant;
pub use error::{OpenError, StoreError};
pub use once::{Created, Idempotency};
pub use provider_configs::SealedAccount;
pub use schema::Schema;
pub use store::Store;

//! The store: all SQL of the service, on SQLite or PostgreSQL, strictly by tenant.

mod error;
mod store;

pub use error::{OpenError, StoreError};
pub use store::{Created, DirectoryTenant, Idempotency, Store};

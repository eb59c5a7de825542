//! The store's contract: every test on SQLite and, where `OFFHOOK_TEST_POSTGRES_URL` names one, on PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "store/base.rs"]
mod base;

#[path = "store/versions.rs"]
mod versions;

//! The store's contract: every test on SQLite and, where `OFFHOOK_TEST_POSTGRES_URL` names one, on PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "store/base.rs"]
mod base;

#[path = "store/apart.rs"]
mod apart;
#[path = "store/audit.rs"]
mod audit;
#[path = "store/away.rs"]
mod away;
#[path = "store/calls.rs"]
mod calls;
#[path = "store/contacts.rs"]
mod contacts;
#[path = "store/directory.rs"]
mod directory;
#[path = "store/group.rs"]
mod group;
#[path = "store/once.rs"]
mod once;
#[path = "store/pages.rs"]
mod pages;
#[path = "store/place.rs"]
mod place;
#[path = "store/profiles.rs"]
mod profiles;
#[path = "store/provider_configs.rs"]
mod provider_configs;
#[path = "store/restart.rs"]
mod restart;
#[path = "store/versions.rs"]
mod versions;

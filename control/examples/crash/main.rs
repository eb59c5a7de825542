//! Kills the service with SIGKILL at random moments under load, restarts it, and looks whether anything acknowledged is lost.
//!
//! ```text
//! cargo build -p offhook --bin offhook && cargo run -p offhook --example crash -- --kills 20
//! scripts/postgres.sh sh -c 'cargo run -p offhook --example crash -- --database "$OFFHOOK_TEST_POSTGRES_URL"'
//! ```
//! ```text
//! clients ── creates, signed reports ───────────────► service (a process; killed, started again)
//! carrier (the model, in this process) ─► door ─────►    │  REST, as a real carrier's
//!         ◄───────────────────────────────────────────────┘
//! ```
//! Clients, carrier and door live through every kill. `ledger` has what was acknowledged and in which life of the service;
//! `watch` looks for it in the next life, `audit` for all of it in the end.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it finds is its output")]

mod audit;
mod carrier;
mod client;
mod door;
mod ledger;
mod load;
mod reports;
mod run;
mod service;
mod summary;
mod watch;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use loadtest::shell::clock;

/// What is asked of it.
#[derive(Debug, Clone, Parser)]
#[command(name = "crash", about = "Kills the service under load, again and again; nothing acknowledged may be lost")]
pub(crate) struct Wanted {
    /// How often it is killed.
    #[arg(long, default_value_t = 20)]
    pub(crate) kills: u32,
    /// What is random comes from it; without it, another with each run.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// A fresh database: its URL. Without it, SQLite in a directory of the run's own.
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// The service. Without it, `offhook` beside the directory of this program.
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// How long it lives on average once it is ready, in milliseconds, before it is killed.
    #[arg(long, default_value_t = 1_800)]
    pub(crate) mean_ms: u64,
    /// Calls that are wanted placed, per second.
    #[arg(long, default_value_t = 3.0)]
    pub(crate) wishes: f64,
    /// People who call in, per second; some twenty reports are made of each.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) callers: f64,
}

fn main() -> ExitCode {
    let wanted = Wanted::parse();
    let seed = wanted.seed.unwrap_or_else(clock::fresh_seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run::run(wanted, seed)));
    ended.unwrap_or_else(|error: anyhow::Error| {
        eprintln!("crash: {error:#}");
        ExitCode::FAILURE
    })
}

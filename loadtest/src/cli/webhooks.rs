//! The options of `webhooks`.

use std::path::PathBuf;

use clap::Args;

use super::TargetArgs;
use crate::webhooks::{Numbers, Rate};

/// Options of `webhooks`.
#[derive(Clone, Debug, Args)]
pub struct WebhooksArgs {
    /// Whom to call.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Numbers to call, drawn evenly, such as +15550000000:100000 for the hundred thousand from there; instead of --to.
    #[arg(long, value_name = "FIRST:COUNT", conflicts_with = "to")]
    pub to_range: Option<Numbers>,
    /// Send what becomes of calls instead, to the status callback that --url names: of each call that it rings, is
    /// answered, and is over. Answered 204, or 200 with TwiML.
    #[arg(long)]
    pub reports: bool,
    /// Requests per second, each at a time fixed in advance; `max`: as many as the server answers.
    #[arg(long, default_value = "100")]
    pub rate: Rate,
    /// Connections, kept open; each carries one request at a time.
    #[arg(long, default_value_t = 32)]
    pub connections: usize,
    /// How many seconds are measured.
    #[arg(long, default_value_t = 10)]
    pub duration: u64,
    /// How many seconds are not, before.
    #[arg(long, default_value_t = 2)]
    pub warm_up: u64,
    /// The server's process on this machine: its processor time and memory are measured.
    #[arg(long)]
    pub pid: Option<u32>,
    /// The one core that this program runs on; the server belongs on others (taskset).
    #[arg(long)]
    pub core: Option<usize>,
    /// Write the report as JSON to this file; - for standard output instead of the table.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Repeats a run: numbers and identifiers.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Own requests later than this (p99) make the run void (exit code 4): it then measured this machine, not the
    /// server.
    #[arg(long, default_value_t = 1.0)]
    pub void_above_ms: f64,
    /// What must be kept.
    #[command(flatten)]
    pub limits: WebhookLimitArgs,
}

/// Thresholds of `webhooks`: exit code 3 when one is missed, or could not be measured.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Thresholds")]
pub struct WebhookLimitArgs {
    /// Due to answered, half of all.
    #[arg(long)]
    pub p50_ms: Option<f64>,
    /// Due to answered, 95 of 100.
    #[arg(long)]
    pub p95_ms: Option<f64>,
    /// Due to answered, 99 of 100.
    #[arg(long)]
    pub p99_ms: Option<f64>,
    /// Requests that were not answered with TwiML, or never sent.
    #[arg(long)]
    pub failed_max: Option<u64>,
    /// Answers per second, at least.
    #[arg(long)]
    pub rate_min: Option<f64>,
    /// Answers per second of the server's processor time, at least (needs --pid).
    #[arg(long, requires = "pid")]
    pub per_core_min: Option<f64>,
}

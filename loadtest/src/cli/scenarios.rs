//! Options of `scenarios`.

use clap::Args;

use super::TargetArgs;

/// Options of `scenarios`.
#[derive(Clone, Debug, Args)]
pub struct ScenariosArgs {
    /// Whom to call.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Only these, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Also those that need the keys of the built-in agent (1, 2, 3, 9, 0).
    #[arg(long)]
    pub menu: bool,
    /// How many at once; each measures by itself, so as many as both machines carry without effort.
    #[arg(long, default_value_t = 4)]
    pub at_once: usize,
    /// Report the end of each call here, as a number's status callback.
    #[arg(long, value_name = "URL")]
    pub status_callback: Option<String>,
    /// Print JSON instead of the table.
    #[arg(long)]
    pub json: bool,
    /// Repeats a run: noise, phases, choices and identifiers come from it.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Own frames later than this (p99) make the run void (exit code 3): it then measured this machine, not the server.
    #[arg(long, default_value_t = 5)]
    pub void_above_ms: u64,
}

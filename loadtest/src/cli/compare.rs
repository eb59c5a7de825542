//! Options of `compare`.

use std::path::PathBuf;

use clap::Args;

use super::{PlaceArgs, TargetArgs};

/// Options of `compare`.
#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    /// A server: NAME=COMMAND, or NAME=URL COMMAND where its voice webhook is not at --url. At least two.
    #[arg(long = "server", value_name = "NAME=COMMAND", required = true)]
    pub servers: Vec<String>,
    /// Whom to call.
    #[command(flatten)]
    pub target: TargetArgs,
    /// In which order they are started, a for the first and so on; each server as often as you like. By default there and
    /// back again: aba, abcba.
    #[arg(long)]
    pub order: Option<String>,
    /// How many calls at once.
    #[arg(long, default_value_t = 500)]
    pub calls: usize,
    /// Seconds that each is measured.
    #[arg(long, default_value_t = 15)]
    pub duration: u64,
    /// Where it all runs.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The first server may take so many times the processor time per call-second of each other (exit code 3 if more).
    #[arg(long)]
    pub cpu_ratio_max: Option<f64>,
    /// Write the report for people here.
    #[arg(long, value_name = "FILE", default_value = "compare.html")]
    pub html: PathBuf,
    /// Write the report for programs here; by default beside the other, with .json; - for standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

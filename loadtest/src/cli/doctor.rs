//! The options of `doctor`.

use clap::Args;

use super::TargetArgs;

/// Options of `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// Whom to examine.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The status callback, as it would be configured for the number; without it that is not examined.
    #[arg(long)]
    pub status_callback: Option<String>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Repeats a run: identifiers and noise come from it.
    #[arg(long)]
    pub seed: Option<u64>,
}

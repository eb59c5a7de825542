//! Options of `capacity`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TargetArgs;
use crate::capacity::budget::Budgets;

/// Options of `capacity`.
#[derive(Clone, Debug, Args)]
pub struct CapacityArgs {
    /// Whom to call.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Who answers, and where it runs.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// A command that starts the server, as a shell understands it: it is started afresh for each number of calls,
    /// measured with all its processes, and ended.
    #[arg(long, value_name = "COMMAND", conflicts_with = "pid")]
    pub serve: Option<String>,
    /// Start the --serve command once, not for each number of calls. Memory per call then is less than it was the first
    /// time, as the server keeps what it was once given.
    #[arg(long, requires = "serve")]
    pub reuse: bool,
    /// The server's process on this machine, if somebody else has started it: its processor time, memory and descriptors
    /// are measured.
    #[arg(long)]
    pub pid: Option<u32>,
    /// What the server is called in the report; by default the name of its program, else its address.
    #[arg(long)]
    pub server_name: Option<String>,
    /// Its version; by default what its program answers to --version where --serve starts it.
    #[arg(long)]
    pub server_version: Option<String>,
    /// How to search.
    #[command(flatten)]
    pub search: SearchArgs,
    /// What else is played, for as long as the proof, with four fifths of the calls that are held; a missed budget there
    /// is a missed budget (exit code 3).
    #[arg(long, value_enum, value_delimiter = ',', default_value = "churn,burst")]
    pub scenes: Vec<Scene>,
    /// What a feature costs: NAME=COMMAND, or NAME=VARIABLE=VALUE (several, with blanks) to start --serve with those.
    /// May be given several times; each is measured with the same calls as the server without it.
    #[arg(long = "feature", value_name = "NAME=…", requires = "serve")]
    pub features: Vec<String>,
    /// With how many calls features are measured; by default half of those that are held.
    #[arg(long, value_name = "CALLS")]
    pub feature_calls: Option<usize>,
    /// What must be kept.
    #[command(flatten)]
    pub budgets: BudgetArgs,
    /// Write the report for people here.
    #[arg(long, value_name = "FILE", default_value = "capacity.html")]
    pub html: PathBuf,
    /// Write the report for programs here; by default beside the other, with .json; - for standard output.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Where the program and the server run, and what is played.
#[derive(Clone, Debug, Args)]
pub struct PlaceArgs {
    /// The one core that this program runs on; by default, where it starts the server itself, the first.
    #[arg(long)]
    pub core: Option<usize>,
    /// The one core that a started server runs on; by default the second, where there are two.
    #[arg(long)]
    pub server_core: Option<usize>,
    /// The server's metrics page (Prometheus): tells what it lost itself.
    #[arg(long, value_name = "URL")]
    pub metrics: Option<String>,
    /// What callers say, built-in clips or WAV files; by default all built-in clips.
    #[arg(long = "clip")]
    pub clips: Vec<String>,
    /// Repeats a run: who speaks when and what, identifiers.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Own frames later than this (p99) make a measurement void: it then measured this program, not the server.
    #[arg(long, default_value_t = 1.0)]
    pub void_above_ms: f64,
    /// Calls that begin in a second while their number is brought up.
    #[arg(long, default_value_t = 100.0)]
    pub rate: f64,
}

/// How `capacity` searches.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Search")]
pub struct SearchArgs {
    /// The first number of calls; it is doubled while the server keeps its budgets.
    #[arg(long, default_value_t = 50)]
    pub start: usize,
    /// The greatest number of calls that is tried.
    #[arg(long, default_value_t = 4_000)]
    pub max: usize,
    /// How close the answer must be, percent.
    #[arg(long, default_value_t = 5.0)]
    pub within_percent: f64,
    /// Seconds for which a number of calls is measured.
    #[arg(long, default_value_t = 10)]
    pub plateau: u64,
    /// Seconds for which the answer is measured once more, as a proof.
    #[arg(long, default_value_t = 30)]
    pub proof: u64,
    /// Fewer calls than this are a missed budget (exit code 3).
    #[arg(long, default_value_t = 1)]
    pub calls_min: usize,
}

/// What else is played once the number has been found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scene {
    /// Calls end and are replaced all the time.
    Churn,
    /// A fifth of all calls ends, and as many begin, all at once, every five seconds.
    Burst,
    /// The account has placed the calls: the webhook is told so.
    Outbound,
    /// Nothing.
    None,
}

/// What must be kept for a number of calls to count as held.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Budgets")]
pub struct BudgetArgs {
    /// Barge-in, 95 of 100: from the first sound of the caller's speech to the server's `clear`.
    #[arg(long, value_name = "MS", default_value_t = 150.0)]
    pub clear_p95_ms: f64,
    /// Barge-in, 99 of 100.
    #[arg(long, value_name = "MS", default_value_t = 200.0)]
    pub clear_p99_ms: f64,
    /// First audio, 95 of 100: from the stream's start to the first sound.
    #[arg(long, value_name = "MS", default_value_t = 100.0)]
    pub first_audio_p95_ms: f64,
    /// Calls that were refused, could not be set up, broke, or were ended by the server.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    pub lost_max_percent: f64,
    /// Interruptions without a `clear` within a second.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    pub missed_max_percent: f64,
    /// Stops that nobody caused, for each hundred interruptions.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    pub false_max_percent: f64,
    /// Frames of sound that the server did not read in time, so that they had to wait.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    pub blocked_max_percent: f64,
    /// Gaps in what the bot says, in each hour of call.
    #[arg(long, value_name = "COUNT", default_value_t = 6.0)]
    pub gaps_max_per_hour: f64,
    /// Processor time of the server for a second of a call (needs --serve or --pid).
    #[arg(long, value_name = "MS")]
    pub cpu_per_call_max_ms: Option<f64>,
    /// Memory of the server for a call (needs --serve or --pid).
    #[arg(long, value_name = "KIB")]
    pub memory_per_call_max_kib: Option<f64>,
}

impl BudgetArgs {
    /// As budgets; of what the server's own metrics say nothing may be lost, where they are looked at.
    #[must_use]
    pub fn budgets(&self, has_metrics: bool) -> Budgets {
        Budgets {
            clear_p95_ms: Some(self.clear_p95_ms),
            clear_p99_ms: Some(self.clear_p99_ms),
            first_audio_p95_ms: Some(self.first_audio_p95_ms),
            lost_percent: Some(self.lost_max_percent),
            missed_percent: Some(self.missed_max_percent),
            false_percent: Some(self.false_max_percent),
            blocked_percent: Some(self.blocked_max_percent),
            gaps_per_hour: Some(self.gaps_max_per_hour),
            server_lost: has_metrics.then_some(0.0),
            cpu_ms: self.cpu_per_call_max_ms,
            memory_kib: self.memory_per_call_max_kib,
        }
    }
}

//! The command line.

mod capacity;
mod compare;
mod doctor;
mod outbound;
mod reports;
mod scenarios;
mod serve;
mod webhooks;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use capacity::{BudgetArgs, CapacityArgs, PlaceArgs, Scene, SearchArgs};
pub use compare::CompareArgs;
pub use doctor::DoctorArgs;
pub use outbound::{Event, Mode, OutboundArgs, Who};
pub use reports::{MishapArgs, ReportArgs, place};
pub use scenarios::ScenariosArgs;
pub use serve::ServeArgs;
pub use webhooks::{WebhookLimitArgs, WebhooksArgs};

/// Twilio's side of a voice call with Media Streams, played against your server.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Call a voice webhook, speak by a script, print what happened, write what was said and heard. With --outbound the
    /// account calls somebody, who takes the call by the script.
    ///
    /// Exit code: 0 good; 1 the call failed; 2 wrong usage; 3 an expectation or a budget was missed.
    Call(Box<CallArgs>),
    /// Examine a server from all sides and say in plain words what it does wrong, why that is bad, and the cure.
    ///
    /// Exit code: 0 well, warnings included; 1 nobody answers; 2 wrong usage; 3 something is wrong.
    Doctor(Box<DoctorArgs>),
    /// Play every built-in scenario against a server, a few at a time, and print a table.
    ///
    /// Exit code: 0 good, or only what informs was missed; 1 no call came up; 2 wrong usage; 3 a scenario was missed.
    Scenarios(Box<ScenariosArgs>),
    /// Hold many calls at once from one thread, all speaking and interrupting, and measure the server.
    ///
    /// Exit code: 0 good; 1 no call came up; 2 wrong usage; 3 a threshold was missed; 4 void, the machine was too busy
    /// to measure.
    Fleet(Box<FleetArgs>),
    /// How many calls does this server hold? Search for it, and write a report to show around: capacity.html.
    ///
    /// Calls the server at --url with 50, 100, 200 … callers at once, all speaking and interrupting, until it misses a
    /// budget; then looks for the number between, and measures that once more for longer. Against a server that is
    /// running already: `loadtest capacity`. To have it started, alone on a core: `loadtest capacity --serve
    /// target/release/offhook`. It takes about seven minutes; nothing else should run meanwhile.
    ///
    /// Exit code: 0 good; 1 no call came up; 2 wrong usage; 3 a budget was missed; 4 void, the machine was too busy to
    /// measure.
    Capacity(Box<CapacityArgs>),
    /// Start several servers in turn on the same core, play the same callers, report them side by side: compare.html.
    ///
    /// loadtest compare --server 'ours=target/dist/offhook' --server 'bare loop=http://127.0.0.1:9090
    /// target/dist/examples/bare_loop --loop' --calls 1000
    ///
    /// Exit code: 0 good; 1 no call came up; 2 wrong usage; 3 --cpu-ratio-max was missed; 4 void, the machine was too
    /// busy to measure.
    Compare(Box<CompareArgs>),
    /// Send signed voice webhooks, each a new call, at a rate or as many as the server answers; measure the answers.
    ///
    /// Exit code: 0 good; 1 nothing was answered; 2 wrong usage; 3 a threshold was missed; 4 void, the machine was too
    /// busy to measure.
    Webhooks(Box<WebhooksArgs>),
    /// Answer Twilio's voice REST API on this machine: calls that are created are made, and answered by scripts.
    Serve(Box<ServeArgs>),
    /// Print where speech begins and ends in WAV files (8000 Hz, mono, 16 bits).
    Label {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// List the built-in scenarios and clips.
    List,
}

/// Whom to call, and as whom.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// The voice webhook; without a path, /twilio/voice of that host.
    #[arg(long, default_value = "http://127.0.0.1:8080/twilio/voice")]
    pub url: String,
    /// The number that is called.
    #[arg(long, default_value = "+14155550199")]
    pub to: String,
    /// The number of the (first) caller; of a call that is placed, the account's own.
    #[arg(long, default_value = "+14155550100")]
    pub from: String,
    /// The account that the number belongs to; by default $TWILIO_ACCOUNT_SID, else made up.
    #[arg(long)]
    pub account_sid: Option<String>,
    /// Signs the requests; by default $TWILIO_AUTH_TOKEN (its first), else a made-up one.
    #[arg(long)]
    pub auth_token: Option<String>,
    /// The public base URL behind which the server stands: requests are signed for it, but sent to --url.
    #[arg(long)]
    pub public_url: Option<String>,
}

/// Options of `call`.
#[derive(Clone, Debug, Args)]
pub struct CallArgs {
    /// Whom to call.
    #[command(flatten)]
    pub target: TargetArgs,
    /// A built-in scenario, or a .toml file.
    #[arg(long, default_value = "default")]
    pub script: String,
    /// How many calls, all at once.
    #[arg(long, default_value_t = 1)]
    pub count: u32,
    /// Over how many milliseconds the calls begin; by default 20 for each.
    #[arg(long)]
    pub ramp_ms: Option<u64>,
    /// Stereo WAV of the (first) call: left said, right heard. By default call.wav for one call, none for several.
    #[arg(long)]
    pub wav: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Who is told how it goes.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// Whether the account places it, and how it is taken.
    #[command(flatten)]
    pub outbound: OutboundArgs,
    /// Repeats a run: noise, phases, choices and identifiers come from it.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Own frames later than this (p99) make the run void (exit code 3): it then measured this machine, not the server.
    #[arg(long, default_value_t = 5)]
    pub void_above_ms: u64,
    /// Budget: half of all interruptions are answered so soon (exit code 3 if not).
    #[arg(long)]
    pub clear_p50_ms: Option<u64>,
    /// Budget: 95 of 100 interruptions are answered so soon (exit code 3 if not).
    #[arg(long)]
    pub clear_p95_ms: Option<u64>,
    /// Budget: every call has its first audio so soon after start (exit code 3 if not).
    #[arg(long)]
    pub first_audio_ms: Option<u64>,
}

/// Options of `fleet`.
#[derive(Clone, Debug, Args)]
pub struct FleetArgs {
    /// Whom to call.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many calls at once.
    #[arg(long, default_value_t = 100)]
    pub calls: usize,
    /// How many seconds are measured, once all calls are up.
    #[arg(long, default_value_t = 30)]
    pub duration: u64,
    /// Over how many seconds the calls begin; by default one for every 50 calls.
    #[arg(long)]
    pub ramp: Option<f64>,
    /// Calls end, and are replaced, after so many seconds on average; by default all stay to the end.
    #[arg(long)]
    pub churn: Option<f64>,
    /// Report the end of each call here, as a number's status callback.
    #[arg(long)]
    pub status_callback: Option<String>,
    /// What callers say, built-in clips or WAV files; by default all built-in clips.
    #[arg(long = "clip")]
    pub clips: Vec<String>,
    /// The server's process on this machine: its processor time, memory and descriptors are measured.
    #[arg(long)]
    pub pid: Option<u32>,
    /// The server's metrics page (Prometheus): tells what it lost, and which gauges do not come back.
    #[arg(long)]
    pub metrics: Option<String>,
    /// The one core that this program runs on; the server belongs on others (taskset).
    #[arg(long)]
    pub core: Option<usize>,
    /// Write the report as JSON to this file; - for standard output instead of the table.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Repeats a run: who speaks when and what, lengths of calls, identifiers.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stop sending, on every socket, so many seconds into the measured time.
    #[arg(long)]
    pub stall_at: Option<f64>,
    /// For so many milliseconds; then everything that is due is sent at once.
    #[arg(long, default_value_t = 1_000, requires = "stall_at")]
    pub stall_ms: u64,
    /// Own frames later than this (p99) make the run void (exit code 4): it then measured this machine, not the server.
    #[arg(long, default_value_t = 1.0)]
    pub void_above_ms: f64,
    /// What must not be exceeded.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Thresholds of `fleet`: exit code 3 when one is exceeded, or could not be measured.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Thresholds")]
pub struct LimitArgs {
    /// Onset of speech to clear, half of all.
    #[arg(long)]
    pub clear_p50_ms: Option<f64>,
    /// Onset of speech to clear, 95 of 100.
    #[arg(long)]
    pub clear_p95_ms: Option<f64>,
    /// Onset of speech to clear, 99 of 100.
    #[arg(long)]
    pub clear_p99_ms: Option<f64>,
    /// Last frame sent to clear, 99 of 100.
    #[arg(long)]
    pub share_p99_ms: Option<f64>,
    /// Start to first sound, 95 of 100.
    #[arg(long)]
    pub first_audio_p95_ms: Option<f64>,
    /// Socket round trip, 99 of 100.
    #[arg(long)]
    pub ping_p99_ms: Option<f64>,
    /// Calls that were refused, broke, or were ended by the server.
    #[arg(long)]
    pub lost_max: Option<u64>,
    /// Interruptions without a clear, in percent.
    #[arg(long)]
    pub missed_max_percent: Option<f64>,
    /// Clears that nobody provoked.
    #[arg(long)]
    pub false_max: Option<u64>,
    /// Gaps in what the bot says.
    #[arg(long)]
    pub gaps_max: Option<u64>,
    /// Messages that Twilio would refuse.
    #[arg(long)]
    pub refused_max: Option<u64>,
    /// The server's processor time per second of a call, ms (needs --pid).
    #[arg(long, requires = "pid")]
    pub cpu_per_call_max_ms: Option<f64>,
    /// The server's memory per call, KiB (needs --pid).
    #[arg(long, requires = "pid")]
    pub memory_per_call_max_kib: Option<f64>,
    /// Gauges of the server that are not what they were before, when all have hung up (needs --metrics).
    #[arg(long, requires = "metrics")]
    pub gauges_left_max: Option<u64>,
    /// Descriptors that the server holds more than before, when all have hung up (needs --pid).
    #[arg(long, requires = "pid")]
    pub descriptors_left_max: Option<u64>,
}

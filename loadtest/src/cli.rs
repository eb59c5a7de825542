//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// Call a voice webhook, speak by a script, print what happened, write what was said and heard.
    ///
    /// Exit code: 0 good; 1 the call failed; 2 wrong usage; 3 an expectation or a budget was missed.
    Call(Box<CallArgs>),
    /// Print where speech begins and ends in WAV files (8000 Hz, mono, 16 bits).
    Label {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// List the built-in scripts and clips.
    List,
}

/// Options of `call`.
#[derive(Clone, Debug, Args)]
pub struct CallArgs {
    /// The voice webhook.
    #[arg(long, default_value = "http://127.0.0.1:8080/twilio/voice")]
    pub url: String,
    /// A built-in script, or a .toml file.
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
    /// The number that is called.
    #[arg(long, default_value = "+14155550199")]
    pub to: String,
    /// The number of the (first) caller.
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
    /// Report the end of the call here, as a number's status callback.
    #[arg(long)]
    pub status_callback: Option<String>,
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

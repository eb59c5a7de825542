//! The options of `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::MishapArgs;
use crate::rest::faults::Fault;

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; on this machine only, for there is no TLS and the tokens are no secrets.
    #[arg(long, default_value = "127.0.0.1:9080")]
    pub listen: SocketAddr,
    /// Accounts, keys, numbers and who answers, in a TOML file; instead of the options for one account.
    #[arg(long, conflicts_with_all = ["account_sid", "auth_token", "api_key", "number"])]
    pub accounts: Option<PathBuf>,
    /// The account; by default $TWILIO_ACCOUNT_SID, else AC0123456789abcdef0123456789abcdef.
    #[arg(long)]
    pub account_sid: Option<String>,
    /// Its token; by default $TWILIO_AUTH_TOKEN (its first), else loadtest.
    #[arg(long)]
    pub auth_token: Option<String>,
    /// An API key of the account; several are possible.
    #[arg(long, value_name = "SK…:SECRET")]
    pub api_key: Vec<String>,
    /// A number of the account and the webhook that answers there; several are possible.
    #[arg(long, value_name = "NUMBER=URL", default_value = "+14155550199=http://127.0.0.1:8080/twilio/voice")]
    pub number: Vec<String>,
    /// Who answers under a number, or calls from it: a built-in script, or a .toml file; several are possible.
    #[arg(long, value_name = "NUMBER=SCRIPT")]
    pub party: Vec<String>,
    /// Who answers under all other numbers.
    #[arg(long, value_name = "SCRIPT", default_value = "default")]
    pub anybody: String,
    /// So many calls are dialled a second and account, the rest is queued; of the accounts in a file each has its own.
    #[arg(long, default_value_t = 1)]
    pub calls_per_second: u32,
    /// So many calls of the account may be under way at once; by default as many as you like.
    #[arg(long)]
    pub concurrent_calls: Option<usize>,
    /// So many requests of the account may be under way at once, further ones are answered 429.
    #[arg(long, default_value_t = 100)]
    pub concurrent_requests: usize,
    /// What goes wrong with requests, of every account: kind=late,ms=20000 or kind=refuse,status=429,times=3 or
    /// kind=cut or kind=stale,ms=2000, with on=create|update|fetch|list|any, skip, share, made; several are possible,
    /// the first that fits is taken.
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub fault: Vec<Fault>,
    /// What goes wrong with status callbacks, of every account.
    #[command(flatten)]
    pub mishaps: MishapArgs,
    /// How long an answer of the API takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub answer_ms: u64,
    /// A public name, and the local server that answers for it: webhooks are signed for the name and sent there.
    #[arg(long, value_name = "HOST=URL")]
    pub behind: Option<String>,
    /// Repeats a run: identifiers and callers come from it.
    #[arg(long)]
    pub seed: Option<u64>,
}

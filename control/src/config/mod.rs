//! What the operator wants: flags over environment over file over default, checked as a whole before any port opens.

mod build;
mod carrier;
mod docs;
mod fault;
mod layers;
mod mode;
pub mod settings;
mod threads;
mod tls;
mod twilio;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tracing_subscriber::filter::Targets;

pub use carrier::CarrierSettings;
pub use docs::markdown;
pub use fault::Fault;
pub use layers::Sources;
pub use mode::{Environment, Mode, Reach, Rules};
pub use threads::Threads;
pub(crate) use values::is_loopback_authority;
pub use values::{Cidr, PhoneNumber, PublicUrl};

use crate::carrier::TwilioSettings;
use crate::guard::Prefix;
use crate::model::ProviderType;
use crate::secrets::Keys;
use crate::tls::Certificate;
use layers::Layers;

/// A configuration that has passed every check.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Which rules hold, and why.
    pub mode: Mode,
    /// The base that the carrier uses; in development made from the address listened on where it is not set.
    pub public: Option<PublicUrl>,
    /// What it shows where it speaks TLS itself.
    pub tls: Option<Certificate>,
    /// The account whose calls are answered.
    pub account_sid: Option<String>,
    /// What signs webhooks and sockets; any of them.
    pub tokens: Vec<SecretString>,
    /// How Twilio's REST API is spoken to.
    pub twilio: TwilioSettings,
    /// Shared keys by their id.
    pub shared_keys: Vec<(String, SecretString)>,
    /// Who places calls.
    pub carrier: CarrierSettings,
    /// The one number that may be dialled.
    pub transfer_to: Option<PhoneNumber>,
    /// Countries that may be dialled besides the tenant's own.
    pub dial_prefixes: Vec<Prefix>,
    /// Where everything is kept.
    pub database_url: SecretString,
    /// What is kept on this machine.
    pub data_dir: PathBuf,
    /// The most that waits on this machine while the database is away.
    pub spool_bytes_max: u64,
    /// The program that speaks profiles' texts.
    pub espeak: Option<PathBuf>,
    /// What opens the admin pages from elsewhere.
    pub admin_key: Option<SecretString>,
    /// What a caller hears for whom there is no room; the busy tone where nothing is said.
    pub busy_message: Option<String>,
    /// What encrypts tenants' secrets in the database.
    pub secrets: Option<Keys>,
    /// Who is believed about the client's address.
    pub trusted_proxies: Vec<Cidr>,
    /// Bounds.
    pub limits: Limits,
    /// The engine's threads.
    pub threads: Threads,
    /// What the agent says, where it is not the demo's own sound.
    pub prompts: Option<agent::Profile>,
    /// Where every input of every stream is written.
    pub capture_dir: Option<PathBuf>,
    /// What is logged.
    pub log: Targets,
    /// What the service calls itself.
    pub app_name: String,
    /// What is allowed but deserves a word at the start.
    pub warnings: Vec<String>,
}

/// How late the engine may be before calls are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadLimits {
    /// How late a worker's tick may begin.
    pub tick_lag: Duration,
    /// How old a caller's frame may be when it comes.
    pub frame_age: Duration,
}

/// The bounds of the service; the table of settings says what each costs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls at once, reserved ones included.
    pub calls_max: usize,
    /// How late the engine may be before calls are refused.
    pub load: LoadLimits,
    /// The longest call.
    pub call_max: Duration,
    /// From webhook to socket.
    pub token_lifetime: Duration,
    /// From SIGTERM to the end of the last stream.
    pub drain_timeout: Duration,
    /// HTTP connections at once.
    pub connections_max: usize,
    /// For a request head.
    pub header_timeout: Duration,
    /// For a request body.
    pub body_timeout: Duration,
    /// The largest request body.
    pub body_max_bytes: usize,
    /// Unsigned or failing requests per client address.
    pub rate_per_minute: u32,
}

impl Config {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// Every fault there is, not only the first.
    pub fn load(sources: &Sources) -> Result<Self, Vec<Fault>> {
        let mut layers = Layers::gather(sources);
        let config = build::config(&mut layers);
        if let Some(config) = &config {
            check_whole(&mut layers, config);
        }
        match config {
            Some(config) if layers.faults.is_empty() => Ok(Self { warnings: layers.warnings, ..config }),
            _ => Err(layers.faults),
        }
    }

    /// Whether there is anything to check signatures with.
    pub fn can_check_signatures(&self) -> bool {
        !self.tokens.is_empty() || !self.shared_keys.is_empty()
    }
}

/// The rules that take more than one setting.
fn check_whole(layers: &mut Layers, config: &Config) {
    if config.mode.is_production() {
        let because = config.mode.because;
        if layers.get(&settings::AUTH_TOKEN).is_none() && layers.get(&settings::SHARED_KEYS).is_none() {
            let instead = layers.misspelt_for(&settings::AUTH_TOKEN);
            let instead = instead.map_or(String::new(), |name| format!(" (but {name} is, which is no setting)"));
            let wrong = format!("is not set{instead}, and production ({because}) must check signatures");
            layers.fault(
                &settings::AUTH_TOKEN,
                wrong,
                "set it to your account's auth token, or set ENVIRONMENT=development to go without",
            );
        }
        if layers.get(&settings::PUBLIC_URL).is_none() {
            let wrong = format!("is not set, and production ({because}) checks signatures against it");
            layers.fault(&settings::PUBLIC_URL, wrong, "set it to your public base, such as https://voice.example.com");
        }
        if config.carrier.provider == ProviderType::Mock {
            let line = "there is no carrier (TELEPHONY_PROVIDER_TYPE is mock): calls that are placed reach nobody";
            layers.warnings.push(line.into());
        }
        if config.account_sid.is_none() {
            layers
                .warnings
                .push("TWILIO_ACCOUNT_SID is not set: requests of any account whose token signs are answered".into());
        }
    } else if !config.listen.ip().is_loopback() {
        layers.warnings.push(format!(
            "DEVELOPMENT MODE ON {}: anybody who can reach this address can open calls without a signature",
            config.listen
        ));
    }
    if config.carrier.register_numbers && (config.carrier.number.is_none() || config.public.is_none()) {
        let wrong = "is true, and there is no number or no URL to point it at";
        let fix = "set TWILIO_PHONE_NUMBER and OFFHOOK_PUBLIC_URL, or leave it out";
        layers.fault(&settings::REGISTER_NUMBERS, wrong, fix);
    }
    if let Some(public) = &config.public
        && !public.is_https()
        && !public.is_loopback()
    {
        if config.mode.is_production() {
            layers.fault(
                &settings::PUBLIC_URL,
                "is not https, and carriers stream to wss only",
                "put a proxy with a certificate in front, or set OFFHOOK_TLS_CERT, and write https://",
            );
        } else {
            layers.warnings.push("OFFHOOK_PUBLIC_URL is not https: a real carrier will not stream to it".into());
        }
    }
}

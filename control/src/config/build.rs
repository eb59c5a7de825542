//! Makes a configuration out of what was said: every value parsed, every fault noted, none hidden by another.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::filter::Targets;

use super::layers::Layers;
use super::settings::{self, Setting};
use super::threads::threads;
use super::tls::tls;
use super::twilio::twilio;
use crate::guard::Prefix;
use crate::secrets::Keys;

use super::{Cidr, Config, Environment, Limits, LoadLimits, Mode, PublicUrl, Reach};

/// A number of the range that no subscriber has (555-0100 to 555-0199).
const FICTIONAL_PERSON: &str = "+12025550123";
/// Of a file of keys, so much is read.
const KEYS_BYTES_MAX: u64 = 16 * 1024;

/// Reads every setting. `None` where one without which nothing else makes sense is at fault.
pub(super) fn config(layers: &mut Layers) -> Option<Config> {
    let listen = listen(layers);
    let said = environment(layers);
    let account_sid = account_sid(layers);
    let tokens = tokens(layers);
    let twilio = twilio(layers);
    let shared_keys = shared_keys(layers);
    let public = public_url(layers);
    let tls = tls(layers);
    let carrier = super::carrier::carrier(layers);
    let transfer_to = optional(layers, &settings::TRANSFER_TO, "write it as +15551234567");
    let dial_prefixes = dial_prefixes(layers);
    let (database_url, data_dir) = database(layers);
    let spool_bytes_max = number(layers, &settings::SPOOL_MAX_MB, 1, 1_000_000).map(|mb| mb * 1024 * 1024);
    let espeak = text_of(layers, &settings::ESPEAK);
    let espeak = (espeak != "off").then(|| PathBuf::from(espeak));
    let admin_key = admin_key(layers);
    let secrets = secrets(layers);
    let trusted_proxies = trusted_proxies(layers);
    let limits = limits(layers);
    let threads = threads(layers);
    let prompts = prompts(layers);
    let busy_message = layers.get(&settings::BUSY_MESSAGE).map(|given| given.value.trim().to_owned());
    let capture_dir = layers.get(&settings::CAPTURE_DIR).map(|given| PathBuf::from(given.value.trim()));
    if let Some(dir) = &capture_dir {
        layers
            .warnings
            .push(format!("WHAT IS SAID ON EVERY CALL IS WRITTEN TO {} (OFFHOOK_CAPTURE_DIR)", dir.display()));
    }
    let log = log(layers);
    let app_name = app_name(layers);
    let listen = listen?;
    // A credential that is there but wrong still says that this is no playground.
    let credentials = [&settings::ACCOUNT_SID, &settings::AUTH_TOKEN, &settings::SHARED_KEYS]
        .iter()
        .any(|setting| layers.get(setting).is_some());
    let public_elsewhere = public.as_ref().is_some_and(|url| !url.is_loopback());
    let proxied = layers.get(&settings::TRUSTED_PROXIES).is_some();
    let mode = Mode::decide(said, Reach { credentials, listen, public: public_elsewhere, proxied });
    // The demo's transfer is to be seen without an account, too.
    let fictional = || FICTIONAL_PERSON.parse().ok().filter(|_| !credentials && !mode.is_production());
    Some(Config {
        listen,
        mode,
        public,
        tls,
        account_sid,
        tokens,
        twilio: twilio?,
        shared_keys,
        carrier: carrier?,
        transfer_to: transfer_to.or_else(fictional),
        database_url: database_url?,
        data_dir,
        spool_bytes_max: spool_bytes_max?,
        espeak,
        admin_key,
        secrets,
        dial_prefixes,
        trusted_proxies,
        limits: limits?,
        threads: threads?,
        prompts,
        capture_dir,
        busy_message: busy_message.filter(|message| !message.is_empty()),
        log: log?,
        app_name,
        warnings: Vec::new(),
    })
}

fn database(layers: &mut Layers) -> (Option<SecretString>, PathBuf) {
    let data_dir = PathBuf::from(text_of(layers, &settings::DATA_DIR));
    let Some(given) = layers.get(&settings::DATABASE_URL) else {
        return (Some(format!("sqlite:{}", data_dir.join("offhook.db").display()).into()), data_dir);
    };
    let url = given.value.trim().to_owned();
    let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    if !known {
        let fix = "write sqlite:PATH or postgres://user:password@host/name";
        layers.fault(&settings::DATABASE_URL, "is neither SQLite nor PostgreSQL", fix);
        return (None, data_dir);
    }
    (Some(url.into()), data_dir)
}

fn listen(layers: &mut Layers) -> Option<SocketAddr> {
    let port_wins = match (layers.get(&settings::LISTEN), layers.get(&settings::PORT)) {
        (Some(listen), Some(port)) => port.layer > listen.layer,
        (None, Some(_)) => true,
        _ => false,
    };
    if port_wins {
        let port: u16 = parsed(layers, &settings::PORT, "write a number from 1 to 65535")?;
        if port == 0 {
            let fix = "write a number from 1 to 65535, or OFFHOOK_LISTEN=127.0.0.1:0 for any free port of this machine";
            layers.fault(&settings::PORT, "is 0, a port that nobody could be told", fix);
            return None;
        }
        return Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
    }
    // `localhost` is what people type; the name service is not asked for anything.
    let text = text_of(layers, &settings::LISTEN);
    let text = text.strip_prefix("localhost:").map_or_else(|| text.clone(), |port| format!("127.0.0.1:{port}"));
    match text.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            layers.fault(
                &settings::LISTEN,
                format!("{text:?} is no address and port"),
                "write it as 127.0.0.1:8080 or [::1]:8080",
            );
            None
        }
    }
}

fn environment(layers: &mut Layers) -> Option<Environment> {
    let text = layers.get(&settings::ENVIRONMENT)?.value.trim().to_ascii_lowercase();
    match text.as_str() {
        "development" | "dev" => Some(Environment::Development),
        "staging" => Some(Environment::Staging),
        "production" | "prod" => Some(Environment::Production),
        _ => {
            layers.fault(
                &settings::ENVIRONMENT,
                format!("{text:?} is not known"),
                "write development, staging or production",
            );
            None
        }
    }
}

fn account_sid(layers: &mut Layers) -> Option<String> {
    let text = layers.get(&settings::ACCOUNT_SID)?.value.trim().to_owned();
    let digits = text.strip_prefix("AC").unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(text);
    }
    layers.fault(&settings::ACCOUNT_SID, "is not AC and 32 hex digits", "copy it from the Twilio console's front page");
    None
}

fn tokens(layers: &mut Layers) -> Vec<SecretString> {
    let Some(given) = layers.get(&settings::AUTH_TOKEN) else { return Vec::new() };
    let tokens: Vec<SecretString> = parts(&given.value).map(SecretString::from).collect();
    if tokens.is_empty() {
        layers.fault(&settings::AUTH_TOKEN, "holds no token", "write one, or several with commas between");
    }
    if !tokens.iter().all(has_the_carriers_form) {
        // A warning only: the form is Twilio's habit, not its promise.
        layers.warnings.push(
            "TWILIO_AUTH_TOKEN: a token is not 32 hex digits as Twilio's are; check that the whole of it was copied"
                .into(),
        );
    }
    tokens
}

fn has_the_carriers_form(token: &SecretString) -> bool {
    let token = token.expose_secret();
    token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit())
}

fn shared_keys(layers: &mut Layers) -> Vec<(String, SecretString)> {
    let Some(given) = layers.get(&settings::SHARED_KEYS) else { return Vec::new() };
    let pairs: Option<Vec<_>> = parts(&given.value)
        .map(|part| {
            let (id, secret) = part.split_once('=')?;
            (!id.is_empty() && !secret.is_empty()).then(|| (id.to_owned(), SecretString::from(secret)))
        })
        .collect();
    match pairs {
        Some(pairs) if !pairs.is_empty() => pairs,
        _ => {
            layers.fault(
                &settings::SHARED_KEYS,
                "is not a list of id=secret",
                "write id=secret, several with commas between",
            );
            Vec::new()
        }
    }
}

fn public_url(layers: &mut Layers) -> Option<PublicUrl> {
    let text = layers.get(&settings::PUBLIC_URL)?.value.clone();
    match PublicUrl::parse(&text) {
        Ok(url) => Some(url),
        Err(wrong) => {
            layers.fault(&settings::PUBLIC_URL, wrong, "write the base only, such as https://voice.example.com");
            None
        }
    }
}

fn admin_key(layers: &mut Layers) -> Option<SecretString> {
    let text = layers.get(&settings::ADMIN_KEY)?.value.trim().to_owned();
    if text.len() >= 16 && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(SecretString::from(text));
    }
    layers.fault(&settings::ADMIN_KEY, "is shorter than 16 visible characters", "make one with: openssl rand -hex 24");
    None
}

/// The keys themselves, or a file that has them.
fn secrets(layers: &mut Layers) -> Option<Keys> {
    const FIX: &str = "make one with: openssl rand -base64 32";
    let given = layers.get(&settings::SECRETS_KEY).map(|given| Zeroizing::new(given.value.clone()));
    let file = layers.get(&settings::SECRETS_KEY_FILE).map(|given| given.value.trim().to_owned());
    let (setting, text) = match (given, file) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            layers.fault(&settings::SECRETS_KEY, "is set, and OFFHOOK_SECRETS_KEY_FILE too", "keep one of them");
            return None;
        }
        (Some(text), None) => (&settings::SECRETS_KEY, text),
        (None, Some(path)) => match read_few(&path) {
            Ok(text) => (&settings::SECRETS_KEY_FILE, text),
            Err(error) => {
                let wrong = format!("cannot be read: {path}: {error}");
                layers.fault(&settings::SECRETS_KEY_FILE, wrong, "name a file that this user may read");
                return None;
            }
        },
    };
    let keys = text.parse().ok();
    if keys.is_none() {
        layers.fault(setting, "is no list of different keys, each of 32 bytes in base64 or 64 hex digits", FIX);
    }
    keys
}

/// A small file, as keys are.
fn read_few(path: &str) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?.take(KEYS_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn trusted_proxies(layers: &mut Layers) -> Vec<Cidr> {
    list(layers, &settings::TRUSTED_PROXIES, "address or range", "write such as 127.0.0.1, 10.0.0.0/8")
}

fn dial_prefixes(layers: &mut Layers) -> Vec<Prefix> {
    list(layers, &settings::DIAL_PREFIXES, "beginning of a number", "write such as +44, +1876")
}

/// The parts of a setting; each that cannot be read is a fault.
fn list<T: FromStr>(layers: &mut Layers, setting: &'static Setting, what: &str, fix: &'static str) -> Vec<T> {
    let Some(given) = layers.get(setting) else { return Vec::new() };
    let value = given.value.clone();
    let mut list = Vec::new();
    for part in parts(&value) {
        match part.parse() {
            Ok(item) => list.push(item),
            Err(_) => layers.fault(setting, format!("{part:?} is no {what}"), fix),
        }
    }
    list
}

fn limits(layers: &mut Layers) -> Option<Limits> {
    let calls_max = number(layers, &settings::CALLS_MAX, 1, 100_000);
    let tick_lag = number(layers, &settings::TICK_LAG_MAX_MS, 1, 10_000);
    let frame_age = number(layers, &settings::FRAME_AGE_MAX_MS, 1, 10_000);
    let call_max = number(layers, &settings::CALL_MAX_S, 1, 86_400);
    let token_lifetime = number(layers, &settings::TOKEN_LIFETIME_S, 1, 600);
    let drain_timeout = number(layers, &settings::DRAIN_TIMEOUT_S, 0, 86_400);
    let connections_max = number(layers, &settings::CONNECTIONS_MAX, 1, 1_000_000);
    let header_timeout = number(layers, &settings::HEADER_TIMEOUT_S, 1, 60);
    let body_timeout = number(layers, &settings::BODY_TIMEOUT_S, 1, 60);
    let body_max = number(layers, &settings::BODY_MAX_BYTES, 1024, 1024 * 1024);
    let rate = number(layers, &settings::RATE_PER_MINUTE, 1, 100_000);
    Some(Limits {
        calls_max: usize::try_from(calls_max?).ok()?,
        load: LoadLimits { tick_lag: Duration::from_millis(tick_lag?), frame_age: Duration::from_millis(frame_age?) },
        call_max: Duration::from_secs(call_max?),
        token_lifetime: Duration::from_secs(token_lifetime?),
        drain_timeout: Duration::from_secs(drain_timeout?),
        connections_max: usize::try_from(connections_max?).ok()?,
        header_timeout: Duration::from_secs(header_timeout?),
        body_timeout: Duration::from_secs(body_timeout?),
        body_max_bytes: usize::try_from(body_max?).ok()?,
        rate_per_minute: u32::try_from(rate?).ok()?,
    })
}

/// The user's own sound. Read here, so that a missing file is found before anybody calls.
fn prompts(layers: &mut Layers) -> Option<agent::Profile> {
    let dir = layers.get(&settings::PROMPTS)?.value.trim().to_owned();
    match agent::Profile::from_dir(dir.as_ref()) {
        Ok(profile) => Some(profile),
        Err(error) => {
            layers.fault(&settings::PROMPTS, error.to_string(), "or leave it unset for the demo's own sound");
            None
        }
    }
}

fn log(layers: &mut Layers) -> Option<Targets> {
    let debug = yes(layers, &settings::DEBUG)?;
    let unsaid = layers.get(&settings::LOG_LEVEL).is_none();
    let text = if unsaid && debug { "debug".into() } else { text_of(layers, &settings::LOG_LEVEL) };
    // Others say "warning"; a word that is no level would be taken for a target's name.
    let text = text.to_ascii_lowercase().replace("warning", "warn");
    let words_fit = parts(&text).all(|part| {
        let level = part.rsplit('=').next().unwrap_or_default();
        matches!(level, "error" | "warn" | "info" | "debug" | "trace" | "off")
    });
    match Targets::from_str(&text) {
        Ok(targets) if words_fit => Some(targets),
        _ => {
            layers.fault(
                &settings::LOG_LEVEL,
                format!("{text:?} is not known"),
                "write error, warn, info, debug, trace or off",
            );
            None
        }
    }
}

pub(super) fn yes(layers: &mut Layers, setting: &Setting) -> Option<bool> {
    match text_of(layers, setting).to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        other => {
            layers.fault(setting, format!("{other:?} is neither true nor false"), "write true or false");
            None
        }
    }
}

fn app_name(layers: &mut Layers) -> String {
    let name = text_of(layers, &settings::APP_NAME);
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        layers.fault(&settings::APP_NAME, "is empty, longer than 64 characters or not printable", "write a short name");
    }
    name
}

/// What was said of a setting, or its default.
pub(super) fn text_of(layers: &Layers, setting: &Setting) -> String {
    layers.get(setting).map_or(setting.default, |given| given.value.as_str()).trim().to_owned()
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
}

pub(super) fn optional<T: FromStr>(layers: &mut Layers, setting: &Setting, fix: &str) -> Option<T> {
    layers.get(setting)?;
    parsed(layers, setting, fix)
}

fn parsed<T: FromStr>(layers: &mut Layers, setting: &Setting, fix: &str) -> Option<T> {
    let text = text_of(layers, setting);
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => {
            layers.fault(setting, format!("{text:?} is not understood"), fix);
            None
        }
    }
}

pub(super) fn number(layers: &mut Layers, setting: &Setting, min: u64, max: u64) -> Option<u64> {
    let text = text_of(layers, setting);
    match text.parse::<u64>() {
        Ok(value) if (min..=max).contains(&value) => Some(value),
        _ => {
            layers.fault(
                setting,
                format!("{text:?} is not a whole number of {}", setting.unit),
                format!("write one from {min} to {max}"),
            );
            None
        }
    }
}

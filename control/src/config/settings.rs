//! The table of settings: the one place that says how a setting is called, what it means and what it costs.
//!
//! The loader, the command line and `docs/configuration.md` are made from it.

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The canonical name, as an environment variable.
    pub name: &'static str,
    /// Other environment variables that mean the same.
    pub aliases: &'static [&'static str],
    /// What the value is counted in, or its form.
    pub unit: &'static str,
    /// What holds where nobody says anything; empty for "not set".
    pub default: &'static str,
    /// When a change is seen.
    pub applies: Applies,
    /// Never shown, and never a flag: arguments are visible to every process of the machine.
    pub secret: bool,
    /// Meaning, effect and cost.
    pub about: &'static str,
}

/// When a changed setting takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// At the next start.
    Restart,
}

impl Setting {
    /// Its key in the configuration file: the name without `OFFHOOK_`, in small letters.
    pub fn file_key(&self) -> String {
        file_key_of(self.name)
    }

    /// Its flag without the dashes, where it has one.
    pub fn flag(&self) -> Option<String> {
        (!self.secret).then(|| self.file_key().replace('_', "-"))
    }

    /// Every name it answers to in the environment.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The key of a configuration file that belongs to an environment variable.
pub(super) fn file_key_of(name: &str) -> String {
    name.strip_prefix("OFFHOOK_").unwrap_or(name).to_ascii_lowercase()
}

macro_rules! settings {
    ($($id:ident = $name:literal $(or $alias:literal)* , $unit:literal, $default:literal, $secret:literal, $about:literal;)*) => {
        $(
            #[doc = $about]
            pub static $id: Setting = Setting {
                name: $name,
                aliases: &[$($alias),*],
                unit: $unit,
                default: $default,
                applies: Applies::Restart,
                secret: $secret,
                about: $about,
            };
        )*
        /// Every setting, in the order in which the documentation shows them.
        pub static ALL: &[&Setting] = &[$(&$id),*];
    };
}

settings! {
    LISTEN = "OFFHOOK_LISTEN", "address:port", "127.0.0.1:8080", false,
        "Where the service listens. Any address but a loopback one means production.";
    PORT = "PORT", "port", "", false,
        "As hosting platforms set it: listens on `0.0.0.0:PORT`, which means production. `OFFHOOK_LISTEN` of the same or a stronger source wins.";
    TLS_CERT = "OFFHOOK_TLS_CERT", "file, PEM", "", false,
        "The service's own certificate and those behind it, such as certbot's `fullchain.pem`: then it speaks TLS 1.2 and 1.3 itself and needs no proxy in front. Goes with `OFFHOOK_TLS_KEY`. Both files are looked at every three seconds; a new pair is shown to who comes next, without a restart, and one that is broken changes nothing but the log. A media socket inside TLS costs about 8 KB more.";
    TLS_KEY = "OFFHOOK_TLS_KEY", "file, PEM", "", false,
        "The certificate's private key, unencrypted, such as certbot's `privkey.pem`.";
    PUBLIC_URL = "OFFHOOK_PUBLIC_URL" or "TWILIO_WEBHOOK_URL" or "TELEPHONY_WEBHOOK_BASE_URL", "URL", "", false,
        "The base under which the carrier reaches this service, such as `https://voice.example.com`. A whole webhook URL ending in `/twilio/voice` is understood too. Signatures are checked against it, never against headers. Needed in production; in development it defaults to the address listened on.";
    ENVIRONMENT = "ENVIRONMENT" or "APP_ENV", "development, staging, production", "", false,
        "Says the mode outright. Staging follows the rules of production. Where it is not said, production is meant by any carrier credential, a listening address that is not loopback, a public URL of another host, or trusted proxies; everything else is development.";
    ACCOUNT_SID = "TWILIO_ACCOUNT_SID" or "TELEPHONY_TWILIO_ACCOUNT_SID", "AC + 32 hex digits", "", false,
        "The Twilio account whose calls are answered. Requests that name another account are refused in production.";
    AUTH_TOKEN = "TWILIO_AUTH_TOKEN" or "TELEPHONY_TWILIO_AUTH_TOKEN", "tokens, comma-separated", "", true,
        "The account's auth token, which signs webhooks and media sockets; several while it is being rotated. Production does not start without one.";
    TWILIO_BASE_URL = "TWILIO_BASE_URL", "URL", "https://api.twilio.com", false,
        "Where Twilio's REST API is. `https`, or `http` on this machine, as `loadtest serve` has it.";
    TWILIO_API_VERSION = "TWILIO_API_VERSION", "date", "2010-04-01", false,
        "Which version of Twilio's REST API is spoken.";
    TWILIO_CALLS_PER_SECOND = "TWILIO_CALLS_PER_SECOND", "calls per second", "1", false,
        "How many calls an account places in a second. Twilio dials one unless it was asked for more, and lets the rest wait in a queue for up to a day; here they wait in sight.";
    TWILIO_MAX_RETRIES = "TWILIO_MAX_RETRIES", "times", "3", false,
        "How often a request that Twilio certainly did not carry out, or may carry out twice, is sent again. What may have placed a call is never sent again.";
    TWILIO_RETRY_DELAY = "TWILIO_RETRY_DELAY", "duration, such as 1s or 500ms", "1s", false,
        "How long before it is sent again; doubled each time, up to 30 s. Twilio's own `Retry-After` is followed.";
    TWILIO_FALLBACK_URL = "TWILIO_FALLBACK_URL", "URL", "", false,
        "TwiML that answers callers when this service does not, such as a TwiML Bin's `https://handler.twilio.com/twiml/EH…`: best an apology, or a `<Dial>`, that does not hang on this machine. It is set as the fallback of every number that is pointed here. Without it, Twilio tries this service once more.";
    SHARED_KEYS = "TWILIO_SHARED_KEYS", "id=secret, comma-separated", "", true,
        "Shared keys for webhooks that the account signs with a key of its own (header `X-Twilio-Webhooks-Signature-Settings`), HMAC-SHA256 or HMAC-SHA1.";
    PROVIDER_TYPE = "TELEPHONY_PROVIDER_TYPE", "twilio or mock", "", false,
        "Who places calls. Where it is not said, Twilio if its account and token are set, else `mock`: calls live in this process only, reach nobody, and end as the called number's last two digits say (91 busy, 92 no answer, 93 failed, 94 a machine; 95 is refused, 96 is in doubt; all others answer).";
    PHONE_NUMBER = "TWILIO_PHONE_NUMBER" or "TELEPHONY_TWILIO_FROM_NUMBER", "E.164 number", "", false,
        "The number of the account from which calls are placed where nobody names another.";
    REGISTER_NUMBERS = "OFFHOOK_REGISTER_NUMBERS", "true or false", "false", false,
        "Whether `TWILIO_PHONE_NUMBER` is pointed at `OFFHOOK_PUBLIC_URL` at the start, whatever it was before. Not unless it is said: a second deployment with the same account would take the number away from the first. Numbers of tenants, of the type `twilio`, are pointed here when they are made, wherever `OFFHOOK_PUBLIC_URL` is set, and put back when they are deleted.";
    STREAM_TIMEOUT = "TWILIO_STREAM_TIMEOUT", "time", "30s", false,
        "The longest wait from a placed call's answer to its media socket; then it is ended at the carrier, and has failed with `twilio_stream_failed`. `30s`, or plain seconds. Never longer than `OFFHOOK_TOKEN_LIFETIME_S`. Where the carrier's voice speaks the greeting first, that counts.";
    STREAM_BUFFER_SIZE = "TWILIO_STREAM_BUFFER_SIZE", "bytes", "4096", false,
        "Checked and otherwise without effect: a stream has no read buffer of its own here, for all streams of a thread are read into one.";
    TRANSFER_TO = "OFFHOOK_TRANSFER_TO", "E.164 number", "", false,
        "The person whom a call may be transferred to. No other number is ever dialled; without it a caller who asks for a person hears that nobody is there. Development without credentials, which can reach no telephone, has a number that exists in films only (+12025550123).";
    DIAL_PREFIXES = "OFFHOOK_DIAL_PREFIXES", "beginnings of numbers, comma-separated", "", false,
        "Countries that calls may be connected to besides the one that the tenant's own number is in, such as `+44,+1876`. A country code alone opens its main country (`+1` the United States and Canada), and not the others that share it. A tenant's own setting `dial_prefixes` narrows that for its calls. Premium, shared-cost, emergency and service numbers are never dialled.";
    DATABASE_URL = "DATABASE_URL", "URL", "", true,
        "Where tenants, numbers, profiles, calls and events are kept: `sqlite:PATH` or `postgres://user:password@host/name`. Without it, `offhook.db` in `OFFHOOK_DATA_DIR`. Its tables are made and brought up to date at the start.";
    DATA_DIR = "OFFHOOK_DATA_DIR", "directory", "offhook-data", false,
        "What the service keeps on this machine: its SQLite database where no `DATABASE_URL` is set, and the events that wait while the database is away. Made at the start, readable by its owner only.";
    SPOOL_MAX_MB = "OFFHOOK_SPOOL_MAX_MB", "MB", "1024", false,
        "The most that events of calls may take of the disk while the database is away. Beyond it new ones are refused and counted, and callbacks that report them are answered 503. A call leaves about 20 KB.";
    ESPEAK = "OFFHOOK_ESPEAK", "program, or off", "espeak-ng", false,
        "What makes sound of a profile's texts when the profile changes, never while a call waits. Where it is missing or `off`, the carrier's voice says the greeting before the stream, and answers of a profile's menu are not said.";
    ADMIN_KEY = "OFFHOOK_ADMIN_KEY", "at least 16 characters", "", true,
        "Opens `/metrics` and `/twilio/sessions` to whoever sends it as `Authorization: Bearer`. Without it they answer direct loopback connections only.";
    SECRETS_KEY = "OFFHOOK_SECRETS_KEY", "keys, comma-separated", "", true,
        "Encrypts the tokens of tenants' own carrier accounts in the database: 32 bytes in base64 or 64 hex digits (`openssl rand -base64 32` makes one). Without it such accounts can neither be made nor used. To rotate, put the new key in front and keep the old one behind it: the first encrypts, all decrypt, and the next start encrypts anew what an old key encrypted; then drop the old one. A key that is lost takes the tokens along: keep a copy apart from the database.";
    SECRETS_KEY_FILE = "OFFHOOK_SECRETS_KEY_FILE", "file", "", false,
        "A file with what `OFFHOOK_SECRETS_KEY` would say, one key per line or with commas between. Set one of the two.";
    TRUSTED_PROXIES = "OFFHOOK_TRUSTED_PROXIES", "addresses or CIDRs, comma-separated", "", false,
        "Proxies whose `X-Forwarded-For` or `Forwarded` header is believed: the client is the rightmost address that is none of them. Without it the client is who opened the connection.";
    CALLS_MAX = "OFFHOOK_CALLS_MAX", "calls", "2000", false,
        "Calls at once, reserved ones included. From 95 % of them on a new caller hears the busy tone, and from 90 % on no call is placed: what is left is for calls that are taken up again. A place costs about 3 KB from the start (an idle service takes 5 MB more with 2,000 than with 200), a call about 40 KB and a share of a core, and each needs an open file.";
    TICK_LAG_MAX_MS = "OFFHOOK_TICK_LAG_MAX_MS", "milliseconds", "20", false,
        "How late the workers' ticks may begin (the 99th percentile of half a second). From 95 % of that on a new caller hears the busy tone for as long as it lasts and two seconds more, from 90 % on no call is placed, from 80 % on no capture begins and no old call is deleted. Lower keeps reactions quicker; higher holds more calls. A build without optimisation may be fifty times as late.";
    FRAME_AGE_MAX_MS = "OFFHOOK_FRAME_AGE_MAX_MS", "milliseconds", "100", false,
        "How old callers' frames may be when they come, by the carrier's stamps (the 90th percentile of half a second, from eight calls on), with the same effects.";
    BUSY_MESSAGE = "OFFHOOK_BUSY_MESSAGE", "text", "", false,
        "What a caller hears, in the carrier's voice, for whom there is no room; then the call ends. Without it the busy tone, for which the carrier charges nothing.";
    CALL_MAX_S = "OFFHOOK_CALL_MAX_S", "seconds", "14400", false,
        "The longest that the agent stays on a call, counted from its first webhook through all its streams; then the caller hears goodbye.";
    TOKEN_LIFETIME_S = "OFFHOOK_TOKEN_LIFETIME_S", "seconds", "60", false,
        "How long a media socket may take to arrive after its webhook was answered. Longer keeps the places of callers who hung up.";
    DRAIN_TIMEOUT_S = "OFFHOOK_DRAIN_TIMEOUT_S", "seconds", "300", false,
        "How long live calls may go on after SIGTERM before their streams are closed. Give the process manager a little more.";
    CONNECTIONS_MAX = "OFFHOOK_CONNECTIONS_MAX", "connections", "2048", false,
        "HTTP connections at once, media sockets not counted. One more is answered 503 and closed, and so is a client that has a sixteenth of them (at least 8) open without a request under way; trusted proxies have no such share, nor has development for this machine's own programs.";
    HEADER_TIMEOUT_S = "OFFHOOK_HEADER_TIMEOUT_S", "seconds", "10", false,
        "How long a client may take to send its request head. One that takes longer is counted by the rate limit.";
    BODY_TIMEOUT_S = "OFFHOOK_BODY_TIMEOUT_S", "seconds", "10", false,
        "How long a client may take to send its request body; then 408. The carrier itself gives up after 15 seconds.";
    BODY_MAX_BYTES = "OFFHOOK_BODY_MAX_BYTES", "bytes", "65536", false,
        "The largest request body; more is answered 413.";
    RATE_PER_MINUTE = "OFFHOOK_RATE_PER_MINUTE", "requests per minute", "60", false,
        "What one client address may send without a valid signature, or fail, before it is answered 429. Validly signed requests are never counted.";
    PROMPTS = "OFFHOOK_PROMPTS", "directory", "", false,
        "The agent's own sound: one `NAME.ulaw` (raw µ-law at 8 kHz) for each line of `agent/prompts/prompts.txt`, read at the start. Without it the demo's sound is said.";
    CAPTURE_DIR = "OFFHOOK_CAPTURE_DIR", "directory", "", false,
        "For finding faults: every input of every stream, what was said included, goes to a file of its own in this directory, which only its owner may read. `cargo run -p offhook-engine --example replay FILE` decides the call again, or with other parameters. About 20 KB per second and call. Without it nothing is captured.";
    WORKERS = "OFFHOOK_WORKERS", "threads, or auto", "auto", false,
        "Threads that hear and decide. `auto` is a quarter of the cores that this process may use (CPU affinity and control-group quota counted), at least one.";
    IO_THREADS = "OFFHOOK_IO_THREADS", "threads, or auto", "auto", false,
        "Threads on which media sockets live. `auto` is half of those cores, at least one: a socket costs about twice what its call costs a worker.";
    PIN_WORKERS = "OFFHOOK_PIN_WORKERS", "auto, true or false", "auto", false,
        "Whether each worker keeps a core to itself. `auto` pins from four cores on, where no quota would stop a pinned thread while other cores are free. Other programs on that core make calls late.";
    TICK_MS = "OFFHOOK_TICK_MS", "milliseconds", "1", false,
        "Between two looks of a worker at its calls. Half of it is added to every reaction on average; a look costs about a microsecond and more with each call that has something due.";
    LOG_LEVEL = "LOG_LEVEL", "error, warn, info, debug, trace, off", "info", false,
        "What is logged; also per target, such as `info,control=debug`.";
    DEBUG = "DEBUG", "true or false", "false", false,
        "Logs at debug where `LOG_LEVEL` says nothing.";
    APP_NAME = "APP_NAME", "name", "offhook", false,
        "What the service calls itself in its start message and on its pages.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_two_things() {
        let mut names: Vec<_> = ALL.iter().flat_map(|s| s.names()).map(file_key_of).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn secrets_have_no_flag() {
        assert_eq!(AUTH_TOKEN.flag(), None);
        assert_eq!(PUBLIC_URL.flag().as_deref(), Some("public-url"));
        assert_eq!(ACCOUNT_SID.file_key(), "twilio_account_sid");
    }
}

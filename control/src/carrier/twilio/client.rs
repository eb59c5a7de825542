//! One account's way into the REST API: who asks, how long an answer may take and weigh, what is asked again.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::{CarrierError, ErrorCode};
use super::errors;
use super::retry::Retry;
use crate::clock::Clock;

/// For a connection to stand, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection that was quiet for so long is not used again: one that the other side has just closed would leave us in
/// doubt whether a call was placed.
const IDLE: Duration = Duration::from_secs(15);
/// The largest answer: a list of fifty calls has about 100 KB.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

const NO_API: &str = "there is no such account: see TWILIO_ACCOUNT_SID, TWILIO_BASE_URL and TWILIO_API_VERSION";

/// The fields of a form or of a query. A name may come several times.
pub(super) type Fields = Vec<(&'static str, String)>;

/// How an account is reached.
#[derive(Debug)]
pub(in crate::carrier) struct Door {
    /// The client that all accounts share.
    pub(in crate::carrier) http: reqwest::Client,
    /// Where Twilio is, such as `https://api.twilio.com`.
    pub(in crate::carrier) base_url: String,
    /// Which version of the API.
    pub(in crate::carrier) api_version: String,
    /// The account.
    pub(in crate::carrier) account_sid: String,
    /// What opens it; several while it is being changed.
    pub(in crate::carrier) tokens: Vec<SecretString>,
    /// How often, and how soon, a request is sent again.
    pub(in crate::carrier) retry: Retry,
    /// Waits for the time to do so.
    pub(in crate::carrier) clock: Clock,
}

/// The client for all accounts: pooled, without redirects; what stays on this machine (`here`) takes no proxy.
pub(in crate::carrier) fn http(here: bool, answer_max: Duration) -> reqwest::Result<reqwest::Client> {
    // Another one may be installed already: it serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("offhook/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT.min(answer_max))
        .timeout(answer_max)
        .pool_idle_timeout(IDLE)
        // A redirect would take the credentials along.
        .redirect(reqwest::redirect::Policy::none());
    if here { builder.no_proxy().build() } else { builder.build() }
}

/// An account, behind its door.
pub(super) struct Client {
    door: Door,
    /// Which token opened last.
    opens: AtomicUsize,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Door { base_url, account_sid, tokens, .. } = &self.door;
        let tokens = tokens.len();
        write!(f, "Client({base_url}, {account_sid}, {tokens} tokens)")
    }
}

/// What is asked, and whether it may be asked twice.
struct Asking<'a> {
    path: &'a str,
    fields: &'a Fields,
    is_change: bool,
    /// Doing it twice is as good as once.
    is_repeatable: bool,
}

/// A try that failed.
struct Failure {
    error: CarrierError,
    /// When the carrier wants to be asked again.
    again_after: Option<Duration>,
}

impl From<CarrierError> for Failure {
    fn from(error: CarrierError) -> Self {
        Self { error, again_after: None }
    }
}

/// As much of an account as is looked at.
#[derive(Deserialize)]
struct AccountBody {
    status: Option<String>,
}

impl Client {
    pub(super) fn new(door: Door) -> Result<Self, CarrierError> {
        let fault = |message: &str| Err(CarrierError::new(ErrorCode::InvalidConfig, message));
        if !is_sid("AC", &door.account_sid) {
            return fault("the account is not AC and 32 hex digits: copy it from Twilio's console");
        }
        if door.tokens.is_empty() {
            return fault("the account has no auth token: copy it from Twilio's console");
        }
        Ok(Self { door, opens: AtomicUsize::new(0) })
    }

    pub(super) fn account(&self) -> &str {
        &self.door.account_sid
    }

    /// Asks for something.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &Fields) -> Result<T, CarrierError> {
        let asked = self.ask(&Asking { path, fields: query, is_change: false, is_repeatable: true }).await;
        // There was nothing to do.
        asked.map_err(|error| CarrierError { may_have_happened: false, ..error })
    }

    /// Changes something in a way that may be repeated.
    pub(super) async fn set<T: DeserializeOwned>(&self, path: &str, form: &Fields) -> Result<T, CarrierError> {
        self.ask(&Asking { path, fields: form, is_change: true, is_repeatable: true }).await
    }

    /// Does something that must not be done twice.
    pub(super) async fn once<T: DeserializeOwned>(&self, path: &str, form: &Fields) -> Result<T, CarrierError> {
        self.ask(&Asking { path, fields: form, is_change: true, is_repeatable: false }).await
    }

    /// Whether Twilio answers, takes the credentials, and has the account open.
    pub(super) async fn health(&self) -> Result<(), CarrierError> {
        let asked: Result<AccountBody, _> = self.get(".json", &Fields::new()).await;
        let account = asked.map_err(|error| match error.code {
            ErrorCode::SessionNotFound => {
                CarrierError { code: ErrorCode::InvalidConfig, message: NO_API.into(), ..error }
            }
            _ => error,
        })?;
        match account.status.as_deref() {
            Some("active") | None => Ok(()),
            Some(_) => {
                let message = "the account is not active: see in Twilio's console why it is suspended or closed";
                Err(CarrierError::new(ErrorCode::TwilioAuthError, message))
            }
        }
    }

    async fn ask<T: DeserializeOwned>(&self, asking: &Asking<'_>) -> Result<T, CarrierError> {
        let clock = &self.door.clock;
        let mut tries = self.door.retry.begin(clock.now());
        loop {
            let failure = match self.with_each_token(asking).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let worth_it =
                is_worth_another(&failure.error) && (asking.is_repeatable || !failure.error.may_have_happened);
            let next = || tries.next(clock.now(), failure.again_after, chance());
            let Some(at) = worth_it.then(next).flatten() else { return Err(failure.error) };
            tracing::debug!(error = %failure.error, "asking the carrier again");
            clock.sleep_until(at).await;
        }
    }

    /// A token that is not taken says so before anything is done; while it is being changed, the next one is.
    async fn with_each_token<T: DeserializeOwned>(&self, asking: &Asking<'_>) -> Result<T, Failure> {
        let tokens = &self.door.tokens;
        let first = self.opens.load(Ordering::Relaxed);
        let mut nth = 0;
        loop {
            let at = (first + nth) % tokens.len();
            let response = self.send(asking, &tokens[at]).await?;
            nth += 1;
            if response.status().as_u16() == 401 && nth < tokens.len() {
                continue;
            }
            if response.status().is_success() {
                self.opens.store(at, Ordering::Relaxed);
            }
            return read(response).await;
        }
    }

    async fn send(&self, asking: &Asking<'_>, token: &SecretString) -> Result<Response, CarrierError> {
        let Door { http, base_url, api_version, account_sid, .. } = &self.door;
        let mut url = format!("{base_url}/{api_version}/Accounts/{account_sid}{}", asking.path);
        let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(asking.fields).finish();
        let request = if asking.is_change {
            http.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(fields)
        } else {
            if !fields.is_empty() {
                url = format!("{url}?{fields}");
            }
            http.get(url)
        };
        let request = request.basic_auth(account_sid, Some(token.expose_secret())).header(ACCEPT, "application/json");
        request.send().await.map_err(|error| errors::unreached(&error))
    }
}

/// A prefix and 32 hexadecimal digits.
pub(super) fn is_sid(prefix: &str, text: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether the same request may fare better later.
fn is_worth_another(error: &CarrierError) -> bool {
    use ErrorCode::{TwilioNetworkError, TwilioRateLimit, TwilioTimeout};
    // A 2xx that makes no sense will make none the next time.
    let is_senseless = error.http_status.is_some_and(|status| status < 300);
    matches!(error.code, TwilioNetworkError | TwilioRateLimit | TwilioTimeout) && !is_senseless
}

/// Spreads those who come back. Without chance they come back together, which is no fault.
fn chance() -> u8 {
    let mut byte = [0];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let status = response.status();
    // A date is possible there, too, and not what Twilio sends: our own delay does then.
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = body(response).await;
    if !status.is_success() {
        // The status has said it all; the body only says it better.
        let error = errors::refused(status.as_u16(), &body.unwrap_or_default());
        return Err(Failure { error, again_after: seconds.map(Duration::from_secs) });
    }
    let parsed = serde_json::from_slice(&body?);
    Ok(parsed.map_err(|_| errors::senseless(status.as_u16(), "is not the JSON of one"))?)
}

async fn body(mut response: Response) -> Result<Vec<u8>, CarrierError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| errors::unreached(&error))? {
        if body.len() + part.len() > ANSWER_BYTES_MAX {
            return Err(errors::senseless(response.status().as_u16(), "is too large"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

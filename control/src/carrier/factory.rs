//! The one place that makes carriers, of every type and for every account, from what the operator set.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::owners::Ownership;
use super::twilio::{self, Door, Pacer, Retry, Twilio};
use super::{CallReport, CarrierError, ErrorCode, Mock, Owners, TelephonyProvider};
use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::model::ProviderType;

/// Where a carrier finds this service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// What it asks when a number is called.
    pub voice: String,
    /// Where it reports the end of such a call.
    pub status: String,
    /// What it asks where that fails: best something that stands still and is not here. The same again where there is none.
    pub fallback: String,
}

impl Webhooks {
    /// Those of a service that is reached under this base; `fallback`, where the operator has one.
    #[must_use]
    pub fn under(public: &PublicUrl, fallback: Option<&str>) -> Self {
        let voice = public.join("/twilio/voice");
        let fallback = fallback.map_or_else(|| voice.clone(), str::to_owned);
        Self { voice, status: public.join("/twilio/status"), fallback }
    }
}

/// How Twilio is spoken to, whichever account it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioSettings {
    /// Where it is, without a slash at the end.
    pub base_url: String,
    /// Which version of the API.
    pub api_version: String,
    /// How often a request is sent again.
    pub retries_max: u32,
    /// How long before it is; doubled each time.
    pub retry_delay: Duration,
    /// How many calls an account may place a second.
    pub calls_per_second: u32,
    /// How long an answer may take, connecting included.
    pub answer_max: Duration,
    /// TwiML elsewhere, for numbers whose service does not answer.
    pub fallback_url: Option<String>,
}

impl Default for TwilioSettings {
    fn default() -> Self {
        Self {
            base_url: "https://api.twilio.com".into(),
            api_version: "2010-04-01".into(),
            retries_max: 3,
            retry_delay: Duration::from_secs(1),
            calls_per_second: 1,
            // As long as Twilio waits for ours.
            answer_max: Duration::from_secs(15),
            fallback_url: None,
        }
    }
}

/// What opens an account at a carrier.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// At Twilio.
    Twilio {
        /// `AC` and 32 hexadecimal digits.
        account_sid: String,
        /// Several while one is being replaced.
        auth_tokens: Vec<SecretString>,
    },
    /// At nobody's.
    Mock,
}

impl Credentials {
    /// The deployment's own.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        match (config.carrier.provider, &config.account_sid) {
            (ProviderType::Twilio, Some(account_sid)) => {
                Self::Twilio { account_sid: account_sid.clone(), auth_tokens: config.tokens.clone() }
            }
            // The configuration was refused where Twilio is meant and an account is missing.
            _ => Self::Mock,
        }
    }
}

/// Makes carriers, and has what those of one process share: connections, and the pace of each account.
#[derive(Debug)]
pub struct Factory {
    twilio: TwilioSettings,
    webhooks: Webhooks,
    clock: Clock,
    http: reqwest::Client,
    /// Where those go that live in this process report.
    reports: mpsc::Sender<CallReport>,
    owners: Ownership,
    /// By account, while somebody uses them.
    pacers: Mutex<BTreeMap<String, Weak<Pacer>>>,
}

impl Factory {
    /// A factory of carriers that find this service at `webhooks`; a [`Mock`] reports to `reports`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidConfig`]: this machine has no certificates to check a carrier's against.
    pub fn new(
        twilio: TwilioSettings,
        webhooks: Webhooks,
        clock: Clock,
        reports: mpsc::Sender<CallReport>,
    ) -> Result<Self, CarrierError> {
        let authority = twilio.base_url.split("://").nth(1).unwrap_or_default();
        let is_here = crate::config::is_loopback_authority(authority.split('/').next().unwrap_or_default());
        let http = twilio::http(is_here, twilio.answer_max).map_err(|error| {
            let message = format!("no HTTPS client ({error}): install this system's certificates (ca-certificates)");
            CarrierError::new(ErrorCode::InvalidConfig, message)
        })?;
        Ok(Self { twilio, webhooks, clock, http, reports, owners: Ownership::default(), pacers: Mutex::default() })
    }

    /// Its carriers touch a tenant's own numbers only, as `owners` says; without, whatever they are told to.
    #[must_use]
    pub fn with_owners(self, owners: Arc<dyn Owners>) -> Self {
        Self { owners: Ownership::of(owners), ..self }
    }

    /// The carrier of an account.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidConfig`]: the credentials cannot be any.
    pub fn make(&self, credentials: Credentials) -> Result<Arc<dyn TelephonyProvider>, CarrierError> {
        Ok(match credentials {
            Credentials::Twilio { account_sid, auth_tokens } => Arc::new(self.twilio(account_sid, auth_tokens)?),
            Credentials::Mock => Arc::new(self.mock()),
        })
    }

    /// An account at Twilio, with what only Twilio has.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidConfig`]: the credentials cannot be any.
    pub fn twilio(&self, account_sid: String, tokens: Vec<SecretString>) -> Result<Twilio, CarrierError> {
        self.twilio_asking(account_sid, tokens, self.twilio.retries_max)
    }

    /// Whether these tokens open that account, asked once: somebody waits.
    ///
    /// # Errors
    /// They do not, or nobody can say.
    pub(super) async fn verify(&self, account_sid: &str, tokens: &[SecretString]) -> Result<(), CarrierError> {
        self.twilio_asking(account_sid.to_owned(), tokens.to_vec(), 0)?.health().await
    }

    fn twilio_asking(
        &self,
        account_sid: String,
        tokens: Vec<SecretString>,
        retries_max: u32,
    ) -> Result<Twilio, CarrierError> {
        let TwilioSettings { base_url, api_version, retry_delay: delay, .. } = self.twilio.clone();
        let (http, clock, retry) = (self.http.clone(), self.clock.clone(), Retry { retries_max, delay });
        let pacer = self.pacer(&account_sid);
        let door = Door { http, base_url, api_version, account_sid, tokens, retry, clock };
        Twilio::new(door, pacer, self.webhooks.clone(), self.owners.clone())
    }

    /// A carrier that reaches nobody, with what only it has.
    #[must_use]
    pub fn mock(&self) -> Mock {
        Mock::owned(self.webhooks.clone(), self.clock.clone(), self.reports.clone(), self.owners.clone())
    }

    /// The account's pacer. Twilio counts an account's calls whoever places them.
    fn pacer(&self, account: &str) -> Arc<Pacer> {
        let mut pacers = self.pacers.lock().unwrap_or_else(PoisonError::into_inner);
        pacers.retain(|_, pacer| pacer.strong_count() > 0);
        pacers.get(account).and_then(Weak::upgrade).unwrap_or_else(|| {
            let pacer = Arc::new(Pacer::new(self.twilio.calls_per_second, self.clock.clone()));
            pacers.insert(account.to_owned(), Arc::downgrade(&pacer));
            pacer
        })
    }
}

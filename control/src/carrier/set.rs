//! Which carrier places and knows which call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use tokio::sync::mpsc;

use super::{CallReport, CarrierError, Credentials, ErrorCode, Factory, Owners, TelephonyProvider, Webhooks};
use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::directory::{Account, Directory};
use crate::model::{Call, PhoneNumberId, ProviderType, TenantId};

/// Reports that wait to be written down. Full: calls of this process live more slowly.
const REPORTS: usize = 1_024;

/// A tenant's carrier, and the account that it was made of.
type Own = (Arc<Account>, Arc<dyn TelephonyProvider>);

/// The carriers of this service.
#[derive(Debug, Clone)]
pub(crate) struct Carriers {
    /// Whoever has no account of its own uses this one.
    default: Option<Arc<dyn TelephonyProvider>>,
    /// Makes those of tenants.
    factory: Option<Arc<Factory>>,
    /// Those of tenants that were asked for, by the account's id, with what each was made of.
    own: Arc<Mutex<HashMap<String, Own>>>,
    directory: Directory,
    /// What carriers of this process report, until somebody takes it.
    reports: Arc<Mutex<Option<mpsc::Receiver<CallReport>>>>,
}

impl Owners for Directory {
    fn owner(&self, did_number: &str) -> Option<(TenantId, PhoneNumberId)> {
        let line = self.line(did_number);
        line.number.map(|number| (line.tenant(), number))
    }
}

impl Carriers {
    /// With the deployment's own carrier; those of tenants are made of what the directory has.
    pub(crate) fn start(config: &Config, public: &PublicUrl, clock: &Clock, directory: &Directory) -> Self {
        let (report, reports) = mpsc::channel(REPORTS);
        let webhooks = Webhooks::under(public, config.twilio.fallback_url.as_deref());
        let say = |error: &CarrierError| tracing::error!(%error, "no calls can be placed");
        let factory = Factory::new(config.twilio.clone(), webhooks, clock.clone(), report);
        let factory = factory.map(|factory| factory.with_owners(Arc::new(directory.clone())));
        let factory = factory.inspect_err(say).ok().map(Arc::new);
        let default = factory.as_ref().and_then(|factory| factory.make(Credentials::of(config)).inspect_err(say).ok());
        let reports = Arc::new(Mutex::new(Some(reports)));
        Self { default, factory, own: Arc::default(), directory: directory.clone(), reports }
    }

    /// What carriers of this process report; once.
    pub(super) fn take_reports(&self) -> Option<mpsc::Receiver<CallReport>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Who places a tenant's calls: its own account's carrier, where it has one that can be used.
    pub(crate) fn for_tenant(&self, tenant: TenantId) -> Option<Arc<dyn TelephonyProvider>> {
        match self.directory.account_of(tenant, ProviderType::Twilio) {
            Some(account) => self.of_account(account),
            None => self.default.clone(),
        }
    }

    /// The carrier of an account, where it is the deployment's own or this tenant's.
    pub(crate) fn of_account_id(&self, tenant: TenantId, account_id: &str) -> Option<Arc<dyn TelephonyProvider>> {
        if let Some(default) = self.default.as_ref().filter(|default| default.account() == account_id) {
            return Some(Arc::clone(default));
        }
        self.directory.account(account_id).filter(|account| account.tenant == tenant).and_then(|of| self.of_account(of))
    }

    fn of_account(&self, account: Arc<Account>) -> Option<Arc<dyn TelephonyProvider>> {
        // Held for a look-up, and for making what does not speak to anybody yet.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, carrier)) = own.get(&account.account_id)
            && Arc::ptr_eq(of, &account)
        {
            return Some(Arc::clone(carrier));
        }
        let (account_sid, auth_tokens) = (account.account_id.clone(), account.tokens.clone());
        let made = self.factory.as_ref()?.make(Credentials::Twilio { account_sid, auth_tokens });
        let made = made.inspect_err(|error| {
            tracing::error!(tenant = %account.tenant, %error, "a tenant's calls cannot be placed");
        });
        let carrier = made.ok()?;
        own.insert(account.account_id.clone(), (account, Arc::clone(&carrier)));
        Some(carrier)
    }

    /// Who knows how a call stands, and can end it: the account over which it goes, whatever its tenant has by now; `None`
    /// where that is not known any more.
    pub(crate) fn of(&self, call: &Call) -> Option<Arc<dyn TelephonyProvider>> {
        let carrier = match &call.account_id {
            Some(account) => self.of_account_id(call.tenant_id, account),
            None => self.for_tenant(call.tenant_id),
        };
        carrier.filter(|carrier| carrier.provider_type() == call.provider_type)
    }

    /// Whether these tokens open that account: whoever has them may have it as his own.
    ///
    /// # Errors
    /// They do not, or nobody can say: [`is_away`](super::registrar::is_away).
    pub(crate) async fn verify(&self, account: &str, tokens: &[SecretString]) -> Result<(), CarrierError> {
        match &self.factory {
            Some(factory) => factory.verify(account, tokens).await,
            None => Err(CarrierError::new(ErrorCode::NetworkError, "no carrier can be asked from this machine")),
        }
    }

    /// Reads a report that came over Twilio's webhooks.
    pub(crate) fn read(&self, fields: &[(String, String)]) -> Result<CallReport, CarrierError> {
        super::twilio::parse(fields).map_err(|wrong| CarrierError::new(ErrorCode::TwilioInvalidWebhook, wrong))
    }
}

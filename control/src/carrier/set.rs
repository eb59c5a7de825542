//! Which carrier places and knows which call.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::{CallReport, CarrierError, Credentials, ErrorCode, Factory, TelephonyProvider, Webhooks};
use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::model::{Call, ProviderType, TenantId};

/// Reports that wait to be written down. Full: calls of this process live more slowly.
const REPORTS: usize = 1_024;

/// The carriers of this service.
#[derive(Debug, Clone)]
pub(crate) struct Carriers {
    /// Whoever has no account of its own uses this one.
    default: Option<Arc<dyn TelephonyProvider>>,
    /// What carriers of this process report, until somebody takes it.
    reports: Arc<Mutex<Option<mpsc::Receiver<CallReport>>>>,
}

impl Carriers {
    /// With the deployment's own carrier.
    pub(crate) fn start(config: &Config, public: &PublicUrl, clock: &Clock) -> Self {
        let (report, reports) = mpsc::channel(REPORTS);
        let default = default(config, public, clock, report)
            .inspect_err(|error| tracing::error!(%error, "no calls can be placed"))
            .ok();
        Self { default, reports: Arc::new(Mutex::new(Some(reports))) }
    }

    /// What carriers of this process report; once.
    pub(super) fn take_reports(&self) -> Option<mpsc::Receiver<CallReport>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Who places a tenant's calls.
    pub(crate) fn for_tenant(&self, _tenant: TenantId) -> Option<Arc<dyn TelephonyProvider>> {
        self.default.clone()
    }

    /// Who knows how a call stands.
    pub(crate) fn of(&self, call: &Call) -> Option<Arc<dyn TelephonyProvider>> {
        self.for_call(call.tenant_id, call.provider_type)
    }

    /// The same, by what identifies it.
    pub(crate) fn for_call(&self, tenant: TenantId, provider: ProviderType) -> Option<Arc<dyn TelephonyProvider>> {
        self.for_tenant(tenant).filter(|carrier| carrier.provider_type() == provider)
    }

    /// Reads a report that came over Twilio's webhooks.
    pub(crate) fn read(&self, fields: &[(String, String)]) -> Result<CallReport, CarrierError> {
        super::twilio::parse(fields).map_err(|wrong| CarrierError::new(ErrorCode::TwilioInvalidWebhook, wrong))
    }
}

fn default(
    config: &Config,
    public: &PublicUrl,
    clock: &Clock,
    report: mpsc::Sender<CallReport>,
) -> Result<Arc<dyn TelephonyProvider>, CarrierError> {
    let factory = Factory::new(config.twilio.clone(), Webhooks::under(public), clock.clone(), report)?;
    factory.make(Credentials::of(config))
}

//! Which carrier places and knows which call.

use std::sync::Arc;

use super::{CallReport, CarrierError, Credentials, ErrorCode, Factory, TelephonyProvider, Webhooks};
use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::model::{Call, ProviderType, TenantId};

/// The carriers of this service.
#[derive(Debug, Clone)]
pub(crate) struct Carriers {
    /// Whoever has no account of its own uses this one.
    default: Option<Arc<dyn TelephonyProvider>>,
}

impl Carriers {
    /// With the deployment's own carrier, where there are credentials for one.
    pub(crate) fn start(config: &Config, public: &PublicUrl, clock: &Clock) -> Self {
        let default = default(config, public, clock).unwrap_or_else(|error| {
            tracing::error!(%error, "no calls can be placed");
            None
        });
        Self { default }
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
) -> Result<Option<Arc<dyn TelephonyProvider>>, CarrierError> {
    let (Some(account_sid), false) = (config.account_sid.clone(), config.tokens.is_empty()) else { return Ok(None) };
    let factory = Factory::new(config.twilio.clone(), Webhooks::under(public), clock.clone())?;
    factory.make(Credentials::Twilio { account_sid, auth_tokens: config.tokens.clone() }).map(Some)
}

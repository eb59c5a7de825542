//! Which carrier places and knows which call.

use std::sync::Arc;

use super::{CallReport, CarrierError, ErrorCode, TelephonyProvider};
use crate::model::{Call, ProviderType, TenantId};

/// The carriers of this service.
#[derive(Debug, Clone)]
pub(crate) struct Carriers {
    /// Whoever has no account of its own uses this one.
    default: Option<Arc<dyn TelephonyProvider>>,
}

impl Carriers {
    /// With the deployment's own carrier.
    pub(crate) fn new(default: Option<Arc<dyn TelephonyProvider>>) -> Self {
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

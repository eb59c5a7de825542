//! Which carrier places and knows which call.

use std::sync::Arc;

use super::{CallReport, CallStatus, CarrierError, ErrorCode, TelephonyProvider};
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
        let get = |name: &str| fields.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str());
        let status = match get("CallStatus").unwrap_or_default() {
            "queued" => CallStatus::Queued,
            "initiated" => CallStatus::Initiated,
            "ringing" => CallStatus::Ringing,
            "in-progress" => CallStatus::InProgress,
            "completed" => CallStatus::Completed,
            "busy" => CallStatus::Busy,
            "no-answer" => CallStatus::NoAnswer,
            "failed" => CallStatus::Failed,
            "canceled" => CallStatus::Canceled,
            _ => return Err(CarrierError::new(ErrorCode::TwilioInvalidWebhook, "no CallStatus that we know")),
        };
        Ok(CallReport {
            carrier_call_id: get("CallSid").unwrap_or_default().to_owned(),
            status,
            sequence: get("SequenceNumber").and_then(|n| n.parse().ok()),
            at: None,
            duration: get("CallDuration").and_then(|s| s.parse().ok()).map(std::time::Duration::from_secs),
            answered_by: get("AnsweredBy").map(str::to_owned),
            error: get("ErrorCode").and_then(|n| n.parse().ok()),
            sip: get("SipResponseCode").and_then(|n| n.parse().ok()),
        })
    }
}

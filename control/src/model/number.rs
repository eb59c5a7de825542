//! Phone numbers: what is dialled, who answers there, and where each leads at its carrier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{PhoneNumberId, ProfileId, TenantId, Timestamp};

/// Whose number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderType {
    /// The deployment's default carrier.
    Generic,
    /// Twilio.
    Twilio,
    /// Telnyx.
    Telnyx,
    /// An Asterisk of the operator's.
    Asterisk,
    /// Nobody's: for tests.
    Mock,
}

/// A phone number of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNumberRecord {
    /// Its id.
    pub id: PhoneNumberId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What is dialled: E.164, unique among all tenants.
    pub did_number: String,
    /// Which carrier has it.
    pub provider_type: ProviderType,
    /// Whether calls to it are answered.
    pub is_active: bool,
    /// Who answers; `None`: the tenant's default profile.
    pub profile_id: Option<ProfileId>,
    /// The account at its carrier where it was pointed here; `None`: at none.
    #[serde(default)]
    pub carrier_account: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; its ETag.
    #[serde(skip_serializing, default)]
    pub version: i64,
}

/// What a number was at its carrier before it was pointed here; empty where it led here before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration(pub BTreeMap<String, String>);

/// Where a number leads here, and what it was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The account at its carrier.
    pub account: String,
    /// What it was.
    pub before: Registration,
}

/// A number to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPhoneNumber {
    /// What is dialled: E.164.
    pub did_number: String,
    /// Which carrier has it.
    pub provider_type: ProviderType,
    /// Whether calls to it are answered.
    pub is_active: bool,
    /// Who answers.
    pub profile_id: Option<ProfileId>,
}

/// What may be changed of a number. `Some(None)` takes the profile away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PhoneNumberPatch {
    /// Which carrier has it.
    pub provider_type: Option<ProviderType>,
    /// Whether calls to it are answered.
    pub is_active: Option<bool>,
    /// Who answers.
    pub profile_id: Option<Option<ProfileId>>,
}

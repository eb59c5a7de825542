//! Tenants' own accounts at carriers.

use serde::{Deserialize, Serialize};

use super::{ProviderConfigId, ProviderType, TenantId, Timestamp};
use crate::secrets::Sealed;

/// A tenant's account at a carrier, without its secrets. One per carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderConfig {
    /// Its id.
    pub id: ProviderConfigId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// At which carrier.
    pub provider_type: ProviderType,
    /// What it is called.
    pub name: String,
    /// The carrier's id of it, such as `AC…`; unique among all tenants.
    pub account_id: String,
    /// How many tokens it has: more than one while they are rotated.
    pub auth_tokens: u32,
    /// With which key they are encrypted.
    pub key_id: String,
    /// The number that calls where a call names none.
    pub outbound_number: Option<String>,
    /// Calls at once that are placed over it; `None`: as many as the tenant may have.
    pub max_concurrent_calls: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; its ETag.
    #[serde(skip_serializing, default)]
    pub version: i64,
}

/// An account to be made. Its id is made before it, for the tokens are sealed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProviderConfig {
    /// Its id.
    pub id: ProviderConfigId,
    /// At which carrier.
    pub provider_type: ProviderType,
    /// What it is called.
    pub name: String,
    /// The carrier's id of it.
    pub account_id: String,
    /// Its tokens.
    pub credentials: Credentials,
    /// The number that calls where a call names none.
    pub outbound_number: Option<String>,
    /// Calls at once that are placed over it.
    pub max_concurrent_calls: Option<u32>,
}

/// Tokens, sealed for a tenant and an id, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// They.
    pub sealed: Sealed,
    /// How many.
    pub count: u32,
}

/// What may be changed of an account. `Some(None)` takes away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderConfigPatch {
    /// What it is called.
    pub name: Option<String>,
    /// Its tokens, all of them.
    pub credentials: Option<Credentials>,
    /// The number that calls where a call names none.
    pub outbound_number: Option<Option<String>>,
    /// Calls at once that are placed over it.
    pub max_concurrent_calls: Option<Option<u32>>,
}

//! API keys: who may do what. The secret is shown once; the store has its hash.

use serde::{Deserialize, Serialize};

use super::{KeyId, TenantId, Timestamp};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, for every tenant. Belongs to no tenant.
    Admin,
    /// Everything of one tenant, its keys included.
    TenantAdmin,
    /// Reads, and acts on calls.
    Operator,
    /// Reads; telephone numbers masked.
    ReadOnly,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The public half.
    pub id: KeyId,
    /// Whose it is; `None` for [`Role::Admin`].
    pub tenant_id: Option<TenantId>,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the secret half, 32 bytes.
    #[serde(skip)]
    pub hash: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked; then it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// Whose it is.
    pub tenant_id: Option<TenantId>,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the secret half.
    pub hash: Vec<u8>,
}

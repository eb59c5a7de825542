//! Tenants: whom the service serves, and within which bounds.

use serde::{Deserialize, Serialize};

use super::{TenantId, Timestamp};
use crate::guard::Prefix;

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Its calls are answered.
    Active,
    /// Its calls get a polite answer; all it has stays.
    Suspended,
    /// The same, for good.
    Deleted,
}

/// What a tenant has bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// The smallest.
    Starter,
    /// The middle one.
    Growth,
    /// By agreement.
    Custom,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What it is called, 1 to 200 characters.
    pub name: String,
    /// Whether it is served.
    pub status: TenantStatus,
    /// What it has bought.
    pub plan: Plan,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; its ETag.
    #[serde(skip_serializing, default)]
    pub version: i64,
}

/// A tenant to be made; it begins active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTenant {
    /// What it is called.
    pub name: String,
    /// What it has bought.
    pub plan: Plan,
}

/// What may be changed of a tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantPatch {
    /// Whether it is served.
    pub status: Option<TenantStatus>,
    /// What it has bought.
    pub plan: Option<Plan>,
}

/// Whether calls are recorded. Nothing records yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// Never.
    #[default]
    Off,
    /// After the caller has heard the profile's consent text.
    WithConsent,
    /// Always.
    Always,
}

/// A tenant's bounds and policies. A tenant that set none has these defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSettings {
    /// Calls at once; `None`: as many as the service has places.
    pub concurrent_calls_max: Option<u32>,
    /// New calls per second; `None`: unbounded.
    pub calls_per_second_max: Option<u32>,
    /// Whether calls are recorded.
    pub recording: Recording,
    /// Days after which calls and their events are deleted; `None`: kept.
    pub retention_days: Option<u32>,
    /// The only numbers that its calls may be connected to, by their beginnings; `None`: whatever the guards let by. It
    /// narrows, and opens nothing.
    pub dial_prefixes: Option<Vec<Prefix>>,
    /// Minutes of calls that it places, per day (UTC); `None`: unbounded.
    pub minutes_per_day_max: Option<u32>,
    /// Whether no call is placed.
    pub outbound_stopped: bool,
}

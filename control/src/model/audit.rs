//! The audit log: who changed what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AuditId, KeyId, TenantId, Timestamp};

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The holder of a key.
    Key(KeyId),
    /// The holder of the key in `OFFHOOK_ADMIN_KEY`.
    AdminKey,
    /// Development's fixed key.
    Development,
    /// Somebody at the machine's command line.
    CommandLine,
    /// The service itself.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key:{id}"),
            Self::AdminKey => f.write_str("admin-key"),
            Self::Development => f.write_str("development"),
            Self::CommandLine => f.write_str("command-line"),
            Self::System => f.write_str("system"),
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// Whose thing was changed; the new tenant's own where one was made.
    pub tenant_id: TenantId,
    /// `key:UUID`, `admin-key`, `development`, `command-line` or `system`.
    pub actor: String,
    /// Such as `tenant.create`, `profile.update`, `call.hangup`.
    pub action: String,
    /// The id of what was changed.
    pub subject: String,
    /// How it was; `None` where it was made.
    pub before: Option<serde_json::Value>,
    /// How it is; `None` where it was deleted.
    pub after: Option<serde_json::Value>,
    /// When.
    pub at: Timestamp,
}

//! Contacts: whom a tenant calls, and what came of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AttemptId, CallId, CallState, CampaignId, ContactId, TenantId, Timestamp};

/// What came of calling a contact. The calls to it decide, but for the first and the last, which people set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// Not called yet, or to be called again.
    #[default]
    New,
    /// A call to it is under way.
    Calling,
    /// The last call was answered.
    Reached,
    /// The last call met a busy line.
    Busy,
    /// Nobody answered the last call.
    NoAnswer,
    /// The last call failed.
    Failed,
    /// The last call was taken back.
    Canceled,
    /// Never to be called.
    DoNotCall,
}

/// Somebody whom a tenant calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Where it is called: E.164, once among the tenant's contacts.
    pub phone_number: String,
    /// What it is called.
    pub name: Option<String>,
    /// What came of calling it.
    pub state: ContactState,
    /// What the tenant wants to remember of it: an object.
    pub metadata: Value,
    /// The last call to it; its row may be gone by now.
    pub last_call_id: Option<CallId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last, by its calls too.
    pub updated_at: Timestamp,
    /// Counts changes, from 1; its ETag.
    #[serde(skip_serializing, default)]
    pub version: i64,
}

/// A contact to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewContact {
    /// Where it is called: E.164.
    pub phone_number: String,
    /// What it is called.
    pub name: Option<String>,
    /// [`ContactState::New`] or [`ContactState::DoNotCall`].
    pub state: ContactState,
    /// What the tenant wants to remember of it: an object.
    pub metadata: Value,
}

/// What may be changed of a contact. `Some(None)` takes the name away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactPatch {
    /// What it is called.
    pub name: Option<Option<String>>,
    /// [`ContactState::New`] or [`ContactState::DoNotCall`].
    pub state: Option<ContactState>,
    /// What the tenant wants to remember of it, whole.
    pub metadata: Option<Value>,
}

/// Which contacts of a tenant are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactFilter {
    /// Only these states; empty: all.
    pub states: Vec<ContactState>,
    /// Only the one of this number.
    pub phone_number: Option<String>,
}

/// A call that was placed to a contact. It goes when its call does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallAttempt {
    /// Its id.
    pub id: AttemptId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Whom it was placed to.
    pub contact_id: ContactId,
    /// Of which campaign it is.
    pub campaign_id: Option<CampaignId>,
    /// The call.
    pub call_id: CallId,
    /// The call's state.
    pub state: CallState,
    /// When the call was asked for.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

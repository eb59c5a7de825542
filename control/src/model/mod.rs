//! The nouns of the control plane, as the API shows them and the store keeps them: pure data, checked at the edge.
//!
//! ```text
//! tenant ─┬─ settings          who is served, and how much
//!         ├─ phone numbers ─►  profile (or the tenant's default one)
//!         ├─ profiles          what the agent of a call says and does
//!         ├─ provider configs  its own accounts at carriers
//!         ├─ API keys          who may change all that
//!         ├─ contacts ─ attempts  whom it calls, and what came of it
//!         └─ calls ─ events    what happened
//! ```

mod audit;
mod call;
mod contact;
mod id;
mod key;
mod number;
mod page;
mod profile;
mod provider_config;
mod tenant;
mod timestamp;

pub use audit::{Actor, AuditEntry};
pub use call::{
    Call, CallDetails, CallError, CallEvent, CallEventKind, CallFilter, CallState, CallUpdate, Direction, EndedBy,
};
pub use contact::{CallAttempt, Contact, ContactFilter, ContactPatch, ContactState, NewContact};
pub use id::{
    AttemptId, AuditId, CallId, CampaignId, ContactId, EventId, KeyId, PhoneNumberId, ProfileId, ProviderConfigId,
    TenantId,
};
pub use key::{ApiKey, NewApiKey, Role};
pub use number::{NewPhoneNumber, PhoneNumberPatch, PhoneNumberRecord, ProviderType, Registered, Registration};
pub use page::{Cursor, Page, PageRequest};
pub use profile::{AgentKind, AgentRole, Emergency, MenuAction, MenuKey, NewProfile, Profile, ProfilePatch};
pub use provider_config::{Credentials, NewProviderConfig, ProviderConfig, ProviderConfigPatch};
pub use tenant::{NewTenant, Plan, Recording, Tenant, TenantPatch, TenantSettings, TenantStatus};
pub use timestamp::Timestamp;

//! The store's face: what can be asked of it, whatever the database.
#![allow(clippy::todo, unused_variables, missing_docs, reason = "the contract, before its body")]

use crate::clock::Clock;
use crate::model::*;

use super::{OpenError, StoreError};

/// An `Idempotency-Key` and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose: the key holder's id or `development`.
    pub scope: String,
    /// The client's key, at most 255 characters.
    pub key: String,
    /// SHA-256 over method, path and body, in hex.
    pub fingerprint: String,
}

/// What a create gave: new, or what the same request gave before.
#[derive(Debug, Clone, PartialEq)]
pub struct Created<T> {
    pub value: T,
    pub replayed: bool,
}

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {}

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`, brings it to this version's schema and makes sure that the default tenant exists.
    pub async fn open(url: &str, clock: Clock) -> std::result::Result<Self, OpenError> {
        todo!()
    }
    /// Whether it answers.
    pub async fn ping(&self) -> Result<()> {
        todo!()
    }
    /// Writes what is under way and closes.
    pub async fn close(&self) {
        todo!()
    }

    // Tenants. Admin only (named exceptions to "every function takes a TenantId": the two lists and create).
    pub async fn create_tenant(
        &self,
        actor: Actor,
        new: NewTenant,
        once: Option<Idempotency>,
    ) -> Result<Created<Tenant>> {
        todo!()
    }
    pub async fn tenants(&self, page: PageRequest) -> Result<Page<Tenant>> {
        todo!()
    }
    pub async fn tenant(&self, id: TenantId) -> Result<Tenant> {
        todo!()
    }
    pub async fn patch_tenant(
        &self,
        actor: Actor,
        id: TenantId,
        patch: TenantPatch,
        if_version: Option<i64>,
    ) -> Result<Tenant> {
        todo!()
    }
    pub async fn settings(&self, tenant: TenantId) -> Result<(TenantSettings, i64)> {
        todo!()
    }
    pub async fn put_settings(
        &self,
        actor: Actor,
        tenant: TenantId,
        settings: TenantSettings,
        if_version: Option<i64>,
    ) -> Result<(TenantSettings, i64)> {
        todo!()
    }

    // Numbers. did_number taken anywhere: Conflict("did_number"). A profile of another tenant: NoSuch("profile_id").
    pub async fn create_number(
        &self,
        actor: Actor,
        tenant: TenantId,
        new: NewPhoneNumber,
        once: Option<Idempotency>,
    ) -> Result<Created<PhoneNumberRecord>> {
        todo!()
    }
    pub async fn numbers(&self, tenant: TenantId, page: PageRequest) -> Result<Page<PhoneNumberRecord>> {
        todo!()
    }
    pub async fn number(&self, tenant: TenantId, id: PhoneNumberId) -> Result<PhoneNumberRecord> {
        todo!()
    }
    pub async fn patch_number(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: PhoneNumberId,
        patch: PhoneNumberPatch,
        if_version: Option<i64>,
    ) -> Result<PhoneNumberRecord> {
        todo!()
    }
    pub async fn delete_number(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: PhoneNumberId,
        if_version: Option<i64>,
    ) -> Result<()> {
        todo!()
    }

    // Profiles. Setting is_default unsets the tenant's other one in the same transaction. A profile that a number uses
    // can be deleted: the number then has none.
    pub async fn create_profile(
        &self,
        actor: Actor,
        tenant: TenantId,
        new: NewProfile,
        once: Option<Idempotency>,
    ) -> Result<Created<Profile>> {
        todo!()
    }
    pub async fn profiles(&self, tenant: TenantId, page: PageRequest) -> Result<Page<Profile>> {
        todo!()
    }
    pub async fn profile(&self, tenant: TenantId, id: ProfileId) -> Result<Profile> {
        todo!()
    }
    /// The whole new content, already checked (the API merges the patch into what it read, and passes that version).
    pub async fn replace_profile(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ProfileId,
        content: NewProfile,
        if_version: i64,
    ) -> Result<Profile> {
        todo!()
    }
    pub async fn delete_profile(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ProfileId,
        if_version: Option<i64>,
    ) -> Result<()> {
        todo!()
    }

    // Keys.
    pub async fn create_key(&self, actor: Actor, new: NewApiKey) -> Result<ApiKey> {
        todo!()
    }
    pub async fn keys(&self, tenant: Option<TenantId>, page: PageRequest) -> Result<Page<ApiKey>> {
        todo!()
    }
    /// By its public half, before anybody is known (a named exception).
    pub async fn key(&self, id: KeyId) -> Result<ApiKey> {
        todo!()
    }
    pub async fn revoke_key(&self, actor: Actor, tenant: Option<TenantId>, id: KeyId) -> Result<()> {
        todo!()
    }

    // Calls.
    /// All of them in one durable step, in order; each event once, however often it is written (a named exception:
    /// every update names its tenant). Durable when it returns.
    pub async fn record(&self, updates: Vec<CallUpdate>) -> Result<()> {
        todo!()
    }
    pub async fn calls(&self, tenant: TenantId, filter: CallFilter, page: PageRequest) -> Result<Page<Call>> {
        todo!()
    }
    pub async fn call(&self, tenant: TenantId, id: CallId) -> Result<Call> {
        todo!()
    }
    pub async fn call_events(&self, tenant: TenantId, id: CallId, page: PageRequest) -> Result<Page<CallEvent>> {
        todo!()
    }
    /// Calls that no final event was written of, of every tenant: what the boot looks at (a named exception).
    pub async fn unfinished_calls(&self) -> Result<Vec<Call>> {
        todo!()
    }
    /// Deletes calls older than their tenant's retention, at most `limit`; how many (a named exception).
    pub async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64> {
        todo!()
    }

    // Once-only actions (POSTs that make no row of their own, such as `…/hangup`).
    /// Claims the key: `None`: do it, then `finish_once`; `Some(body)`: it was done, with this answer. A claim that is
    /// still open is `Conflict("idempotency_key")`.
    pub async fn begin_once(&self, tenant: TenantId, once: &Idempotency) -> Result<Option<serde_json::Value>> {
        todo!()
    }
    pub async fn finish_once(&self, tenant: TenantId, once: &Idempotency, answer: serde_json::Value) -> Result<()> {
        todo!()
    }
    /// Forgets keys older than 24 h.
    pub async fn sweep_once(&self, now: Timestamp) -> Result<u64> {
        todo!()
    }

    // Audit.
    /// A row for what is no write of the store's own, such as `call.hangup`.
    pub async fn audit(
        &self,
        actor: Actor,
        tenant: TenantId,
        action: &'static str,
        subject: String,
        after: Option<serde_json::Value>,
    ) -> Result<()> {
        todo!()
    }
    pub async fn audit_log(&self, tenant: TenantId, page: PageRequest) -> Result<Page<AuditEntry>> {
        todo!()
    }

    // The directory.
    /// Everything that answering a call needs, of every tenant (a named exception), with the change counter it was read at.
    pub async fn directory(&self) -> Result<(i64, Vec<DirectoryTenant>)> {
        todo!()
    }
    /// One tenant's part of it, after a change.
    pub async fn directory_of(&self, tenant: TenantId) -> Result<DirectoryTenant> {
        todo!()
    }
    /// Raised by every write that the directory shows; other processes and the command line change it too.
    pub async fn directory_version(&self) -> Result<i64> {
        todo!()
    }
}

/// What answering a tenant's calls needs.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryTenant {
    pub tenant: Tenant,
    pub settings: TenantSettings,
    pub profiles: Vec<Profile>,
    pub numbers: Vec<PhoneNumberRecord>,
}

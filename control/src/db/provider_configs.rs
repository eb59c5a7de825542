//! Tenants' own accounts at carriers. What is secret of them comes and goes sealed: no key is known here.

use crate::model::{
    Actor, NewProviderConfig, Page, PageRequest, ProviderConfig, ProviderConfigId, ProviderConfigPatch, TenantId,
};
use crate::secrets::Sealed;

use super::arg::{args, json, word};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::store::{By, Result, Store};
use super::{Created, Idempotency, StoreError, directory, once, page, tenants};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, provider_type, name, account_id, outbound_number, max_concurrent_calls, \
             credentials, tokens, key_id, created_at, updated_at, version FROM provider_configs ",
            $rest
        )
    };
}
pub(super) use select;

/// An account and its sealed tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedAccount {
    /// The account.
    pub config: ProviderConfig,
    /// Its tokens.
    pub sealed: Sealed,
}

impl Store {
    /// Makes an account.
    ///
    /// # Errors
    /// `Conflict("account_id")`: somebody has it, this tenant or another. `Conflict("provider_type")`: the tenant has an
    /// account at that carrier. [`StoreError::NotFound`]: there is no such tenant. [`StoreError::KeyReused`].
    pub async fn create_provider_config(
        &self,
        actor: Actor,
        tenant: TenantId,
        new: NewProviderConfig,
        once: Option<Idempotency>,
    ) -> Result<Created<ProviderConfig>> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(create(db, by, tenant, new.clone(), once.clone()))).await
    }

    /// A tenant's accounts.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn provider_configs(&self, tenant: TenantId, request: PageRequest) -> Result<Page<ProviderConfig>> {
        let mut db = self.reader().await?;
        let rows = db
            .rows(
                select!("WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
                args![tenant, page::after(request), page::rows(request)],
            )
            .await?;
        page::page(request, rows, read_config, |config| config.id.0)
    }

    /// An account of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn provider_config(&self, tenant: TenantId, id: ProviderConfigId) -> Result<ProviderConfig> {
        get(&mut self.reader().await?, tenant, id).await
    }

    /// Changes an account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn patch_provider_config(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ProviderConfigId,
        patch: ProviderConfigPatch,
        if_version: Option<i64>,
    ) -> Result<ProviderConfig> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(change(db, by, tenant, id, patch.clone(), if_version))).await
    }

    /// Deletes an account with its tokens. Its numbers and calls stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn delete_provider_config(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ProviderConfigId,
        if_version: Option<i64>,
    ) -> Result<()> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(delete(db, by, tenant, id, if_version))).await
    }

    /// Accounts of every tenant that another key sealed than this (a named exception: keys are rotated for all).
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn sealed_otherwise(&self, key_id: &str) -> Result<Vec<SealedAccount>> {
        let rows = self.reader().await?.rows(select!("WHERE key_id <> $1 ORDER BY id"), args![key_id]).await?;
        rows.iter().map(read).collect()
    }

    /// Puts the same tokens in their place, sealed anew, unless somebody has changed them since; whether it did. No
    /// change that anybody made: only the log of the service tells of it.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn reseal(&self, before: &SealedAccount, sealed: Sealed) -> Result<bool> {
        let (config, old) = (before.config.clone(), before.sealed.clone());
        let done = self.write(move |db| {
            Box::pin(db.execute(
                "UPDATE provider_configs SET credentials = $1, key_id = $2
                 WHERE tenant_id = $3 AND id = $4 AND key_id = $5 AND credentials = $6",
                args![
                    sealed.bytes.clone(),
                    &sealed.key_id,
                    config.tenant_id,
                    config.id,
                    &old.key_id,
                    old.bytes.clone()
                ],
            ))
        });
        Ok(done.await? == 1)
    }
}

async fn get(db: &mut Connection, tenant: TenantId, id: ProviderConfigId) -> Result<ProviderConfig> {
    let row = db.row(select!("WHERE tenant_id = $1 AND id = $2"), args![tenant, id]).await?;
    read_config(&row.ok_or(StoreError::NotFound)?)
}

async fn create(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    new: NewProviderConfig,
    once: Option<Idempotency>,
) -> Result<Created<ProviderConfig>> {
    tenants::lock(db, tenant).await?;
    if let Some(first) = once::first(db, tenant, once.as_ref(), by.now).await? {
        return Ok(Created { value: ProviderConfig { version: 1, ..first }, replayed: true });
    }
    let config = ProviderConfig {
        id: new.id,
        tenant_id: tenant,
        provider_type: new.provider_type,
        name: new.name,
        account_id: new.account_id,
        auth_tokens: new.credentials.count,
        key_id: new.credentials.sealed.key_id,
        outbound_number: new.outbound_number,
        max_concurrent_calls: new.max_concurrent_calls,
        created_at: by.now,
        updated_at: by.now,
        version: 1,
    };
    insert(db, &config, new.credentials.sealed.bytes).await?;
    let after = Some(json(&config)?);
    let change = Change { action: "provider_config.create", subject: config.id, before: None, after };
    audit::write(db, by, tenant, change).await?;
    once::keep(db, tenant, once.as_ref(), &config).await?;
    directory::changed(db).await?;
    Ok(Created { value: config, replayed: false })
}

async fn change(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    id: ProviderConfigId,
    patch: ProviderConfigPatch,
    if_version: Option<i64>,
) -> Result<ProviderConfig> {
    tenants::lock(db, tenant).await?;
    let before = get(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    let mut after = ProviderConfig {
        name: patch.name.unwrap_or_else(|| before.name.clone()),
        outbound_number: patch.outbound_number.unwrap_or_else(|| before.outbound_number.clone()),
        max_concurrent_calls: patch.max_concurrent_calls.unwrap_or(before.max_concurrent_calls),
        updated_at: by.now,
        version: before.version + 1,
        ..before.clone()
    };
    db.execute(
        "UPDATE provider_configs SET name = $1, outbound_number = $2, max_concurrent_calls = $3, updated_at = $4,
             version = $5
         WHERE tenant_id = $6 AND id = $7",
        args![
            &after.name,
            after.outbound_number.clone(),
            after.max_concurrent_calls,
            after.updated_at,
            after.version,
            tenant,
            id
        ],
    )
    .await?;
    let rotates = patch.credentials.is_some();
    if let Some(new) = patch.credentials {
        (after.auth_tokens, after.key_id) = (new.count, new.sealed.key_id);
        db.execute(
            "UPDATE provider_configs SET credentials = $1, tokens = $2, key_id = $3 WHERE tenant_id = $4 AND id = $5",
            args![new.sealed.bytes, after.auth_tokens, &after.key_id, tenant, id],
        )
        .await?;
    }
    let action = if rotates { "provider_config.rotate" } else { "provider_config.update" };
    let change = Change { action, subject: id, before: Some(json(&before)?), after: Some(json(&after)?) };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await?;
    Ok(after)
}

async fn delete(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    id: ProviderConfigId,
    if_version: Option<i64>,
) -> Result<()> {
    tenants::lock(db, tenant).await?;
    let before = get(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    db.execute("DELETE FROM provider_configs WHERE tenant_id = $1 AND id = $2", args![tenant, id]).await?;
    let change = Change { action: "provider_config.delete", subject: id, before: Some(json(&before)?), after: None };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await
}

async fn insert(db: &mut Connection, config: &ProviderConfig, credentials: Vec<u8>) -> Result<()> {
    db.execute(
        "INSERT INTO provider_configs (id, tenant_id, provider_type, name, account_id, outbound_number,
             max_concurrent_calls, credentials, tokens, key_id, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        args![
            config.id,
            config.tenant_id,
            word(&config.provider_type)?,
            &config.name,
            &config.account_id,
            config.outbound_number.clone(),
            config.max_concurrent_calls,
            credentials,
            config.auth_tokens,
            &config.key_id,
            config.created_at,
            config.updated_at,
            config.version
        ],
    )
    .await
    .map(drop)
}

fn read_config(row: &Row) -> Result<ProviderConfig> {
    Ok(ProviderConfig {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        provider_type: row.word("provider_type")?,
        name: row.text("name")?,
        account_id: row.text("account_id")?,
        auth_tokens: row.count_maybe("tokens")?.unwrap_or_default(),
        key_id: row.text("key_id")?,
        outbound_number: row.text_maybe("outbound_number")?,
        max_concurrent_calls: row.count_maybe("max_concurrent_calls")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.int("version")?,
    })
}

pub(super) fn read(row: &Row) -> Result<SealedAccount> {
    let config = read_config(row)?;
    let sealed = Sealed { bytes: row.bytes("credentials")?, key_id: config.key_id.clone() };
    Ok(SealedAccount { config, sealed })
}

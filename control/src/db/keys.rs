//! API keys: the hash of each secret, never the secret.

use crate::model::{Actor, ApiKey, KeyId, NewApiKey, Page, PageRequest, TenantId};

use super::arg::{args, json, word};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::store::{By, Result, Store};
use super::{StoreError, page, tenants};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, tenant_id, name, role, hash, created_at, revoked_at FROM api_keys ", $rest)
    };
}

impl Store {
    /// Makes a key.
    ///
    /// # Errors
    /// `NoSuch("tenant_id")`: there is no such tenant.
    pub async fn create_key(&self, actor: Actor, new: NewApiKey) -> Result<ApiKey> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(create(db, by, new.clone()))).await
    }

    /// A tenant's keys; with `None` all keys (a named exception: for administrators).
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn keys(&self, tenant: Option<TenantId>, request: PageRequest) -> Result<Page<ApiKey>> {
        let mut db = self.reader().await?;
        let (after, limit) = (page::after(request), page::rows(request));
        let rows = match tenant {
            Some(tenant) => {
                let sql = select!("WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
                db.rows(sql, args![tenant, after, limit]).await?
            }
            None => db.rows(select!("WHERE id < $1 ORDER BY id DESC LIMIT $2"), args![after, limit]).await?,
        };
        page::page(request, rows, read, |key| key.id.0)
    }

    /// By its public half, before anybody is known (a named exception). A revoked one too.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn key(&self, id: KeyId) -> Result<ApiKey> {
        get(&mut self.reader().await?, id).await
    }

    /// Revokes a tenant's key; with `None` anybody's (a named exception: for administrators). Once revoked, it stays
    /// revoked since then.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn revoke_key(&self, actor: Actor, tenant: Option<TenantId>, id: KeyId) -> Result<()> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(revoke(db, by, tenant, id))).await
    }
}

async fn get(db: &mut Connection, id: KeyId) -> Result<ApiKey> {
    let row = db.row(select!("WHERE id = $1"), args![id]).await?;
    read(&row.ok_or(StoreError::NotFound)?)
}

async fn create(db: &mut Connection, by: By, new: NewApiKey) -> Result<ApiKey> {
    if let Some(tenant) = new.tenant_id {
        let found = tenants::must_exist(db, tenant).await;
        found.map_err(|error| match error {
            StoreError::NotFound => StoreError::NoSuch("tenant_id"),
            other => other,
        })?;
    }
    let key = ApiKey {
        id: KeyId::new(),
        tenant_id: new.tenant_id,
        name: new.name,
        role: new.role,
        hash: new.hash,
        created_at: by.now,
        revoked_at: None,
    };
    db.execute(
        "INSERT INTO api_keys (id, tenant_id, name, role, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        args![key.id, key.tenant_id, &key.name, word(&key.role)?, key.hash.clone(), key.created_at],
    )
    .await?;
    let change = Change { action: "key.create", subject: key.id, before: None, after: Some(json(&key)?) };
    audit::write(db, by, owner(&key), change).await?;
    Ok(key)
}

async fn revoke(db: &mut Connection, by: By, tenant: Option<TenantId>, id: KeyId) -> Result<()> {
    let before = get(db, id).await?;
    if tenant.is_some() && before.tenant_id != tenant {
        return Err(StoreError::NotFound);
    }
    let sql = "UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";
    if db.execute(sql, args![by.now, id]).await? == 0 {
        return Ok(());
    }
    let after = ApiKey { revoked_at: Some(by.now), ..before.clone() };
    let change = Change { action: "key.revoke", subject: id, before: Some(json(&before)?), after: Some(json(&after)?) };
    audit::write(db, by, owner(&before), change).await
}

/// In whose audit log it is.
fn owner(key: &ApiKey) -> TenantId {
    key.tenant_id.unwrap_or(TenantId::DEFAULT)
}

fn read(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.id("id")?,
        tenant_id: row.id_maybe("tenant_id")?,
        name: row.text("name")?,
        role: row.word("role")?,
        hash: row.bytes("hash")?,
        created_at: row.time("created_at")?,
        revoked_at: row.time_maybe("revoked_at")?,
    })
}

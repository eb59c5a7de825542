//! Tenants: whom the service serves.

use crate::model::{Actor, NewTenant, Page, PageRequest, Plan, Tenant, TenantId, TenantPatch, TenantStatus, Timestamp};

use super::arg::{args, json, word};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::store::{By, Result, Store};
use super::{Created, Idempotency, StoreError, directory, once, page};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, name, status, plan, created_at, updated_at, version FROM tenants ", $rest)
    };
}
pub(super) use select;

impl Store {
    /// Makes a tenant, active at once (a named exception: it has no id yet).
    ///
    /// # Errors
    /// [`StoreError::KeyReused`].
    pub async fn create_tenant(
        &self,
        actor: Actor,
        new: NewTenant,
        once: Option<Idempotency>,
    ) -> Result<Created<Tenant>> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(create(db, by, new.clone(), once.clone()))).await
    }

    /// All tenants (a named exception: for administrators).
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn tenants(&self, request: PageRequest) -> Result<Page<Tenant>> {
        let mut db = self.reader().await?;
        let sql = select!("WHERE id < $1 ORDER BY id DESC LIMIT $2");
        let rows = db.rows(sql, args![page::after(request), page::rows(request)]).await?;
        page::page(request, rows, read, |tenant| tenant.id.0)
    }

    /// A tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn tenant(&self, id: TenantId) -> Result<Tenant> {
        get(&mut self.reader().await?, id).await
    }

    /// Changes status or plan.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn patch_tenant(
        &self,
        actor: Actor,
        id: TenantId,
        patch: TenantPatch,
        if_version: Option<i64>,
    ) -> Result<Tenant> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(change(db, by, id, patch, if_version))).await
    }
}

/// The tenant that is always there.
pub(super) async fn make_default(db: &mut Connection, now: Timestamp) -> Result<()> {
    let tenant = fresh(TenantId::DEFAULT, NewTenant { name: "default".to_owned(), plan: Plan::Custom }, now);
    insert(db, &tenant).await.map(drop)
}

/// # Errors
/// [`StoreError::NotFound`].
pub(super) async fn must_exist(db: &mut Connection, id: TenantId) -> Result<()> {
    let found = db.row("SELECT 1 FROM tenants WHERE id = $1", args![id]).await?;
    found.map(drop).ok_or(StoreError::NotFound)
}

/// Lets one change of what a tenant has happen at a time; calls are written beside it. SQLite has one writer anyway.
///
/// # Errors
/// [`StoreError::NotFound`].
pub(super) async fn lock(db: &mut Connection, id: TenantId) -> Result<()> {
    let sql = match db.is_postgres() {
        true => "SELECT 1 FROM tenants WHERE id = $1 FOR NO KEY UPDATE",
        false => "SELECT 1 FROM tenants WHERE id = $1",
    };
    db.row(sql, args![id]).await?.map(drop).ok_or(StoreError::NotFound)
}

/// # Errors
/// [`StoreError::NotFound`].
pub(super) async fn get(db: &mut Connection, id: TenantId) -> Result<Tenant> {
    let row = db.row(select!("WHERE id = $1"), args![id]).await?;
    read(&row.ok_or(StoreError::NotFound)?)
}

/// # Errors
/// [`StoreError::Stale`].
pub(super) fn must_be(version: i64, if_version: Option<i64>) -> Result<()> {
    match if_version {
        Some(wanted) if wanted != version => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

async fn create(db: &mut Connection, by: By, new: NewTenant, once: Option<Idempotency>) -> Result<Created<Tenant>> {
    // Whose the key is cannot be the new tenant: the same request comes with another new id.
    let owner = TenantId::DEFAULT;
    if let Some(first) = once::first(db, owner, once.as_ref(), by.now).await? {
        return Ok(Created { value: Tenant { version: 1, ..first }, replayed: true });
    }
    let tenant = fresh(TenantId::new(), new, by.now);
    insert(db, &tenant).await?;
    let change = Change { action: "tenant.create", subject: tenant.id, before: None, after: Some(json(&tenant)?) };
    audit::write(db, by, tenant.id, change).await?;
    once::keep(db, owner, once.as_ref(), &tenant).await?;
    directory::changed(db).await?;
    Ok(Created { value: tenant, replayed: false })
}

async fn change(
    db: &mut Connection,
    by: By,
    id: TenantId,
    patch: TenantPatch,
    if_version: Option<i64>,
) -> Result<Tenant> {
    lock(db, id).await?;
    let before = get(db, id).await?;
    must_be(before.version, if_version)?;
    let after = Tenant {
        status: patch.status.unwrap_or(before.status),
        plan: patch.plan.unwrap_or(before.plan),
        updated_at: by.now,
        version: before.version + 1,
        ..before.clone()
    };
    db.execute(
        "UPDATE tenants SET status = $1, plan = $2, updated_at = $3, version = $4 WHERE id = $5",
        args![word(&after.status)?, word(&after.plan)?, after.updated_at, after.version, id],
    )
    .await?;
    let change =
        Change { action: "tenant.update", subject: id, before: Some(json(&before)?), after: Some(json(&after)?) };
    audit::write(db, by, id, change).await?;
    directory::changed(db).await?;
    Ok(after)
}

fn fresh(id: TenantId, new: NewTenant, now: Timestamp) -> Tenant {
    Tenant {
        id,
        name: new.name,
        status: TenantStatus::Active,
        plan: new.plan,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

async fn insert(db: &mut Connection, tenant: &Tenant) -> Result<u64> {
    db.execute(
        "INSERT INTO tenants (id, name, status, plan, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        args![
            tenant.id,
            &tenant.name,
            word(&tenant.status)?,
            word(&tenant.plan)?,
            tenant.created_at,
            tenant.updated_at,
            tenant.version
        ],
    )
    .await
}

pub(super) fn read(row: &Row) -> Result<Tenant> {
    Ok(Tenant {
        id: row.id("id")?,
        name: row.text("name")?,
        status: row.word("status")?,
        plan: row.word("plan")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.int("version")?,
    })
}

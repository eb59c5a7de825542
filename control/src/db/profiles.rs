//! Profiles: kept whole as JSON, beside the columns that queries need.

use crate::model::{Actor, NewProfile, Page, PageRequest, Profile, ProfileId, TenantId};

use super::arg::{args, json};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::store::{By, Result, Store};
use super::{Created, Idempotency, StoreError, directory, once, page, tenants};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, tenant_id, is_default, content, created_at, updated_at, version FROM ai_profiles ", $rest)
    };
}
pub(super) use select;

impl Store {
    /// Makes a profile. As the default one it takes the place of the one that was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]: there is no such tenant. [`StoreError::KeyReused`].
    pub async fn create_profile(
        &self,
        actor: Actor,
        tenant: TenantId,
        new: NewProfile,
        once: Option<Idempotency>,
    ) -> Result<Created<Profile>> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(create(db, by, tenant, new.clone(), once.clone()))).await
    }

    /// A tenant's profiles.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn profiles(&self, tenant: TenantId, request: PageRequest) -> Result<Page<Profile>> {
        let mut db = self.reader().await?;
        let rows = db
            .rows(
                select!("WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
                args![tenant, page::after(request), page::rows(request)],
            )
            .await?;
        page::page(request, rows, read, |profile| profile.id.0)
    }

    /// A profile of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn profile(&self, tenant: TenantId, id: ProfileId) -> Result<Profile> {
        get(&mut self.reader().await?, tenant, id).await
    }

    /// The whole new content, already checked (the API merges the patch into what it read, and passes that version).
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`].
    pub async fn replace_profile(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ProfileId,
        content: NewProfile,
        if_version: i64,
    ) -> Result<Profile> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(replace(db, by, tenant, id, content.clone(), if_version))).await
    }

    /// Deletes a profile. Numbers that named it then name none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn delete_profile(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ProfileId,
        if_version: Option<i64>,
    ) -> Result<()> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(delete(db, by, tenant, id, if_version))).await
    }
}

async fn get(db: &mut Connection, tenant: TenantId, id: ProfileId) -> Result<Profile> {
    let row = db.row(select!("WHERE tenant_id = $1 AND id = $2"), args![tenant, id]).await?;
    read(&row.ok_or(StoreError::NotFound)?)
}

async fn create(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    new: NewProfile,
    once: Option<Idempotency>,
) -> Result<Created<Profile>> {
    tenants::lock(db, tenant).await?;
    if let Some(first) = once::first(db, tenant, once.as_ref(), by.now).await? {
        return Ok(Created { value: Profile { version: 1, ..first }, replayed: true });
    }
    let profile = Profile {
        id: ProfileId::new(),
        tenant_id: tenant,
        content: new,
        created_at: by.now,
        updated_at: by.now,
        version: 1,
    };
    make_room(db, by, &profile).await?;
    insert(db, &profile).await?;
    let change = Change { action: "profile.create", subject: profile.id, before: None, after: Some(json(&profile)?) };
    audit::write(db, by, tenant, change).await?;
    once::keep(db, tenant, once.as_ref(), &profile).await?;
    directory::changed(db).await?;
    Ok(Created { value: profile, replayed: false })
}

async fn replace(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    id: ProfileId,
    content: NewProfile,
    if_version: i64,
) -> Result<Profile> {
    tenants::lock(db, tenant).await?;
    let before = get(db, tenant, id).await?;
    tenants::must_be(before.version, Some(if_version))?;
    let after = Profile { content, updated_at: by.now, version: before.version + 1, ..before.clone() };
    make_room(db, by, &after).await?;
    db.execute(
        "UPDATE ai_profiles SET is_default = $1, content = $2, updated_at = $3, version = $4
         WHERE tenant_id = $5 AND id = $6",
        args![after.content.is_default, &json(&after.content)?, after.updated_at, after.version, tenant, id],
    )
    .await?;
    let change =
        Change { action: "profile.update", subject: id, before: Some(json(&before)?), after: Some(json(&after)?) };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await?;
    Ok(after)
}

async fn delete(db: &mut Connection, by: By, tenant: TenantId, id: ProfileId, if_version: Option<i64>) -> Result<()> {
    tenants::lock(db, tenant).await?;
    let before = get(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    db.execute(
        "UPDATE phone_numbers SET profile_id = NULL, updated_at = $1, version = version + 1
         WHERE tenant_id = $2 AND profile_id = $3",
        args![by.now, tenant, id],
    )
    .await?;
    db.execute("DELETE FROM ai_profiles WHERE tenant_id = $1 AND id = $2", args![tenant, id]).await?;
    let change = Change { action: "profile.delete", subject: id, before: Some(json(&before)?), after: None };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await
}

/// Where this is to be the tenant's default profile, the one that was is not any more.
async fn make_room(db: &mut Connection, by: By, profile: &Profile) -> Result<()> {
    if !profile.content.is_default {
        return Ok(());
    }
    let rows = db
        .rows(
            "UPDATE ai_profiles SET is_default = FALSE, updated_at = $1, version = version + 1
             WHERE tenant_id = $2 AND is_default AND id <> $3 RETURNING id",
            args![by.now, profile.tenant_id, profile.id],
        )
        .await?;
    for row in rows {
        let change = Change {
            action: "profile.update",
            subject: row.text("id")?,
            before: Some(serde_json::json!({ "is_default": true })),
            after: Some(serde_json::json!({ "is_default": false })),
        };
        audit::write(db, by, profile.tenant_id, change).await?;
    }
    Ok(())
}

async fn insert(db: &mut Connection, profile: &Profile) -> Result<()> {
    db.execute(
        "INSERT INTO ai_profiles (id, tenant_id, is_default, content, created_at, updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            profile.id,
            profile.tenant_id,
            profile.content.is_default,
            &json(&profile.content)?,
            profile.created_at,
            profile.updated_at,
            profile.version
        ],
    )
    .await
    .map(drop)
}

pub(super) fn read(row: &Row) -> Result<Profile> {
    let mut content: NewProfile = row.json("content")?;
    // The column is what is switched; the copy in the JSON may be old.
    content.is_default = row.bool("is_default")?;
    Ok(Profile {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        content,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.int("version")?,
    })
}

//! Phone numbers.

use crate::model::{
    Actor, NewPhoneNumber, Page, PageRequest, PhoneNumberId, PhoneNumberPatch, PhoneNumberRecord, ProfileId,
    Registered, TenantId,
};

use super::arg::{args, json, word};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::store::{By, Result, Store};
use super::{Created, Idempotency, StoreError, directory, once, page, registrations, tenants};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, did_number, provider_type, is_active, profile_id, carrier_account, created_at, \
             updated_at, version FROM phone_numbers ",
            $rest
        )
    };
}
pub(super) use select;

impl Store {
    /// Makes a number.
    ///
    /// # Errors
    /// `Conflict("did_number")`: somebody has it, this tenant or another. `NoSuch("profile_id")`: the tenant has no
    /// such profile. [`StoreError::NotFound`]: there is no such tenant. [`StoreError::KeyReused`].
    pub async fn create_number(
        &self,
        actor: Actor,
        tenant: TenantId,
        new: NewPhoneNumber,
        once: Option<Idempotency>,
    ) -> Result<Created<PhoneNumberRecord>> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(create(db, by, tenant, new.clone(), once.clone()))).await
    }

    /// A tenant's numbers.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn numbers(&self, tenant: TenantId, request: PageRequest) -> Result<Page<PhoneNumberRecord>> {
        let mut db = self.reader().await?;
        let rows = db
            .rows(
                select!("WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
                args![tenant, page::after(request), page::rows(request)],
            )
            .await?;
        page::page(request, rows, read, |number| number.id.0)
    }

    /// A number of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn number(&self, tenant: TenantId, id: PhoneNumberId) -> Result<PhoneNumberRecord> {
        get(&mut self.reader().await?, tenant, id).await
    }

    /// Changes a number.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; `NoSuch("profile_id")`; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn patch_number(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: PhoneNumberId,
        patch: PhoneNumberPatch,
        if_version: Option<i64>,
    ) -> Result<PhoneNumberRecord> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(change(db, by, tenant, id, patch.clone(), if_version))).await
    }

    /// Deletes a number. Its calls stay. Gives where it still leads here.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn delete_number(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: PhoneNumberId,
        if_version: Option<i64>,
    ) -> Result<Option<Registered>> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(delete(db, by, tenant, id, if_version))).await
    }
}

async fn get(db: &mut Connection, tenant: TenantId, id: PhoneNumberId) -> Result<PhoneNumberRecord> {
    let row = db.row(select!("WHERE tenant_id = $1 AND id = $2"), args![tenant, id]).await?;
    read(&row.ok_or(StoreError::NotFound)?)
}

async fn create(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    new: NewPhoneNumber,
    once: Option<Idempotency>,
) -> Result<Created<PhoneNumberRecord>> {
    tenants::lock(db, tenant).await?;
    if let Some(first) = once::first(db, tenant, once.as_ref(), by.now).await? {
        return Ok(Created { value: PhoneNumberRecord { version: 1, ..first }, replayed: true });
    }
    must_have(db, tenant, new.profile_id).await?;
    let number = fresh(tenant, new, by);
    insert(db, &number).await?;
    let change = Change { action: "number.create", subject: number.id, before: None, after: Some(json(&number)?) };
    audit::write(db, by, tenant, change).await?;
    once::keep(db, tenant, once.as_ref(), &number).await?;
    directory::changed(db).await?;
    Ok(Created { value: number, replayed: false })
}

async fn change(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    id: PhoneNumberId,
    patch: PhoneNumberPatch,
    if_version: Option<i64>,
) -> Result<PhoneNumberRecord> {
    tenants::lock(db, tenant).await?;
    let before = get(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    must_have(db, tenant, patch.profile_id.flatten()).await?;
    let after = PhoneNumberRecord {
        provider_type: patch.provider_type.unwrap_or(before.provider_type),
        is_active: patch.is_active.unwrap_or(before.is_active),
        profile_id: patch.profile_id.unwrap_or(before.profile_id),
        updated_at: by.now,
        version: before.version + 1,
        ..before.clone()
    };
    db.execute(
        "UPDATE phone_numbers SET provider_type = $1, is_active = $2, profile_id = $3, updated_at = $4, version = $5
         WHERE tenant_id = $6 AND id = $7",
        args![
            word(&after.provider_type)?,
            after.is_active,
            after.profile_id,
            after.updated_at,
            after.version,
            tenant,
            id
        ],
    )
    .await?;
    let change =
        Change { action: "number.update", subject: id, before: Some(json(&before)?), after: Some(json(&after)?) };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await?;
    Ok(after)
}

async fn delete(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    id: PhoneNumberId,
    if_version: Option<i64>,
) -> Result<Option<Registered>> {
    tenants::lock(db, tenant).await?;
    let before = get(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    let registration = registrations::registered(db, tenant, id).await?;
    db.execute("DELETE FROM phone_numbers WHERE tenant_id = $1 AND id = $2", args![tenant, id]).await?;
    let change = Change { action: "number.delete", subject: id, before: Some(json(&before)?), after: None };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await?;
    Ok(registration)
}

async fn must_have(db: &mut Connection, tenant: TenantId, profile: Option<ProfileId>) -> Result<()> {
    let Some(profile) = profile else { return Ok(()) };
    let sql = "SELECT 1 FROM ai_profiles WHERE tenant_id = $1 AND id = $2";
    db.row(sql, args![tenant, profile]).await?.map(drop).ok_or(StoreError::NoSuch("profile_id"))
}

fn fresh(tenant: TenantId, new: NewPhoneNumber, by: By) -> PhoneNumberRecord {
    PhoneNumberRecord {
        id: PhoneNumberId::new(),
        tenant_id: tenant,
        did_number: new.did_number,
        provider_type: new.provider_type,
        is_active: new.is_active,
        profile_id: new.profile_id,
        carrier_account: None,
        created_at: by.now,
        updated_at: by.now,
        version: 1,
    }
}

async fn insert(db: &mut Connection, number: &PhoneNumberRecord) -> Result<()> {
    db.execute(
        "INSERT INTO phone_numbers (id, tenant_id, did_number, provider_type, is_active, profile_id, created_at,
             updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        args![
            number.id,
            number.tenant_id,
            &number.did_number,
            word(&number.provider_type)?,
            number.is_active,
            number.profile_id,
            number.created_at,
            number.updated_at,
            number.version
        ],
    )
    .await
    .map(drop)
}

pub(super) fn read(row: &Row) -> Result<PhoneNumberRecord> {
    Ok(PhoneNumberRecord {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        did_number: row.text("did_number")?,
        provider_type: row.word("provider_type")?,
        is_active: row.bool("is_active")?,
        profile_id: row.id_maybe("profile_id")?,
        carrier_account: row.text_maybe("carrier_account")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.int("version")?,
    })
}

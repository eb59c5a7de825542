//! Contacts, and the calls that were placed to them. `record.rs` has them follow those calls.

use sqlx::AssertSqlSafe;

use crate::model::{
    Actor, AttemptId, Call, CallAttempt, Contact, ContactFilter, ContactId, ContactPatch, NewContact, Page,
    PageRequest, TenantId,
};

use super::arg::{args, json, word};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::select::Select;
use super::store::{By, Result, Store};
use super::{Created, Idempotency, StoreError, once, page, tenants};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, phone_number, name, state, metadata, last_call_id, created_at, updated_at, \
             version FROM contacts ",
            $rest
        )
    };
}

impl Store {
    /// Makes a contact.
    ///
    /// # Errors
    /// `Conflict("phone_number")`: the tenant has a contact of that number. [`StoreError::NotFound`]: there is no such
    /// tenant. [`StoreError::KeyReused`].
    pub async fn create_contact(
        &self,
        actor: Actor,
        tenant: TenantId,
        new: NewContact,
        once: Option<Idempotency>,
    ) -> Result<Created<Contact>> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(create(db, by, tenant, new.clone(), once.clone()))).await
    }

    /// A tenant's contacts.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn contacts(
        &self,
        tenant: TenantId,
        filter: ContactFilter,
        request: PageRequest,
    ) -> Result<Page<Contact>> {
        let mut db = self.reader().await?;
        let mut select = Select::new(select!("WHERE tenant_id = "));
        select.arg(tenant).sql(" AND id < ").arg(page::after(request)).words("state", &filter.states)?;
        if let Some(number) = &filter.phone_number {
            select.sql(" AND phone_number = ").arg(number);
        }
        select.sql(" ORDER BY id DESC LIMIT ").arg(page::rows(request));
        let rows = db.rows(AssertSqlSafe(select.sql), select.args).await?;
        page::page(request, rows, read, |contact| contact.id.0)
    }

    /// A contact of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn contact(&self, tenant: TenantId, id: ContactId) -> Result<Contact> {
        get(&mut self.reader().await?, tenant, id).await
    }

    /// Changes a contact.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn patch_contact(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ContactId,
        patch: ContactPatch,
        if_version: Option<i64>,
    ) -> Result<Contact> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(change(db, by, tenant, id, patch.clone(), if_version))).await
    }

    /// Deletes a contact and its attempts. Its calls stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Stale`] where `if_version` is not its version.
    pub async fn delete_contact(
        &self,
        actor: Actor,
        tenant: TenantId,
        id: ContactId,
        if_version: Option<i64>,
    ) -> Result<()> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(delete(db, by, tenant, id, if_version))).await
    }

    /// The calls that were placed to a contact of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]: the tenant has no such contact.
    pub async fn attempts(
        &self,
        tenant: TenantId,
        contact: ContactId,
        request: PageRequest,
    ) -> Result<Page<CallAttempt>> {
        let mut db = self.reader().await?;
        let rows = db
            .rows(
                "SELECT id, tenant_id, contact_id, campaign_id, call_id, state, started_at, ended_at FROM call_attempts
                 WHERE tenant_id = $1 AND contact_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
                args![tenant, contact, page::after(request), page::rows(request)],
            )
            .await?;
        if rows.is_empty() {
            get(&mut db, tenant, contact).await?;
        }
        page::page(request, rows, read_attempt, |attempt| attempt.id.0)
    }
}

/// Notes that a call, whose row is there, is placed to its contact, where it has one. One call to a contact at a time.
///
/// # Errors
/// `NoSuch("contact_id")`; `Conflict("do_not_call")`; `Conflict("contact_is_being_called")`.
pub(super) async fn attempt(db: &mut Connection, call: &Call) -> Result<()> {
    let Some(contact) = call.contact_id else { return Ok(()) };
    // Another call to the same contact waits here until this one is there or is not.
    let called = db
        .execute(
            "UPDATE contacts SET state = 'calling', last_call_id = $3, updated_at = $4, version = version + 1
             WHERE tenant_id = $1 AND id = $2 AND state <> 'do_not_call'",
            args![call.tenant_id, contact, call.id, call.started_at],
        )
        .await?;
    if called == 0 {
        return match get(db, call.tenant_id, contact).await {
            Ok(_) => Err(StoreError::Conflict("do_not_call")),
            Err(StoreError::NotFound) => Err(StoreError::NoSuch("contact_id")),
            Err(error) => Err(error),
        };
    }
    let open = db
        .row(
            "SELECT 1 FROM call_attempts WHERE tenant_id = $1 AND contact_id = $2
                 AND state NOT IN ('completed', 'refused', 'failed', 'busy', 'no_answer', 'canceled') LIMIT 1",
            args![call.tenant_id, contact],
        )
        .await?;
    if open.is_some() {
        return Err(StoreError::Conflict("contact_is_being_called"));
    }
    db.execute(
        "INSERT INTO call_attempts (id, tenant_id, contact_id, campaign_id, call_id, state, started_at, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            AttemptId::new(),
            call.tenant_id,
            contact,
            call.campaign_id,
            call.id,
            word(&call.state)?,
            call.started_at,
            call.ended_at
        ],
    )
    .await
    .map(drop)
}

async fn get(db: &mut Connection, tenant: TenantId, id: ContactId) -> Result<Contact> {
    let row = db.row(select!("WHERE tenant_id = $1 AND id = $2"), args![tenant, id]).await?;
    read(&row.ok_or(StoreError::NotFound)?)
}

/// The contact, which no call changes until this transaction is over. SQLite has one writer anyway.
async fn hold(db: &mut Connection, tenant: TenantId, id: ContactId) -> Result<Contact> {
    if db.is_postgres() {
        db.row("SELECT 1 FROM contacts WHERE tenant_id = $1 AND id = $2 FOR UPDATE", args![tenant, id]).await?;
    }
    get(db, tenant, id).await
}

async fn create(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    new: NewContact,
    once: Option<Idempotency>,
) -> Result<Created<Contact>> {
    tenants::must_exist(db, tenant).await?;
    if let Some(first) = once::first(db, tenant, once.as_ref(), by.now).await? {
        return Ok(Created { value: Contact { version: 1, ..first }, replayed: true });
    }
    let contact = Contact {
        id: ContactId::new(),
        tenant_id: tenant,
        phone_number: new.phone_number,
        name: new.name,
        state: new.state,
        metadata: new.metadata,
        last_call_id: None,
        created_at: by.now,
        updated_at: by.now,
        version: 1,
    };
    insert(db, &contact).await?;
    let change = Change { action: "contact.create", subject: contact.id, before: None, after: Some(json(&contact)?) };
    audit::write(db, by, tenant, change).await?;
    once::keep(db, tenant, once.as_ref(), &contact).await?;
    Ok(Created { value: contact, replayed: false })
}

async fn change(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    id: ContactId,
    patch: ContactPatch,
    if_version: Option<i64>,
) -> Result<Contact> {
    let before = hold(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    let after = Contact {
        name: patch.name.unwrap_or_else(|| before.name.clone()),
        state: patch.state.unwrap_or(before.state),
        metadata: patch.metadata.unwrap_or_else(|| before.metadata.clone()),
        updated_at: by.now,
        version: before.version + 1,
        ..before.clone()
    };
    db.execute(
        "UPDATE contacts SET name = $1, state = $2, metadata = $3, updated_at = $4, version = $5
         WHERE tenant_id = $6 AND id = $7",
        args![after.name.clone(), word(&after.state)?, &after.metadata, after.updated_at, after.version, tenant, id],
    )
    .await?;
    let change =
        Change { action: "contact.update", subject: id, before: Some(json(&before)?), after: Some(json(&after)?) };
    audit::write(db, by, tenant, change).await?;
    Ok(after)
}

async fn delete(db: &mut Connection, by: By, tenant: TenantId, id: ContactId, if_version: Option<i64>) -> Result<()> {
    let before = hold(db, tenant, id).await?;
    tenants::must_be(before.version, if_version)?;
    db.execute("DELETE FROM contacts WHERE tenant_id = $1 AND id = $2", args![tenant, id]).await?;
    let change = Change { action: "contact.delete", subject: id, before: Some(json(&before)?), after: None };
    audit::write(db, by, tenant, change).await
}

async fn insert(db: &mut Connection, contact: &Contact) -> Result<()> {
    db.execute(
        "INSERT INTO contacts (id, tenant_id, phone_number, name, state, metadata, last_call_id, created_at,
             updated_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            contact.id,
            contact.tenant_id,
            &contact.phone_number,
            contact.name.clone(),
            word(&contact.state)?,
            &contact.metadata,
            contact.last_call_id,
            contact.created_at,
            contact.updated_at,
            contact.version
        ],
    )
    .await
    .map(drop)
}

fn read(row: &Row) -> Result<Contact> {
    Ok(Contact {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        phone_number: row.text("phone_number")?,
        name: row.text_maybe("name")?,
        state: row.word("state")?,
        metadata: row.json("metadata")?,
        last_call_id: row.id_maybe("last_call_id")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        version: row.int("version")?,
    })
}

fn read_attempt(row: &Row) -> Result<CallAttempt> {
    Ok(CallAttempt {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        contact_id: row.id("contact_id")?,
        campaign_id: row.id_maybe("campaign_id")?,
        call_id: row.id("call_id")?,
        state: row.word("state")?,
        started_at: row.time("started_at")?,
        ended_at: row.time_maybe("ended_at")?,
    })
}

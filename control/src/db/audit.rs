//! The audit log: written in the transaction of what it tells of.

use std::fmt::Display;

use serde_json::Value;

use crate::model::{Actor, AuditEntry, AuditId, Page, PageRequest, TenantId};

use super::arg::args;
use super::connection::Connection;
use super::page;
use super::row::Row;
use super::store::{By, Result, Store};
use super::tenants;

/// What was changed, and how.
pub(super) struct Change<S> {
    pub(super) action: &'static str,
    pub(super) subject: S,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, tenant_id, actor, action, subject, value_before, value_after, at FROM audit_log ", $rest)
    };
}

impl Store {
    /// A row for what is no write of the store's own, such as `call.hangup`.
    ///
    /// # Errors
    /// [`super::StoreError::NotFound`]: there is no such tenant.
    pub async fn audit(
        &self,
        actor: Actor,
        tenant: TenantId,
        action: &'static str,
        subject: String,
        after: Option<Value>,
    ) -> Result<()> {
        let by = self.by(actor);
        self.write(move |db| {
            let change = Change { action, subject: subject.clone(), before: None, after: after.clone() };
            Box::pin(async move {
                tenants::must_exist(db, tenant).await?;
                write(db, by, tenant, change).await
            })
        })
        .await
    }

    /// A tenant's changes. Those of keys that belong to no tenant are the default tenant's.
    ///
    /// # Errors
    /// [`super::StoreError::Away`].
    pub async fn audit_log(&self, tenant: TenantId, request: PageRequest) -> Result<Page<AuditEntry>> {
        let mut db = self.reader().await?;
        let rows = db
            .rows(
                select!("WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
                args![tenant, page::after(request), page::rows(request)],
            )
            .await?;
        page::page(request, rows, read, |entry| entry.id.0)
    }
}

/// Writes one down.
pub(super) async fn write<S: Display>(db: &mut Connection, by: By, tenant: TenantId, change: Change<S>) -> Result<()> {
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    db.execute(
        "INSERT INTO audit_log (id, tenant_id, actor, action, subject, value_before, value_after, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            AuditId::new(),
            tenant,
            by.actor.to_string(),
            change.action,
            change.subject.to_string(),
            before,
            after,
            by.now
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        actor: row.text("actor")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        before: row.json_maybe("value_before")?,
        after: row.json_maybe("value_after")?,
        at: row.time("at")?,
    })
}

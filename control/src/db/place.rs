//! A call that is to be placed: one transaction, after which it is there, once, whoever asks how often.

use crate::model::{Actor, Call, CallEvent, CallUpdate, TenantId};

use super::arg::json;
use super::audit::{self, Change};
use super::connection::Connection;
use super::store::{By, Result, Store};
use super::{Created, Idempotency, calls, contacts, once, record, tenants};

impl Store {
    /// Writes down that a call is to be placed: its row, its first event, the attempt where it is to a contact, and who
    /// asked for it. A repeat gives the call as its row is now.
    ///
    /// # Errors
    /// `Conflict("do_not_call")`, `Conflict("contact_is_being_called")`: the contact. `NoSuch("contact_id")`: the tenant
    /// has none such. `NoSuch("call_id")`: the event is another call's. [`super::StoreError::NotFound`]: there is no such
    /// tenant. [`super::StoreError::KeyReused`]. Nothing was written then.
    pub async fn place_call(
        &self,
        actor: Actor,
        call: Call,
        event: CallEvent,
        once: Option<Idempotency>,
    ) -> Result<Created<Call>> {
        let by = self.by(actor);
        let update = CallUpdate { call, event };
        self.write(move |db| Box::pin(place(db, by, update.clone(), once.clone()))).await
    }

    /// What the same request gave before, as it is now; `None`: it gave nothing yet.
    ///
    /// # Errors
    /// [`super::StoreError::KeyReused`]; `Conflict("idempotency_key")`: it is under way.
    pub async fn placed_before(&self, tenant: TenantId, once: &Idempotency) -> Result<Option<Call>> {
        let mut db = self.reader().await?;
        let Some(first) = once::answered::<Call>(&mut db, once).await? else { return Ok(None) };
        let now = calls::find(&mut db, tenant, first.id).await?;
        Ok(Some(now.unwrap_or(first)))
    }
}

async fn place(db: &mut Connection, by: By, update: CallUpdate, once: Option<Idempotency>) -> Result<Created<Call>> {
    let tenant = update.call.tenant_id;
    tenants::must_exist(db, tenant).await?;
    if let Some(first) = once::first::<Call>(db, tenant, once.as_ref(), by.now).await? {
        // Where the row is gone, the first answer is all that there is.
        let now = calls::find(db, tenant, first.id).await?;
        return Ok(Created { value: now.unwrap_or(first), replayed: true });
    }
    record::write(db, std::slice::from_ref(&update)).await?;
    contacts::attempt(db, &update.call).await?;
    let call = update.call;
    let change = Change { action: "call.create", subject: call.id, before: None, after: Some(json(&call)?) };
    audit::write(db, by, tenant, change).await?;
    once::keep(db, tenant, once.as_ref(), &call).await?;
    Ok(Created { value: call, replayed: false })
}

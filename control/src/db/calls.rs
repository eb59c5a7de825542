//! Calls and their events, as they are read and, in the end, deleted. `record.rs` writes them.

use sqlx::AssertSqlSafe;

use crate::model::{Call, CallEvent, CallFilter, CallId, Page, PageRequest, TenantId, Timestamp};

use super::arg::{args, word};
use super::connection::Connection;
use super::row::Row;
use super::select::Select;
use super::store::{Result, Store};
use super::{StoreError, page};

/// Unfinished calls that are looked at: more than any process has places.
const UNFINISHED_MAX: u32 = 10_000;
const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant_id, carrier_call_id, direction, from_number, to_number, phone_number_id, \
             profile_id, state, started_at, ended_at, ended_by, quality, provider_type, contact_id, campaign_id, \
             answered_at, details, account_id FROM calls ",
            $rest
        )
    };
}

impl Store {
    /// A tenant's calls.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn calls(&self, tenant: TenantId, filter: CallFilter, request: PageRequest) -> Result<Page<Call>> {
        let mut db = self.reader().await?;
        let select = wanted(tenant, &filter, request)?;
        let rows = db.rows(AssertSqlSafe(select.sql), select.args).await?;
        page::page(request, rows, read, |call| call.id.0)
    }

    /// A call of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn call(&self, tenant: TenantId, id: CallId) -> Result<Call> {
        find(&mut self.reader().await?, tenant, id).await?.ok_or(StoreError::NotFound)
    }

    /// The call that a carrier calls so, of whichever tenant (a named exception: a carrier's report names no tenant).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn call_of_carrier(&self, carrier_call_id: &str) -> Result<Call> {
        let sql = select!("WHERE carrier_call_id = $1 AND carrier_call_id <> '' LIMIT 1");
        let row = self.reader().await?.row(sql, args![carrier_call_id]).await?;
        read(&row.ok_or(StoreError::NotFound)?)
    }

    /// The call of this id, of whichever tenant (a named exception: our id travels in the URLs that a carrier is given,
    /// and comes back signed).
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn call_anywhere(&self, id: CallId) -> Result<Call> {
        let row = self.reader().await?.row(select!("WHERE id = $1"), args![id]).await?;
        read(&row.ok_or(StoreError::NotFound)?)
    }

    /// How many whole minutes of calls that the tenant placed lie between `since` and `now`, from when they were answered;
    /// those that are still open count until `now`. No call lasts longer than a day.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn outbound_minutes_since(&self, tenant: TenantId, since: Timestamp, now: Timestamp) -> Result<u64> {
        let sql = "SELECT CAST(COALESCE(SUM(COALESCE(ended_at, $3)
                       - CASE WHEN answered_at < $2 THEN $2 ELSE answered_at END), 0) AS BIGINT) AS ms
                   FROM calls
                   WHERE tenant_id = $1 AND direction = 'outbound' AND answered_at > $4 AND answered_at <= $3
                       AND COALESCE(ended_at, $3) > $2";
        let mut db = self.reader().await?;
        let row = db.row(sql, args![tenant, since, now, since.0 - DAY_MS]).await?;
        let ms = row.map_or(Ok(0), |row| row.int("ms"))?;
        Ok(u64::try_from(ms / MINUTE_MS).unwrap_or_default())
    }

    /// The names of all that the carrier reported of a call of the tenant.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn carrier_keys(&self, tenant: TenantId, id: CallId) -> Result<Vec<String>> {
        let mut db = self.reader().await?;
        let sql = "SELECT carrier_key FROM call_events
                   WHERE tenant_id = $1 AND call_id = $2 AND carrier_key IS NOT NULL";
        let rows = db.rows(sql, args![tenant, id]).await?;
        rows.iter().map(|row| row.text("carrier_key")).collect()
    }

    /// What happened on a call of the tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]: the tenant has no such call.
    pub async fn call_events(&self, tenant: TenantId, id: CallId, request: PageRequest) -> Result<Page<CallEvent>> {
        let mut db = self.reader().await?;
        let rows = db
            .rows(
                "SELECT id, tenant_id, call_id, at, kind, data, carrier_key FROM call_events
                 WHERE tenant_id = $1 AND call_id = $2 AND id < $3
                 ORDER BY id DESC LIMIT $4",
                args![tenant, id, page::after(request), page::rows(request)],
            )
            .await?;
        if rows.is_empty() {
            let found = db.row("SELECT 1 FROM calls WHERE tenant_id = $1 AND id = $2", args![tenant, id]).await?;
            found.ok_or(StoreError::NotFound)?;
        }
        page::page(request, rows, read_event, |event| event.id.0)
    }

    /// Calls that no final event was written of, of every tenant: what the boot looks at (a named exception). Oldest
    /// first, at most 10,000.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn unfinished_calls(&self) -> Result<Vec<Call>> {
        let sql = select!(
            "WHERE state NOT IN ('completed', 'refused', 'failed', 'busy', 'no_answer', 'canceled')
             ORDER BY id LIMIT $1"
        );
        let rows = self.reader().await?.rows(sql, args![UNFINISHED_MAX]).await?;
        rows.iter().map(read).collect()
    }

    /// Deletes calls older than their tenant's retention, with their events, at most `limit`; how many (a named
    /// exception). Housekeeping, not somebody's change: no audit row.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn delete_expired(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let sql = "DELETE FROM calls WHERE id IN (
                       SELECT calls.id FROM tenant_settings
                       JOIN calls ON calls.tenant_id = tenant_settings.tenant_id
                       WHERE tenant_settings.retention_days IS NOT NULL
                           AND calls.started_at < $1 - tenant_settings.retention_days * $2
                       LIMIT $3)";
        self.write(move |db| Box::pin(db.execute(sql, args![now, DAY_MS, limit]))).await
    }
}

fn wanted(tenant: TenantId, filter: &CallFilter, request: PageRequest) -> Result<Select> {
    let mut select = Select::new(select!("WHERE tenant_id = "));
    select.arg(tenant).sql(" AND id < ").arg(page::after(request)).words("state", &filter.states)?;
    if let Some(direction) = filter.direction {
        select.sql(" AND direction = ").arg(word(&direction)?);
    }
    if let Some(number) = &filter.number {
        select.sql(" AND (from_number = ").arg(number).sql(" OR to_number = ").arg(number).sql(")");
    }
    if let Some(since) = filter.since {
        select.sql(" AND started_at >= ").arg(since);
    }
    if let Some(until) = filter.until {
        select.sql(" AND started_at < ").arg(until);
    }
    if let Some(contact) = filter.contact {
        select.sql(" AND contact_id = ").arg(contact);
    }
    if let Some(campaign) = filter.campaign {
        select.sql(" AND campaign_id = ").arg(campaign);
    }
    select.sql(" ORDER BY id DESC LIMIT ").arg(page::rows(request));
    Ok(select)
}

/// A call of the tenant, where it has one such.
pub(super) async fn find(db: &mut Connection, tenant: TenantId, id: CallId) -> Result<Option<Call>> {
    let row = db.row(select!("WHERE tenant_id = $1 AND id = $2"), args![tenant, id]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Call> {
    Ok(Call {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        carrier_call_id: Some(row.text("carrier_call_id")?).filter(|id| !id.is_empty()),
        provider_type: row.word("provider_type")?,
        account_id: row.text_maybe("account_id")?,
        direction: row.word("direction")?,
        from: row.text("from_number")?,
        to: row.text("to_number")?,
        phone_number_id: row.id_maybe("phone_number_id")?,
        profile_id: row.id_maybe("profile_id")?,
        state: row.word("state")?,
        contact_id: row.id_maybe("contact_id")?,
        campaign_id: row.id_maybe("campaign_id")?,
        answered_at: row.time_maybe("answered_at")?,
        started_at: row.time("started_at")?,
        ended_at: row.time_maybe("ended_at")?,
        ended_by: row.word_maybe("ended_by")?,
        quality: row.json_maybe("quality")?,
        details: row.json("details")?,
    })
}

fn read_event(row: &Row) -> Result<CallEvent> {
    Ok(CallEvent {
        id: row.id("id")?,
        tenant_id: row.id("tenant_id")?,
        call_id: row.id("call_id")?,
        at: row.time("at")?,
        kind: row.word("kind")?,
        data: row.json("data")?,
        carrier_key: row.text_maybe("carrier_key")?,
    })
}

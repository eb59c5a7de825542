//! Tenants' settings. A tenant that set none has the defaults, at version 0.

use crate::model::{Actor, TenantId, TenantSettings};

use super::arg::{args, json, word};
use super::audit::{self, Change};
use super::connection::Connection;
use super::row::Row;
use super::store::{By, Result, Store};
use super::{directory, tenants};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tenant_id, concurrent_calls_max, calls_per_second_max, recording, retention_days, dial_prefixes, \
             minutes_per_day_max, outbound_stopped, version FROM tenant_settings ",
            $rest
        )
    };
}
pub(super) use select;

impl Store {
    /// A tenant's settings and their version.
    ///
    /// # Errors
    /// [`super::StoreError::NotFound`]: there is no such tenant.
    pub async fn settings(&self, tenant: TenantId) -> Result<(TenantSettings, i64)> {
        let mut db = self.reader().await?;
        tenants::must_exist(&mut db, tenant).await?;
        get(&mut db, tenant).await
    }

    /// Replaces them whole.
    ///
    /// # Errors
    /// [`super::StoreError::NotFound`]; [`super::StoreError::Stale`] where `if_version` is not their version.
    pub async fn put_settings(
        &self,
        actor: Actor,
        tenant: TenantId,
        settings: TenantSettings,
        if_version: Option<i64>,
    ) -> Result<(TenantSettings, i64)> {
        let by = self.by(actor);
        self.write(move |db| Box::pin(put(db, by, tenant, settings.clone(), if_version))).await
    }
}

pub(super) async fn get(db: &mut Connection, tenant: TenantId) -> Result<(TenantSettings, i64)> {
    let row = db.row(select!("WHERE tenant_id = $1"), args![tenant]).await?;
    row.as_ref().map_or(Ok((TenantSettings::default(), 0)), read)
}

async fn put(
    db: &mut Connection,
    by: By,
    tenant: TenantId,
    settings: TenantSettings,
    if_version: Option<i64>,
) -> Result<(TenantSettings, i64)> {
    tenants::lock(db, tenant).await?;
    let (before, version) = get(db, tenant).await?;
    tenants::must_be(version, if_version)?;
    db.execute(
        "INSERT INTO tenant_settings (tenant_id, concurrent_calls_max, calls_per_second_max, recording,
             retention_days, updated_at, version, dial_prefixes, minutes_per_day_max, outbound_stopped)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (tenant_id) DO UPDATE SET concurrent_calls_max = excluded.concurrent_calls_max,
             calls_per_second_max = excluded.calls_per_second_max, recording = excluded.recording,
             retention_days = excluded.retention_days, updated_at = excluded.updated_at, version = excluded.version,
             dial_prefixes = excluded.dial_prefixes, minutes_per_day_max = excluded.minutes_per_day_max,
             outbound_stopped = excluded.outbound_stopped",
        args![
            tenant,
            settings.concurrent_calls_max,
            settings.calls_per_second_max,
            word(&settings.recording)?,
            settings.retention_days,
            by.now,
            version + 1,
            settings.dial_prefixes.as_ref().map(json).transpose()?.as_ref(),
            settings.minutes_per_day_max,
            settings.outbound_stopped
        ],
    )
    .await?;
    let change = Change {
        action: "settings.update",
        subject: tenant,
        before: Some(json(&before)?),
        after: Some(json(&settings)?),
    };
    audit::write(db, by, tenant, change).await?;
    directory::changed(db).await?;
    Ok((settings, version + 1))
}

pub(super) fn read(row: &Row) -> Result<(TenantSettings, i64)> {
    let settings = TenantSettings {
        concurrent_calls_max: row.count_maybe("concurrent_calls_max")?,
        calls_per_second_max: row.count_maybe("calls_per_second_max")?,
        recording: row.word("recording")?,
        retention_days: row.count_maybe("retention_days")?,
        dial_prefixes: row.json_maybe("dial_prefixes")?,
        minutes_per_day_max: row.count_maybe("minutes_per_day_max")?,
        outbound_stopped: row.bool("outbound_stopped")?,
    };
    Ok((settings, row.int("version")?))
}

//! What answering calls needs, read at once.

use std::collections::HashMap;

use crate::model::{AuditId, PhoneNumberRecord, Profile, Tenant, TenantId, TenantSettings};

use super::StoreError;
use super::arg::args;
use super::connection::Connection;
use super::row::Row;
use super::store::{Result, Store};
use super::{SealedAccount, numbers, profiles, provider_configs, settings, tenants};

/// What answering a tenant's calls needs.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectoryTenant {
    /// It.
    pub tenant: Tenant,
    /// Its bounds.
    pub settings: TenantSettings,
    /// Its profiles.
    pub profiles: Vec<Profile>,
    /// Its numbers.
    pub numbers: Vec<PhoneNumberRecord>,
    /// Its own accounts at carriers.
    pub accounts: Vec<SealedAccount>,
}

impl Store {
    /// Everything that answering a call needs, of every tenant (a named exception), with the change counter it was
    /// read at: what changed while it was read is in it or has a higher counter, or both.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn directory(&self) -> Result<(i64, Vec<DirectoryTenant>)> {
        let mut db = self.reader().await?;
        let version = version(&mut db).await?;
        let rows = db.rows(tenants::select!(""), args![]).await?;
        let mut all: HashMap<TenantId, DirectoryTenant> =
            readable(&rows, tenants::read).map(|tenant| (tenant.id, DirectoryTenant::new(tenant))).collect();
        for row in db.rows(settings::select!(""), args![]).await? {
            let Some(of) = all.get_mut(&row.id("tenant_id")?) else { continue };
            match settings::read(&row) {
                Ok((settings, _)) => of.settings = settings,
                Err(error) => {
                    tracing::error!(tenant = %of.tenant.id, %error, "settings that this version cannot read: it places no calls");
                    of.settings.outbound_stopped = true;
                }
            }
        }
        for profile in readable(&db.rows(profiles::select!(""), args![]).await?, profiles::read) {
            if let Some(of) = all.get_mut(&profile.tenant_id) {
                of.profiles.push(profile);
            }
        }
        for number in readable(&db.rows(numbers::select!(""), args![]).await?, numbers::read) {
            if let Some(of) = all.get_mut(&number.tenant_id) {
                of.numbers.push(number);
            }
        }
        for account in readable(&db.rows(provider_configs::select!(""), args![]).await?, provider_configs::read) {
            if let Some(of) = all.get_mut(&account.config.tenant_id) {
                of.accounts.push(account);
            }
        }
        Ok((version, all.into_values().collect()))
    }

    /// One tenant's part of it, after a change.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn directory_of(&self, tenant: TenantId) -> Result<DirectoryTenant> {
        let mut db = self.reader().await?;
        let mut of = DirectoryTenant::new(tenants::get(&mut db, tenant).await?);
        of.settings = settings::get(&mut db, tenant).await?.0;
        let rows = db.rows(profiles::select!("WHERE tenant_id = $1"), args![tenant]).await?;
        of.profiles.extend(readable(&rows, profiles::read));
        let rows = db.rows(numbers::select!("WHERE tenant_id = $1"), args![tenant]).await?;
        of.numbers.extend(readable(&rows, numbers::read));
        let rows = db.rows(provider_configs::select!("WHERE tenant_id = $1"), args![tenant]).await?;
        of.accounts.extend(readable(&rows, provider_configs::read));
        Ok(of)
    }

    /// Raised by every write that the directory shows; other processes and the command line change it too.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn directory_version(&self) -> Result<i64> {
        version(&mut self.reader().await?).await
    }
}

impl Store {
    /// Whose things were changed after `since`, by the audit log (a named exception); `None` where that is more than
    /// `max` tenants. A change whose transaction was still open then may have an earlier id: ask from a little before.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn changed_tenants(&self, since: AuditId, max: u32) -> Result<Option<Vec<TenantId>>> {
        let sql = "SELECT DISTINCT tenant_id FROM audit_log WHERE id > $1 LIMIT $2";
        let rows = self.reader().await?.rows(sql, args![since, max.saturating_add(1)]).await?;
        let fits = rows.len() as u64 <= u64::from(max);
        fits.then(|| rows.iter().map(|row| row.id("tenant_id")).collect()).transpose()
    }
}

impl DirectoryTenant {
    fn new(tenant: Tenant) -> Self {
        let settings = TenantSettings::default();
        Self { tenant, settings, profiles: Vec::new(), numbers: Vec::new(), accounts: Vec::new() }
    }
}

/// Raises the counter. The last step of a write: whoever raises it next waits for this one's commit.
pub(super) async fn changed(db: &mut Connection) -> Result<()> {
    db.execute("UPDATE directory_version SET version = version + 1", args![]).await.map(drop)
}

async fn version(db: &mut Connection) -> Result<i64> {
    let row = db.row("SELECT version FROM directory_version", args![]).await?;
    row.ok_or_else(|| StoreError::Fault("directory_version is empty".to_owned()))?.int("version")
}

/// Those that this version understands. One row of a newer version's must not keep all other calls from being answered.
fn readable<T>(rows: &[Row], read: fn(&Row) -> Result<T>) -> impl Iterator<Item = T> {
    rows.iter().filter_map(move |row| match read(row) {
        Ok(read) => Some(read),
        Err(error) => {
            let id = row.text("id").unwrap_or_default();
            tracing::error!(%id, %error, "the directory goes without a row that this version cannot read");
            None
        }
    })
}

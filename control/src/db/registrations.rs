//! Which numbers lead here at their carriers, and what they were before.
//!
//! Nobody's change: numbers keep their versions, and only the log of the service tells of it.

use crate::model::{PhoneNumberId, PhoneNumberRecord, Registered, Registration, TenantId};

use super::arg::{args, json};
use super::connection::Connection;
use super::numbers::{read, select};
use super::store::{Result, Store};

impl Store {
    /// Where a number of the tenant leads here; `None`: nowhere, or there is no such number.
    ///
    /// # Errors
    /// [`StoreError::Away`](super::StoreError::Away).
    pub async fn registration(&self, tenant: TenantId, id: PhoneNumberId) -> Result<Option<Registered>> {
        registered(&mut self.reader().await?, tenant, id).await
    }

    /// The number leads here now, at this account. What it was before is kept where `was` has nothing of it, because it
    /// led here already. False where the number is gone by now, or is not to lead here any more.
    ///
    /// # Errors
    /// [`StoreError::Away`](super::StoreError::Away).
    pub async fn keep_registration(
        &self,
        tenant: TenantId,
        id: PhoneNumberId,
        account: &str,
        was: &Registration,
    ) -> Result<bool> {
        let (account, is_new, was) = (account.to_owned(), !was.0.is_empty(), json(was)?);
        let kept = self.write(move |db| {
            Box::pin(db.execute(
                "UPDATE phone_numbers SET carrier_account = $1,
                     carrier_before = CASE WHEN $2 OR carrier_before IS NULL THEN $3 ELSE carrier_before END
                 WHERE tenant_id = $4 AND id = $5 AND provider_type = 'twilio' AND is_active",
                args![&account, is_new, &was, tenant, id],
            ))
        });
        Ok(kept.await? == 1)
    }

    /// The number leads here no more.
    ///
    /// # Errors
    /// [`StoreError::Away`](super::StoreError::Away).
    pub async fn forget_registration(&self, tenant: TenantId, id: PhoneNumberId) -> Result<()> {
        let sql = "UPDATE phone_numbers SET carrier_account = NULL, carrier_before = NULL
                   WHERE tenant_id = $1 AND id = $2";
        self.write(move |db| Box::pin(db.execute(sql, args![tenant, id]))).await.map(drop)
    }

    /// Numbers of every tenant that lead here and should not, or should and do not (a named exception: they are looked at
    /// for all). An active number of Twilio's is to lead here at its tenant's own account, or else at the `operators`.
    /// Behind `after`, oldest first; of one tenant, where one is named.
    ///
    /// # Errors
    /// [`StoreError::Away`](super::StoreError::Away).
    pub async fn numbers_elsewhere(
        &self,
        tenant: Option<TenantId>,
        operators: &str,
        after: Option<PhoneNumberId>,
        limit: u32,
    ) -> Result<Vec<PhoneNumberRecord>> {
        let sql = select!(
            "WHERE id > $1 AND (tenant_id = $4 OR $4 IS NULL) AND COALESCE(carrier_account, '') <>
                 CASE WHEN provider_type = 'twilio' AND is_active THEN COALESCE(
                     (SELECT account_id FROM provider_configs WHERE provider_configs.tenant_id = phone_numbers.tenant_id
                          AND provider_configs.provider_type = 'twilio'), $2)
                 ELSE '' END
             ORDER BY id LIMIT $3"
        );
        let after = after.map_or_else(String::new, |id| id.to_string());
        let rows = self.reader().await?.rows(sql, args![after, operators, limit, tenant]).await?;
        rows.iter().map(read).collect()
    }

    /// Numbers of the tenant that lead here at this account, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Away`](super::StoreError::Away).
    pub async fn numbers_at(&self, tenant: TenantId, account: &str, limit: u32) -> Result<Vec<PhoneNumberRecord>> {
        let sql = select!("WHERE tenant_id = $1 AND carrier_account = $2 ORDER BY id LIMIT $3");
        let rows = self.reader().await?.rows(sql, args![tenant, account, limit]).await?;
        rows.iter().map(read).collect()
    }
}

/// As [`Store::registration`].
pub(super) async fn registered(db: &mut Connection, tenant: TenantId, id: PhoneNumberId) -> Result<Option<Registered>> {
    let sql = "SELECT carrier_account, carrier_before FROM phone_numbers
               WHERE tenant_id = $1 AND id = $2 AND carrier_account IS NOT NULL";
    let Some(row) = db.row(sql, args![tenant, id]).await? else { return Ok(None) };
    let before = row.json_maybe("carrier_before")?.unwrap_or_default();
    Ok(Some(Registered { account: row.text("carrier_account")?, before }))
}

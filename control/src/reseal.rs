//! After the key of secrets was rotated: what an old key sealed is sealed with the new one. Done once at each start, where
//! there is anything to do; any number of processes may do it at once.

use std::sync::Arc;

use crate::app::App;
use crate::db::SealedAccount;
use crate::secrets::{Keys, Owner};

/// Seals anew what another key than the first sealed, and tells the log how many it was and what remains.
pub(crate) async fn reseal(app: Arc<App>) {
    let Some(keys) = app.config.secrets.clone() else { return };
    let old = match app.store.sealed_otherwise(keys.current()).await {
        Ok(old) if old.is_empty() => return,
        Ok(old) => old,
        Err(error) => {
            tracing::warn!(%error, "what an old key sealed stays so until the next start");
            return;
        }
    };
    let (count, mut resealed) = (old.len(), 0_usize);
    for account in old {
        match one(&app, &keys, &account).await {
            Ok(is_done) => resealed += usize::from(is_done),
            Err(error) => {
                let (tenant, account) = (account.config.tenant_id, account.config.account_id);
                tracing::error!(%tenant, account, %error, "an account's tokens stay sealed with an old key");
            }
        }
    }
    let key = keys.current();
    tracing::info!(resealed, of = count, key, "sealed anew with the first key of OFFHOOK_SECRETS_KEY");
}

async fn one(
    app: &App,
    keys: &Keys,
    account: &SealedAccount,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let owner = Owner { tenant: account.config.tenant_id, record: account.config.id };
    let sealed = keys.seal(owner, &keys.open(owner, &account.sealed)?)?;
    Ok(app.store.reseal(account, sealed).await?)
}

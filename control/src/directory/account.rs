//! Tenants' own accounts at carriers, ready to check signatures and to place calls.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use secrecy::SecretString;

use crate::db::SealedAccount;
use crate::model::{ProviderConfigId, ProviderType, TenantId};
use crate::secrets::{Keys, Owner};

/// A tenant's account.
#[derive(Debug)]
pub(crate) struct Account {
    /// Its record.
    pub(crate) id: ProviderConfigId,
    /// Whose it is.
    pub(crate) tenant: TenantId,
    /// At which carrier.
    pub(crate) provider: ProviderType,
    /// The carrier's id of it.
    pub(crate) account_id: String,
    /// What signs for it, newest first. Empty where they do not open: then nothing signs, and no other token does instead.
    pub(crate) tokens: Vec<SecretString>,
    /// The number that calls where a call names none.
    pub(crate) outbound_number: Option<String>,
    /// Calls at once that are placed over it.
    pub(crate) max_concurrent_calls: Option<u32>,
    version: i64,
}

impl Account {
    /// Opens what the store has of it. What does not open is told to the log.
    pub(super) fn open(SealedAccount { config, sealed }: &SealedAccount, keys: Option<&Keys>) -> Self {
        let owner = Owner { tenant: config.tenant_id, record: config.id };
        let tokens = match keys.map(|keys| keys.open(owner, sealed)) {
            Some(Ok(tokens)) => tokens,
            Some(Err(error)) => {
                tracing::error!(tenant = %owner.tenant, account = config.account_id, %error, "an account cannot be used");
                Vec::new()
            }
            None => {
                let (tenant, key) = (owner.tenant, &config.key_id);
                let account = &config.account_id;
                tracing::error!(%tenant, account, key, "an account cannot be used: OFFHOOK_SECRETS_KEY is not set");
                Vec::new()
            }
        };
        Self {
            id: config.id,
            tenant: config.tenant_id,
            provider: config.provider_type,
            account_id: config.account_id.clone(),
            tokens,
            outbound_number: config.outbound_number.clone(),
            max_concurrent_calls: config.max_concurrent_calls,
            version: config.version,
        }
    }

    /// Whether it is this record, unchanged, and was opened.
    pub(super) fn is_of(&self, of: &SealedAccount) -> bool {
        (self.id, self.version) == (of.config.id, of.config.version) && !self.tokens.is_empty()
    }
}

/// All accounts by the carrier's id. Readers take no lock; a change copies the map, which has some ten thousand entries at
/// most.
#[derive(Debug, Default)]
pub(super) struct Accounts(ArcSwap<HashMap<String, Arc<Account>>>);

impl Accounts {
    pub(super) fn find(&self, account_id: &str) -> Option<Arc<Account>> {
        self.0.load().get(account_id).cloned()
    }

    /// Takes away what tenants no longer have, and puts there what they have now. Another tenant may have by now what one
    /// gave up late.
    pub(super) fn apply(&self, changes: &[Change]) {
        if changes.iter().all(|change| change.gone.is_empty() && change.here.is_empty()) {
            return;
        }
        self.0.rcu(|now| {
            let mut accounts = HashMap::clone(now);
            for gone in changes.iter().flat_map(|change| &change.gone) {
                if accounts.get(&gone.account_id).is_some_and(|known| known.tenant == gone.tenant) {
                    accounts.remove(&gone.account_id);
                }
            }
            for here in changes.iter().flat_map(|change| &change.here) {
                accounts.insert(here.account_id.clone(), Arc::clone(here));
            }
            accounts
        });
    }
}

/// What became of a tenant's accounts.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Those that it no longer has, or has otherwise.
    pub(super) gone: Vec<Arc<Account>>,
    /// Those that are new, or otherwise.
    pub(super) here: Vec<Arc<Account>>,
}

impl Change {
    /// From what there was to what there is.
    pub(super) fn between(before: &[Arc<Account>], after: &[Arc<Account>]) -> Self {
        let without = |these: &[Arc<Account>], those: &[Arc<Account>]| {
            let is_there = |one: &&Arc<Account>| those.iter().any(|other| Arc::ptr_eq(one, other));
            these.iter().filter(|one| !is_there(one)).cloned().collect()
        };
        Self { gone: without(before, after), here: without(after, before) }
    }
}

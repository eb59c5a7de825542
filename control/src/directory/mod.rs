//! The directory: number to tenant to profile, in memory. No SQL on the way to an answer.
//!
//! ```text
//! store ─► rows of a tenant ─► plans (sounds from the voice) ─► the tenant's part is swapped ─► its changed numbers are
//! ```
//! Readers take no lock. A change of one tenant costs what that tenant has, and a shard of the map of numbers for each
//! number that came, went or changed. *Late:* a change by another process is seen within a second; a text that is still
//! being rendered is said by the carrier until it is there.

mod account;
mod caps;
mod number;
mod numbers;
mod plan;
mod served;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;

use crate::db::{DirectoryTenant, Store, StoreError};
use crate::model::{AuditId, PhoneNumberId, ProfileId, ProviderType, TenantId, TenantStatus};
use crate::secrets::Keys;
use crate::voice::Voice;

pub(crate) use account::Account;
pub(crate) use caps::{Busy, Place};
pub(crate) use plan::{Plan, Preface};
pub(crate) use served::Served;

use account::{Accounts, Change};
use number::Dialled;
use numbers::{Entry, Numbers};
use served::Replaced;

/// How long a change waits for its texts to be rendered, so that who made it hears them at once. Rendering goes on.
const RENDER_WAIT: Duration = Duration::from_secs(2);

/// Everything that answering a call needs. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Directory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    numbers: Numbers,
    accounts: Accounts,
    /// What opens the accounts' tokens.
    keys: Option<Keys>,
    tenants: RwLock<HashMap<TenantId, Arc<Served>>>,
    /// Whose calls are those to numbers that nobody registered.
    default: Arc<Served>,
    /// Who answers where there is no profile.
    demo: Arc<Plan>,
    voice: Voice,
    /// The store's counter of changes when everything was read last, and an id from just before that.
    read_at: (AtomicI64, AuditId),
    /// One change at a time: what was read later is never replaced by what was read before.
    turn: Mutex<()>,
}

/// Who answers a call, and for whom: what the directory said when it came.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The tenant.
    pub(crate) served: Arc<Served>,
    /// The number's record, where it has one.
    pub(crate) number: Option<PhoneNumberId>,
    /// Whether calls to the number are answered.
    pub(crate) is_active: bool,
    /// What the agent says and does.
    pub(crate) plan: Arc<Plan>,
}

impl Line {
    /// Whose call it is.
    pub(crate) fn tenant(&self) -> TenantId {
        self.served.id
    }

    /// The profile that answers; `None` is the demo.
    pub(crate) fn profile(&self) -> Option<ProfileId> {
        self.plan.id
    }

    /// A line that nobody registered, with the demo behind it.
    #[cfg(test)]
    pub(crate) fn demo() -> Self {
        let plan = Arc::new(Plan::demo(agent::Profile::demo(), None));
        let served = Arc::new(Served::new(TenantId::DEFAULT, Arc::clone(&plan)));
        Self { served, number: None, is_active: true, plan }
    }

    /// Whether the call is to be answered at all.
    pub(crate) fn is_open(&self) -> bool {
        self.is_active && self.served.status() == TenantStatus::Active
    }
}

impl Directory {
    /// Reads it all. `demo` answers where there is no profile; `keys` open the tokens of tenants' accounts.
    pub(crate) async fn load(store: &Store, voice: Voice, demo: Plan, keys: Option<Keys>) -> Result<Self, StoreError> {
        let directory = Self::empty(voice, demo, keys);
        let missing = directory.reload(store).await?;
        directory.render(store, missing).await;
        Ok(directory)
    }

    fn empty(voice: Voice, demo: Plan, keys: Option<Keys>) -> Self {
        let demo = Arc::new(demo);
        let default = Arc::new(Served::new(TenantId::DEFAULT, Arc::clone(&demo)));
        let tenants = HashMap::from([(TenantId::DEFAULT, Arc::clone(&default))]);
        Self(Arc::new(Inner {
            numbers: Numbers::default(),
            accounts: Accounts::default(),
            keys,
            tenants: RwLock::new(tenants),
            default,
            demo,
            voice,
            read_at: (AtomicI64::new(-1), AuditId::new()),
            turn: Mutex::new(()),
        }))
    }

    /// Reads one tenant anew: what every write of the API does before it answers.
    pub(crate) async fn refresh(&self, store: &Store, tenant: TenantId) -> Result<(), StoreError> {
        let missing = self.reread(store, tenant).await?;
        if !missing.is_empty() {
            self.render(store, vec![(tenant, missing)]).await;
        }
        Ok(())
    }

    /// Who answers a call to `dialled`.
    pub(crate) fn line(&self, dialled: &str) -> Line {
        let entry = Dialled::parse(dialled).and_then(|dialled| self.0.numbers.find(dialled));
        match entry {
            Some(Entry { served, id, is_active, profile }) => {
                let plan = served.plan(profile);
                Line { served, number: Some(id), is_active, plan }
            }
            None => {
                let served = Arc::clone(&self.0.default);
                let plan = served.plan(None);
                Line { served, number: None, is_active: true, plan }
            }
        }
    }

    /// The numbers of a tenant to which calls are answered.
    pub(crate) fn active_numbers(&self, tenant: TenantId) -> Vec<String> {
        let served = self.0.tenants.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned();
        let numbers = served.map(|served| served.numbers()).unwrap_or_default();
        let is_active = |number: &Dialled| self.0.numbers.find(*number).is_some_and(|entry| entry.is_active);
        numbers.into_iter().filter(is_active).map(Dialled::text).collect()
    }

    /// The tenant's account that a carrier knows by this id. Only its own tokens sign for it.
    pub(crate) fn account(&self, account_id: &str) -> Option<Arc<Account>> {
        self.0.accounts.find(account_id)
    }

    /// A tenant's own account at a carrier, where it has one.
    pub(crate) fn account_of(&self, tenant: TenantId, provider: ProviderType) -> Option<Arc<Account>> {
        let served = self.0.tenants.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned();
        served?.account(provider)
    }

    /// Who answers a call of this tenant that was begun with `profile` by an earlier process.
    pub(crate) fn line_again(&self, tenant: TenantId, dialled: &str, profile: Option<ProfileId>) -> Line {
        let mut line = self.line(dialled);
        if line.tenant() == tenant && line.profile() != profile {
            line.plan = line.served.plan_or_demo(profile);
        }
        line
    }

    /// The voice that says profiles' texts.
    pub(crate) fn voice(&self) -> &Voice {
        &self.0.voice
    }

    async fn reread(&self, store: &Store, tenant: TenantId) -> Result<Vec<Text>, StoreError> {
        let _turn = self.0.turn.lock().await;
        let rows = store.directory_of(tenant).await?;
        Ok(self.0.put(&rows))
    }

    /// Reads everything; gives the texts that have no sound yet, by tenant.
    async fn reload(&self, store: &Store) -> Result<Vec<(TenantId, Vec<Text>)>, StoreError> {
        let _turn = self.0.turn.lock().await;
        let (version, rows) = store.directory().await?;
        let inner = Arc::clone(&self.0);
        let put = move || inner.put_all(&rows);
        // A hundred thousand tenants take a moment, which no webhook shall wait for.
        let missing = tokio::task::spawn_blocking(put).await.map_err(|error| StoreError::Fault(error.to_string()))?;
        self.0.read_at.0.store(version, Ordering::Release);
        Ok(missing)
    }

    /// Renders what is missing, tenant by tenant, and puts it in its place. Waits for it a little; it goes on without.
    async fn render(&self, store: &Store, missing: Vec<(TenantId, Vec<Text>)>) {
        if missing.is_empty() || !self.0.voice.speaks() {
            return;
        }
        let (directory, store) = (self.clone(), store.clone());
        let work = tokio::spawn(async move {
            for (tenant, texts) in missing {
                for Text { text, language } in texts {
                    if let Err(error) = directory.0.voice.render(&text, &language).await {
                        tracing::warn!(%tenant, %language, %error, "a profile's text was not rendered: the carrier says it");
                    }
                }
                if let Err(error) = directory.reread(&store, tenant).await {
                    tracing::warn!(%tenant, %error, "rendered texts wait for the database");
                }
            }
        });
        let _ = tokio::time::timeout(RENDER_WAIT, work).await;
    }
}

/// A text to be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    text: String,
    language: String,
}

/// What a tenant's part changes outside of itself.
struct Prepared {
    /// Removals first.
    numbers: Vec<(Dialled, Option<Entry>)>,
    accounts: Change,
    /// Texts without sound.
    missing: Vec<Text>,
}

impl Inner {
    /// Puts one tenant's part in place; gives the texts that have no sound yet.
    fn put(&self, rows: &DirectoryTenant) -> Vec<Text> {
        let Prepared { numbers, accounts, missing } = self.prepare(rows);
        self.numbers.apply(numbers);
        self.accounts.apply(&[accounts]);
        missing
    }

    /// Puts everything in place, and takes away what is no longer there.
    fn put_all(&self, rows: &[DirectoryTenant]) -> Vec<(TenantId, Vec<Text>)> {
        let (mut changes, mut accounts, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for tenant in rows {
            let prepared = self.prepare(tenant);
            changes.extend(prepared.numbers);
            accounts.push(prepared.accounts);
            if !prepared.missing.is_empty() {
                missing.push((tenant.tenant.id, prepared.missing));
            }
        }
        let here: std::collections::HashSet<TenantId> = rows.iter().map(|tenant| tenant.tenant.id).collect();
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        for gone in tenants.values().filter(|served| !here.contains(&served.id) && served.id != TenantId::DEFAULT) {
            let (numbers, change) = gone.close();
            changes.extend(numbers.into_iter().filter(|n| self.numbers.is_of(*n, gone)).map(|n| (n, None)));
            accounts.push(change);
        }
        tenants.retain(|id, _| here.contains(id) || *id == TenantId::DEFAULT);
        drop(tenants);
        self.numbers.apply(changes);
        self.accounts.apply(&accounts);
        missing
    }

    /// Swaps a tenant's part.
    fn prepare(&self, rows: &DirectoryTenant) -> Prepared {
        let served = self.served(rows.tenant.id);
        let Replaced { gone, accounts, missing } = served.replace(rows, &self.demo, &self.voice, self.keys.as_ref());
        // Another tenant may have it by now.
        let mut numbers: Vec<_> = gone
            .into_iter()
            .filter(|number| self.numbers.is_of(*number, &served))
            .map(|number| (number, None))
            .collect();
        for row in &rows.numbers {
            let Some(dialled) = Dialled::parse(&row.did_number) else { continue };
            let served = Arc::clone(&served);
            let entry = Entry { served, id: row.id, is_active: row.is_active, profile: row.profile_id };
            if self.numbers.find(dialled).as_ref() != Some(&entry) {
                numbers.push((dialled, Some(entry)));
            }
        }
        Prepared { numbers, accounts, missing }
    }

    fn served(&self, tenant: TenantId) -> Arc<Served> {
        let known = self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned();
        known.unwrap_or_else(|| {
            let new = Arc::new(Served::new(tenant, Arc::clone(&self.demo)));
            let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tenants.entry(tenant).or_insert(new))
        })
    }
}

#[cfg(test)]
mod tests;

//! One tenant as calls see it: its status, its caps, its plans. Replaced whole by a change; the calls that count against
//! its caps stay counted.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Text;
use super::account::{Account, Change};
use super::caps::{Busy, Caps, Place};
use super::number::Dialled;
use super::plan::Plan;
use crate::clock::Moment;
use crate::db::{DirectoryTenant, SealedAccount};
use crate::guard::Prefix;
use crate::model::{ProfileId, ProviderType, TenantId, TenantStatus};
use crate::secrets::Keys;
use crate::voice::Voice;

/// A tenant.
#[derive(Debug)]
pub(crate) struct Served {
    /// Which.
    pub(crate) id: TenantId,
    part: ArcSwap<Part>,
    caps: Arc<Caps>,
    demo: Arc<Plan>,
}

#[derive(Debug)]
struct Part {
    status: TenantStatus,
    calls_max: Option<u32>,
    per_second_max: Option<u32>,
    outbound: Outbound,
    /// In the order of their ids.
    plans: Vec<(ProfileId, Arc<Plan>)>,
    default: Arc<Plan>,
    /// In order.
    numbers: Vec<Dialled>,
    accounts: Vec<Arc<Account>>,
}

/// What was put in place, as others see it.
pub(super) struct Replaced {
    /// Numbers that are gone.
    pub(super) gone: Vec<Dialled>,
    pub(super) accounts: Change,
    /// Texts without sound.
    pub(super) missing: Vec<Text>,
}

/// What holds for the calls that it places.
#[derive(Debug, Default)]
struct Outbound {
    dial_prefixes: Option<Arc<[Prefix]>>,
    minutes_per_day_max: Option<u32>,
    is_stopped: bool,
}

impl Served {
    /// A tenant of whom nothing is known yet: active, without bounds or profiles.
    pub(super) fn new(id: TenantId, demo: Arc<Plan>) -> Self {
        let part = Part {
            status: TenantStatus::Active,
            calls_max: None,
            per_second_max: None,
            outbound: Outbound::default(),
            plans: Vec::new(),
            default: Arc::clone(&demo),
            numbers: Vec::new(),
            accounts: Vec::new(),
        };
        Self { id, part: ArcSwap::from_pointee(part), caps: Arc::default(), demo }
    }

    /// Whether it is served.
    pub(crate) fn status(&self) -> TenantStatus {
        self.part.load().status
    }

    /// The only numbers that its calls may be connected to, by their beginnings; `None`: whatever the guards let by.
    pub(crate) fn dial_prefixes(&self) -> Option<Arc<[Prefix]>> {
        self.part.load().outbound.dial_prefixes.clone()
    }

    /// Whether it has stopped all calls that it places.
    pub(crate) fn outbound_stopped(&self) -> bool {
        self.part.load().outbound.is_stopped
    }

    /// How many minutes of calls it may place in a day (UTC); `None`: unbounded.
    pub(crate) fn minutes_per_day_max(&self) -> Option<u32> {
        self.part.load().outbound.minutes_per_day_max
    }

    /// A place for one more call, given back when dropped.
    pub(crate) fn place(&self, now: Moment) -> Result<Place, Busy> {
        let part = self.part.load();
        self.caps.place(now, part.calls_max, part.per_second_max)
    }

    /// The plan of a profile; the tenant's default where it has none such.
    pub(super) fn plan(&self, profile: Option<ProfileId>) -> Arc<Plan> {
        let part = self.part.load();
        profile.and_then(|id| part.plan(id)).unwrap_or(&part.default).clone()
    }

    /// The plan of a profile; `None` where it has none such.
    pub(crate) fn plan_of(&self, profile: ProfileId) -> Option<Arc<Plan>> {
        self.part.load().plan(profile).cloned()
    }

    /// Its numbers, in order.
    pub(super) fn numbers(&self) -> Vec<Dialled> {
        self.part.load().numbers.clone()
    }

    /// The plan that an earlier process answered with: `None` was the demo.
    pub(super) fn plan_or_demo(&self, profile: Option<ProfileId>) -> Arc<Plan> {
        profile.map_or_else(|| Arc::clone(&self.demo), |id| self.plan(Some(id)))
    }

    /// Its own account at a carrier.
    pub(super) fn account(&self, provider: ProviderType) -> Option<Arc<Account>> {
        self.part.load().accounts.iter().find(|account| account.provider == provider).cloned()
    }

    /// Puts the rows in place.
    pub(super) fn replace(
        &self,
        rows: &DirectoryTenant,
        demo: &Arc<Plan>,
        voice: &Voice,
        keys: Option<&Keys>,
    ) -> Replaced {
        let before = self.part.load();
        let (mut plans, mut missing) = (Vec::with_capacity(rows.profiles.len()), Vec::new());
        let mut default = Arc::clone(demo);
        for profile in &rows.profiles {
            let known = before.plan(profile.id).filter(|plan| plan.is_of(profile)).cloned();
            let plan = known.unwrap_or_else(|| {
                let (plan, texts) = Plan::compile(profile, demo, voice);
                missing.extend(texts);
                Arc::new(plan)
            });
            if profile.content.is_default {
                default = Arc::clone(&plan);
            }
            plans.push((profile.id, plan));
        }
        plans.sort_unstable_by_key(|(id, _)| *id);
        let mut numbers: Vec<_> = rows.numbers.iter().filter_map(|row| Dialled::parse(&row.did_number)).collect();
        numbers.sort_unstable();
        let gone = before.numbers.iter().filter(|number| numbers.binary_search(number).is_err()).copied().collect();
        let known = |row: &SealedAccount| before.accounts.iter().find(|account| account.is_of(row)).cloned();
        let account = |row: &SealedAccount| known(row).unwrap_or_else(|| Arc::new(Account::open(row, keys)));
        let accounts: Vec<_> = rows.accounts.iter().map(account).collect();
        let change = Change::between(&before.accounts, &accounts);
        self.part.store(Arc::new(Part {
            status: rows.tenant.status,
            calls_max: rows.settings.concurrent_calls_max,
            per_second_max: rows.settings.calls_per_second_max,
            outbound: Outbound {
                dial_prefixes: rows.settings.dial_prefixes.as_deref().map(Arc::from),
                minutes_per_day_max: rows.settings.minutes_per_day_max,
                is_stopped: rows.settings.outbound_stopped,
            },
            plans,
            default,
            numbers,
            accounts,
        }));
        Replaced { gone, accounts: change, missing }
    }

    /// It is no longer there: its calls are not answered; gives the numbers and accounts that it had.
    pub(super) fn close(&self) -> (Vec<Dialled>, Change) {
        let before = self.part.load();
        self.part.store(Arc::new(Part {
            status: TenantStatus::Deleted,
            calls_max: None,
            per_second_max: None,
            outbound: Outbound { is_stopped: true, ..Outbound::default() },
            plans: Vec::new(),
            default: Arc::clone(&before.default),
            numbers: Vec::new(),
            accounts: Vec::new(),
        }));
        (before.numbers.clone(), Change::between(&before.accounts, &[]))
    }
}

impl Part {
    fn plan(&self, id: ProfileId) -> Option<&Arc<Plan>> {
        self.plans.binary_search_by_key(&id, |(id, _)| *id).ok().map(|at| &self.plans[at].1)
    }
}

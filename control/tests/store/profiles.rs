//! One default profile per tenant, whoever sets it at the same time.

use control::db::StoreError;
use control::model::*;
use tokio::task::JoinSet;

use crate::base::{ALL, BY, both, profile};

async fn defaults(base: &crate::base::Base, tenant: TenantId) -> Vec<ProfileId> {
    let profiles = base.store.profiles(tenant, ALL).await.unwrap().items;
    profiles.iter().filter(|profile| profile.content.is_default).map(|profile| profile.id).collect()
}

both! {
    async fn setting_one_unsets_the_other(base) {
        let (tenant, other) = (base.tenant("one").await, base.tenant("other").await);
        let theirs = base.profile(other, true).await;
        let first = base.profile(tenant, true).await;
        let second = base.profile(tenant, true).await;
        assert_eq!(defaults(base, tenant).await, [second.id]);
        let unset = base.store.profile(tenant, first.id).await.unwrap();
        assert_eq!((unset.version, unset.content.is_default), (2, false));
        base.store.replace_profile(BY, tenant, first.id, profile(true), 2).await.unwrap();
        assert_eq!(defaults(base, tenant).await, [first.id]);
        base.store.replace_profile(BY, tenant, first.id, profile(false), 3).await.unwrap();
        assert_eq!(defaults(base, tenant).await, []);
        assert_eq!(base.store.profile(other, theirs.id).await.unwrap(), theirs);
    }

    async fn fifty_created_at_once_leave_one(base) {
        let tenant = base.tenant("one").await;
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            let store = base.store.clone();
            requests.spawn(async move { store.create_profile(BY, tenant, profile(true), None).await.unwrap() });
        }
        requests.join_all().await;
        assert_eq!(base.store.profiles(tenant, ALL).await.unwrap().items.len(), 50);
        assert_eq!(defaults(base, tenant).await.len(), 1);
    }

    async fn fifty_set_at_once_leave_one(base) {
        let tenant = base.tenant("one").await;
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            let id = base.profile(tenant, false).await.id;
            let store = base.store.clone();
            requests.spawn(async move { store.replace_profile(BY, tenant, id, profile(true), 1).await });
        }
        let answers = requests.join_all().await;
        assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
        assert_eq!(defaults(base, tenant).await.len(), 1);
    }

    async fn of_fifty_with_the_same_version_one_wins(base) {
        let tenant = base.tenant("one").await;
        let id = base.profile(tenant, false).await.id;
        let mut requests = JoinSet::new();
        for _ in 0..50 {
            let store = base.store.clone();
            requests.spawn(async move { store.replace_profile(BY, tenant, id, profile(true), 1).await });
        }
        let answers = requests.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == Err(StoreError::Stale)).count(), 49);
    }
}

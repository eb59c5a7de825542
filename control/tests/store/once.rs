//! Requests that come twice.

use std::time::Duration;

use control::db::{Idempotency, StoreError};
use control::model::*;
use tokio::task::JoinSet;

use crate::base::{ALL, BY, both, number, profile};

fn key(key: &str, fingerprint: &str) -> Idempotency {
    Idempotency { scope: "key".to_owned(), key: key.to_owned(), fingerprint: fingerprint.to_owned() }
}

both! {
    async fn two_hundred_at_once_make_one_row(base) {
        let tenant = base.tenant("one").await;
        let mut requests = JoinSet::new();
        for _ in 0..200 {
            let store = base.store.clone();
            requests.spawn(async move {
                store.create_number(BY, tenant, number("+12025550100"), Some(key("a", "f"))).await.unwrap()
            });
        }
        let answers = requests.join_all().await;
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(answers.iter().all(|answer| answer.value == answers[0].value && answer.value.version == 1));
        assert_eq!(base.store.numbers(tenant, ALL).await.unwrap().items, [answers[0].value.clone()]);
        assert_eq!(base.actions(tenant).await, ["number.create", "tenant.create"]);
    }

    async fn two_hundred_at_once_make_one_tenant(base) {
        let mut requests = JoinSet::new();
        for _ in 0..200 {
            let store = base.store.clone();
            let new = NewTenant { name: "one".to_owned(), plan: Plan::Growth };
            requests.spawn(async move { store.create_tenant(BY, new, Some(key("a", "f"))).await.unwrap() });
        }
        let answers = requests.join_all().await;
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert_eq!(base.store.tenants(ALL).await.unwrap().items.len(), 2);
    }

    async fn the_first_answer_is_given_again(base) {
        let tenant = base.tenant("one").await;
        let first = base.store.create_profile(BY, tenant, profile(true), Some(key("a", "f"))).await.unwrap();
        base.store.replace_profile(BY, tenant, first.value.id, profile(false), 1).await.unwrap();
        let again = base.store.create_profile(BY, tenant, profile(true), Some(key("a", "f"))).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!(again.value, first.value);
        assert_eq!(base.store.profiles(tenant, ALL).await.unwrap().items.len(), 1);
    }

    async fn another_request_with_the_same_key_is_refused(base) {
        let tenant = base.tenant("one").await;
        base.store.create_number(BY, tenant, number("+12025550100"), Some(key("a", "f"))).await.unwrap();
        let other = base.store.create_number(BY, tenant, number("+12025550101"), Some(key("a", "g"))).await;
        assert_eq!(other, Err(StoreError::KeyReused));
        let somebody = Idempotency { scope: "another".to_owned(), ..key("a", "g") };
        base.store.create_number(BY, tenant, number("+12025550101"), Some(somebody)).await.unwrap();
    }

    async fn what_failed_may_be_tried_again(base) {
        let tenant = base.tenant("one").await;
        let made = base.number(tenant, "+12025550100").await;
        let request = || base.store.create_number(BY, tenant, number("+12025550100"), Some(key("a", "f")));
        assert_eq!(request().await, Err(StoreError::Conflict("did_number")));
        base.store.delete_number(BY, tenant, made.id, None).await.unwrap();
        assert!(!request().await.unwrap().replayed);
    }

    async fn an_action_is_done_once(base) {
        let (tenant, once) = (TenantId::DEFAULT, key("a", "f"));
        assert_eq!(base.store.begin_once(tenant, &once).await, Ok(None));
        assert_eq!(base.store.begin_once(tenant, &once).await, Err(StoreError::Conflict("idempotency_key")));
        let answer = serde_json::json!({ "status": 202 });
        base.store.finish_once(tenant, &once, answer.clone()).await.unwrap();
        assert_eq!(base.store.begin_once(tenant, &once).await, Ok(Some(answer)));
        assert_eq!(base.store.begin_once(tenant, &key("a", "g")).await, Err(StoreError::KeyReused));
        let unclaimed = base.store.finish_once(tenant, &key("b", "f"), serde_json::json!(1)).await;
        assert_eq!(unclaimed, Err(StoreError::NotFound));
    }

    async fn a_claim_that_nobody_finished_is_free_after_a_minute(base) {
        let (tenant, once) = (TenantId::DEFAULT, key("a", "f"));
        assert_eq!(base.store.begin_once(tenant, &once).await, Ok(None));
        base.clock.advance(Duration::from_secs(61));
        assert_eq!(base.store.begin_once(tenant, &once).await, Ok(None));
    }

    async fn keys_are_forgotten_after_a_day(base) {
        let (tenant, once) = (TenantId::DEFAULT, key("a", "f"));
        base.store.begin_once(tenant, &once).await.unwrap();
        base.store.finish_once(tenant, &once, serde_json::json!(1)).await.unwrap();
        base.clock.advance(Duration::from_secs(24 * 60 * 60));
        assert_eq!(base.store.sweep_once(base.clock.wall()).await, Ok(0));
        base.clock.advance(Duration::from_millis(1));
        assert_eq!(base.store.begin_once(tenant, &key("a", "other")).await, Ok(None));
        base.clock.advance(Duration::from_secs(25 * 60 * 60));
        assert_eq!(base.store.sweep_once(base.clock.wall()).await, Ok(1));
    }
}

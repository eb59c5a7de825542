//! Writes that share a commit: one that fails disturbs nobody.

use control::db::StoreError;
use control::model::*;
use tokio::task::JoinSet;

use crate::base::{ALL, BY, both, call, number, update};

both! {
    async fn one_conflict_among_sixty_three_good_ones(base) {
        let tenant = base.tenant("one").await;
        base.number(tenant, "+12025550100").await;
        let mut requests = JoinSet::new();
        for n in 0..64 {
            let store = base.store.clone();
            let new = number(&format!("+120255501{n:02}"));
            requests.spawn(async move { store.create_number(BY, tenant, new, None).await.map(drop) });
        }
        let answers = requests.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 63);
        assert!(answers.contains(&Err(StoreError::Conflict("did_number"))));
        assert_eq!(base.store.numbers(tenant, ALL).await.unwrap().items.len(), 64);
        assert_eq!(base.actions(tenant).await.len(), 1 + 64);
    }

    async fn one_bad_event_among_many_good_ones(base) {
        let mut requests = JoinSet::new();
        for n in 0..300 {
            let store = base.store.clone();
            let tenant = if n == 150 { TenantId::new() } else { TenantId::DEFAULT };
            let update = update(&call(tenant, 1), CallEventKind::Answered);
            requests.spawn(async move { store.record(vec![update]).await });
        }
        let answers = requests.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 299);
        assert!(answers.contains(&Err(StoreError::NoSuch("tenant_id"))));
        assert_eq!(base.store.unfinished_calls().await.unwrap().len(), 299);
    }

    async fn what_waits_when_it_closes_is_written(base) {
        let mut requests = JoinSet::new();
        for _ in 0..100 {
            let store = base.store.clone();
            let update = update(&call(TenantId::DEFAULT, 1), CallEventKind::Answered);
            requests.spawn(async move { store.record(vec![update]).await });
        }
        tokio::task::yield_now().await;
        base.store.close().await;
        let written = requests.join_all().await.iter().filter(|answer| answer.is_ok()).count();
        let again = base.again().await;
        assert_eq!(again.unfinished_calls().await.unwrap().len(), written);
        again.close().await;
        let late = base.store.record(vec![update(&call(TenantId::DEFAULT, 1), CallEventKind::Answered)]).await;
        assert!(matches!(late, Err(StoreError::Away(_))), "{late:?}");
        assert!(matches!(base.store.ping().await, Err(StoreError::Away(_))));
    }
}

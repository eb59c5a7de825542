//! Lists come in pages, newest first, without a gap or a repetition.

use control::model::*;

use crate::base::{BY, both, call, update};

/// Walks through a list in pages of two, and says how large each was.
macro_rules! walk {
    ($list:expr) => {{
        let (mut seen, mut sizes, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let page = $list(PageRequest { limit: 2, after }).await.unwrap();
            sizes.push(page.items.len());
            seen.extend(page.items.into_iter().map(|item| item.id));
            after = page.next;
            if after.is_none() {
                break (seen, sizes);
            }
        }
    }};
}

both! {
    async fn numbers_and_profiles(base) {
        let tenant = base.tenant("one").await;
        let (mut numbers, mut profiles) = (Vec::new(), Vec::new());
        for n in 0..5 {
            numbers.insert(0, base.number(tenant, &format!("+1202555010{n}")).await.id);
            profiles.insert(0, base.profile(tenant, true).await.id);
        }
        assert_eq!(walk!(|page| base.store.numbers(tenant, page)), (numbers, vec![2, 2, 1]));
        assert_eq!(walk!(|page| base.store.profiles(tenant, page)), (profiles, vec![2, 2, 1]));
    }

    async fn a_full_last_page_is_the_last(base) {
        let tenant = base.tenant("one").await;
        assert_eq!(walk!(|page| base.store.numbers(tenant, page)).1, [0]);
        for n in 0..4 {
            base.number(tenant, &format!("+1202555010{n}")).await;
        }
        assert_eq!(walk!(|page| base.store.numbers(tenant, page)).1, [2, 2]);
    }

    async fn tenants_keys_and_the_audit_log(base) {
        let (one, two) = (base.tenant("one").await, base.tenant("two").await);
        assert_eq!(walk!(|page| base.store.tenants(page)), (vec![two, one, TenantId::DEFAULT], vec![2, 1]));
        let mut keys = Vec::new();
        for _ in 0..3 {
            let new = NewApiKey { tenant_id: Some(one), name: "k".to_owned(), role: Role::Operator, hash: vec![0; 32] };
            keys.insert(0, base.store.create_key(BY, new).await.unwrap().id);
        }
        assert_eq!(walk!(|page| base.store.keys(Some(one), page)), (keys.clone(), vec![2, 1]));
        assert_eq!(walk!(|page| base.store.keys(None, page)), (keys, vec![2, 1]));
        assert_eq!(walk!(|page| base.store.audit_log(one, page)).1, [2, 2]);
    }

    async fn calls_and_events(base) {
        let tenant = base.tenant("one").await;
        let (mut calls, mut events) = (Vec::new(), Vec::new());
        let first = call(tenant, 1);
        for n in 0..3 {
            let next = if n == 0 { first.clone() } else { call(tenant, 1) };
            let (made, event) = (update(&next, CallEventKind::Answered), update(&first, CallEventKind::Turn));
            calls.insert(0, next.id);
            if n == 0 {
                events.insert(0, made.event.id);
            }
            events.insert(0, event.event.id);
            base.store.record(vec![made, event]).await.unwrap();
        }
        let all = || CallFilter { states: vec![CallState::Answered], ..CallFilter::default() };
        assert_eq!(walk!(|page| base.store.calls(tenant, all(), page)), (calls, vec![2, 1]));
        assert_eq!(walk!(|page| base.store.call_events(tenant, first.id, page)), (events, vec![2, 2]));
    }

    async fn a_page_is_never_larger_than_200(base) {
        let tenant = base.tenant("one").await;
        let first = call(tenant, 1);
        let updates = (0..203).map(|_| update(&first, CallEventKind::Turn)).collect();
        base.store.record(updates).await.unwrap();
        let page = PageRequest { limit: u32::MAX, after: None };
        assert_eq!(base.store.call_events(tenant, first.id, page).await.unwrap().items.len(), 200);
    }
}

//! What happens on calls: written once, whatever comes twice, late or in the wrong order.

use control::db::StoreError;
use control::model::*;

use crate::base::{ALL, BY, both, call, update};

fn ended(call: &Call, state: CallState, by: EndedBy) -> CallUpdate {
    let call = Call { state, ended_at: Some(Timestamp(90)), ended_by: Some(by), ..call.clone() };
    update(&call, CallEventKind::Ended)
}

fn filter() -> CallFilter {
    CallFilter::default()
}

both! {
    async fn a_call_is_what_its_newest_event_says(base) {
        let first = call(TenantId::DEFAULT, 10);
        let answered = update(&first, CallEventKind::Answered);
        let streaming = Call { state: CallState::Streaming, profile_id: Some(ProfileId::new()), ..first.clone() };
        let started = update(&streaming, CallEventKind::StreamStarted);
        base.store.record(vec![answered.clone(), started.clone()]).await.unwrap();
        assert_eq!(base.store.call(TenantId::DEFAULT, first.id).await.unwrap(), streaming);
        let events = base.store.call_events(TenantId::DEFAULT, first.id, ALL).await.unwrap().items;
        assert_eq!(events, [started.event, answered.event]);
    }

    async fn written_again_it_changes_nothing(base) {
        let first = call(TenantId::DEFAULT, 10);
        let answered = update(&first, CallEventKind::Answered);
        let end = ended(&first, CallState::Completed, EndedBy::Caller);
        for _ in 0..3 {
            base.store.record(vec![answered.clone(), end.clone()]).await.unwrap();
            base.store.record(vec![answered.clone()]).await.unwrap();
        }
        assert_eq!(base.store.call(TenantId::DEFAULT, first.id).await.unwrap(), end.call);
        assert_eq!(base.store.call_events(TenantId::DEFAULT, first.id, ALL).await.unwrap().items.len(), 2);
    }

    async fn in_the_wrong_order_it_is_the_same(base) {
        let first = call(TenantId::DEFAULT, 10);
        let answered = update(&first, CallEventKind::Answered);
        let quality = Some(serde_json::json!({ "mos": 4 }));
        let between = Call { state: CallState::Between, quality, ..first.clone() };
        let stream_ended = update(&between, CallEventKind::StreamEnded);
        base.store.record(vec![stream_ended]).await.unwrap();
        base.store.record(vec![answered]).await.unwrap();
        assert_eq!(base.store.call(TenantId::DEFAULT, first.id).await.unwrap(), between);
    }

    async fn a_final_state_is_taken_late_and_then_kept(base) {
        let first = call(TenantId::DEFAULT, 10);
        let end = ended(&first, CallState::Completed, EndedBy::Agent);
        let quality = Some(serde_json::json!({ "frames": 1 }));
        let between = Call { state: CallState::Between, quality: quality.clone(), ..first.clone() };
        let later = update(&between, CallEventKind::CarrierStatus);
        base.store.record(vec![later]).await.unwrap();
        base.store.record(vec![end.clone()]).await.unwrap();
        let kept = Call { quality, ..end.call };
        assert_eq!(base.store.call(TenantId::DEFAULT, first.id).await.unwrap(), kept);
        let other_end = ended(&first, CallState::Failed, EndedBy::Service);
        base.store.record(vec![other_end, update(&first, CallEventKind::CarrierStatus)]).await.unwrap();
        assert_eq!(base.store.call(TenantId::DEFAULT, first.id).await.unwrap(), kept);
        assert_eq!(base.store.call_events(TenantId::DEFAULT, first.id, ALL).await.unwrap().items.len(), 4);
    }

    async fn of_a_call_all_or_nothing(base) {
        let good = update(&call(TenantId::DEFAULT, 10), CallEventKind::Answered);
        let nobody = update(&call(TenantId::new(), 10), CallEventKind::Answered);
        assert_eq!(base.store.record(vec![nobody]).await, Err(StoreError::NoSuch("tenant_id")));
        let elsewhere = update(&Call { tenant_id: TenantId::new(), ..good.call.clone() }, CallEventKind::Answered);
        let result = base.store.record(vec![good.clone(), elsewhere]).await;
        assert_eq!(result, Err(StoreError::NoSuch("call_id")));
        let mixed = CallUpdate { call: call(TenantId::DEFAULT, 10), event: good.event.clone() };
        assert_eq!(base.store.record(vec![good.clone(), mixed]).await, Err(StoreError::NoSuch("call_id")));
        assert_eq!(base.store.call(TenantId::DEFAULT, good.call.id).await, Err(StoreError::NotFound));
        base.store.record(vec![]).await.unwrap();
    }

    async fn many_at_once_are_as_one_after_the_other(base) {
        let (together, apart): (Vec<_>, Vec<_>) = (0..20).map(|n| (call(TenantId::DEFAULT, n), call(TenantId::DEFAULT, n))).unzip();
        for calls in [&together, &apart] {
            let mut updates = Vec::new();
            for n in 0..60 {
                let first = &calls[n * 7 % 20];
                let now = Call { state: CallState::Streaming, answered_at: Some(Timestamp(n as i64)), ..first.clone() };
                updates.push(match n % 3 {
                    0 => update(&now, CallEventKind::StreamStarted),
                    1 => ended(&now, CallState::Completed, EndedBy::Caller),
                    _ => update(first, CallEventKind::Answered),
                });
            }
            updates.reverse();
            if calls == &together {
                base.store.record(updates).await.unwrap();
            } else {
                for update in updates {
                    base.store.record(vec![update]).await.unwrap();
                }
            }
        }
        for (one, other) in together.iter().zip(&apart) {
            let [one, other] = [base.store.call(TenantId::DEFAULT, one.id).await, base.store.call(TenantId::DEFAULT, other.id).await];
            let (one, other) = (one.unwrap(), other.unwrap());
            let events = base.store.call_events(TenantId::DEFAULT, one.id, ALL).await.unwrap().items;
            assert_eq!(events.len(), 3);
            let same = Call { id: other.id, carrier_call_id: other.carrier_call_id.clone(), ..one };
            assert_eq!(same, other);
        }
    }

    async fn the_unfinished_are_found(base) {
        let tenant = base.tenant("one").await;
        let open = call(tenant, 10);
        let done = call(TenantId::DEFAULT, 10);
        base.store.record(vec![update(&open, CallEventKind::Answered)]).await.unwrap();
        base.store.record(vec![ended(&done, CallState::Failed, EndedBy::Service)]).await.unwrap();
        assert_eq!(base.store.unfinished_calls().await.unwrap(), [open]);
    }

    async fn filters_narrow(base) {
        let here = TenantId::DEFAULT;
        let one = call(here, 100);
        let two = Call { from: "+12025550122".to_owned(), ..call(here, 200) };
        let three = Call { to: "+12025550122".to_owned(), direction: Direction::Outbound, ..call(here, 300) };
        let end = ended(&two, CallState::Completed, EndedBy::Caller);
        let updates = vec![update(&one, CallEventKind::Answered), end, update(&three, CallEventKind::Answered)];
        base.store.record(updates).await.unwrap();
        let found = async |filter: CallFilter| -> Vec<CallId> {
            let page = base.store.calls(here, filter, ALL).await.unwrap();
            page.items.into_iter().map(|call| call.id).collect()
        };
        assert_eq!(found(filter()).await, [three.id, two.id, one.id]);
        let states = vec![CallState::Completed, CallState::Failed];
        assert_eq!(found(CallFilter { states, ..filter() }).await, [two.id]);
        assert_eq!(found(CallFilter { direction: Some(Direction::Outbound), ..filter() }).await, [three.id]);
        let number = Some("+12025550122".to_owned());
        assert_eq!(found(CallFilter { number: number.clone(), ..filter() }).await, [three.id, two.id]);
        let (since, until) = (Some(Timestamp(200)), Some(Timestamp(300)));
        assert_eq!(found(CallFilter { since, until, ..filter() }).await, [two.id]);
        let nothing = CallFilter { number, since, until, direction: Some(Direction::Outbound), ..filter() };
        assert_eq!(found(nothing).await, []);
    }

    async fn minutes_are_those_that_were_called_today(base) {
        const MIN: i64 = 60_000;
        let tenant = base.tenant("one").await;
        let (midnight, now) = (Timestamp(10_000 * MIN), Timestamp(10_100 * MIN));
        let minutes = || base.store.outbound_minutes_since(tenant, midnight, now);
        let called = async |tenant, direction, answered: Option<i64>, ended: Option<i64>| {
            let at = |minute: i64| Timestamp(midnight.0 + minute * MIN);
            let state = if ended.is_some() { CallState::Completed } else { CallState::Streaming };
            let (answered_at, ended_at) = (answered.map(at), ended.map(at));
            let call = Call { direction, state, answered_at, ended_at, ..call(tenant, midnight.0) };
            base.store.record(vec![update(&call, CallEventKind::CarrierStatus)]).await.unwrap();
        };
        assert_eq!(minutes().await, Ok(0));
        called(tenant, Direction::Outbound, Some(10), Some(13)).await;
        assert_eq!(minutes().await, Ok(3));
        called(tenant, Direction::Outbound, Some(-20), Some(7)).await;
        assert_eq!(minutes().await, Ok(10), "what was before midnight does not count");
        called(tenant, Direction::Outbound, Some(60), None).await;
        assert_eq!(minutes().await, Ok(50), "a live call counts until now");
        called(tenant, Direction::Outbound, None, Some(50)).await;
        called(tenant, Direction::Outbound, None, None).await;
        called(tenant, Direction::Outbound, Some(-30), Some(-1)).await;
        called(tenant, Direction::Inbound, Some(10), Some(90)).await;
        called(TenantId::DEFAULT, Direction::Outbound, Some(10), Some(90)).await;
        assert_eq!(minutes().await, Ok(50), "unanswered, yesterday's, inbound, another's");
    }

    async fn retention_deletes_what_is_older(base) {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let (keeps, forgets) = (base.tenant("keeps").await, base.tenant("forgets").await);
        let settings = TenantSettings { retention_days: Some(2), ..TenantSettings::default() };
        base.store.put_settings(BY, forgets, settings, None).await.unwrap();
        let kept = [call(keeps, DAY), call(forgets, 2 * DAY)];
        let gone = [call(forgets, DAY), call(forgets, DAY + 1), call(forgets, DAY + 2)];
        for each in kept.iter().chain(&gone) {
            base.store.record(vec![update(each, CallEventKind::Answered)]).await.unwrap();
        }
        let now = Timestamp(4 * DAY);
        assert_eq!(base.store.delete_expired(now, 2).await.unwrap(), 2);
        assert_eq!(base.store.delete_expired(now, 2).await.unwrap(), 1);
        assert_eq!(base.store.delete_expired(now, 2).await.unwrap(), 0);
        assert_eq!(base.store.call_events(forgets, gone[0].id, ALL).await.map(|_| ()), Err(StoreError::NotFound));
        assert_eq!(base.store.call(keeps, kept[0].id).await.unwrap(), kept[0]);
        assert_eq!(base.store.calls(forgets, filter(), ALL).await.unwrap().items, kept[1..]);
    }
}

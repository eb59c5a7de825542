//! Calls that are to be placed: there once, with everything that belongs to them, or not at all.

use control::db::{Created, Idempotency, StoreError};
use control::model::*;
use tokio::task::JoinSet;

use crate::base::{ALL, BY, Base, both, call, update};
use crate::contacts::contact;

/// A call that nobody has placed yet.
pub(crate) fn to_place(tenant: TenantId, contact_id: Option<ContactId>) -> Call {
    let (direction, state) = (Direction::Outbound, CallState::Queued);
    Call { direction, state, contact_id, carrier_call_id: None, ..call(tenant, 1) }
}

pub(crate) async fn place(base: &Base, call: &Call, once: Option<Idempotency>) -> Result<Created<Call>, StoreError> {
    let event = update(call, CallEventKind::Queued).event;
    base.store.place_call(BY, call.clone(), event, once).await
}

fn key(fingerprint: &str) -> Option<Idempotency> {
    Some(Idempotency { scope: "key".to_owned(), key: "a".to_owned(), fingerprint: fingerprint.to_owned() })
}

async fn count(base: &Base, tenant: TenantId) -> usize {
    base.store.calls(tenant, CallFilter::default(), ALL).await.unwrap().items.len()
}

both! {
    async fn it_is_there_with_its_event_and_who_asked(base) {
        let tenant = base.tenant("one").await;
        let call = to_place(tenant, None);
        let made = place(base, &call, None).await.unwrap();
        assert_eq!((made.value, made.replayed), (call.clone(), false));
        assert_eq!(base.store.call(tenant, call.id).await.unwrap(), call);
        let events = base.store.call_events(tenant, call.id, ALL).await.unwrap().items;
        assert_eq!((events.len(), events[0].kind), (1, CallEventKind::Queued));
        let log = base.store.audit_log(tenant, ALL).await.unwrap().items;
        assert_eq!((&log[0].action[..], log[0].subject.clone()), ("call.create", call.id.to_string()));
    }

    async fn two_hundred_at_once_with_one_key_make_one_call(base) {
        let tenant = base.tenant("one").await;
        let ann = base.store.create_contact(BY, tenant, contact("+12025550111"), None).await.unwrap().value;
        let mut requests = JoinSet::new();
        for _ in 0..200 {
            // Each request has made an id of its own: only the key is the same.
            let (store, call) = (base.store.clone(), to_place(tenant, Some(ann.id)));
            let event = update(&call, CallEventKind::Queued).event;
            requests.spawn(async move { store.place_call(BY, call, event, key("f")).await.unwrap() });
        }
        let answers = requests.join_all().await;
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(answers.iter().all(|answer| answer.value == answers[0].value));
        assert_eq!(count(base, tenant).await, 1);
        assert_eq!(base.store.attempts(tenant, ann.id, ALL).await.unwrap().items.len(), 1);
        assert_eq!(base.actions(tenant).await, ["call.create", "contact.create", "tenant.create"]);
    }

    async fn a_repeat_gives_the_call_as_it_is_now(base) {
        let tenant = base.tenant("one").await;
        let first = to_place(tenant, None);
        place(base, &first, key("f")).await.unwrap();
        let ringing = Call { state: CallState::Ringing, carrier_call_id: Some("CA1".to_owned()), ..first.clone() };
        base.store.record(vec![update(&ringing, CallEventKind::CarrierStatus)]).await.unwrap();
        let again = place(base, &to_place(tenant, None), key("f")).await.unwrap();
        assert_eq!((again.value, again.replayed), (ringing, true));
        assert_eq!(place(base, &to_place(tenant, None), key("g")).await, Err(StoreError::KeyReused));
        assert_eq!(count(base, tenant).await, 1);
    }

    async fn one_call_to_a_contact_at_a_time(base) {
        let tenant = base.tenant("one").await;
        let ann = base.store.create_contact(BY, tenant, contact("+12025550111"), None).await.unwrap().value;
        let mut requests = JoinSet::new();
        for _ in 0..20 {
            let (store, call) = (base.store.clone(), to_place(tenant, Some(ann.id)));
            let event = update(&call, CallEventKind::Queued).event;
            requests.spawn(async move { store.place_call(BY, call, event, None).await });
        }
        let (placed, refused): (Vec<_>, Vec<_>) = requests.join_all().await.into_iter().partition(Result::is_ok);
        let being_called = StoreError::Conflict("contact_is_being_called");
        assert_eq!((placed.len(), refused.iter().all(|answer| answer.as_ref() == Err(&being_called))), (1, true));
        let call = placed.into_iter().next().unwrap().unwrap().value;
        let over = Call { state: CallState::NoAnswer, ended_at: Some(Timestamp(9)), ..call };
        base.store.record(vec![update(&over, CallEventKind::Ended)]).await.unwrap();
        place(base, &to_place(tenant, Some(ann.id)), None).await.unwrap();
    }

    async fn what_is_refused_leaves_nothing(base) {
        let (tenant, other) = (base.tenant("one").await, base.tenant("two").await);
        let theirs = base.store.create_contact(BY, other, contact("+12025550111"), None).await.unwrap().value;
        let never = NewContact { state: ContactState::DoNotCall, ..contact("+12025550112") };
        let never = base.store.create_contact(BY, tenant, never, None).await.unwrap().value;
        let before = base.actions(tenant).await;
        for (contact, error) in [
            (Some(theirs.id), StoreError::NoSuch("contact_id")),
            (Some(ContactId::new()), StoreError::NoSuch("contact_id")),
            (Some(never.id), StoreError::Conflict("do_not_call")),
        ] {
            assert_eq!(place(base, &to_place(tenant, contact), key("f")).await, Err(error));
        }
        let slipped = update(&to_place(tenant, None), CallEventKind::Queued).event;
        let slipped = base.store.place_call(BY, to_place(tenant, None), slipped, key("f")).await;
        assert_eq!(slipped, Err(StoreError::NoSuch("call_id")));
        assert_eq!(place(base, &to_place(TenantId::new(), None), None).await, Err(StoreError::NotFound));
        assert_eq!((count(base, tenant).await, base.actions(tenant).await), (0, before));
        assert_eq!(base.store.contact(other, theirs.id).await.unwrap(), theirs);
        place(base, &to_place(tenant, None), key("f")).await.unwrap();
    }
}

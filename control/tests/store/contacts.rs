//! Contacts, and what calls to them leave behind.

use control::db::StoreError;
use control::model::*;
use serde_json::json;

use crate::base::{ALL, BY, Base, both, update};
use crate::place::{place, to_place};

pub(crate) fn contact(phone_number: &str) -> NewContact {
    let phone_number = phone_number.to_owned();
    NewContact { phone_number, name: None, state: ContactState::New, metadata: json!({}) }
}

async fn made(base: &Base, tenant: TenantId, phone_number: &str) -> Contact {
    base.store.create_contact(BY, tenant, contact(phone_number), None).await.unwrap().value
}

/// The call's next step, as the journal writes it.
async fn becomes(base: &Base, call: &Call, state: CallState) {
    let ended_at = state.is_final().then_some(Timestamp(900));
    let call = Call { state, ended_at, ..call.clone() };
    base.store.record(vec![update(&call, CallEventKind::CarrierStatus)]).await.unwrap();
}

both! {
    async fn a_contact_is_made_changed_and_deleted(base) {
        let tenant = base.tenant("one").await;
        let new = NewContact { name: Some("Ann".to_owned()), metadata: json!({"id": 7}), ..contact("+12025550111") };
        let made = base.store.create_contact(BY, tenant, new, None).await.unwrap().value;
        assert_eq!(base.store.contact(tenant, made.id).await.unwrap(), made);
        assert_eq!((made.state, made.version, made.last_call_id), (ContactState::New, 1, None));
        let patch = ContactPatch { state: Some(ContactState::DoNotCall), name: Some(None), metadata: None };
        let patched = base.store.patch_contact(BY, tenant, made.id, patch.clone(), Some(1)).await.unwrap();
        let expected = Contact { state: ContactState::DoNotCall, name: None, version: 2, ..made.clone() };
        assert_eq!(patched, expected);
        assert_eq!(base.store.patch_contact(BY, tenant, made.id, patch, Some(1)).await, Err(StoreError::Stale));
        assert_eq!(base.store.delete_contact(BY, tenant, made.id, Some(1)).await, Err(StoreError::Stale));
        base.store.delete_contact(BY, tenant, made.id, Some(2)).await.unwrap();
        assert_eq!(base.store.contact(tenant, made.id).await, Err(StoreError::NotFound));
        let actions = base.actions(tenant).await;
        assert_eq!(actions, ["contact.delete", "contact.update", "contact.create", "tenant.create"]);
    }

    async fn a_number_is_one_contact_of_a_tenant_and_may_be_anothers(base) {
        let (one, two) = (base.tenant("one").await, base.tenant("two").await);
        made(base, one, "+12025550111").await;
        made(base, two, "+12025550111").await;
        let again = base.store.create_contact(BY, one, contact("+12025550111"), None).await;
        assert_eq!(again, Err(StoreError::Conflict("phone_number")));
    }

    async fn contacts_are_found_by_state_and_number(base) {
        let tenant = base.tenant("one").await;
        let (ann, bob) = (made(base, tenant, "+12025550111").await, made(base, tenant, "+12025550112").await);
        made(base, base.tenant("two").await, "+12025550111").await;
        let patch = ContactPatch { state: Some(ContactState::DoNotCall), ..Default::default() };
        base.store.patch_contact(BY, tenant, bob.id, patch, None).await.unwrap();
        let found = async |states: &[ContactState], number: Option<&str>| -> Vec<ContactId> {
            let filter = ContactFilter { states: states.to_vec(), phone_number: number.map(str::to_owned) };
            let page = base.store.contacts(tenant, filter, ALL).await.unwrap();
            page.items.iter().map(|contact| contact.id).collect()
        };
        assert_eq!(found(&[], None).await, [bob.id, ann.id]);
        assert_eq!(found(&[ContactState::New, ContactState::Busy], None).await, [ann.id]);
        assert_eq!(found(&[], Some("+12025550112")).await, [bob.id]);
        assert_eq!(found(&[ContactState::New], Some("+12025550112")).await, []);
    }

    async fn it_follows_its_calls_whatever_order_they_are_told_in(base) {
        let tenant = base.tenant("one").await;
        let ann = made(base, tenant, "+12025550111").await;
        for (last, outcome) in [
            (CallState::Completed, ContactState::Reached),
            (CallState::Busy, ContactState::Busy),
            (CallState::NoAnswer, ContactState::NoAnswer),
            (CallState::Canceled, ContactState::Canceled),
            (CallState::Refused, ContactState::Failed),
            (CallState::Failed, ContactState::Failed),
        ] {
            let call = to_place(tenant, Some(ann.id));
            place(base, &call, None).await.unwrap();
            let now = base.store.contact(tenant, ann.id).await.unwrap();
            assert_eq!((now.state, now.last_call_id), (ContactState::Calling, Some(call.id)));
            becomes(base, &call, last).await;
            becomes(base, &call, CallState::Ringing).await;
            assert_eq!(base.store.contact(tenant, ann.id).await.unwrap().state, outcome);
            let attempts = base.store.attempts(tenant, ann.id, ALL).await.unwrap().items;
            let newest = (attempts[0].call_id, attempts[0].state, attempts[0].ended_at);
            assert_eq!(newest, (call.id, last, Some(Timestamp(900))), "newest first");
        }
        assert_eq!(base.store.attempts(tenant, ann.id, ALL).await.unwrap().items.len(), 6);
    }

    async fn only_a_change_of_its_state_is_a_change(base) {
        let tenant = base.tenant("one").await;
        let ann = made(base, tenant, "+12025550111").await;
        let call = to_place(tenant, Some(ann.id));
        place(base, &call, None).await.unwrap();
        for state in [CallState::Initiated, CallState::Ringing, CallState::Answered] {
            becomes(base, &call, state).await;
        }
        assert_eq!(base.store.contact(tenant, ann.id).await.unwrap().version, 2, "an ETag lasts through a call");
        becomes(base, &call, CallState::Completed).await;
        assert_eq!(base.store.contact(tenant, ann.id).await.unwrap().version, 3);
    }

    async fn do_not_call_stays_whatever_a_call_comes_to(base) {
        let tenant = base.tenant("one").await;
        let ann = made(base, tenant, "+12025550111").await;
        let call = to_place(tenant, Some(ann.id));
        place(base, &call, None).await.unwrap();
        let patch = ContactPatch { state: Some(ContactState::DoNotCall), ..Default::default() };
        base.store.patch_contact(BY, tenant, ann.id, patch, None).await.unwrap();
        becomes(base, &call, CallState::Completed).await;
        assert_eq!(base.store.contact(tenant, ann.id).await.unwrap().state, ContactState::DoNotCall);
        let refused = place(base, &to_place(tenant, Some(ann.id)), None).await;
        assert_eq!(refused.unwrap_err(), StoreError::Conflict("do_not_call"));
    }

    async fn attempts_go_with_their_calls_and_with_their_contact(base) {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let tenant = base.tenant("one").await;
        let (ann, bob) = (made(base, tenant, "+12025550111").await, made(base, tenant, "+12025550112").await);
        let settings = TenantSettings { retention_days: Some(1), ..TenantSettings::default() };
        base.store.put_settings(BY, tenant, settings, None).await.unwrap();
        for contact in [&ann, &bob] {
            let call = to_place(tenant, Some(contact.id));
            place(base, &call, None).await.unwrap();
            becomes(base, &call, CallState::Busy).await;
        }
        base.store.delete_contact(BY, tenant, bob.id, None).await.unwrap();
        assert_eq!(base.store.attempts(tenant, bob.id, ALL).await.unwrap_err(), StoreError::NotFound);
        assert_eq!(base.store.calls(tenant, CallFilter::default(), ALL).await.unwrap().items.len(), 2);
        assert_eq!(base.store.attempts(tenant, ann.id, ALL).await.unwrap().items.len(), 1);
        assert_eq!(base.store.delete_expired(Timestamp(9 * DAY), 10).await, Ok(2));
        assert_eq!(base.store.attempts(tenant, ann.id, ALL).await.unwrap().items.len(), 0);
        assert_eq!(base.store.contact(tenant, ann.id).await.unwrap().state, ContactState::Busy, "it stays itself");
    }
}

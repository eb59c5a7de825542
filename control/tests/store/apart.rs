//! Tenants apart: another tenant's id is as good as none, whatever it is given to.

use control::db::StoreError;
use control::model::*;

use crate::base::{ALL, BY, Base, both, call, number, profile, update};

/// A tenant with one of everything.
struct Whole {
    id: TenantId,
    profile: Profile,
    number: PhoneNumberRecord,
    key: ApiKey,
    update: CallUpdate,
}

async fn whole(base: &Base, did_number: &str) -> Whole {
    let id = base.tenant(did_number).await;
    let new = NewApiKey { tenant_id: Some(id), name: "k".to_owned(), role: Role::TenantAdmin, hash: vec![1; 32] };
    let whole = Whole {
        id,
        profile: base.profile(id, true).await,
        number: base.number(id, did_number).await,
        key: base.store.create_key(BY, new).await.unwrap(),
        update: update(&call(id, 1), CallEventKind::Answered),
    };
    base.store.record(vec![whole.update.clone()]).await.unwrap();
    whole
}

/// All that can be seen of a tenant.
async fn seen(base: &Base, id: TenantId) -> String {
    let store = &base.store;
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.directory_of(id).await.unwrap(),
        store.settings(id).await.unwrap(),
        store.keys(Some(id), ALL).await.unwrap(),
        store.calls(id, CallFilter::default(), ALL).await.unwrap(),
        store.audit_log(id, ALL).await.unwrap(),
        store.numbers(id, ALL).await.unwrap(),
        store.profiles(id, ALL).await.unwrap(),
    )
}

both! {
    async fn another_tenants_ids_are_not_found(base) {
        let (ours, theirs) = (whole(base, "+12025550100").await, whole(base, "+12025550101").await);
        let (store, us) = (&base.store, ours.id);
        let before = (seen(base, us).await, seen(base, theirs.id).await);
        let none = StoreError::NotFound;
        assert_eq!(store.number(us, theirs.number.id).await.unwrap_err(), none);
        assert_eq!(store.profile(us, theirs.profile.id).await.unwrap_err(), none);
        assert_eq!(store.call(us, theirs.update.call.id).await.unwrap_err(), none);
        assert_eq!(store.call_events(us, theirs.update.call.id, ALL).await.unwrap_err(), none);
        let patch = PhoneNumberPatch { is_active: Some(false), ..Default::default() };
        assert_eq!(store.patch_number(BY, us, theirs.number.id, patch, None).await.unwrap_err(), none);
        assert_eq!(store.delete_number(BY, us, theirs.number.id, None).await.unwrap_err(), none);
        assert_eq!(store.replace_profile(BY, us, theirs.profile.id, profile(true), 1).await.unwrap_err(), none);
        assert_eq!(store.delete_profile(BY, us, theirs.profile.id, None).await.unwrap_err(), none);
        assert_eq!(store.revoke_key(BY, Some(us), theirs.key.id).await.unwrap_err(), none);
        assert_eq!((seen(base, us).await, seen(base, theirs.id).await), before);
    }

    async fn nothing_refers_to_what_another_tenant_has(base) {
        let (ours, theirs) = (whole(base, "+12025550100").await, whole(base, "+12025550101").await);
        let (store, us) = (&base.store, ours.id);
        let before = (seen(base, us).await, seen(base, theirs.id).await);
        let no_profile = StoreError::NoSuch("profile_id");
        let new = NewPhoneNumber { profile_id: Some(theirs.profile.id), ..number("+12025550102") };
        assert_eq!(store.create_number(BY, us, new, None).await.unwrap_err(), no_profile);
        let patch = PhoneNumberPatch { profile_id: Some(Some(theirs.profile.id)), ..Default::default() };
        assert_eq!(store.patch_number(BY, us, ours.number.id, patch, None).await.unwrap_err(), no_profile);
        let no_call = StoreError::NoSuch("call_id");
        let stolen = Call { tenant_id: us, state: CallState::Failed, ..theirs.update.call.clone() };
        assert_eq!(store.record(vec![update(&stolen, CallEventKind::Ended)]).await.unwrap_err(), no_call);
        let mut slipped = update(&ours.update.call, CallEventKind::Turn);
        slipped.event.tenant_id = theirs.id;
        assert_eq!(store.record(vec![slipped]).await.unwrap_err(), no_call);
        let mut slipped = update(&ours.update.call, CallEventKind::Turn);
        slipped.event.call_id = theirs.update.call.id;
        assert_eq!(store.record(vec![slipped]).await.unwrap_err(), no_call);
        assert_eq!((seen(base, us).await, seen(base, theirs.id).await), before);
    }

    async fn lists_hold_what_is_ones_own(base) {
        let (ours, theirs) = (whole(base, "+12025550100").await, whole(base, "+12025550101").await);
        let (ours_seen, theirs) = (seen(base, ours.id).await, theirs.id.to_string());
        assert!(ours_seen.contains(&ours.id.to_string()) && !ours_seen.contains(&theirs));
        // A cursor of another tenant's says only where to begin.
        let after = Some(Cursor(uuid::Uuid::max()));
        let page = base.store.numbers(ours.id, PageRequest { limit: 10, after }).await.unwrap();
        assert_eq!(page.items, [ours.number]);
    }

    async fn a_tenant_that_is_not_there_has_nothing(base) {
        let (store, nobody, none) = (&base.store, TenantId::new(), StoreError::NotFound);
        assert_eq!(store.tenant(nobody).await.unwrap_err(), none);
        assert_eq!(store.patch_tenant(BY, nobody, TenantPatch::default(), None).await.unwrap_err(), none);
        assert_eq!(store.settings(nobody).await.unwrap_err(), none);
        let defaults = TenantSettings::default();
        assert_eq!(store.put_settings(BY, nobody, defaults, None).await.unwrap_err(), none);
        assert_eq!(store.create_number(BY, nobody, number("+12025550100"), None).await.unwrap_err(), none);
        assert_eq!(store.create_profile(BY, nobody, profile(true), None).await.unwrap_err(), none);
        assert_eq!(store.directory_of(nobody).await.unwrap_err(), none);
        assert!(store.numbers(nobody, ALL).await.unwrap().items.is_empty());
    }
}

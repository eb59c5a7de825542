//! Every change leaves a row that says who, what, before and after; what did not happen leaves none.

use control::db::StoreError;
use control::model::*;

use crate::base::{ALL, BY, both, number, profile};

both! {
    async fn every_kind_of_change_is_there(base) {
        let tenant = base.tenant("one").await;
        let store = &base.store;
        let patch = TenantPatch { plan: Some(Plan::Growth), status: None };
        store.patch_tenant(BY, tenant, patch, None).await.unwrap();
        store.put_settings(BY, tenant, TenantSettings::default(), None).await.unwrap();
        let desk = base.profile(tenant, true).await;
        store.replace_profile(BY, tenant, desk.id, profile(true), 1).await.unwrap();
        let line = base.number(tenant, "+12025550100").await;
        store.patch_number(BY, tenant, line.id, PhoneNumberPatch::default(), None).await.unwrap();
        store.delete_number(BY, tenant, line.id, None).await.unwrap();
        store.delete_profile(BY, tenant, desk.id, None).await.unwrap();
        let new = NewApiKey { tenant_id: Some(tenant), name: "k".to_owned(), role: Role::ReadOnly, hash: vec![9; 32] };
        let key = store.create_key(BY, new).await.unwrap();
        store.revoke_key(Actor::Key(key.id), Some(tenant), key.id).await.unwrap();
        store.audit(Actor::System, tenant, "call.hangup", "a call".to_owned(), None).await.unwrap();
        let mut actions = base.actions(tenant).await;
        actions.reverse();
        assert_eq!(actions, [
            "tenant.create", "tenant.update", "settings.update", "profile.create", "profile.update", "number.create",
            "number.update", "number.delete", "profile.delete", "key.create", "key.revoke", "call.hangup",
        ]);
    }

    async fn a_row_says_how_it_was_and_is(base) {
        let tenant = base.tenant("one").await;
        let patch = TenantPatch { status: Some(TenantStatus::Deleted), plan: None };
        let actor = Actor::Key(KeyId::new());
        base.store.patch_tenant(actor, tenant, patch, None).await.unwrap();
        let log = base.store.audit_log(tenant, ALL).await.unwrap().items;
        let row = &log[0];
        assert_eq!((row.actor.clone(), row.subject.clone()), (actor.to_string(), tenant.to_string()));
        assert_eq!(row.before.as_ref().unwrap()["status"], "active");
        assert_eq!(row.after.as_ref().unwrap()["status"], "deleted");
        assert_eq!((&log[1].before, &log[1].actor[..]), (&None, "command-line"));
    }

    async fn what_failed_leaves_no_row(base) {
        let tenant = base.tenant("one").await;
        base.number(tenant, "+12025550100").await;
        let before = base.actions(tenant).await;
        base.store.create_number(BY, tenant, number("+12025550100"), None).await.unwrap_err();
        base.store.patch_tenant(BY, tenant, TenantPatch::default(), Some(9)).await.unwrap_err();
        assert_eq!(base.actions(tenant).await, before);
        let nobody = base.store.audit(BY, TenantId::new(), "call.say", String::new(), None).await;
        assert_eq!(nobody, Err(StoreError::NotFound));
    }

    async fn no_secret_is_in_it(base) {
        let new = NewApiKey { tenant_id: None, name: "k".to_owned(), role: Role::Admin, hash: vec![171; 32] };
        base.store.create_key(BY, new).await.unwrap();
        let log = base.store.audit_log(TenantId::DEFAULT, ALL).await.unwrap().items;
        let text = serde_json::to_string(&log).unwrap();
        assert!(text.contains("key.create") && !text.contains("hash") && !text.contains("171,171"), "{text}");
    }
}

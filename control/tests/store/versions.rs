//! Changes that name a version, conflicts, and what refers to nothing.

use control::db::StoreError;
use control::model::*;

use crate::base::{ALL, BY, both, number, profile};

both! {
    async fn a_tenant_begins_active_and_counts_its_changes(base) {
        let id = base.tenant("Anna's").await;
        let tenant = base.store.tenant(id).await.unwrap();
        assert_eq!((tenant.version, tenant.status, tenant.plan), (1, TenantStatus::Active, Plan::Starter));
        base.clock.advance(std::time::Duration::from_secs(1));
        let patch = TenantPatch { status: Some(TenantStatus::Suspended), plan: None };
        let patched = base.store.patch_tenant(BY, id, patch, Some(1)).await.unwrap();
        assert_eq!((patched.version, patched.status, patched.plan), (2, TenantStatus::Suspended, Plan::Starter));
        assert_eq!(patched.updated_at.0, tenant.updated_at.0 + 1000);
        assert_eq!(base.store.tenant(id).await.unwrap(), patched);
        assert_eq!(base.store.patch_tenant(BY, id, patch, Some(1)).await, Err(StoreError::Stale));
        assert_eq!(base.store.patch_tenant(BY, id, patch, None).await.unwrap().version, 3);
    }

    async fn settings_begin_as_the_defaults(base) {
        let id = base.tenant("one").await;
        assert_eq!(base.store.settings(id).await.unwrap(), (TenantSettings::default(), 0));
        let new = TenantSettings {
            concurrent_calls_max: Some(u32::MAX),
            calls_per_second_max: None,
            recording: Recording::WithConsent,
            retention_days: Some(30),
            dial_prefixes: Some(vec!["+44".parse().unwrap(), "+1876".parse().unwrap()]),
            minutes_per_day_max: Some(0),
            outbound_stopped: true,
        };
        assert_eq!(base.store.put_settings(BY, id, new.clone(), Some(7)).await, Err(StoreError::Stale));
        assert_eq!(base.store.put_settings(BY, id, new.clone(), Some(0)).await.unwrap(), (new.clone(), 1));
        assert_eq!(base.store.settings(id).await.unwrap(), (new, 1));
        assert_eq!(base.store.put_settings(BY, id, TenantSettings::default(), None).await.unwrap().1, 2);
        assert_eq!(base.store.settings(id).await.unwrap(), (TenantSettings::default(), 2));
    }

    async fn a_number_belongs_to_one_tenant_of_all(base) {
        let (one, two) = (base.tenant("one").await, base.tenant("two").await);
        let made = base.number(one, "+12025550100").await;
        let taken = Err(StoreError::Conflict("did_number"));
        assert_eq!(base.store.create_number(BY, one, number("+12025550100"), None).await, taken);
        assert_eq!(base.store.create_number(BY, two, number("+12025550100"), None).await, taken);
        base.store.delete_number(BY, one, made.id, Some(1)).await.unwrap();
        base.number(two, "+12025550100").await;
    }

    async fn what_a_number_was_is_kept_until_it_is_put_back(base) {
        let (tenant, other) = (base.tenant("one").await, base.tenant("two").await);
        let twilios = NewPhoneNumber { provider_type: ProviderType::Twilio, ..number("+12025550100") };
        let made = base.store.create_number(BY, tenant, twilios, None).await.unwrap().value;
        base.number(tenant, "+12025550101").await;
        let waiting = async |account: &str| {
            let numbers = base.store.numbers_elsewhere(None, account, None, 10).await.unwrap();
            numbers.into_iter().map(|number| number.id).collect::<Vec<_>>()
        };
        assert_eq!(waiting("AC1").await, [made.id], "active, Twilio's, and not there");
        assert_eq!(waiting("").await, [], "there is no account");
        assert_eq!(base.store.numbers_elsewhere(Some(other), "AC1", None, 10).await.unwrap(), []);
        let was = Registration([("voice_url".to_owned(), "https://before".to_owned())].into());
        let (nothing, kept) = (Registration::default(), Registered { account: "AC1".to_owned(), before: was.clone() });
        assert!(!base.store.keep_registration(other, made.id, "AC1", &was).await.unwrap());
        assert!(base.store.keep_registration(tenant, made.id, "AC1", &was).await.unwrap());
        assert!(base.store.keep_registration(tenant, made.id, "AC1", &nothing).await.unwrap());
        assert_eq!(base.store.registration(tenant, made.id).await.unwrap(), Some(kept), "not replaced by nothing");
        assert_eq!(base.store.registration(other, made.id).await.unwrap(), None);
        assert_eq!((waiting("AC1").await, waiting("AC2").await), (vec![], vec![made.id]), "another account");
        assert_eq!(base.store.numbers_at(tenant, "AC1", 10).await.unwrap().len(), 1);
        assert_eq!(base.store.number(tenant, made.id).await.unwrap().version, 1, "nobody's change");
        let patch = PhoneNumberPatch { is_active: Some(false), ..Default::default() };
        let off = base.store.patch_number(BY, tenant, made.id, patch, None).await.unwrap();
        assert_eq!((off.carrier_account.as_deref(), waiting("AC1").await), (Some("AC1"), vec![made.id]));
        assert!(!base.store.keep_registration(tenant, made.id, "AC1", &was).await.unwrap(), "it is not to lead here");
        base.store.forget_registration(tenant, made.id).await.unwrap();
        assert_eq!(waiting("AC1").await, []);
        assert_eq!(base.store.delete_number(BY, tenant, made.id, None).await.unwrap(), None);
    }

    async fn a_number_changes_by_what_is_named(base) {
        let tenant = base.tenant("one").await;
        let desk = base.profile(tenant, false).await;
        let made = base.number(tenant, "+12025550100").await;
        let patch = PhoneNumberPatch { profile_id: Some(Some(desk.id)), ..Default::default() };
        let patched = base.store.patch_number(BY, tenant, made.id, patch.clone(), Some(1)).await.unwrap();
        assert_eq!((patched.profile_id, patched.is_active, patched.version), (Some(desk.id), true, 2));
        assert_eq!(base.store.patch_number(BY, tenant, made.id, patch, Some(1)).await, Err(StoreError::Stale));
        let patch = PhoneNumberPatch {
            provider_type: Some(ProviderType::Mock),
            is_active: Some(false),
            profile_id: Some(None),
        };
        let patched = base.store.patch_number(BY, tenant, made.id, patch, None).await.unwrap();
        assert_eq!((patched.provider_type, patched.is_active, patched.profile_id), (ProviderType::Mock, false, None));
        assert_eq!(base.store.number(tenant, made.id).await.unwrap(), patched);
        assert_eq!(base.store.delete_number(BY, tenant, made.id, Some(2)).await, Err(StoreError::Stale));
        base.store.delete_number(BY, tenant, made.id, Some(3)).await.unwrap();
        assert_eq!(base.store.number(tenant, made.id).await, Err(StoreError::NotFound));
    }

    async fn a_profile_that_goes_leaves_its_numbers_without_one(base) {
        let tenant = base.tenant("one").await;
        let desk = base.profile(tenant, true).await;
        let new = NewPhoneNumber { profile_id: Some(desk.id), ..number("+12025550100") };
        let made = base.store.create_number(BY, tenant, new, None).await.unwrap().value;
        assert_eq!(base.store.delete_profile(BY, tenant, desk.id, Some(2)).await, Err(StoreError::Stale));
        base.store.delete_profile(BY, tenant, desk.id, Some(1)).await.unwrap();
        let left = base.store.number(tenant, made.id).await.unwrap();
        assert_eq!((left.profile_id, left.version), (None, 2));
        assert_eq!(base.store.profile(tenant, desk.id).await, Err(StoreError::NotFound));
    }

    async fn a_profile_keeps_all_it_says(base) {
        let tenant = base.tenant("one").await;
        let made = base.profile(tenant, false).await;
        let mut content = profile(false);
        content.greeting = Some("Здравствуйте".to_owned());
        let menu = r#"[{"digit": "1", "prompt": "One.", "do": "say", "text": "Hi"}]"#;
        content.menu = serde_json::from_str(menu).unwrap();
        content.agent_settings = serde_json::json!({ "silence_s": 7 });
        content.transfer_allow = vec!["+12025550123".to_owned()];
        let stale = base.store.replace_profile(BY, tenant, made.id, content.clone(), 2).await;
        assert_eq!(stale, Err(StoreError::Stale));
        let replaced = base.store.replace_profile(BY, tenant, made.id, content.clone(), 1).await.unwrap();
        assert_eq!((replaced.version, &replaced.content), (2, &content));
        assert_eq!(base.store.profile(tenant, made.id).await.unwrap(), replaced);
    }

    async fn a_key_is_revoked_once_and_for_all(base) {
        let tenant = base.tenant("one").await;
        let new = |tenant_id, role| NewApiKey { tenant_id, name: "ci".to_owned(), role, hash: vec![7; 32] };
        let key = base.store.create_key(BY, new(Some(tenant), Role::Operator)).await.unwrap();
        let admin = base.store.create_key(BY, new(None, Role::Admin)).await.unwrap();
        let nobody = base.store.create_key(BY, new(Some(TenantId::new()), Role::Operator)).await;
        assert_eq!(nobody, Err(StoreError::NoSuch("tenant_id")));
        assert_eq!(base.store.key(key.id).await.unwrap(), key);
        assert_eq!(base.store.keys(None, ALL).await.unwrap().items, [admin, key.clone()]);
        assert_eq!(base.store.keys(Some(tenant), ALL).await.unwrap().items, std::slice::from_ref(&key));
        base.store.revoke_key(BY, Some(tenant), key.id).await.unwrap();
        let revoked = base.store.key(key.id).await.unwrap().revoked_at.unwrap();
        base.clock.advance(std::time::Duration::from_secs(1));
        base.store.revoke_key(BY, None, key.id).await.unwrap();
        assert_eq!(base.store.key(key.id).await.unwrap().revoked_at, Some(revoked));
    }
}

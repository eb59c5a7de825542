//! What answering calls needs, and the counter that says when to look again.

use control::db::StoreError;
use control::model::*;

use crate::base::{BY, both, call, profile, update};

both! {
    async fn it_has_each_tenant_with_its_own(base) {
        let (one, two) = (base.tenant("one").await, base.tenant("two").await);
        let desk = base.profile(one, true).await;
        let line = base.number(one, "+12025550100").await;
        let settings = TenantSettings { concurrent_calls_max: Some(3), ..TenantSettings::default() };
        base.store.put_settings(BY, two, settings.clone(), None).await.unwrap();
        let (version, all) = base.store.directory().await.unwrap();
        assert_eq!(version, base.store.directory_version().await.unwrap());
        assert_eq!(all.len(), 3);
        let of = |id| all.iter().find(|of| of.tenant.id == id).unwrap().clone();
        assert_eq!((&of(one).profiles[..], &of(one).numbers[..]), (&[desk][..], &[line][..]));
        assert_eq!((of(two).settings, of(two).profiles.len(), of(two).numbers.len()), (settings, 0, 0));
        for id in [one, two, TenantId::DEFAULT] {
            assert_eq!(base.store.directory_of(id).await.unwrap(), of(id));
        }
        assert_eq!(base.store.directory_of(TenantId::new()).await, Err(StoreError::NotFound));
    }

    async fn each_change_of_it_raises_the_counter(base) {
        let store = &base.store;
        let mut last = store.directory_version().await.unwrap();
        let mut raised = async || {
            let now = store.directory_version().await.unwrap();
            std::mem::replace(&mut last, now) < now
        };
        let tenant = base.tenant("one").await;
        assert!(raised().await, "a tenant");
        store.patch_tenant(BY, tenant, TenantPatch::default(), None).await.unwrap();
        assert!(raised().await, "its change");
        store.put_settings(BY, tenant, TenantSettings::default(), None).await.unwrap();
        assert!(raised().await, "settings");
        let desk = base.profile(tenant, true).await;
        assert!(raised().await, "a profile");
        store.replace_profile(BY, tenant, desk.id, profile(false), 1).await.unwrap();
        assert!(raised().await, "its change");
        let line = base.number(tenant, "+12025550100").await;
        assert!(raised().await, "a number");
        store.patch_number(BY, tenant, line.id, PhoneNumberPatch::default(), None).await.unwrap();
        assert!(raised().await, "its change");
        store.delete_number(BY, tenant, line.id, None).await.unwrap();
        assert!(raised().await, "its end");
        store.delete_profile(BY, tenant, desk.id, None).await.unwrap();
        assert!(raised().await, "its end");
        store.record(vec![update(&call(tenant, 1), CallEventKind::Answered)]).await.unwrap();
        store.delete_profile(BY, tenant, desk.id, None).await.unwrap_err();
        assert!(!raised().await, "calls, and what failed, do not");
    }

    async fn a_row_of_a_newer_version_keeps_nothing_else_away(base) {
        let tenant = base.tenant("one").await;
        let (old, new) = (base.profile(tenant, false).await, base.profile(tenant, false).await);
        base.sql(&format!("UPDATE ai_profiles SET content = '{{\"newer\": 1}}' WHERE id = '{}'", new.id)).await;
        let of = base.store.directory_of(tenant).await.unwrap();
        assert_eq!(of.profiles, [old]);
        let error = base.store.profile(tenant, new.id).await.unwrap_err();
        assert_eq!(error, StoreError::Fault("column content cannot be read".to_owned()));
    }
}

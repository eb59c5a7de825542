//! What is written stays, and a version before runs on a newer version's schema.

use control::clock::Clock;
use control::db::{OpenError, Store};
use control::model::*;

use crate::base::{ALL, BY, both, call, number, profile, update};

async fn works(store: &Store, tenant: TenantId, update: &CallUpdate) {
    let patch = TenantPatch { plan: Some(Plan::Growth), status: None };
    store.patch_tenant(BY, tenant, patch, None).await.unwrap();
    store.put_settings(BY, tenant, TenantSettings::default(), None).await.unwrap();
    let desk = store.create_profile(BY, tenant, profile(true), None).await.unwrap().value;
    let line = store.create_number(BY, tenant, number("+12025550100"), None).await.unwrap().value;
    store.record(vec![update.clone()]).await.unwrap();
    assert_eq!(store.call(tenant, update.call.id).await.unwrap(), update.call);
    assert_eq!(store.call_events(tenant, update.call.id, ALL).await.unwrap().items.len(), 1);
    assert_eq!(store.directory().await.unwrap().1.len(), 2);
    store.delete_number(BY, tenant, line.id, None).await.unwrap();
    store.delete_profile(BY, tenant, desk.id, None).await.unwrap();
}

both! {
    async fn all_is_there_after_a_restart(base) {
        let tenant = base.tenant("one").await;
        let desk = base.profile(tenant, true).await;
        let line = base.number(tenant, "+12025550100").await;
        let update = update(&call(tenant, 1), CallEventKind::Answered);
        base.store.record(vec![update.clone()]).await.unwrap();
        let log = base.store.audit_log(tenant, ALL).await.unwrap().items;
        base.store.close().await;
        let again = base.again().await;
        assert_eq!(again.profile(tenant, desk.id).await.unwrap(), desk);
        assert_eq!(again.number(tenant, line.id).await.unwrap(), line);
        assert_eq!(again.call(tenant, update.call.id).await.unwrap(), update.call);
        assert_eq!(again.call_events(tenant, update.call.id, ALL).await.unwrap().items, [update.event]);
        assert_eq!(again.audit_log(tenant, ALL).await.unwrap().items, log);
        assert_eq!(again.tenants(ALL).await.unwrap().items.len(), 2);
        again.close().await;
    }

    async fn the_default_tenant_is_always_there(base) {
        let tenant = base.store.tenant(TenantId::DEFAULT).await.unwrap();
        assert_eq!((&tenant.name[..], tenant.status, tenant.version), ("default", TenantStatus::Active, 1));
        let patch = TenantPatch { status: Some(TenantStatus::Suspended), plan: None };
        let patched = base.store.patch_tenant(BY, TenantId::DEFAULT, patch, None).await.unwrap();
        assert_eq!(base.again().await.tenant(TenantId::DEFAULT).await.unwrap(), patched);
    }

    async fn the_version_before_runs_on_a_newer_schema(base) {
        let tenant = base.tenant("one").await;
        let update = update(&call(tenant, 1), CallEventKind::Answered);
        // Prepares its statements while the schema is the old one.
        for _ in 0..2 {
            works(&base.store, tenant, &update).await;
        }
        base.sql(
            "ALTER TABLE tenants ADD COLUMN colour TEXT NOT NULL DEFAULT 'green';
             ALTER TABLE calls ADD COLUMN cost INTEGER;
             ALTER TABLE ai_profiles ADD COLUMN voice TEXT;
             ALTER TABLE phone_numbers ADD COLUMN region TEXT;
             ALTER TABLE tenant_settings ADD COLUMN budget INTEGER;
             CREATE TABLE campaigns (id TEXT NOT NULL PRIMARY KEY, tenant_id TEXT NOT NULL);
             INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'campaigns', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
        // A process that was there before, and one that starts now.
        works(&base.store, tenant, &update).await;
        let started = base.again().await;
        works(&started, tenant, &update).await;
        started.close().await;
    }

    async fn two_processes_open_it_at_once(base) {
        let (one, two) = tokio::join!(base.again(), base.again());
        let new = |name: &str| NewTenant { name: name.to_owned(), plan: Plan::Starter };
        let (a, b) = tokio::join!(one.create_tenant(BY, new("a"), None), two.create_tenant(BY, new("b"), None));
        assert_eq!(base.store.tenants(ALL).await.unwrap().items.len(), 3, "{a:?} {b:?}");
        one.close().await;
        two.close().await;
    }
}

#[tokio::test]
async fn what_names_no_database_is_refused_with_its_fix() {
    let open = async |url: &str| Store::open(url, Clock::manual()).await.map(drop).unwrap_err();
    assert!(matches!(open("mysql://localhost").await, OpenError::Url(_)));
    assert!(matches!(open("sqlite::memory:").await, OpenError::Url(_)));
    assert!(matches!(open("sqlite:").await, OpenError::Url(_)));
    let error = open("sqlite:/nowhere/at/all/offhook.db").await.to_string();
    assert!(error.contains("/nowhere/at/all/offhook.db") && error.contains("directory"), "{error}");
    let error = open("postgres://somebody:hunter2@127.0.0.1:1/offhook").await.to_string();
    assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
}

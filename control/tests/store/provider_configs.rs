//! Accounts at carriers: unique, changed by version, sealed anew only where nobody was faster; never in the clear.

use control::db::StoreError;
use control::model::*;
use control::secrets::{Keys, Owner};
use secrecy::ExposeSecret as _;

use crate::base::{ALL, BY, Base, both};

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const TOKEN: &str = "0123456789abcdef-the-token";

fn credentials(tenant: TenantId, record: ProviderConfigId, token: &str) -> Credentials {
    let sealed = OLD.parse::<Keys>().unwrap().seal(Owner { tenant, record }, &[token.into()]).unwrap();
    Credentials { sealed, count: 1 }
}

fn account(tenant: TenantId, account_id: &str, provider_type: ProviderType) -> NewProviderConfig {
    let id = ProviderConfigId::new();
    NewProviderConfig {
        id,
        provider_type,
        name: "Own".to_owned(),
        account_id: account_id.to_owned(),
        credentials: credentials(tenant, id, TOKEN),
        outbound_number: Some("+12025550100".to_owned()),
        max_concurrent_calls: Some(2),
    }
}

async fn made(base: &Base, tenant: TenantId, account_id: &str) -> ProviderConfig {
    let new = account(tenant, account_id, ProviderType::Twilio);
    base.store.create_provider_config(BY, tenant, new, None).await.unwrap().value
}

/// The tokens, as the directory reads them.
async fn tokens(base: &Base, tenant: TenantId, keys: &str) -> Vec<String> {
    let of = base.store.directory_of(tenant).await.unwrap().accounts;
    let owner = Owner { tenant, record: of[0].config.id };
    let open = keys.parse::<Keys>().unwrap().open(owner, &of[0].sealed).unwrap();
    open.iter().map(|token| token.expose_secret().to_owned()).collect()
}

both! {
    async fn an_account_is_made_changed_and_deleted(base) {
        let tenant = base.tenant("one").await;
        let made = made(base, tenant, "AC1").await;
        assert_eq!(base.store.provider_config(tenant, made.id).await.unwrap(), made);
        assert_eq!((made.auth_tokens, &made.key_id[..], made.version), (1, "630dcd29", 1));
        let patch = ProviderConfigPatch { outbound_number: Some(None), ..Default::default() };
        let patched = base.store.patch_provider_config(BY, tenant, made.id, patch.clone(), Some(1)).await.unwrap();
        assert_eq!((patched.outbound_number, patched.max_concurrent_calls, patched.version), (None, Some(2), 2));
        assert_eq!(tokens(base, tenant, OLD).await, [TOKEN]);
        let stale = base.store.patch_provider_config(BY, tenant, made.id, patch, Some(1)).await;
        assert_eq!(stale, Err(StoreError::Stale));
        let credentials = Some(credentials(tenant, made.id, "another"));
        let patch = ProviderConfigPatch { credentials, ..Default::default() };
        base.store.patch_provider_config(BY, tenant, made.id, patch, None).await.unwrap();
        assert_eq!(tokens(base, tenant, OLD).await, ["another"]);
        base.store.delete_provider_config(BY, tenant, made.id, Some(3)).await.unwrap();
        assert_eq!(base.store.provider_configs(tenant, ALL).await.unwrap().items, []);
        let mut actions = base.actions(tenant).await;
        actions.retain(|action| action.starts_with("provider_config"));
        let expected = ["delete", "rotate", "update", "create"];
        assert_eq!(actions, expected.map(|action| format!("provider_config.{action}")));
    }

    async fn an_account_belongs_to_one_tenant_and_a_tenant_has_one_per_carrier(base) {
        let (one, two) = (base.tenant("one").await, base.tenant("two").await);
        made(base, one, "AC1").await;
        let create = |tenant, id, provider| base.store.create_provider_config(BY, tenant, account(tenant, id, provider), None);
        let taken = StoreError::Conflict("account_id");
        assert_eq!(create(two, "AC1", ProviderType::Mock).await.unwrap_err(), taken);
        assert_eq!(create(one, "AC2", ProviderType::Twilio).await.unwrap_err(), StoreError::Conflict("provider_type"));
        create(one, "AC3", ProviderType::Mock).await.unwrap();
        assert_eq!(create(TenantId::new(), "AC4", ProviderType::Mock).await.unwrap_err(), StoreError::NotFound);
    }

    async fn it_is_sealed_anew_unless_somebody_was_faster(base) {
        let tenant = base.tenant("one").await;
        let made = made(base, tenant, "AC1").await;
        let keys = format!("{NEW},{OLD}").parse::<Keys>().unwrap();
        let old = base.store.sealed_otherwise(keys.current()).await.unwrap();
        let owner = Owner { tenant, record: made.id };
        let anew = || keys.seal(owner, &keys.open(owner, &old[0].sealed).unwrap()).unwrap();
        assert_eq!(base.store.reseal(&old[0], anew()).await, Ok(true));
        assert_eq!(base.store.reseal(&old[0], anew()).await, Ok(false), "another process did it");
        assert_eq!(tokens(base, tenant, NEW).await, [TOKEN]);
        assert_eq!(base.store.sealed_otherwise(keys.current()).await, Ok(vec![]));
        let now = base.store.provider_config(tenant, made.id).await.unwrap();
        assert_eq!((&now.key_id[..], now.version), (keys.current(), 1), "nobody changed it");
    }

    async fn no_token_is_in_the_clear(base) {
        let tenant = base.tenant("one").await;
        made(base, tenant, "AC1").await;
        let of = base.store.directory_of(tenant).await.unwrap();
        let log = base.store.audit_log(tenant, ALL).await.unwrap().items;
        let shown = format!("{of:?} {}", serde_json::to_string(&log).unwrap());
        assert!(shown.contains("AC1") && !shown.contains(TOKEN), "{shown}");
        let bytes = &of.accounts[0].sealed.bytes;
        assert!(!bytes.windows(8).any(|part| TOKEN.as_bytes().starts_with(part)));
    }
}

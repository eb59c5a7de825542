//! Tenants' own accounts at carriers, through a real server: made, rotated, never shown, kept through a change of keys.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::api::Client;
use support::{ACCOUNT, DataDir, Host};

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn account() -> Value {
    json!({"provider_type": "twilio", "account_id": format!("AC{}", "1".repeat(32)), "name": "Own",
        "auth_tokens": [TOKEN, "fedcba9876543210fedcba9876543210"], "outbound_number": "+15557654321"})
}

#[tokio::test]
async fn an_account_is_made_rotated_and_deleted_and_its_tokens_are_never_shown() {
    let host = Host::development(&[("OFFHOOK_SECRETS_KEY", OLD)]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let configs = format!("{tenant}/provider-configs");
    let headers = "Idempotency-Key: one\r\n";
    let made = api.ask("POST", &configs, headers, Some(&account().to_string())).await;
    let path = made.header("location").unwrap().to_owned();
    assert_eq!((made.status, &made.body["auth_tokens"], &made.body["key_id"]), (201, &json!(2), &json!("630dcd29")));
    let again = api.ask("POST", &configs, headers, Some(&account().to_string())).await;
    assert_eq!((again.status, &again.body), (201, &made.body));
    // Nobody is at Twilio's place.
    assert_eq!(made.body["carrier"]["state"], "away");
    assert!(made.body["carrier"]["detail"].as_str().unwrap().contains("taken unseen"));
    let rotated = api.patch(&path, json!({"auth_tokens": ["00000000000000000000000000000000"]})).await;
    assert_eq!((rotated.status, &rotated.body["auth_tokens"], &rotated.body["name"]), (200, &json!(1), &json!("Own")));
    assert_eq!(api.patch(&path, json!({"auth_tokens": []})).await.faults()[0].1, "too_few");
    assert_eq!(api.patch(&path, json!({"auth_tokens": ["has a blank in it, so"]})).await.faults()[0].1, "bad_format");
    assert_eq!(api.patch(&path, json!({"account_id": ACCOUNT})).await.faults()[0].1, "read_only");
    let other = api.tenant("b").await;
    let taken = api.post(&format!("{other}/provider-configs"), account()).await;
    assert_eq!((taken.code(), &taken.body["errors"][0]["pointer"]), ("conflict", &json!("/account_id")));

    for shown in [path.as_str(), &configs, &format!("{tenant}/audit-log")] {
        let shown = api.get(shown).await.reply.body;
        assert!(shown.contains("Own") && !shown.contains(TOKEN) && !shown.contains(&"0".repeat(32)), "{shown}");
    }
    let reads = api.key_of(&tenant, "operator").await;
    assert_eq!(api.with(&reads).get(&path).await.status, 200);
    assert_eq!(api.with(&reads).patch(&path, json!({"name": "x"})).await.code(), "forbidden");
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.code(), "not_found");
}

#[tokio::test]
async fn without_a_key_nothing_is_kept_and_the_answer_says_how_to_make_one() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let configs = format!("{}/provider-configs", api.tenant("a").await);
    let refused = api.post(&configs, account()).await;
    assert_eq!((refused.status, refused.code()), (409, "no_secrets_key"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("openssl rand -base64 32") && detail.contains("OFFHOOK_SECRETS_KEY"), "{detail}");
    assert_eq!(api.get(&configs).await.body["items"], json!([]));
}

#[tokio::test]
async fn the_deployments_own_account_is_no_tenants() {
    let host = Host::production(&[("OFFHOOK_SECRETS_KEY", OLD), ("OFFHOOK_ADMIN_KEY", "a-key-of-the-operators")]).await;
    let api = Client::new(&host).with("a-key-of-the-operators");
    let configs = format!("{}/provider-configs", api.tenant("a").await);
    let mut theirs = account();
    theirs["account_id"] = json!(ACCOUNT);
    assert_eq!(api.post(&configs, theirs).await.code(), "conflict");
}

#[tokio::test]
async fn after_the_key_was_rotated_everything_is_under_the_new_one() {
    let data = DataDir::new();
    let dir = data.0.display().to_string();
    let with = async |keys: &str| {
        Host::development(&[("OFFHOOK_DATA_DIR", dir.as_str()), ("OFFHOOK_SECRETS_KEY", keys)]).await
    };
    let host = with(OLD).await;
    let configs = "/api/tenants/00000000-0000-7000-8000-000000000000/provider-configs";
    let (path, _) = Client::new(&host).make(configs, account()).await;
    let (_, server) = host.split();
    server.drain(std::future::ready(())).await;

    let host = with(&format!("{NEW},{OLD}")).await;
    let mut shown = Client::new(&host).get(&path).await.body;
    for _ in 0..200 {
        if shown["key_id"] != "630dcd29" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        shown = Client::new(&host).get(&path).await.body;
    }
    let (_, server) = host.split();
    server.drain(std::future::ready(())).await;
    let new = NEW.parse::<control::secrets::Keys>().unwrap();
    assert_eq!((shown["key_id"].as_str().unwrap(), &shown["auth_tokens"]), (new.current(), &json!(2)));
}

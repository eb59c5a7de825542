//! Keys: what each role may do, when a key opens nothing, and how often it may ask.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::Host;
use support::api::{Client, DEVELOPMENT};

const ADMIN: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn no_key_and_a_wrong_one_open_nothing() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let wrong = format!("ohk_{}_{}", "0".repeat(32), "0".repeat(64));
    for key in ["", "x", "ohk_", &wrong, "offhook-development-ke"] {
        let answer = api.with(key).get("/api/tenants").await;
        assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{key}");
        assert_eq!(answer.header("www-authenticate"), Some("bearer realm=\"offhook\""));
        assert_eq!(api.with(key).get("/api/nowhere").await.status, 401, "who has no key learns no paths");
    }
}

#[tokio::test]
async fn developments_key_opens_from_this_machine_in_development_only() {
    let host = Host::development(&[]).await;
    assert_eq!(Client::new(&host).get("/api/tenants").await.status, 200);
    let proxied = Client::new(&host).ask("GET", "/api/tenants", "X-Forwarded-For: 203.0.113.1\r\n", None).await;
    assert_eq!(proxied.status, 401);
    let rebound = "GET /api/tenants HTTP/1.1\r\nHost: evil.example\r\n";
    let rebound = host.send(&format!("{rebound}Authorization: Bearer {DEVELOPMENT}\r\n\r\n")).await;
    assert_eq!(rebound.status, 401);
    let host = Host::production(&[]).await;
    let refused = Client::new(&host).get("/api/tenants").await;
    assert_eq!(refused.status, 401);
    assert!(!refused.reply.body.contains(DEVELOPMENT));
}

#[tokio::test]
async fn the_configured_admin_key_is_an_admins() {
    let host = Host::production(&[("OFFHOOK_ADMIN_KEY", ADMIN)]).await;
    let api = Client::new(&host).with(ADMIN);
    let tenant = api.tenant("a").await;
    let log = api.get(&format!("{tenant}/audit-log")).await;
    assert_eq!(log.body["items"][0]["actor"], "admin-key");
}

#[tokio::test]
async fn a_token_is_shown_once_and_its_hash_never() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let keys = format!("{tenant}/api-keys");
    let once = "Idempotency-Key: k1\r\n";
    let body = json!({"name": "k", "role": "operator"}).to_string();
    let made = api.ask("POST", &keys, once, Some(&body)).await;
    let token = made.body["token"].as_str().unwrap();
    let id = made.body["id"].as_str().unwrap();
    assert!(token.starts_with(&format!("ohk_{}_", id.replace('-', ""))));
    let again = api.ask("POST", &keys, once, Some(&body)).await;
    assert_eq!((again.status, &again.body["id"], &again.body["token"]), (201, &made.body["id"], &Value::Null));
    let shown = api.get(made.header("location").unwrap()).await;
    assert_eq!((shown.status, shown.body.get("token"), shown.body.get("hash")), (200, None, None));
    assert_eq!(api.get(&keys).await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        api.post(&keys, json!({"name": "k", "role": "admin"})).await.faults(),
        [("/role".into(), "not_one_of".into())]
    );
}

#[tokio::test]
async fn each_role_may_do_what_it_says() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let number = json!({"did_number": "+15557654321"});
    let (path, _) = api.make(&format!("{tenant}/phone-numbers"), number).await;
    for (role, write, act, reads) in [
        ("tenant_admin", 200, 404, "+15557654321"),
        ("operator", 403, 404, "+15557654321"),
        ("read_only", 403, 403, "+1555•••4321"),
    ] {
        let key = api.key_of(&tenant, role).await;
        let api = api.with(&key);
        assert_eq!(api.get(&path).await.body["did_number"], reads, "{role}");
        assert_eq!(api.patch(&path, json!({"is_active": true})).await.status, write, "{role}");
        let call = format!("{tenant}/calls/00000000-0000-7000-8000-000000000000/hangup");
        assert_eq!(api.post(&call, json!({})).await.status, act, "{role}");
        assert_eq!(api.get("/api/tenants").await.status, 403, "{role}");
        assert_eq!(api.post("/api/tenants", json!({})).await.status, 403, "role before body: {role}");
        assert_eq!(api.get("/api/api-keys").await.status, 403, "{role}");
        let log = api.get(&format!("{tenant}/audit-log")).await;
        assert_eq!(log.reply.body.contains("+15557654321"), role != "read_only", "{role}");
        let search = api.get(&format!("{tenant}/calls?number=%2B15557654321")).await;
        assert_eq!(search.status, if role == "read_only" { 403 } else { 200 }, "{role}");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_at_once() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let key = api.key_of(&tenant, "operator").await;
    assert_eq!(api.with(&key).get(&tenant).await.status, 200);
    let path = format!(
        "{tenant}/api-keys/{}",
        &api.get(&format!("{tenant}/api-keys")).await.body["items"][0]["id"].as_str().unwrap()
    );
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.with(&key).get(&tenant).await.status, 401);
    assert_eq!(api.delete(&path).await.status, 204, "it is revoked");
    assert!(api.get(&path).await.body["revoked_at"].is_string());
}

#[tokio::test]
async fn an_admins_key_is_for_every_tenant() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let (path, made) = api.make("/api/api-keys", json!({"name": "root"})).await;
    let key = made["token"].as_str().unwrap();
    assert_eq!((&made["role"], &made["tenant_id"]), (&json!("admin"), &Value::Null));
    assert_eq!(api.with(key).get(&tenant).await.status, 200);
    assert_eq!(api.with(key).get("/api/api-keys").await.status, 200);
    assert_eq!(api.with(key).delete(&path).await.status, 204);
    assert_eq!(api.with(key).get(&tenant).await.status, 401);
}

#[tokio::test]
async fn a_key_has_an_allowance_and_failures_without_one_are_charged_to_the_address() {
    let host = Host::production(&[("OFFHOOK_ADMIN_KEY", ADMIN), ("OFFHOOK_RATE_PER_MINUTE", "5")]).await;
    let api = Client::new(&host).with(ADMIN);
    let garbage = api.with("nothing");
    for _ in 0..5 {
        assert_eq!(garbage.get("/api/tenants").await.status, 401);
    }
    let refused = garbage.get("/api/tenants").await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    for n in 0..200 {
        assert_eq!(api.get("/api/nowhere").await.status, 404, "{n}: a key's own failures are not the address's");
    }
    let refused = api.get("/api/tenants").await;
    assert_eq!((refused.status, refused.code(), refused.header("retry-after")), (429, "too_many_requests", Some("1")));
    host.clock.advance(Duration::from_secs(1));
    assert_eq!(api.get("/api/tenants").await.status, 200);
}

//! Tenants apart: every operation of the description with every kind of foreign id, for every role, answers exactly as it
//! does for an id that does not exist.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use support::Host;
use support::api::{Answer, Client};

/// What a tenant has, by the name of its parameter in paths.
type Ids = BTreeMap<&'static str, String>;

/// Tenants have accounts of their own, and so secrets.
const SECRETS: &[(&str, &str)] =
    &[("OFFHOOK_SECRETS_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")];

/// What nobody has.
const NOBODY: [&str; 5] = [
    "00000000-0000-0000-0000-000000000000",
    "0198b2c0-7d1e-7000-8000-00000000abcd",
    "nothing",
    "..%2f..%2fetc",
    "1%27%20OR%201=1",
];

/// A tenant that has one of each.
async fn furnish(api: &Client<'_>, name: &str, number: &str) -> Ids {
    let (tenant, number_digits) = (api.tenant(name).await, number);
    let profile =
        json!({"name": format!("{name}-profile"), "role": "sales", "system_prompt": format!("{name}-prompt")});
    let (_, profile) = api.make(&format!("{tenant}/ai-profiles"), profile).await;
    let (_, number) = api.make(&format!("{tenant}/phone-numbers"), json!({"did_number": number})).await;
    let (_, key) =
        api.make(&format!("{tenant}/api-keys"), json!({"name": format!("{name}-key"), "role": "operator"})).await;
    let (_, contact) =
        api.make(&format!("{tenant}/contacts"), json!({"phone_number": "+15557654320", "name": name})).await;
    let account = json!({"provider_type": "mock", "account_id": format!("AC{:0>32}", &number_digits[1..]),
        "name": format!("{name}-account"), "auth_tokens": [format!("{name}-token-0123456789")]});
    let (_, account) = api.make(&format!("{tenant}/provider-configs"), account).await;
    let id = |of: &Value| of["id"].as_str().unwrap().to_owned();
    BTreeMap::from([
        ("tenant_id", tenant.rsplit('/').next().unwrap().to_owned()),
        ("ai_profile_id", id(&profile)),
        ("phone_number_id", id(&number)),
        ("key_id", id(&key)),
        ("contact_id", id(&contact)),
        ("provider_config_id", id(&account)),
        ("call_id", "0198b2c0-7d1e-7000-8000-000000000001".to_owned()),
    ])
}

/// Method, path and an example of the body of every operation that has an id in its path.
async fn operations(api: &Client<'_>) -> Vec<(String, String, Option<String>)> {
    let description = api.get("/openapi.json").await.body;
    let example = |operation: &Value| {
        let name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()?;
        let schema = &description["components"]["schemas"][name.rsplit('/').next()?];
        Some(schema["examples"][0].to_string())
    };
    let mut all = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap().iter().filter(|_| path.contains('{')) {
            all.push((method.to_uppercase(), path.clone(), example(operation)));
        }
    }
    assert!(all.len() >= 20, "{all:?}");
    all
}

fn fill(path: &str, ids: &Ids, instead: &str, with: &str) -> String {
    ids.iter().fold(path.to_owned(), |path, (name, id)| {
        path.replace(&format!("{{{name}}}"), if *name == instead { with } else { id })
    })
}

/// What a client can see of an answer, but for the connection.
fn seen(answer: &Answer) -> (u16, &str, String) {
    let heads = answer.reply.head.lines().filter(|line| !line.starts_with("date:"));
    (answer.status, &answer.reply.body, heads.collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn what_another_tenant_has_is_what_nobody_has() {
    let host = Host::development(SECRETS).await;
    let api = Client::new(&host);
    let (own, theirs) = (furnish(&api, "own", "+15557654321").await, furnish(&api, "theirs", "+15557654322").await);
    let tenant = format!("/api/tenants/{}", own["tenant_id"]);
    let operations = operations(&api).await;
    let mut tried = 0;
    for role in ["tenant_admin", "operator", "read_only"] {
        let key = api.key_of(&tenant, role).await;
        let api = api.with(&key);
        for (method, path, body) in &operations {
            for name in own.keys().filter(|name| path.contains(&format!("{{{name}}}"))) {
                let ask = async |id: &str| {
                    let headers = "X-Request-Id: same\r\n";
                    // The key's allowance comes back with time.
                    host.clock.advance(Duration::from_millis(10));
                    api.ask(method, &fill(path, &own, name, id), headers, body.as_deref()).await
                };
                let nobodys = ask(NOBODY[1]).await;
                assert!([403, 404].contains(&nobodys.status), "{role} {method} {path}: {nobodys:?}");
                for id in NOBODY.iter().copied().chain(theirs.values().map(String::as_str)) {
                    let answer = ask(id).await;
                    assert_eq!(seen(&answer), seen(&nobodys), "{role} {method} {path} with {name} {id}");
                    tried += 1;
                }
                host.clock.advance(Duration::from_millis(10));
                // Another tenant's things in that tenant's own place, too.
                let answer =
                    api.ask(method, &fill(path, &theirs, "", ""), "X-Request-Id: same\r\n", body.as_deref()).await;
                assert_eq!(seen(&answer), seen(&nobodys), "{role} {method} {path} whole");
                for leak in theirs.values().map(String::as_str).chain(["+15557654322", "theirs"]) {
                    assert!(
                        !answer.reply.body.contains(leak) && !answer.reply.head.contains(leak),
                        "{leak}: {answer:?}"
                    );
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[tokio::test]
async fn nothing_of_another_tenant_was_changed_by_trying() {
    let host = Host::development(SECRETS).await;
    let api = Client::new(&host);
    let (own, theirs) = (furnish(&api, "own", "+15557654321").await, furnish(&api, "theirs", "+15557654322").await);
    let (own_path, their_path) =
        (format!("/api/tenants/{}", own["tenant_id"]), format!("/api/tenants/{}", theirs["tenant_id"]));
    let before = api.get(&format!("{their_path}/audit-log")).await.reply.body;
    let key = api.key_of(&own_path, "tenant_admin").await;
    for (method, path, body) in operations(&api).await {
        for (name, id) in &theirs {
            host.clock.advance(Duration::from_millis(100));
            api.with(&key).ask(&method, &fill(&path, &own, name, id), "", body.as_deref()).await;
            api.with(&key).ask(&method, &fill(&path, &theirs, name, id), "", body.as_deref()).await;
        }
    }
    assert_eq!(api.get(&format!("{their_path}/audit-log")).await.reply.body, before);
}

#[tokio::test]
async fn a_body_cannot_refer_to_what_another_tenant_has() {
    let host = Host::development(SECRETS).await;
    let api = Client::new(&host);
    let (own, theirs) = (furnish(&api, "own", "+15557654321").await, furnish(&api, "theirs", "+15557654322").await);
    let tenant = format!("/api/tenants/{}", own["tenant_id"]);
    let key = api.key_of(&tenant, "tenant_admin").await;
    let number = format!("{tenant}/phone-numbers/{}", own["phone_number_id"]);
    let ask = async |id: &str| {
        let body = json!({"profile_id": id}).to_string();
        api.with(&key).ask("PATCH", &number, "X-Request-Id: same\r\n", Some(&body)).await
    };
    let (foreign, nobodys) = (ask(&theirs["ai_profile_id"]).await, ask(NOBODY[1]).await);
    assert_eq!(seen(&foreign), seen(&nobodys));
    assert_eq!(foreign.faults(), [("/profile_id".to_owned(), "refers_to_nothing".to_owned())]);
}

#[tokio::test]
async fn a_cursor_of_another_tenant_shows_nothing_of_it() {
    let host = Host::development(SECRETS).await;
    let api = Client::new(&host);
    let (own, theirs) = (furnish(&api, "own", "+15557654321").await, furnish(&api, "theirs", "+15557654322").await);
    let of = |ids: &Ids, what: &str, query: &str| format!("/api/tenants/{}/{what}?limit=1{query}", ids["tenant_id"]);
    api.make(&format!("/api/tenants/{}/phone-numbers", theirs["tenant_id"]), json!({"did_number": "+15557654323"}))
        .await;
    let cursor = api.get(&of(&theirs, "phone-numbers", "")).await.body["next_cursor"].as_str().unwrap().to_owned();
    let page = api.get(&of(&own, "phone-numbers", &format!("&cursor={cursor}"))).await;
    assert_eq!(
        (page.status, page.reply.body.contains("+1555765432"), page.reply.body.contains("+15557654322")),
        (200, true, false)
    );
}

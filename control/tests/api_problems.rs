//! What the API answers where it does not do what was asked: every status, every fault, nothing of what is inside.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::{Value, json};
use support::Host;
use support::api::Client;

fn pairs(faults: &[(&str, &str)]) -> Vec<(String, String)> {
    faults.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn every_fault_of_a_profile_is_told_at_once() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let profiles = format!("{}/ai-profiles", api.tenant("a").await);
    let wrong = json!({
        "name": "",
        "role": "boss",
        "is_default": "yes",
        "greeting": "a\u{7}",
        "language": "english",
        "agent_settings": {"silence_s": 1},
        "emergency": {"contact": "911", "words": []},
        "transfer_allow": ["+15550001111", 5],
        "menu": [
            {"digit": "1", "prompt": "x", "do": "transfer", "to": "+15559999999"},
            {"digit": "1", "prompt": "x", "do": "repeat"},
            {"digit": "x", "prompt": "x", "do": "explode"},
        ],
        "turn_taking": {"end_silence_ms": 1, "echo_margin_db": "loud"},
        "colour": "red",
    });
    let mut faults = api.post(&profiles, wrong).await.faults();
    faults.sort();
    let expected = [
        ("/agent_settings/silence_s", "out_of_bounds"),
        ("/colour", "unknown_field"),
        ("/emergency/contact", "too_short"),
        ("/emergency/words", "unknown_field"),
        ("/greeting", "control_character"),
        ("/is_default", "wrong_type"),
        ("/language", "bad_format"),
        ("/menu/0/to", "not_in_transfer_allow"),
        ("/menu/1/digit", "duplicate"),
        ("/menu/2/do", "not_one_of"),
        ("/name", "too_short"),
        ("/role", "not_one_of"),
        ("/system_prompt", "missing"),
        ("/transfer_allow/1", "wrong_type"),
        ("/turn_taking/echo_margin_db", "wrong_type"),
        ("/turn_taking/end_silence_ms", "out_of_bounds"),
    ];
    assert_eq!(faults, pairs(&expected));
}

#[tokio::test]
async fn what_cannot_be_changed_is_named() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let faults = api.patch(&tenant, json!({"name": "b", "id": 1, "status": "gone", "colour": 1})).await.faults();
    let expected =
        [("/colour", "unknown_field"), ("/id", "read_only"), ("/name", "read_only"), ("/status", "not_one_of")];
    assert_eq!(faults, pairs(&expected));
    assert_eq!(api.patch(&tenant, json!({})).await.faults(), pairs(&[("", "too_few")]));
    let faults = api
        .put(&format!("{tenant}/settings"), json!({"concurrent_calls_max": 0, "retention_days": 1.5}))
        .await
        .faults();
    assert_eq!(faults, pairs(&[("/concurrent_calls_max", "out_of_bounds"), ("/retention_days", "wrong_type")]));
}

#[tokio::test]
async fn faults_of_headers_and_query_are_told_with_those_of_the_body() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let long = format!("Idempotency-Key: {}\r\n", "k".repeat(256));
    let faults = api.ask("POST", "/api/tenants?x=1", &long, Some("{\"plan\":\"free\"}")).await.faults();
    let expected = [
        ("query", "unknown_parameter"),
        ("Idempotency-Key", "bad_format"),
        ("/name", "missing"),
        ("/plan", "not_one_of"),
    ];
    assert_eq!(faults, pairs(&expected));
    let tenant = api.tenant("a").await;
    let unquoted = api.ask("PATCH", &tenant, "If-Match: 3\r\n", Some("{\"plan\":\"growth\"}")).await;
    assert_eq!(unquoted.code(), "changed");
    let path = format!("{tenant}/calls?limit=201&cursor=abc&state=gone&direction=up&number=1&since=now&page=2");
    let expected = ["query", "limit", "cursor", "state", "direction", "number", "since"];
    let found: Vec<String> = api.get(&path).await.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(found, expected);
    assert_eq!(
        api.get(&format!("{tenant}/calls?since=2026-01-01T00:00:00Z&state=failed&state=completed")).await.status,
        200
    );
}

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size() {
    let host = Host::development(&[("OFFHOOK_BODY_MAX_BYTES", "1024")]).await;
    let api = Client::new(&host);
    let post = async |headers: &str, body: &str| {
        let answer = api.ask("POST", "/api/tenants", headers, Some(body)).await;
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(post("", "{").await, (400, "malformed".into()));
    assert_eq!(post("", "").await, (400, "malformed".into()));
    assert_eq!(post("", "{\"name\": \"\\ud800\"}").await, (400, "malformed".into()));
    assert_eq!(post("Content-Type: text/plain\r\n", "{}").await, (415, "not_json".into()));
    assert_eq!(post("", &format!("{{\"name\": \"{}\"}}", "a".repeat(9000))).await, (413, "too_large".into()));
    let settings = format!("{}/settings", api.tenant("a").await);
    assert_eq!(api.ask("PUT", &settings, "", None).await.code(), "not_json", "no body is no settings");
    assert_eq!(api.post("/api/tenants", json!([])).await.faults(), pairs(&[("", "wrong_type")]));
    let typed =
        api.ask("POST", "/api/tenants", "Content-Type: Application/JSON; charset=utf-8\r\n", Some("{\"name\":\"a\"}"));
    assert_eq!(typed.await.status, 201);
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there_is_a_problem_too() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    for path in ["/api", "/api/", "/api/nowhere", "/api/tenants/", "/api/tenants/%ff", "/api/tenants/x/y"] {
        assert_eq!(api.get(path).await.code(), "not_found", "{path}");
    }
    let refused = api.delete("/api/tenants").await;
    assert_eq!((refused.status, refused.code()), (405, "method_not_allowed"));
    let mut allowed: Vec<&str> = refused.header("allow").unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["get", "head", "post"]);
    let options = api.ask("OPTIONS", "/api/tenants", "", None).await;
    assert_eq!((options.status, options.header("allow").is_some()), (204, true));
    let head = api.ask("HEAD", "/api/tenants", "", None).await;
    assert_eq!((head.status, head.reply.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_change_says_which_version_it_has_seen() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let new = json!({"name": "p", "role": "sales", "system_prompt": "x"});
    let (profile, _) = api.make(&format!("{tenant}/ai-profiles"), new).await;
    let (number, _) = api.make(&format!("{tenant}/phone-numbers"), json!({"did_number": "+15557654321"})).await;
    let settings = format!("{tenant}/settings");
    for (method, path, body) in [
        ("PATCH", &tenant, json!({"plan": "growth"})),
        ("PUT", &settings, json!({"retention_days": 1})),
        ("PATCH", &profile, json!({"greeting": "Hi"})),
        ("PATCH", &number, json!({"is_active": false})),
    ] {
        let body = body.to_string();
        let etag = api.get(path).await.header("etag").unwrap().to_owned();
        let stale = api.ask(method, path, "If-Match: \"999\"\r\n", Some(&body)).await;
        assert_eq!((stale.status, stale.code()), (412, "changed"), "{path}");
        let fresh = api.ask(method, path, &format!("If-Match: \"77\", {etag}\r\n"), Some(&body)).await;
        assert_eq!(fresh.status, 200, "{path}");
        assert_ne!(fresh.header("etag"), Some(etag.as_str()), "{path}");
        let again = api.ask(method, path, &format!("If-Match: {etag}\r\n"), Some(&body)).await;
        assert_eq!(again.status, 412, "{path}");
        assert_eq!(api.ask(method, path, "If-Match: *\r\n", Some(&body)).await.status, 200, "{path}");
    }
    for path in [&profile, &number] {
        assert_eq!(api.ask("DELETE", path, "If-Match: \"1\"\r\n", None).await.status, 412);
        let etag = api.get(path).await.header("etag").unwrap().to_owned();
        assert_eq!(api.ask("DELETE", path, &format!("If-Match: {etag}\r\n"), None).await.status, 204);
    }
}

#[tokio::test]
async fn a_post_with_a_key_is_done_once() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let numbers = format!("{tenant}/phone-numbers");
    let body = json!({"did_number": "+15557654321"}).to_string();
    let header = "Idempotency-Key: n-1\r\n";
    let first = api.ask("POST", &numbers, header, Some(&body)).await;
    let again = api.ask("POST", &numbers, header, Some(&body)).await;
    assert_eq!((again.status, &again.body, again.header("etag")), (201, &first.body, Some("\"1\"")));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    let other = api.ask("POST", &numbers, header, Some("{\"did_number\":\"+15557654322\"}")).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_key_reused"));
    let elsewhere = api.ask("POST", "/api/tenants", header, Some("{\"name\":\"x\"}")).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (422, "idempotency_key_reused"));
    let key = api.key_of(&tenant, "tenant_admin").await;
    let theirs = api.with(&key).ask("POST", &numbers, header, Some("{\"did_number\":\"+15557654322\"}")).await;
    assert_eq!(theirs.status, 201, "another holder's keys are other keys");
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let answer = api.ask("GET", "/api/nowhere", "X-Request-Id: abc-1\r\n", None).await;
    assert_eq!((answer.header("x-request-id"), &answer.body["instance"]), (Some("abc-1"), &json!("urn:request:abc-1")));
    assert_eq!(api.get("/api/tenants").await.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn every_code_is_explained_where_the_type_points() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let kind = api.get("/api/nowhere").await.body["type"].as_str().unwrap().to_owned();
    let (page, anchor) = kind.split_once('#').unwrap();
    assert!(api.get(page).await.reply.body.contains(&format!("id=\"{anchor}\"")));
    let _: Value = api.get("/openapi.json").await.body;
}

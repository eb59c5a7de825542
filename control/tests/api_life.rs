//! The whole life of each resource of the API, through a real server.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::{Value, json};
use support::Host;
use support::api::Client;

fn profile(name: &str) -> Value {
    json!({"name": name, "role": "receptionist", "system_prompt": "You answer.\nBriefly."})
}

#[tokio::test]
async fn a_tenant_is_made_shown_listed_and_changed() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let made = api.post("/api/tenants", json!({"name": "Ann's", "plan": "growth"})).await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")));
    let path = made.header("location").unwrap();
    assert_eq!(
        (&made.body["name"], &made.body["status"], &made.body["plan"]),
        (&json!("Ann's"), &json!("active"), &json!("growth"))
    );
    let shown = api.get(path).await;
    assert_eq!((shown.status, shown.header("etag"), &shown.body), (200, Some("\"1\""), &made.body));
    let list = api.get("/api/tenants").await;
    let names: Vec<&str> = list.body["items"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ann's", "default"]);

    let changed = api.patch(path, json!({"status": "suspended"})).await;
    assert_eq!(
        (changed.status, &changed.body["status"], &changed.body["plan"]),
        (200, &json!("suspended"), &json!("growth"))
    );
    assert_ne!(changed.header("etag"), Some("\"1\""));
    assert_eq!(api.patch(path, json!({"status": "deleted"})).await.status, 200);
    assert_eq!(api.patch(path, json!({"status": "active"})).await.code(), "tenant_deleted");
    assert_eq!(api.patch(path, json!({"plan": "custom"})).await.status, 200);
}

#[tokio::test]
async fn settings_have_defaults_and_are_replaced_whole() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let path = format!("{}/settings", api.tenant("a").await);
    let none = json!({"concurrent_calls_max": null, "calls_per_second_max": null, "recording": "off",
        "retention_days": null, "dial_prefixes": null, "minutes_per_day_max": null, "outbound_stopped": false});
    let shown = api.get(&path).await;
    assert_eq!((shown.status, &shown.body), (200, &none));
    let some = json!({"concurrent_calls_max": 3, "calls_per_second_max": 2, "recording": "with_consent",
        "retention_days": 30, "dial_prefixes": ["+44"], "minutes_per_day_max": 600, "outbound_stopped": true});
    let put = api.put(&path, some.clone()).await;
    assert_eq!((put.status, &put.body), (200, &some));
    assert_eq!(api.get(&path).await.body, some);
    assert_eq!(api.get(&path).await.header("etag"), put.header("etag"));
    let put = api.put(&path, json!({"retention_days": 1})).await;
    assert_eq!(put.body["concurrent_calls_max"], Value::Null);
}

#[tokio::test]
async fn only_an_admin_changes_a_tenants_caps() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let path = format!("{tenant}/settings");
    assert_eq!(api.put(&path, json!({"concurrent_calls_max": 3})).await.status, 200);
    let key = api.key_of(&tenant, "tenant_admin").await;
    let own = api.with(&key);
    assert_eq!(own.put(&path, json!({"concurrent_calls_max": 3, "retention_days": 7})).await.status, 200);
    assert_eq!(own.put(&path, json!({"retention_days": 7})).await.code(), "forbidden");
    let minutes = json!({"concurrent_calls_max": 3, "minutes_per_day_max": 9});
    assert_eq!(own.put(&path, minutes).await.code(), "forbidden");
    let stop = json!({"concurrent_calls_max": 3, "outbound_stopped": true, "dial_prefixes": ["+1"]});
    assert_eq!(own.put(&path, stop).await.status, 200, "anybody who runs the tenant may stop its calls");
    assert_eq!(own.patch(&tenant, json!({"plan": "custom"})).await.code(), "forbidden");
}

#[tokio::test]
async fn a_number_is_made_changed_and_deleted() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let (_, agent) = api.make(&format!("{tenant}/ai-profiles"), profile("p")).await;
    let (path, made) = api.make(&format!("{tenant}/phone-numbers"), json!({"did_number": "+15557654321"})).await;
    assert_eq!(
        (&made["provider_type"], &made["is_active"], &made["profile_id"]),
        (&json!("generic"), &json!(true), &Value::Null)
    );
    let changed =
        api.patch(&path, json!({"profile_id": agent["id"], "provider_type": "twilio", "is_active": false})).await;
    assert_eq!((changed.status, &changed.body["profile_id"]), (200, &agent["id"]));
    let mut shown = api.get(&path).await.body;
    shown["carrier"] = changed.body["carrier"].clone();
    assert_eq!((&shown, &shown["carrier"]["state"]), (&changed.body, &json!("left_alone")));
    assert_eq!(api.patch(&path, json!({"profile_id": null})).await.body["profile_id"], Value::Null);
    let list = api.get(&format!("{tenant}/phone-numbers")).await;
    assert_eq!((list.body["items"].as_array().unwrap().len(), &list.body["next_cursor"]), (1, &Value::Null));

    let other = api.tenant("b").await;
    let taken = api.post(&format!("{other}/phone-numbers"), json!({"did_number": "+15557654321"})).await;
    assert_eq!((taken.status, taken.code()), (409, "conflict"));
    assert_eq!(taken.body["errors"][0]["pointer"], "/did_number");
    let foreign = api
        .post(&format!("{other}/phone-numbers"), json!({"did_number": "+15557654322", "profile_id": agent["id"]}))
        .await;
    assert_eq!(foreign.faults(), [("/profile_id".into(), "refers_to_nothing".into())]);

    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&path).await.code(), "not_found");
    assert_eq!(api.delete(&path).await.code(), "not_found");
    api.make(&format!("{other}/phone-numbers"), json!({"did_number": "+15557654321"})).await;
}

#[tokio::test]
async fn a_contact_is_made_found_changed_and_deleted() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let contacts = format!("{tenant}/contacts");
    let new = json!({"phone_number": "+15557654321", "name": "Ann", "metadata": {"order": 7, "tags": ["x"]}});
    let (path, made) = api.make(&contacts, new.clone()).await;
    assert_eq!(
        (&made["state"], &made["metadata"]["tags"], &made["last_call_id"]),
        (&json!("new"), &json!(["x"]), &Value::Null)
    );
    let (_, plain) = api.make(&contacts, json!({"phone_number": "+15557654322", "state": "do_not_call"})).await;
    assert_eq!((&plain["name"], &plain["metadata"]), (&Value::Null, &json!({})));
    let taken = api.post(&contacts, new).await;
    assert_eq!((taken.code(), &taken.body["errors"][0]["pointer"]), ("conflict", &json!("/phone_number")));

    let found = async |query: &str| -> Vec<Value> {
        let list = api.get(&format!("{contacts}?{query}")).await;
        list.body["items"].as_array().unwrap().iter().map(|contact| contact["id"].clone()).collect()
    };
    assert_eq!(found("").await, [plain["id"].clone(), made["id"].clone()]);
    assert_eq!(found("state=new&state=busy").await, [made["id"].clone()]);
    assert_eq!(found("phone_number=%2B15557654322").await, [plain["id"].clone()]);
    let faults = api.get(&format!("{contacts}?state=lost&phone_number=911&name=Ann")).await.faults();
    let faults: Vec<_> = faults.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(faults, ["query", "state", "phone_number"]);

    let changed = api.patch(&path, json!({"state": "do_not_call", "name": null, "metadata": {}})).await;
    assert_eq!(
        (changed.status, &changed.body["state"], &changed.body["name"]),
        (200, &json!("do_not_call"), &Value::Null)
    );
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let stale = api.ask("PATCH", &path, "If-Match: \"1\"\r\n", Some(r#"{"state": "new"}"#)).await;
    assert_eq!(stale.code(), "changed");
    assert_eq!(api.patch(&path, json!({"state": "reached"})).await.faults()[0].1, "not_one_of", "calls say that");
    assert_eq!(api.patch(&path, json!({"phone_number": "+15557654323"})).await.faults()[0].1, "read_only");
    let large = json!({"metadata": {"x": "y".repeat(5000)}});
    assert_eq!(api.patch(&path, large).await.faults(), [("/metadata".into(), "too_long".into())]);
    assert_eq!(api.get(&format!("{path}/attempts")).await.body, json!({"items": [], "next_cursor": null}));

    let reads = api.key_of(&tenant, "read_only").await;
    let shown = api.with(&reads).get(&path).await;
    assert_eq!(shown.body["phone_number"], "+1555•••4321");
    assert_eq!(api.with(&reads).get(&format!("{contacts}?phone_number=%2B15557654322")).await.code(), "forbidden");
    assert_eq!(api.with(&reads).delete(&path).await.code(), "forbidden");
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&format!("{path}/attempts")).await.code(), "not_found");
}

#[tokio::test]
async fn a_profile_is_made_with_defaults_changed_field_by_field_and_deleted() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let profiles = format!("{tenant}/ai-profiles");
    let (path, made) = api.make(&profiles, profile("one")).await;
    assert_eq!((&made["language"], &made["menu"], &made["greeting"]), (&json!("en-US"), &json!([]), &Value::Null));
    assert_eq!(made["turn_taking"]["end_silence_ms"], 500);
    let menu = json!([{"digit": "1", "prompt": "Press 1.", "do": "transfer", "to": "+15550001111"}]);
    let patch = json!({"greeting": "Hi!", "transfer_allow": ["+15550001111"], "menu": menu, "turn_taking": {"end_silence_ms": 800}});
    let changed = api.patch(&path, patch).await;
    assert_eq!((changed.status, &changed.body["menu"], &changed.body["name"]), (200, &menu, &json!("one")));
    assert_eq!(
        (&changed.body["turn_taking"]["end_silence_ms"], &changed.body["turn_taking"]["onset_blocks"]),
        (&json!(800), &json!(4))
    );
    let broken = api.patch(&path, json!({"transfer_allow": []})).await;
    assert_eq!(broken.faults(), [("/menu/0/to".into(), "not_in_transfer_allow".into())]);
    assert_eq!(api.get(&path).await.body, changed.body);
    assert_eq!(api.patch(&path, json!({"greeting": null})).await.body["greeting"], Value::Null);

    let (number, _) = api
        .make(&format!("{tenant}/phone-numbers"), json!({"did_number": "+15557654321", "profile_id": made["id"]}))
        .await;
    assert_eq!(api.delete(&path).await.status, 204);
    assert_eq!(api.get(&number).await.body["profile_id"], Value::Null);
    assert_eq!(api.get(&path).await.code(), "not_found");
}

#[tokio::test]
async fn one_profile_is_the_default() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let profiles = format!("{}/ai-profiles", api.tenant("a").await);
    let mut default = profile("one");
    default["is_default"] = json!(true);
    let (one, _) = api.make(&profiles, default).await;
    let (two, _) = api.make(&profiles, profile("two")).await;
    assert_eq!(api.patch(&two, json!({"is_default": true})).await.status, 200);
    assert_eq!(
        (api.get(&one).await.body["is_default"].clone(), api.get(&two).await.body["is_default"].clone()),
        (json!(false), json!(true))
    );
}

#[tokio::test]
async fn every_change_is_in_the_audit_log() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let key = api.key_of(&tenant, "tenant_admin").await;
    let (path, _) =
        api.with(&key).make(&format!("{tenant}/phone-numbers"), json!({"did_number": "+15557654321"})).await;
    api.with(&key).patch(&path, json!({"is_active": false})).await;
    api.with(&key).delete(&path).await;
    let log = api.get(&format!("{tenant}/audit-log")).await;
    let rows = log.body["items"].as_array().unwrap();
    let actions: Vec<&str> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["number.delete", "number.update", "number.create", "key.create", "tenant.create"]);
    assert_eq!((&rows[1]["before"]["is_active"], &rows[1]["after"]["is_active"]), (&json!(true), &json!(false)));
    assert!(rows[0]["actor"].as_str().unwrap().starts_with("key:"));
    assert_eq!(rows[4]["actor"], "development");
    assert!(!log.reply.body.contains(&key));
}

#[tokio::test]
async fn lists_go_on_where_a_page_ends() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    for n in 0..5 {
        api.make(&format!("{tenant}/phone-numbers"), json!({"did_number": format!("+1555765432{n}")})).await;
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = api.get(&format!("{tenant}/phone-numbers{query}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        seen.extend(
            page.body["items"].as_array().unwrap().iter().map(|n| n["did_number"].as_str().unwrap().to_owned()),
        );
        match page.body["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..5).rev().map(|n| format!("+1555765432{n}")).collect::<Vec<_>>());
}

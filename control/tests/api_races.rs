//! Many at once: one key makes one row, one default stays, no version is overtaken unseen.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use serde_json::{Value, json};
use support::Host;
use support::api::{Answer, Client};
use tokio::task::JoinSet;

/// Sends `count` requests at once.
async fn at_once(
    host: Host,
    count: usize,
    request: impl Fn(usize) -> (String, String, String, String),
) -> (std::sync::Arc<Host>, Vec<Answer>) {
    let host = std::sync::Arc::new(host);
    let mut asked = JoinSet::new();
    for n in 0..count {
        let (host, (method, path, headers, body)) = (std::sync::Arc::clone(&host), request(n));
        asked.spawn(async move { Client::new(&host).ask(&method, &path, &headers, Some(&body)).await });
    }
    (host, asked.join_all().await)
}

async fn items(host: &Host, path: &str) -> Vec<Value> {
    Client::new(host).get(&format!("{path}?limit=200")).await.body["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_identical_posts_make_one_row() {
    let host = Host::development(&[]).await;
    let tenant = Client::new(&host).tenant("a").await;
    for (what, body) in [
        ("phone-numbers", json!({"did_number": "+15557654321"})),
        ("ai-profiles", json!({"name": "p", "role": "sales", "system_prompt": "x"})),
    ] {
        let path = format!("{tenant}/{what}");
        let host = Host::development(&[]).await;
        let tenant = Client::new(&host).tenant("a").await;
        let path = path.replace(path.split('/').nth(3).unwrap(), tenant.split('/').nth(3).unwrap());
        let ask = |_| ("POST".into(), path.clone(), "Idempotency-Key: same\r\n".into(), body.to_string());
        let (host, answers) = at_once(host, 200, ask).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body), "{what}");
        assert_eq!(items(&host, &path).await.len(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_identical_posts_make_one_key_and_show_its_secret_once() {
    let host = Host::development(&[]).await;
    let keys = format!("{}/api-keys", Client::new(&host).tenant("a").await);
    let body = json!({"name": "k", "role": "operator"}).to_string();
    let ask = |_| ("POST".into(), keys.clone(), "Idempotency-Key: same\r\n".into(), body.clone());
    let (host, answers) = at_once(host, 50, ask).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body["id"] == answers[0].body["id"]));
    assert_eq!(answers.iter().filter(|answer| answer.body["token"].is_string()).count(), 1);
    assert_eq!(items(&host, &keys).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_switches_of_the_default_leave_one() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let profiles = format!("{}/ai-profiles", api.tenant("a").await);
    let mut paths = Vec::new();
    for n in 0..50 {
        let new = json!({"name": format!("p{n}"), "role": "sales", "system_prompt": "x"});
        paths.push(api.make(&profiles, new).await.0);
    }
    let ask = |n: usize| ("PATCH".into(), paths[n].clone(), String::new(), json!({"is_default": true}).to_string());
    let (host, answers) = at_once(host, 50, ask).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{:?}", answers.iter().find(|a| a.status != 200));
    let defaults = items(&host, &profiles).await.iter().filter(|profile| profile["is_default"] == true).count();
    assert_eq!(defaults, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_that_saw_the_same_version_one_wins() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = api.tenant("a").await;
    let new = json!({"name": "p", "role": "sales", "system_prompt": "x"});
    let (path, _) = api.make(&format!("{tenant}/ai-profiles"), new).await;
    let etag = api.get(&path).await.header("etag").unwrap().to_owned();
    let ask = |n: usize| {
        let body = json!({"greeting": format!("I am {n}.")}).to_string();
        ("PATCH".into(), path.clone(), format!("If-Match: {etag}\r\n"), body)
    };
    let (_, answers) = at_once(host, 20, ask).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[412; 19][..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_different_fields_are_all_kept() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let new = json!({"name": "p", "role": "sales", "system_prompt": "x"});
    let (path, _) = api.make(&format!("{}/ai-profiles", api.tenant("a").await), new).await;
    let patches = [
        json!({"greeting": "Hi"}),
        json!({"language": "de"}),
        json!({"consent_text": "ok"}),
        json!({"role": "custom"}),
    ];
    let ask = |n: usize| ("PATCH".into(), path.clone(), String::new(), patches[n].to_string());
    let (host, answers) = at_once(host, 4, ask).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let profile = Client::new(&host).get(&path).await.body;
    assert_eq!((&profile["greeting"], &profile["language"]), (&json!("Hi"), &json!("de")));
    assert_eq!((&profile["consent_text"], &profile["role"]), (&json!("ok"), &json!("custom")));
}

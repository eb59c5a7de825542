//! Calls through the API: live and stored ones are one resource, and what is done to a live one is done once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::api::Client;
use support::socket::{Got, Socket};
use support::*;

const PERSON: &str = "+15550100999";

/// A tenant that answers the number that [`call`] dials.
async fn tenant(api: &Client<'_>) -> String {
    let tenant = api.tenant("a").await;
    let profile = json!({"name": "p", "role": "sales", "system_prompt": "x", "transfer_allow": [PERSON]});
    let (_, profile) = api.make(&format!("{tenant}/ai-profiles"), profile).await;
    let number = json!({"did_number": "+15557654321", "profile_id": profile["id"]});
    api.make(&format!("{tenant}/phone-numbers"), number).await;
    tenant
}

/// A call with its stream open.
async fn ring(host: &Host, n: u32) -> Socket {
    let path = host.post("/twilio/voice", &call(&sid(n))).await.stream_path(&host.base);
    let mut socket = Socket::open(host.address, &path, "").await.unwrap();
    socket.start(ACCOUNT, &sid(n), "{}").await;
    socket
}

/// The answer of a GET once `enough` of it.
async fn once(api: &Client<'_>, path: &str, enough: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..400 {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if enough(&answer.body) {
            return answer.body;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {:?}", api.get(path).await);
}

async fn only_call(api: &Client<'_>, tenant: &str, state: &str) -> Value {
    let list = once(api, &format!("{tenant}/calls"), |body| body["items"][0]["state"] == state).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    list["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_one_resource_from_its_first_moment_to_its_last() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = tenant(&api).await;
    let mut socket = ring(&host, 1).await;
    let live = only_call(&api, &tenant, "streaming").await;
    assert_eq!(
        (&live["carrier_call_id"], &live["from"], &live["to"]),
        (&json!(sid(1)), &json!("+15551234567"), &json!("+15557654321"))
    );
    let path = format!("{tenant}/calls/{}", live["id"].as_str().unwrap());
    once(&api, &path, |call| !call["timeline"].as_array().unwrap().is_empty()).await;
    let reader = api.key_of(&tenant, "read_only").await;
    let masked = api.with(&reader).get(&path).await;
    assert_eq!((&masked.body["from"], masked.reply.body.contains("+15551234567")), (&json!("+1555•••4567"), false));

    assert_eq!(api.post(&format!("{path}/hangup"), json!({})).await.status, 200);
    assert!(matches!(socket.until_closed().await, Got::Close(_) | Got::Gone));
    drop(socket);
    host.post("/twilio/status", &[&call(&sid(1))[..4], &[("CallStatus", "completed")]].concat()).await;
    let over = only_call(&api, &tenant, "completed").await;
    assert_eq!((&over["id"], over["ended_at"].is_string()), (&live["id"], true));
    let detail =
        once(&api, &path, |call| call["timeline"].as_array().unwrap().iter().any(|event| event["kind"] == "ended"))
            .await;
    assert!(detail["quality"].is_object(), "{detail}");
    let events = api.get(&format!("{path}/events?limit=1")).await;
    assert!(events.body["next_cursor"].is_string());
    for action in ["hangup", "say", "transfer"] {
        let body = json!({"hangup": {}, "say": {"text": "x"}, "transfer": {"to": PERSON}})[action].clone();
        assert_eq!(api.post(&format!("{path}/{action}"), body).await.code(), "not_live");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_is_done_once_and_noted() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = tenant(&api).await;
    let mut socket = ring(&host, 1).await;
    let live = only_call(&api, &tenant, "streaming").await;
    let path = format!("{tenant}/calls/{}", live["id"].as_str().unwrap());
    let foreign = api.post(&format!("{path}/transfer"), json!({"to": "+15550000000"})).await;
    assert_eq!((foreign.status, foreign.code()), (409, "transfer_not_allowed"));
    let body = json!({"to": PERSON}).to_string();
    let header = "Idempotency-Key: t1\r\n";
    let first = api.ask("POST", &format!("{path}/transfer"), header, Some(&body)).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert!(matches!(socket.until_closed().await, Got::Close(_) | Got::Gone));
    let again = api.ask("POST", &format!("{path}/transfer"), header, Some(&body)).await;
    assert_eq!(
        (again.status, &again.body),
        (200, &first.body),
        "a repeat is answered as the first, whatever came since"
    );
    let other = api.ask("POST", &format!("{path}/transfer"), header, Some("{\"to\":\"+15550000000\"}")).await;
    assert_eq!(other.code(), "idempotency_key_reused");
    let log = api.get(&format!("{tenant}/audit-log")).await;
    let rows = log.body["items"].as_array().unwrap();
    let noted: Vec<&Value> = rows.iter().filter(|row| row["action"] == "call.transfer").collect();
    assert_eq!((noted.len(), &noted[0]["after"], &noted[0]["subject"]), (1, &json!({"to": PERSON}), &live["id"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_found_by_what_they_are() {
    let host = Host::development(&[]).await;
    let api = Client::new(&host);
    let tenant = tenant(&api).await;
    let _socket = ring(&host, 1).await;
    only_call(&api, &tenant, "streaming").await;
    for (query, found) in [
        ("state=streaming", 1),
        ("state=completed&state=failed", 0),
        ("direction=inbound", 1),
        ("direction=outbound", 0),
        ("number=%2B15551234567", 1),
        ("number=%2B15551234568", 0),
        ("since=2026-01-01T00:00:00Z", 1),
        ("since=2027-01-01T00:00:00Z", 0),
        ("until=2026-01-01T00:00:00Z", 0),
    ] {
        let list = api.get(&format!("{tenant}/calls?{query}")).await;
        assert_eq!(list.body["items"].as_array().map(Vec::len), Some(found), "{query}: {list:?}");
    }
}

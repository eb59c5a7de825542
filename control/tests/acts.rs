//! What somebody with a key does to a live call, and what its agent and its caller make of it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::api::Client;
use support::socket::Socket;
use support::*;

/// What [`call`] dials.
const OURS: &str = "+15557654321";
const PERSON: &str = "+15550100999";
/// On the same list, in another country.
const ABROAD: &str = "+442079460000";

/// A live call of a tenant: its path in the API, and its socket.
async fn live(host: &Host) -> (String, Socket) {
    let client = Client::new(host);
    let tenant = client.tenant("Acme").await;
    let profile = json!({
        "name": "Front desk", "role": "receptionist", "system_prompt": "Be kind.", "is_default": true,
        "transfer_allow": [PERSON, ABROAD],
        // Without a voice the carrier says both, and the agent only asks for a key.
        "greeting": "Hello.", "menu": [{"digit": "0", "prompt": "To end, press 0.", "do": "goodbye"}],
    });
    client.make(&format!("{tenant}/ai-profiles"), profile).await;
    client.make(&format!("{tenant}/phone-numbers"), json!({"did_number": OURS, "provider_type": "mock"})).await;
    let reply = host.post("/twilio/voice", &call(&sid(1))).await;
    let mut socket = Socket::open(host.address, &reply.stream_path(&host.base), "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    socket.next().await;
    let calls = client.get(&format!("{tenant}/calls")).await.body;
    let id = calls.pointer("/items/0/id").and_then(Value::as_str).unwrap_or_else(|| panic!("no call: {calls}"));
    (format!("{tenant}/calls/{id}"), socket)
}

/// The call as the API shows it, once its state is this.
async fn ended(client: &Client<'_>, path: &str) -> Value {
    for _ in 0..300 {
        let call = client.get(path).await.body;
        if call["state"] == "completed" {
            return call;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never over: {:?}", client.get(path).await);
}

/// Waits until the call's events say this.
async fn told(client: &Client<'_>, path: &str, word: &str) {
    for _ in 0..300 {
        if client.get(&format!("{path}/events")).await.body.to_string().contains(word) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody tells {word}: {:?}", client.get(&format!("{path}/events")).await);
}

#[tokio::test]
async fn a_call_that_somebody_hangs_up_ends_after_what_was_being_said() {
    let host = Host::development(&[("OFFHOOK_ESPEAK", "off")]).await;
    let (path, mut socket) = live(&host).await;
    let client = Client::new(&host);
    let asked = client.post(&format!("{path}/hangup"), json!({})).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    socket.until_closed().await;
    let after = host.post("/twilio/resume?n=0", &call(&sid(1))).await.twiml();
    assert_eq!(after, ["Response", "Hangup"]);
    assert_eq!(ended(&client, &path).await["ended_by"], "api");
    let again = client.post(&format!("{path}/hangup"), json!({})).await;
    assert_eq!((again.status, again.code()), (409, "not_live"));
}

#[tokio::test]
async fn a_call_is_transferred_to_whom_its_profile_allows_and_to_nobody_else() {
    let host = Host::development(&[("OFFHOOK_ESPEAK", "off")]).await;
    let (path, mut socket) = live(&host).await;
    let client = Client::new(&host);
    let refused = client.post(&format!("{path}/transfer"), json!({"to": "+19005550000"})).await;
    assert_eq!((refused.status, refused.code()), (409, "transfer_not_allowed"));
    let asked = client.post(&format!("{path}/transfer"), json!({"to": PERSON})).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    socket.until_closed().await;
    let after = host.post("/twilio/resume?n=0", &call(&sid(1))).await.twiml();
    assert!(after.contains(&format!("\"{PERSON}\"")), "{after:?}");
    told(&client, &path, "\"acted\"").await;
    told(&client, &path, "\"transferred\"").await;
}

#[tokio::test]
async fn a_country_that_nobody_opened_is_not_dialled_although_a_profile_lists_it() {
    for (prefixes, status) in [("+1", 409), ("+44", 200)] {
        let host = Host::development(&[("OFFHOOK_ESPEAK", "off"), ("OFFHOOK_DIAL_PREFIXES", prefixes)]).await;
        let (path, _socket) = live(&host).await;
        let asked = Client::new(&host).post(&format!("{path}/transfer"), json!({"to": ABROAD})).await;
        assert_eq!(asked.status, status, "{asked:?}");
        if status == 409 {
            assert_eq!(asked.code(), "number_denied");
        }
    }
}

#[tokio::test]
async fn a_text_is_said_where_there_is_a_voice() {
    for (espeak, status) in [("off", 409), ("espeak-ng", 200)] {
        if espeak != "off" && std::process::Command::new(espeak).arg("--version").output().is_err() {
            println!("skipped: espeak-ng is not installed");
            continue;
        }
        let host = Host::development(&[("OFFHOOK_ESPEAK", espeak)]).await;
        let (path, mut socket) = live(&host).await;
        let client = Client::new(&host);
        let asked = client.post(&format!("{path}/say"), json!({"text": "Somebody will be with you."})).await;
        assert_eq!(asked.status, status, "{asked:?}");
        if status == 200 {
            // Marks are returned as sound comes; the journal then tells that it was said.
            let said = async {
                while !client.get(&format!("{path}/events")).await.body.to_string().contains("\"told\"") {
                    let _ = tokio::time::timeout(Duration::from_millis(20), socket.next()).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), said).await.expect("the text is said");
        }
    }
}

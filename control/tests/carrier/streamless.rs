//! A call that somebody answers, and whose stream never comes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::model::{ACCOUNT, Form, Model, OURS, PERSON, Setup, TOKEN, listen};
use crate::support::api::Client;
use crate::support::{Host, form_request};

const PATIENCE: Duration = Duration::from_secs(20);

/// What stands between the carrier and the service, and spoils the answer to an answered call.
#[derive(Clone)]
struct Between {
    host: Arc<Host>,
    /// Whether the service hears of the question at all.
    asks: bool,
}

/// Everything is passed on; whoever was called hears a pause instead of a stream.
async fn pass(State(between): State<Between>, uri: Uri, axum::Form(form): axum::Form<Form>) -> Response {
    let is_voice = uri.path() == "/twilio/voice";
    if !is_voice || between.asks {
        let path = uri.path_and_query().unwrap().as_str();
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let status = between.host.send(&form_request(path, &form, "")).await.status;
        if !is_voice {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
    }
    ([(header::CONTENT_TYPE, "text/xml")], "<Response><Pause length=\"60\"/></Response>").into_response()
}

async fn ends_mute(asks: bool) {
    let model = Model::start(Setup::default()).await;
    let (listener, public) = listen().await;
    let env = [
        ("ENVIRONMENT", "development"),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("TWILIO_BASE_URL", model.base_url.as_str()),
        ("TWILIO_STREAM_TIMEOUT", "2s"),
        ("OFFHOOK_PUBLIC_URL", public.as_str()),
    ];
    let host = Arc::new(Host::running(&env).await);
    let router = Router::new().fallback(pass).with_state(Between { host: Arc::clone(&host), asks });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = Client::new(&host);
    let tenant = client.tenant("Acme").await;
    client.make(&format!("{tenant}/phone-numbers"), json!({ "did_number": OURS, "provider_type": "twilio" })).await;
    let (path, _) = client.make(&format!("{tenant}/calls"), json!({ "to": PERSON })).await;
    let call = failed(&client, &path).await;
    assert_eq!((&call["error"]["code"], &call["ended_by"]), (&"twilio_stream_failed".into(), &"service".into()));
    let timeline = call["timeline"].as_array().unwrap();
    let ended: Vec<_> = timeline.iter().filter(|event| event["kind"] == "ended").collect();
    assert_eq!((ended.len(), &ended[0]["data"]["reason"]), (1, &"no stream came".into()), "{timeline:#?}");
    assert_eq!(host.metric("offhook_calls_failed_total{cause=\"twilio_stream_failed\"}").await, 1.0);
    let is_over = async {
        let name = call["carrier_call_id"].as_str().unwrap();
        while model.shows(ACCOUNT, TOKEN, &format!("Calls/{name}.json")).await["status"] != "completed" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_over).await.expect("it is hung up at the carrier");
    assert_eq!(host.metric("offhook_calls").await, 0.0, "its place is free");
    // What the carrier reports then changes nothing.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(client.get(&path).await.body["state"], "failed");
}

async fn failed(client: &Client<'_>, path: &str) -> Value {
    let look = async {
        loop {
            let call = client.get(path).await.body;
            if call["state"] == "failed" {
                return call;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("it has failed in the end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_stream_never_starts_fails_and_is_hung_up() {
    ends_mute(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_instructions_are_never_fetched_fails_and_is_hung_up() {
    ends_mute(false).await;
}

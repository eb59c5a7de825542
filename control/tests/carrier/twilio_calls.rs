//! Calls at the model of Twilio, which refuses what Twilio refuses.

use std::time::Duration;

use control::carrier::{CallStatus, CarrierError, ErrorCode, HangUp, MachineDetection, TelephonyProvider};
use control::model::Timestamp;

use crate::model::{ACCOUNT, Model, OURS, PERSON, Setup, TOKEN, carrier, factory};

const MACHINE: &str =
    "about = \"a party\"\npickup = { kind = \"machine\", greeting_ms = 5000 }\n[[step]]\nsilence_ms = 20000\n";
const BUSY: &str = "about = \"a party\"\npickup = { kind = \"busy\", after_ms = 100 }\n[[step]]\nsilence_ms = 20000\n";
const SLOW: &str =
    "about = \"a party\"\npickup = { kind = \"person\", after_ms = 20000 }\n[[step]]\nsilence_ms = 20000\n";
/// Somebody who takes his time.
const LATE: &str = "+15551230003";

/// Everything is of after this.
const EVER: Timestamp = Timestamp(0);

async fn refusal<T: std::fmt::Debug>(doing: impl Future<Output = Result<T, CarrierError>>) -> CarrierError {
    doing.await.expect_err("a refusal")
}

#[tokio::test]
async fn a_call_is_placed_reported_found_and_ended() {
    let model = Model::start(Setup::default()).await;
    let twilio = model.twilio(&[TOKEN]);
    let placed = twilio.initiate_call(model.request(PERSON)).await.unwrap();
    assert_eq!(placed.status, CallStatus::Queued);
    let sid = placed.carrier_call_id;
    let answered = model.hears("CallStatus", "in-progress").await;
    assert!(answered.contains(&("CallSid".into(), sid.clone())));

    let found = twilio.call(&sid).await.unwrap().unwrap();
    assert_eq!((found.status, found.carrier_call_id.as_str()), (CallStatus::InProgress, sid.as_str()));
    let listed = twilio.calls(OURS, PERSON, EVER).await.unwrap();
    assert_eq!(listed.iter().map(|call| call.carrier_call_id.as_str()).collect::<Vec<_>>(), [sid.as_str()]);

    twilio.hang_up(&sid, HangUp::Complete).await.unwrap();
    let report = twilio.parse_webhook_event(&model.hears("CallStatus", "completed").await).unwrap();
    assert_eq!((report.carrier_call_id.as_str(), report.status), (sid.as_str(), CallStatus::Completed));
    assert_eq!(report.sequence, Some(3), "initiated, ringing, answered, completed");
    assert!(report.at.is_some() && report.duration.is_some(), "{report:?}");
    twilio.hang_up(&sid, HangUp::Complete).await.expect("one that is over is no error");
    twilio.hang_up(&sid, HangUp::Cancel).await.expect("nor to take it back");
    assert!(twilio.call(&sid).await.unwrap().unwrap().duration.is_some());
}

#[tokio::test]
async fn a_call_that_rings_is_taken_back_and_one_that_was_answered_is_not() {
    let model = Model::start(Setup { parties: &[(LATE, SLOW)], ..Setup::default() }).await;
    let twilio = model.twilio(&[TOKEN]);
    let sid = twilio.initiate_call(model.request(LATE)).await.unwrap().carrier_call_id;
    model.hears("CallStatus", "ringing").await;
    twilio.hang_up(&sid, HangUp::Cancel).await.unwrap();
    model.hears("CallStatus", "canceled").await;

    let sid = twilio.initiate_call(model.request(PERSON)).await.unwrap().carrier_call_id;
    model.hears("CallStatus", "in-progress").await;
    twilio.hang_up(&sid, HangUp::Cancel).await.unwrap();
    assert_eq!(twilio.call(&sid).await.unwrap().unwrap().status, CallStatus::InProgress);
}

#[tokio::test]
async fn a_live_call_is_moved_and_one_that_is_over_is_not() {
    let model = Model::start(Setup::default()).await;
    let twilio = model.twilio(&[TOKEN]);
    let sid = twilio.initiate_call(model.request(PERSON)).await.unwrap().carrier_call_id;
    model.hears("CallStatus", "in-progress").await;
    let elsewhere = format!("{}?moved=yes", model.webhooks.voice);
    let asked = || model.heard.lock().unwrap().iter().filter(|(path, _)| path == "/voice").count();
    let before = asked();
    twilio.transfer(&sid, &elsewhere).await.unwrap();
    while asked() == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    twilio.hang_up(&sid, HangUp::Complete).await.unwrap();
    model.hears("CallStatus", "completed").await;
    let error = refusal(twilio.transfer(&sid, &elsewhere)).await;
    assert_eq!(
        (error.code, error.carrier_code, error.may_have_happened),
        (ErrorCode::SessionNotFound, Some(21_220), false)
    );
}

#[tokio::test]
async fn who_answered_is_told_beside_the_call() {
    let model = Model::start(Setup { parties: &[(PERSON, MACHINE)], ..Setup::default() }).await;
    let twilio = model.twilio(&[TOKEN]);
    let mut request = model.request(PERSON);
    request.machine_detection = MachineDetection::Enable;
    request.machine_url = Some(model.webhooks.voice.replace("/voice", "/machine"));
    let sid = twilio.initiate_call(request).await.unwrap().carrier_call_id;
    let told = model.hears("AnsweredBy", "machine_start").await;
    let report = twilio.parse_webhook_event(&told).unwrap();
    assert_eq!((report.carrier_call_id.as_str(), report.status), (sid.as_str(), CallStatus::InProgress));
    assert_eq!(report.answered_by.as_deref(), Some("machine_start"));
    twilio.hang_up(&sid, HangUp::Complete).await.unwrap();
}

#[tokio::test]
async fn a_busy_party_is_reported() {
    let model = Model::start(Setup { parties: &[(PERSON, BUSY)], ..Setup::default() }).await;
    let twilio = model.twilio(&[TOKEN]);
    twilio.initiate_call(model.request(PERSON)).await.unwrap();
    let report = twilio.parse_webhook_event(&model.hears("CallStatus", "busy").await).unwrap();
    assert_eq!((report.status, report.duration), (CallStatus::Busy, Some(Duration::ZERO)));
}

#[tokio::test]
async fn what_twilio_refuses_did_not_happen_and_says_why_without_a_number() {
    let model = Model::start(Setup::default()).await;
    let twilio = model.twilio(&[TOKEN]);
    let check = async |to: &str, from: &str, url: Option<&str>, code: ErrorCode, number: u32| {
        let mut request = model.request(to);
        from.clone_into(&mut request.from);
        request.voice_url = url.map_or(request.voice_url, str::to_owned);
        let error = refusal(twilio.initiate_call(request)).await;
        assert_eq!((error.code, error.carrier_code, error.http_status), (code, Some(number), Some(400)), "{error}");
        assert!(!error.may_have_happened && error.link.is_some(), "{error:?}");
        let said = error.to_string();
        assert!(!said.contains(to) && !said.contains(from) && !said.contains(TOKEN), "{said}");
    };
    check("+999", OURS, None, ErrorCode::TwilioCallFailed, 21_211).await;
    check(PERSON, "+14155550100", None, ErrorCode::TwilioCallFailed, 21_210).await;
    check(PERSON, OURS, Some("not a url"), ErrorCode::InvalidConfig, 21_205).await;
    assert!(twilio.calls(OURS, PERSON, EVER).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_next_token_is_tried_where_one_is_not_taken() {
    let model = Model::start(Setup::default()).await;
    let twilio = model.twilio(&["the-old-token", TOKEN]);
    for _ in 0..2 {
        twilio.health().await.unwrap();
    }
    twilio.initiate_call(model.request(PERSON)).await.unwrap();
    let error = refusal(model.twilio(&["one", "two"]).health()).await;
    assert_eq!(
        (error.code, error.http_status, error.carrier_code),
        (ErrorCode::TwilioAuthError, Some(401), Some(20_003))
    );
    assert!(error.message.contains("TWILIO_AUTH_TOKEN"), "{error}");
}

#[tokio::test]
async fn a_list_has_the_calls_since_then_even_such_as_wait_to_be_dialled() {
    let mut setup = Setup::default();
    setup.account.calls_per_second = 1;
    let model = Model::start(setup).await;
    let carrier = carrier(&factory(&model.base_url, model.webhooks.clone()));
    assert_eq!(carrier.account(), ACCOUNT);
    let mut sids = Vec::new();
    for to in [PERSON, "+15551230002", PERSON] {
        sids.push(carrier.initiate_call(model.request(to)).await.unwrap().carrier_call_id);
    }
    let listed = carrier.calls(OURS, PERSON, EVER).await.unwrap();
    let mut found: Vec<_> = listed.iter().map(|call| call.carrier_call_id.clone()).collect();
    found.sort();
    let mut placed = vec![sids[0].clone(), sids[2].clone()];
    placed.sort();
    assert_eq!(found, placed);
    assert!(listed.iter().any(|call| call.status == CallStatus::Queued), "{listed:?}");
    let begun = listed[0].begun.unwrap();
    assert!(!carrier.calls(OURS, PERSON, Timestamp(begun.0 + 999)).await.unwrap().is_empty(), "whole seconds count");
    assert!(carrier.calls(OURS, PERSON, Timestamp(begun.0 + 1_000)).await.unwrap().is_empty());
    assert!(carrier.call("CA00000000000000000000000000000000").await.unwrap().is_none());
}

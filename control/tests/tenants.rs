//! Calls of tenants: who answers, whom it may dial, what is written down, on a store that another process changes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::path::Path;
use std::time::Duration;

use control::clock::Clock;
use control::db::Store;
use control::model::*;
use support::socket::{Got, Socket};
use support::*;

/// What [`call`] dials.
const OURS: &str = "+15557654321";
const PERSON: &str = "+15550100999";

/// A store on the database of a host, as the command line has one.
async fn store(dir: &Path) -> Store {
    Store::open(&format!("sqlite:{}", dir.join("offhook.db").display()), Clock::machine()).await.unwrap()
}

fn profile(greeting: &str) -> NewProfile {
    serde_json::from_value(serde_json::json!({
        "name": "Front desk", "role": "receptionist", "system_prompt": "Be kind.", "greeting": greeting,
        "transfer_allow": [PERSON],
        "menu": [{ "digit": "4", "prompt": "For a person, press 4.", "do": "transfer", "to": PERSON }],
    }))
    .unwrap()
}

/// A tenant with a profile and the number that [`call`] dials.
async fn acme(store: &Store, greeting: &str) -> (TenantId, Profile, PhoneNumberRecord) {
    let new = NewTenant { name: "Acme".into(), plan: Plan::Starter };
    let tenant = store.create_tenant(Actor::CommandLine, new, None).await.unwrap().value.id;
    let profile = store.create_profile(Actor::CommandLine, tenant, profile(greeting), None).await.unwrap().value;
    let number = NewPhoneNumber {
        did_number: OURS.into(),
        provider_type: ProviderType::Generic,
        is_active: true,
        profile_id: Some(profile.id),
    };
    let number = store.create_number(Actor::CommandLine, tenant, number, None).await.unwrap().value;
    (tenant, profile, number)
}

/// A host whose first thing was to read that tenant, and the store beside it.
async fn host_with(dir: &DataDir, greeting: &str, env: &[(&str, &str)]) -> (Host, Store, TenantId) {
    let store = store(&dir.0).await;
    let (tenant, ..) = acme(&store, greeting).await;
    (host(dir, env).await, store, tenant)
}

async fn host(dir: &DataDir, env: &[(&str, &str)]) -> Host {
    let path = dir.0.display().to_string();
    Host::development(&[&[("OFFHOOK_DATA_DIR", path.as_str())], env].concat()).await
}

async fn calls(store: &Store, tenant: TenantId) -> Vec<Call> {
    let page = PageRequest { limit: 100, after: None };
    store.calls(tenant, CallFilter::default(), page).await.unwrap().items
}

/// The kinds of a call's events, oldest first, once `last` is among them.
async fn events(store: &Store, tenant: TenantId, last: CallEventKind) -> (Call, Vec<CallEvent>) {
    for _ in 0..400 {
        if let Some(call) = calls(store, tenant).await.into_iter().next() {
            let page = PageRequest { limit: 100, after: None };
            let mut events = store.call_events(tenant, call.id, page).await.unwrap().items;
            events.reverse();
            if events.iter().any(|event| event.kind == last) {
                return (call, events);
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {last:?} of {:?}", calls(store, tenant).await);
}

fn kinds(events: &[CallEvent]) -> Vec<CallEventKind> {
    events.iter().map(|event| event.kind).collect()
}

async fn voice(host: &Host, n: u32) -> Vec<String> {
    host.post("/twilio/voice", &call(&sid(n))).await.twiml()
}

/// The carrier says what became of a call.
async fn report(host: &Host, n: u32, status: &str) -> Reply {
    let sid = sid(n);
    let mut form = call(&sid);
    form.retain(|(name, _)| *name != "CallStatus");
    form.push(("CallStatus", status));
    host.post("/twilio/status", &form).await
}

#[tokio::test]
async fn without_a_voice_the_carrier_says_the_tenants_greeting_in_its_language() {
    let dir = DataDir::new();
    let (host, ..) = host_with(&dir, "Welcome to Acme & Sons.", &[("OFFHOOK_ESPEAK", "off")]).await;
    let twiml = voice(&host, 1).await;
    let said = ["Say language=en-US", "\"Welcome to Acme & Sons. For a person, press 4.\"", "Connect"];
    assert_eq!(twiml[1..4], said, "{twiml:?}");
}

#[tokio::test]
async fn with_a_voice_the_caller_hears_the_tenants_greeting_and_its_story_is_written_down() {
    if std::process::Command::new("espeak-ng").arg("--version").output().is_err() {
        println!("skipped: espeak-ng is not installed");
        return;
    }
    let dir = DataDir::new();
    let (host, store, tenant) = host_with(&dir, "Welcome to Acme.", &[]).await;
    let reply = host.post("/twilio/voice", &call(&sid(1))).await;
    assert!(!reply.body.contains("<Say"), "{}", reply.body);
    let mut socket = Socket::open(host.address, &reply.stream_path(&host.base), "").await.unwrap();
    socket.start(ACCOUNT, &sid(1), "{}").await;
    let heard = hear(&mut socket, 16_000).await;
    let rendered = std::fs::read_dir(dir.0.join("voice")).unwrap().map(|entry| std::fs::read(entry.unwrap().path()));
    assert!(rendered.flatten().any(|sound| sound.len() > 8_000 && heard.starts_with(&sound[..8_000])));
    socket.press('4').await;
    socket.until_closed().await;
    let after = host.post("/twilio/resume?n=0", &call(&sid(1))).await.twiml();
    assert!(after.iter().any(|line| line.contains(PERSON)), "{after:?}");
    let (row, events) = events(&store, tenant, CallEventKind::StreamEnded).await;
    assert_eq!((row.tenant_id, row.to.as_str(), row.profile_id.is_some()), (tenant, OURS, true));
    let kinds = kinds(&events);
    for kind in [CallEventKind::Digit, CallEventKind::Said, CallEventKind::Transferred] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(kinds[..2], [CallEventKind::Answered, CallEventKind::StreamStarted]);
    assert!(row.quality.unwrap()["sent_ms"].as_u64() > Some(1_000));
    host.post("/twilio/resume?round=1", &call_with(&sid(1), &[("DialCallStatus", "completed")])).await;
    let (row, _) = self::events(&store, tenant, CallEventKind::Ended).await;
    assert_eq!((row.state, row.ended_by), (CallState::Completed, Some(EndedBy::Caller)));
}

/// The first `bytes` of what the agent says.
async fn hear(socket: &mut Socket, bytes: usize) -> Vec<u8> {
    use base64::Engine as _;
    let mut heard = Vec::new();
    while heard.len() < bytes {
        let Got::Text(text) = socket.next().await else { panic!("it ended after {} bytes", heard.len()) };
        if let Some(payload) = text.split("\"payload\":\"").nth(1).and_then(|rest| rest.split('"').next()) {
            heard.extend(base64::engine::general_purpose::STANDARD.decode(payload).unwrap());
        }
    }
    heard
}

#[tokio::test]
async fn what_another_process_changes_is_seen_within_a_second_or_two() {
    let dir = DataDir::new();
    let (host, store, tenant) = host_with(&dir, "Hello.", &[]).await;
    let patch = TenantPatch { status: Some(TenantStatus::Suspended), plan: None };
    store.patch_tenant(Actor::CommandLine, tenant, patch, None).await.unwrap();
    let mut said = Vec::new();
    for n in 1..200 {
        said = voice(&host, n).await;
        if !said.iter().any(|line| line.starts_with("Connect")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(said[2].contains("not in service") && said[3] == "Hangup", "{said:?}");
    assert_eq!(host.metric("offhook_calls_refused_total{reason=\"not_served\"}").await, 1.0);
    let (row, events) = events(&store, tenant, CallEventKind::Refused).await;
    assert_eq!((row.state, kinds(&events)), (CallState::Refused, vec![CallEventKind::Refused]));
    assert_eq!(events[0].data["reason"], "not_served");
}

#[tokio::test]
async fn a_tenants_caps_bound_its_calls_and_nobody_elses() {
    let dir = DataDir::new();
    let store = store(&dir.0).await;
    let (tenant, ..) = acme(&store, "Hello.").await;
    let settings = TenantSettings { concurrent_calls_max: Some(1), ..TenantSettings::default() };
    store.put_settings(Actor::CommandLine, tenant, settings, None).await.unwrap();
    let host = host(&dir, &[("OFFHOOK_ESPEAK", "off")]).await;
    assert!(voice(&host, 1).await.iter().any(|line| line == "Connect"));
    assert!(voice(&host, 1).await.iter().any(|line| line == "Connect"), "the same call keeps its place");
    assert_eq!(voice(&host, 2).await, ["Response", "Reject reason=busy"]);
    let mut elsewhere = call("CA99999999999999999999999999999999");
    elsewhere.retain(|(name, _)| *name != "To");
    elsewhere.push(("To", "+15550109999"));
    assert!(host.post("/twilio/voice", &elsewhere).await.body.contains("<Connect>"));
    report(&host, 1, "completed").await;
    assert!(voice(&host, 3).await.iter().any(|line| line == "Connect"), "a place that was given back");
    assert_eq!(host.metric("offhook_calls_refused_total{reason=\"tenant_at_once\"}").await, 1.0);
}

#[tokio::test]
async fn what_a_callback_is_thanked_for_is_in_the_database() {
    let dir = DataDir::new();
    let (host, store, tenant) = host_with(&dir, "Hello.", &[("OFFHOOK_ESPEAK", "off")]).await;
    voice(&host, 1).await;
    assert_eq!(report(&host, 1, "no-answer").await.status, 204);
    let row = calls(&store, tenant).await.remove(0);
    let page = PageRequest { limit: 10, after: None };
    let events = store.call_events(tenant, row.id, page).await.unwrap().items;
    let status = events.iter().find(|event| event.kind == CallEventKind::CarrierStatus).unwrap();
    assert_eq!((&status.data["status"], &status.data["event"]), (&"no_answer".into(), &"call.no_answer".into()));
    let (row, _) = self::events(&store, tenant, CallEventKind::Ended).await;
    assert_eq!(row.state, CallState::NoAnswer);
}

#[tokio::test]
async fn while_the_database_is_away_calls_are_answered_and_what_happens_waits_on_this_machine() {
    let dir = DataDir::new();
    let (host, store, tenant) = host_with(&dir, "Hello.", &[("OFFHOOK_ESPEAK", "off")]).await;
    // Somebody holds the database and does not let go.
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.0.join("offhook.db"));
    let mut holder = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut holder).await.unwrap();
    assert!(voice(&host, 1).await.iter().any(|line| line == "Connect"));
    assert_eq!(report(&host, 1, "in-progress").await.status, 204);
    assert_eq!(host.metric("offhook_events_spooled_total").await, 2.0);
    assert_eq!(host.metric("offhook_events_written_total").await, 0.0);
    assert_eq!(calls(&store, tenant).await, []);
    sqlx::query("ROLLBACK").execute(&mut holder).await.unwrap();
    let (_, events) = events(&store, tenant, CallEventKind::CarrierStatus).await;
    assert_eq!(kinds(&events), [CallEventKind::Answered, CallEventKind::CarrierStatus]);
}

#[tokio::test]
async fn a_call_that_an_earlier_process_left_goes_on_or_is_closed() {
    let dir = DataDir::new();
    let (first, store, tenant) = host_with(&dir, "Hello.", &[("OFFHOOK_ESPEAK", "off")]).await;
    voice(&first, 1).await;
    voice(&first, 2).await;
    events(&store, tenant, CallEventKind::Answered).await;
    let (host_alone, server) = first.split();
    server.drain(std::future::ready(())).await;
    drop(host_alone);
    let before = calls(&store, tenant).await;
    assert_eq!(before.iter().filter(|call| !call.state.is_final()).count(), 2);
    let second = host(&dir, &[("OFFHOOK_ESPEAK", "off")]).await;
    let resumed = second.post("/twilio/resume?n=0", &call(&sid(2))).await;
    let mut socket = Socket::open(second.address, &resumed.stream_path(&second.base), "").await.unwrap();
    socket.start(ACCOUNT, &sid(2), "{}").await;
    hear(&mut socket, 160).await;
    second.clock.advance(Duration::from_secs(61));
    for _ in 0..400 {
        if calls(&store, tenant).await.iter().any(|call| call.state == CallState::Failed) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let after = calls(&store, tenant).await;
    assert_eq!(after.len(), 2, "the call that went on has the row that it had: {after:?}");
    let state = |n| after.iter().find(|call| call.carrier_call_id == Some(sid(n))).unwrap().state;
    assert_eq!((state(1), state(2)), (CallState::Failed, CallState::Streaming));
}

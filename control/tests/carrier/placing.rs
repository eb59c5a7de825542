//! Calls that the service places, with the model of Twilio as its carrier: from the wish to the end, and every way in which
//! it goes wrong.

use std::time::Duration;

use futures_util::future::join_all;
use loadtest::rest::account::AccountPlan;
use serde_json::{Value, json};

use crate::model::{ACCOUNT, Model, OURS, PERSON, Setup, TOKEN};
use crate::support::api::Client;
use crate::support::{DataDir, Host, sid};

const BUSY: &str = "+15551230002";
const NOBODY: &str = "+15551230003";
/// Whoever is called picks up, hears the agent out and hangs up.
const LISTENS: &str = "about = \"listens\"\nmax_ms = 20000\n[[step]]\nwait = \"bot_starts\"\nwithin_ms = 8000\n\
                       [[step]]\nsilence_ms = 300\n[[step]]\nhang_up = true\n";
/// Whoever is called stays, is connected to somebody else, and talks with them for a moment.
const STAYS: &str = "+15551230004";
const IS_MOVED: &str = "about = \"is moved\"\nmax_ms = 20000\n[transfer]\nreply = \"answers\"\nring_ms = 200\n\
                        talk_ms = 500\n[[step]]\nwait = \"bot_starts\"\nwithin_ms = 8000\n\
                        [[step]]\nexpect = \"transfer\"\nwithin_ms = 10000\n";
const IS_BUSY: &str =
    "about = \"is busy\"\nmax_ms = 1000\n[pickup]\nkind = \"busy\"\nafter_ms = 50\n[[step]]\nhang_up = true\n";
const RINGS: &str =
    "about = \"never answers\"\nmax_ms = 60000\n[pickup]\nkind = \"nobody\"\n[[step]]\nhang_up = true\n";
const PATIENCE: Duration = Duration::from_secs(30);

/// The service, and its carrier.
struct Rig {
    model: Model,
    host: Host,
}

/// A tenant's own account.
const ANOTHER: &str = "AC00000000000000000000000000000077";

impl Rig {
    async fn start(env: &[(&str, &str)]) -> Self {
        let parties = &[(PERSON, LISTENS), (BUSY, IS_BUSY), (NOBODY, RINGS), (STAYS, IS_MOVED)];
        let sid = ANOTHER.to_owned();
        let another = AccountPlan { sid, auth_token: "the-token-of-another-account".into(), ..AccountPlan::default() };
        let model = Model::start(Setup { parties, others: vec![another], ..Setup::default() }).await;
        let host = Self::host(&model, env).await;
        Self { model, host }
    }

    /// The service is stopped, and started again.
    async fn again(&mut self, env: &[(&str, &str)]) {
        self.host.stop().await;
        self.host = Self::host(&self.model, env).await;
    }

    async fn host(model: &Model, env: &[(&str, &str)]) -> Host {
        let base = model.base_url.clone();
        let own = [
            ("ENVIRONMENT", "development"),
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
            ("TWILIO_BASE_URL", base.as_str()),
            ("TWILIO_CALLS_PER_SECOND", "100"),
        ];
        let own = own.into_iter().filter(|(name, _)| env.iter().all(|(other, _)| other != name));
        Host::running(&own.chain(env.iter().copied()).collect::<Vec<_>>()).await
    }

    fn client(&self) -> Client<'_> {
        Client::new(&self.host)
    }

    /// A tenant that has the account's number.
    async fn tenant(&self) -> String {
        let client = self.client();
        let tenant = client.tenant("Acme").await;
        let number = json!({ "did_number": OURS, "provider_type": "twilio" });
        client.make(&format!("{tenant}/phone-numbers"), number).await;
        tenant
    }

    /// The call, once it is so.
    async fn call(&self, path: &str, state: &str) -> Value {
        let look = async {
            loop {
                let call = self.client().get(path).await.body;
                if call["state"] == state {
                    return call;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(call) => call,
            Err(_) => panic!("never {state}: {:#}", self.client().get(path).await.body),
        }
    }

    /// How many calls the carrier was asked for.
    async fn placed(&self) -> usize {
        let page = self.model.shows(ACCOUNT, TOKEN, "Calls.json?PageSize=1000").await;
        page["calls"].as_array().unwrap().len()
    }
}

/// The names of the carrier's reports, in the order of the timeline.
fn reported(call: &Value) -> Vec<&str> {
    let timeline = call["timeline"].as_array().unwrap();
    timeline.iter().filter_map(|event| event["data"]["event"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_rings_is_answered_talks_and_ends() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    let wish = json!({ "to": PERSON, "metadata": { "order": 4711 } });
    let (path, call) = rig.client().make(&format!("{tenant}/calls"), wish).await;
    assert_eq!((&call["direction"], &call["from"], &call["to"]), (&"outbound".into(), &OURS.into(), &PERSON.into()));
    let call = rig.call(&path, "completed").await;
    let expected = ["call.initiated", "call.ringing", "call.answered", "call.completed"];
    assert_eq!(reported(&call), expected, "{call:#}");
    assert_eq!((&call["metadata"]["order"], &call["ended_by"]), (&4711.into(), &"called".into()));
    let kinds: Vec<_> = call["timeline"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    for kind in ["queued", "placing", "placed", "answered", "stream_started", "said", "stream_ended", "ended"] {
        assert!(kinds.contains(&kind.into()), "{kind} is not in {kinds:?}");
    }
    assert!(call["answered_at"].is_string() && call["carrier_call_id"].is_string(), "{call:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_connects_whom_it_called_to_a_second_party() {
    const DESK: &str = "+15551230009";
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    let profile = json!({
        "name": "Sales", "role": "receptionist", "system_prompt": "Be kind.", "is_default": true,
        "transfer_allow": [DESK], "greeting": "Hello.",
    });
    rig.client().make(&format!("{tenant}/ai-profiles"), profile).await;
    let (path, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": STAYS })).await;
    rig.call(&path, "streaming").await;
    let moved = rig.client().post(&format!("{path}/transfer"), json!({ "to": DESK })).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    let call = rig.call(&path, "completed").await;
    let kinds: Vec<_> = call["timeline"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert!(kinds.contains(&"transferred".into()) && kinds.contains(&"acted".into()), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_line_is_the_contacts_state() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    let contact = json!({ "phone_number": BUSY, "name": "Bob" });
    let (contact, _) = rig.client().make(&format!("{tenant}/contacts"), contact).await;
    let id = contact.rsplit('/').next().unwrap();
    let (path, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "contact_id": id })).await;
    let call = rig.call(&path, "busy").await;
    assert_eq!((&call["to"], &call["contact_id"]), (&BUSY.into(), &id.into()));
    assert_eq!(rig.client().get(&contact).await.body["state"], "busy");
    let attempts = rig.client().get(&format!("{contact}/attempts")).await.body;
    assert_eq!(attempts["items"][0]["state"], "busy", "{attempts:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_call_however_often_it_is_sent() {
    let rig = Rig::start(&[("OFFHOOK_CONNECTIONS_MAX", "2048")]).await;
    let tenant = rig.tenant().await;
    let (path, body) = (format!("{tenant}/calls"), json!({ "to": NOBODY }).to_string());
    let one = || async { rig.client().ask("POST", &path, "Idempotency-Key: once\r\n", Some(&body)).await };
    let answers = join_all((0..200).map(|_| one())).await;
    let ids: std::collections::HashSet<_> =
        answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.body["id"].to_string()).collect();
    let others: Vec<_> = answers.iter().filter(|answer| answer.status != 201).collect();
    assert_eq!((ids.len(), others.len()), (1, 0), "{:?}", others.first());
    assert_eq!(rig.placed().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_of_ten_is_ten_calls() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    let settings = rig.client().put(&format!("{tenant}/settings"), json!({ "concurrent_calls_max": 10 })).await;
    assert_eq!(settings.status, 200, "{settings:?}");
    let (path, body) = (format!("{tenant}/calls"), json!({ "to": NOBODY }));
    let answers = join_all((0..200).map(|_| rig.client().post_again(&path, body.clone()))).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    let full = answers.iter().filter(|answer| answer.status == 429 && answer.code() == "full").count();
    assert_eq!((placed, full), (10, 190));
    assert_eq!(rig.placed().await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_taken_back_when_calls_are_stopped() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    let (one, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": NOBODY })).await;
    let (two, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": NOBODY })).await;
    rig.call(&one, "ringing").await;
    let hung_up = rig.client().post(&format!("{one}/hangup"), json!({})).await;
    assert_eq!(hung_up.status, 200, "{hung_up:?}");
    assert_eq!(rig.call(&one, "canceled").await["ended_by"], "api");
    let stopped = rig.client().put(&format!("{tenant}/settings"), json!({ "outbound_stopped": true })).await;
    assert_eq!(stopped.status, 200, "{stopped:?}");
    rig.call(&two, "canceled").await;
    let refused = rig.client().post(&format!("{tenant}/calls"), json!({ "to": NOBODY })).await;
    assert_eq!((refused.status, refused.code()), (409, "calls_stopped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn guards_stand_before_the_carrier() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    let path = format!("{tenant}/calls");
    for to in ["+19002345678", "+442079460000"] {
        let refused = rig.client().post(&path, json!({ "to": to })).await;
        assert_eq!((refused.status, refused.code()), (409, "number_denied"), "{to}");
    }
    let foreign = rig.client().post(&path, json!({ "to": PERSON, "from": "+14155550188" })).await;
    assert_eq!(foreign.faults(), [("/from".to_owned(), "refers_to_nothing".to_owned())]);
    let nobody = rig.client().post(&path, json!({})).await;
    assert_eq!(nobody.faults(), [("/to".to_owned(), "missing".to_owned())]);
    let other = rig.client().tenant("Other").await;
    let refused = rig.client().post(&format!("{other}/calls"), json!({ "to": PERSON })).await;
    assert_eq!((refused.status, refused.code()), (409, "no_number"));
    assert_eq!(rig.placed().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_refuses_has_failed_and_says_why() {
    let rig = Rig::start(&[("TWILIO_AUTH_TOKEN", "another token")]).await;
    let tenant = rig.tenant().await;
    let (_, call) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": PERSON })).await;
    assert_eq!((&call["state"], &call["error"]["code"]), (&"failed".into(), &"twilio_auth_error".into()), "{call:#}");
    assert_eq!(call["error"]["carrier_code"], 20003);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_may_have_taken_is_found_by_its_reports() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    rig.model.goes_wrong("Faults", &[("Kind", "cut"), ("On", "create"), ("Times", "1")]).await;
    let (path, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": PERSON })).await;
    rig.call(&path, "completed").await;
    assert_eq!(rig.placed().await, 1, "asked for once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_may_have_taken_is_found_by_looking_for_it() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    rig.model.goes_wrong("Faults", &[("Kind", "cut"), ("On", "create"), ("Times", "1")]).await;
    rig.model.goes_wrong("Callbacks", &[("Lose", "1")]).await;
    let (path, call) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": NOBODY })).await;
    assert_eq!((&call["state"], &call["carrier_call_id"]), (&"unknown".into(), &Value::Null));
    // After five seconds it is looked for.
    let call = rig.call(&path, "ringing").await;
    assert!(call["carrier_call_id"].is_string(), "{call:#}");
    assert_eq!(rig.placed().await, 1);
}

/// As after a process that was killed before it wrote down what the carrier calls its call.
#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_stream_names_the_call_that_we_placed() {
    let rig = Rig::start(&[]).await;
    let tenant = rig.tenant().await;
    rig.model.goes_wrong("Faults", &[("Kind", "cut"), ("On", "create"), ("Times", "1")]).await;
    rig.model.goes_wrong("Callbacks", &[("Lose", "1")]).await;
    let (path, call) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": NOBODY })).await;
    assert_eq!((&call["state"], &call["carrier_call_id"]), (&"unknown".into(), &Value::Null));
    let (id, sid) = (call["id"].as_str().unwrap(), sid(1));
    let asks = [
        ("CallSid", sid.as_str()),
        ("AccountSid", ACCOUNT),
        ("From", OURS),
        ("To", NOBODY),
        ("CallStatus", "in-progress"),
        ("Direction", "outbound-api"),
    ];
    let next = rig.host.post(&format!("/twilio/resume?n=0&call_id={id}"), &asks).await.twiml();
    assert_eq!(next.last(), Some(&format!("\"{}/twilio/resume?n=1&call_id={id}\"", rig.host.base)));
    assert_eq!(rig.client().get(&path).await.body["carrier_call_id"], sid.as_str());
    let calls = rig.client().get(&format!("{tenant}/calls")).await.body;
    assert_eq!(calls["items"].as_array().unwrap().len(), 1, "{calls:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_asked_about_and_ended_at_the_account_over_which_it_was_placed() {
    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let data = DataDir::new();
    let dir = data.0.display().to_string();
    let env = [("OFFHOOK_DATA_DIR", dir.as_str()), ("OFFHOOK_SECRETS_KEY", KEY)];
    let mut rig = Rig::start(&env).await;
    let tenant = rig.tenant().await;
    rig.model.goes_wrong("Callbacks", &[("Lose", "1")]).await;
    let (one, call) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": NOBODY })).await;
    assert_eq!((&call["account_id"], &call["state"]), (&ACCOUNT.into(), &"queued".into()), "{call:#}");
    let (two, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": BUSY })).await;
    let account = json!({ "provider_type": "twilio", "name": "Own", "account_id": ANOTHER,
        "auth_tokens": ["the-token-of-another-account"] });
    rig.client().make(&format!("{tenant}/provider-configs"), account).await;
    rig.again(&env).await;
    // The next process asks about both; the tenant's own account has never heard of them.
    assert_eq!(rig.call(&two, "busy").await["account_id"], ACCOUNT);
    rig.call(&one, "ringing").await;
    let hung_up = rig.client().post(&format!("{one}/hangup"), json!({})).await;
    assert_eq!(hung_up.status, 200, "{hung_up:?}");
    let calls = rig.model.shows(ACCOUNT, TOKEN, "Calls.json").await;
    let states: Vec<_> = calls["calls"].as_array().unwrap().iter().map(|call| call["status"].clone()).collect();
    assert_eq!(states, ["busy", "canceled"], "newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_carrier_has_no_time_for_is_asked_for_again() {
    let rig = Rig::start(&[("TWILIO_RETRY_DELAY", "20ms")]).await;
    let tenant = rig.tenant().await;
    rig.model.goes_wrong("Faults", &[("Kind", "refuse"), ("Status", "429"), ("Times", "2")]).await;
    let (path, _) = rig.client().make(&format!("{tenant}/calls"), json!({ "to": BUSY })).await;
    rig.call(&path, "busy").await;
    assert_eq!(rig.placed().await, 1);
}

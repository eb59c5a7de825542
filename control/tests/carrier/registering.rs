//! Tenants' numbers: pointed here when they are made, put back to what they were when they go, whatever the carrier does.

use std::time::Duration;

use loadtest::rest::account::AccountPlan;
use loadtest::rest::number::NumberPlan;
use serde_json::{Value, json};

use crate::model::{ACCOUNT, Model, OURS, Setup, TOKEN};
use crate::support::api::Client;
use crate::support::{DataDir, Host, PUBLIC};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const FALLBACK: &str = "https://elsewhere.example/sorry";
/// The tenant's own account, and its number.
const ANOTHER: &str = "AC00000000000000000000000000000077";
const ANOTHERS_TOKEN: &str = "the-token-of-another-account";
const ANOTHERS: &str = "+14155550177";
const PATIENCE: Duration = Duration::from_secs(20);

fn before(number: &str) -> NumberPlan {
    NumberPlan {
        phone_number: number.into(),
        voice_url: "https://before.example/voice".into(),
        voice_get: true,
        voice_fallback_url: "https://before.example/fallback".into(),
        status_callback: "https://before.example/status".into(),
        ..NumberPlan::default()
    }
}

/// The service with its carrier, started as often as a test likes.
struct Rig {
    model: Model,
    data: DataDir,
}

impl Rig {
    async fn new() -> Self {
        let another = AccountPlan {
            sid: ANOTHER.into(),
            auth_token: ANOTHERS_TOKEN.into(),
            numbers: vec![before(ANOTHERS)],
            ..AccountPlan::default()
        };
        let model = Model::start(Setup { number: before(OURS), others: vec![another], ..Setup::default() }).await;
        Self { model, data: DataDir::new() }
    }

    async fn start(&self, env: &[(&str, &str)]) -> Host {
        let data = self.data.0.display().to_string();
        let own = [
            ("ENVIRONMENT", "development"),
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
            ("TWILIO_BASE_URL", self.model.base_url.as_str()),
            ("TWILIO_MAX_RETRIES", "0"),
            ("TWILIO_FALLBACK_URL", FALLBACK),
            ("OFFHOOK_PUBLIC_URL", PUBLIC),
            ("OFFHOOK_SECRETS_KEY", KEY),
            ("OFFHOOK_DATA_DIR", data.as_str()),
        ];
        let own = own.into_iter().filter(|(name, _)| env.iter().all(|(other, _)| other != name));
        Host::running(&own.chain(env.iter().copied()).collect::<Vec<_>>()).await
    }

    /// Where a number leads, what stands in for that, and who is told of its calls.
    async fn leads(&self, account: &str, token: &str) -> [String; 3] {
        let shown = self.model.shows(account, token, "IncomingPhoneNumbers.json").await;
        let number = &shown["incoming_phone_numbers"][0];
        ["voice_url", "voice_fallback_url", "status_callback"].map(|name| number[name].as_str().unwrap().to_owned())
    }

    async fn is_here(&self) -> bool {
        self.leads(ACCOUNT, TOKEN).await == here()
    }

    async fn is_as_before(&self) -> bool {
        self.leads(ACCOUNT, TOKEN).await == elsewhere()
    }

    async fn comes_here(&self) {
        let look = async {
            while !self.is_here().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("it is pointed here in the end");
    }
}

fn here() -> [String; 3] {
    [format!("{PUBLIC}/twilio/voice"), FALLBACK.to_owned(), format!("{PUBLIC}/twilio/status")]
}

fn elsewhere() -> [String; 3] {
    ["voice", "fallback", "status"].map(|path| format!("https://before.example/{path}"))
}

/// Makes the number at a new tenant: where it is, and what was answered.
async fn made(host: &Host, number: Value) -> (String, Value) {
    let client = Client::new(host);
    let tenant = client.tenant("Acme").await;
    client.make(&format!("{tenant}/phone-numbers"), number).await
}

fn ours() -> Value {
    json!({ "did_number": OURS, "provider_type": "twilio" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_leads_here_while_it_is_active_and_twilios_and_is_put_back_exactly() {
    let rig = Rig::new().await;
    let host = rig.start(&[]).await;
    let client = Client::new(&host);
    let (path, number) = made(&host, ours()).await;
    assert_eq!((&number["carrier"]["state"], &number["carrier_account"]), (&"registered".into(), &ACCOUNT.into()));
    assert!(rig.is_here().await, "{:?}", rig.leads(ACCOUNT, TOKEN).await);
    assert_eq!(client.get(&path).await.body["carrier_account"], ACCOUNT);
    let steps = [
        (json!({ "is_active": false }), "put_back"),
        (json!({ "is_active": true }), "registered"),
        (json!({ "provider_type": "generic" }), "put_back"),
        (json!({ "is_active": false }), "left_alone"),
        (json!({ "is_active": true, "provider_type": "twilio" }), "registered"),
        (json!({ "is_active": true }), "registered"),
    ];
    for (change, state) in steps {
        let number = client.patch(&path, change.clone()).await;
        assert_eq!((number.status, &number.body["carrier"]["state"]), (200, &state.into()), "{change}: {number:?}");
        let is_there = if state == "registered" { rig.is_here().await } else { rig.is_as_before().await };
        assert!(is_there, "{change}: {:?}", rig.leads(ACCOUNT, TOKEN).await);
    }
    assert_eq!(client.delete(&path).await.status, 204);
    assert!(rig.is_as_before().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_twilios_or_not_there_is_made_all_the_same_and_said_so() {
    let rig = Rig::new().await;
    let mut host = rig.start(&[]).await;
    let (_, number) = made(&host, json!({ "did_number": "+14155550111", "provider_type": "twilio" })).await;
    assert_eq!((&number["carrier"]["state"], &number["carrier_account"]), (&"missing".into(), &Value::Null));
    assert!(number["carrier"]["detail"].as_str().unwrap().contains("buy or port it"), "{number:#}");
    let (path, number) = made(&host, json!({ "did_number": OURS, "provider_type": "generic" })).await;
    assert_eq!(number["carrier"]["state"], "left_alone");
    assert!(rig.is_as_before().await);
    assert_eq!(Client::new(&host).delete(&path).await.status, 204);
    assert!(rig.is_as_before().await);
    host.stop().await;
    // Nor where the credentials are wrong, or nothing could be pointed at.
    for (setting, state) in [(("TWILIO_AUTH_TOKEN", "wrong"), "refused"), (("OFFHOOK_PUBLIC_URL", ""), "left_alone")] {
        let mut host = rig.start(&[setting]).await;
        let (path, number) = made(&host, ours()).await;
        assert_eq!(number["carrier"]["state"], state, "{number:#}");
        assert_eq!(Client::new(&host).delete(&path).await.status, 204, "who never came here need not be put back");
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_is_away_keeps_nobody_from_making_a_number_and_is_asked_at_the_next_start() {
    let rig = Rig::new().await;
    let mut host = rig.start(&[("TWILIO_BASE_URL", "http://127.0.0.1:9")]).await;
    let (path, number) = made(&host, ours()).await;
    assert_eq!((&number["carrier"]["state"], &number["carrier_account"]), (&"away".into(), &Value::Null));
    assert!(number["carrier"]["detail"].as_str().unwrap().contains("every ten minutes"), "{number:#}");
    host.stop().await;
    let mut host = rig.start(&[]).await;
    rig.comes_here().await;
    host.stop().await;
    // What was remembered outlives another start, and is there for whoever deletes it; while nobody can, nobody does.
    let mut host = rig.start(&[("TWILIO_BASE_URL", "http://127.0.0.1:9")]).await;
    let refused = Client::new(&host).delete(&path).await;
    assert_eq!((refused.status, refused.code()), (503, "carrier_away"));
    assert_eq!(Client::new(&host).get(&path).await.status, 200);
    host.stop().await;
    let host = rig.start(&[]).await;
    assert_eq!(Client::new(&host).delete(&path).await.status, 204);
    assert!(rig.is_as_before().await, "{:?}", rig.leads(ACCOUNT, TOKEN).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_stumbles_is_asked_again_by_whoever_changes_the_number() {
    let rig = Rig::new().await;
    let host = rig.start(&[]).await;
    rig.model.goes_wrong("Faults", &[("Kind", "cut"), ("On", "any"), ("Times", "1")]).await;
    let (path, number) = made(&host, ours()).await;
    assert_eq!(number["carrier"]["state"], "away", "{number:#}");
    let number = Client::new(&host).patch(&path, json!({ "is_active": true })).await.body;
    assert_eq!(number["carrier"]["state"], "registered", "{number:#}");
    assert!(rig.is_here().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_account_has_its_numbers_and_gives_them_back_when_it_goes() {
    let rig = Rig::new().await;
    let host = rig.start(&[]).await;
    let client = Client::new(&host);
    let (path, number) = made(&host, json!({ "did_number": ANOTHERS, "provider_type": "twilio" })).await;
    assert_eq!(number["carrier"]["state"], "missing", "the operator's account has it not");
    let tenant = path.split("/phone-numbers").next().unwrap();
    let account = json!({ "provider_type": "twilio", "name": "Own", "account_id": ANOTHER,
        "auth_tokens": [ANOTHERS_TOKEN] });
    let (account, _) = client.make(&format!("{tenant}/provider-configs"), account).await;
    let leads = async |wanted: [String; 3]| {
        while rig.leads(ANOTHER, ANOTHERS_TOKEN).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, leads(here())).await.expect("it is pointed here over its own account");
    let remembered = async {
        while client.get(&path).await.body["carrier_account"] != ANOTHER {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, remembered).await.expect("and that is written down");
    assert_eq!(client.delete(&account).await.status, 204);
    tokio::time::timeout(PATIENCE, leads(elsewhere())).await.expect("it is put back while somebody can");
}

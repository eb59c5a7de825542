//! The model of Twilio, served on a port of this machine, and the service that its calls ask.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use control::carrier::{
    CallInitiationRequest, Credentials, Factory, MachineDetection, TelephonyProvider, Twilio, TwilioSettings, Webhooks,
};
use control::clock::Clock;
use control::model::CallId;
use loadtest::caller::script;
use loadtest::rest::account::AccountPlan;
use loadtest::rest::exchange::{Exchange, ExchangePlan};
use loadtest::rest::number::NumberPlan;
use loadtest::shell::route::Route;
use loadtest::shell::{clock, serve};
use loadtest::time::Micros;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "the-token-of-the-account";
/// The account's own number.
pub const OURS: &str = "+14155550199";
/// Somebody who answers.
pub const PERSON: &str = "+15551230001";
/// For anything of the model's to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A form as it was sent.
pub type Form = Vec<(String, String)>;
/// Each form that came, and to which path.
pub type Heard = Arc<Mutex<Vec<(String, Form)>>>;

/// Twilio, and who is asked by it.
pub struct Model {
    pub base_url: String,
    pub webhooks: Webhooks,
    pub heard: Heard,
}

/// How the model is set up.
pub struct Setup {
    pub number: NumberPlan,
    pub parties: &'static [(&'static str, &'static str)],
    pub account: AccountPlan,
    /// Other accounts.
    pub others: Vec<AccountPlan>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            number: NumberPlan { phone_number: OURS.into(), ..NumberPlan::default() },
            parties: &[],
            account: AccountPlan { calls_per_second: 100, ..AccountPlan::default() },
            others: Vec::new(),
        }
    }
}

impl Model {
    pub async fn start(setup: Setup) -> Self {
        let (listener, base_url) = listen().await;
        let scripts: BTreeMap<_, _> = setup
            .parties
            .iter()
            .map(|(number, script)| {
                ((*number).to_owned(), Arc::new(script::parse(number, script, Path::new(".")).expect("a script")))
            })
            .collect();
        let own =
            AccountPlan { sid: ACCOUNT.into(), auth_token: TOKEN.into(), numbers: vec![setup.number], ..setup.account };
        let plan = ExchangePlan {
            accounts: [vec![own], setup.others].concat(),
            parties: scripts,
            anybody: Arc::new(script::load("silent").unwrap()),
            scripts: BTreeMap::new(),
            answers_after: Micros::ZERO,
            api: base_url.clone(),
            seed: 1,
            unix_s: clock::unix_s(),
        };
        tokio::spawn(serve::serve(listener, Exchange::new(plan), clock::Clock::start(), Route::default()));
        let (webhooks, heard) = service().await;
        Self { base_url, webhooks, heard }
    }

    /// A carrier with these tokens, which asks again soon.
    pub fn twilio(&self, tokens: &[&str]) -> Twilio {
        twilio(&self.base_url, self.webhooks.clone(), tokens)
    }

    pub fn request(&self, to: &str) -> CallInitiationRequest {
        request(&self.webhooks, to)
    }

    /// What the carrier shows of an account.
    pub async fn shows(&self, account: &str, token: &str, what: &str) -> Value {
        let url = format!("{}/2010-04-01/Accounts/{account}/{what}", self.base_url);
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        client.get(url).basic_auth(account, Some(token)).send().await.unwrap().json().await.unwrap()
    }

    /// Lets something go wrong with the account.
    pub async fn goes_wrong(&self, what: &str, how: &[(&str, &str)]) {
        let url = format!("{}/loadtest/Accounts/{ACCOUNT}/{what}.json", self.base_url);
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(how).finish();
        let form = client.post(url).basic_auth(ACCOUNT, Some(TOKEN)).body(form);
        let answer = form.header("Content-Type", "application/x-www-form-urlencoded").send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Waits for a report that says this of its call.
    pub async fn hears(&self, name: &str, value: &str) -> Form {
        let pair = (name.to_owned(), value.to_owned());
        let look = || self.heard.lock().unwrap().iter().map(|(_, form)| form).find(|f| f.contains(&pair)).cloned();
        tokio::time::timeout(PATIENCE, async {
            loop {
                match look() {
                    Some(form) => return form,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        })
        .await
        .unwrap_or_else(|_| panic!("{name}={value} was not heard: {:#?}", self.heard.lock().unwrap()))
    }
}

/// A carrier at this base, which asks again soon and gives up soon.
pub fn twilio(base_url: &str, webhooks: Webhooks, tokens: &[&str]) -> Twilio {
    let tokens = tokens.iter().map(|token| (*token).into()).collect();
    factory(base_url, webhooks).twilio(ACCOUNT.into(), tokens).unwrap()
}

pub fn factory(base_url: &str, webhooks: Webhooks) -> Factory {
    let settings = TwilioSettings {
        base_url: base_url.into(),
        retry_delay: Duration::from_millis(20),
        calls_per_second: 1_000,
        answer_max: Duration::from_millis(500),
        ..TwilioSettings::default()
    };
    let (report, _) = mpsc::channel(1);
    Factory::new(settings, webhooks, Clock::machine(), report).unwrap()
}

/// The same as everybody sees it.
pub fn carrier(factory: &Factory) -> Arc<dyn TelephonyProvider> {
    let credentials = Credentials::Twilio { account_sid: ACCOUNT.into(), auth_tokens: vec![TOKEN.into()] };
    factory.make(credentials).unwrap()
}

pub fn request(webhooks: &Webhooks, to: &str) -> CallInitiationRequest {
    CallInitiationRequest {
        call_id: CallId::new(),
        to: to.into(),
        from: OURS.into(),
        voice_url: webhooks.voice.clone(),
        status_url: webhooks.status.clone(),
        machine_detection: MachineDetection::Off,
        machine_url: None,
        ring_max: Duration::from_secs(20),
        duration_max: Duration::from_secs(60),
    }
}

pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

/// A service under this base.
pub fn webhooks(base: &str) -> Webhooks {
    let [voice, status, fallback] = ["voice", "status", "fallback"].map(|path| format!("{base}/{path}"));
    Webhooks { voice, status, fallback }
}

/// What the carrier asks: a long pause for who is called, 204 for every report.
async fn service() -> (Webhooks, Heard) {
    let (listener, base) = listen().await;
    let heard = Heard::default();
    let answer = |State(heard): State<Heard>, uri: Uri, axum::Form(form): axum::Form<Form>| async move {
        let is_voice = uri.path() == "/voice";
        heard.lock().unwrap().push((uri.path().to_owned(), form));
        let pause = "<Response><Pause length=\"60\"/></Response>";
        if is_voice {
            ([(header::CONTENT_TYPE, "text/xml")], pause).into_response()
        } else {
            StatusCode::NO_CONTENT.into_response()
        }
    };
    let router = Router::new().fallback(answer).with_state(Arc::clone(&heard));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (webhooks(&base), heard)
}

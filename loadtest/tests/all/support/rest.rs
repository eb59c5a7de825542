//! An exchange without sockets: requests are answered and calls are begun on a virtual clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use loadtest::call::model::{CallPlan, Order};
use loadtest::caller::script::{self, Script};
use loadtest::rest::account::{AccountPlan, ApiKey};
use loadtest::rest::auth;
use loadtest::rest::exchange::{Exchange, ExchangePlan, Input, Output};
use loadtest::rest::news::News;
use loadtest::rest::number::NumberPlan;
use loadtest::rest::request::Request;
use loadtest::time::Micros;
use loadtest::twilio::form;
use loadtest::twilio::params::CallStatus;
use serde_json::Value;

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const OTHER: &str = "ACfedcba9876543210fedcba9876543210";
pub(crate) const OWNED: &str = "+14155550199";
/// Tue, 24 Nov 2026 10:00:00 +0000.
pub(crate) const UNIX_S: u64 = 1_795_514_400;

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Got {
    /// Twilio's number for what was wrong.
    pub(crate) fn code(&self) -> u64 {
        assert_eq!(self.body["status"], self.status, "{self:?}");
        self.body["code"].as_u64().unwrap()
    }
}

/// The exchange and what it wanted.
pub(crate) struct Bench {
    pub(crate) exchange: Exchange,
    pub(crate) now: Micros,
    /// Calls that began, and when.
    pub(crate) begun: Vec<(Micros, CallPlan)>,
    pub(crate) orders: Vec<(String, Order)>,
    pub(crate) answers: Vec<(u64, Got)>,
    /// Requests whose connection was to be closed, and when.
    pub(crate) cut: Vec<(Micros, u64)>,
    /// Since when nobody was to be reached, and until when.
    pub(crate) unreachable: Option<(Micros, Micros)>,
    next: u64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut ExchangePlan)) -> Self {
        let mut plan = plan();
        change(&mut plan);
        let exchange = Exchange::new(plan);
        let (begun, orders, answers) = (Vec::new(), Vec::new(), Vec::new());
        let (cut, unreachable) = (Vec::new(), None);
        Self { exchange, now: Micros::ZERO, begun, orders, answers, cut, unreachable, next: 0 }
    }

    /// Sends without waiting for the answer; the number of the request.
    pub(crate) fn send(&mut self, method: &str, target: &str, body: &str, user: &str, password: &str) -> u64 {
        let request = Request::new(method, target, body, Some(auth::header(user, password)));
        self.next += 1;
        self.exchange.handle(self.now, Input::Request { number: self.next, request: Box::new(request) });
        self.drain();
        self.next
    }

    pub(crate) fn ask(&mut self, method: &str, target: &str, body: &str) -> Got {
        let number = self.send(method, target, body, ACCOUNT, "token");
        let at = self.answers.iter().position(|(n, _)| *n == number).expect("answered at once");
        self.answers.remove(at).1
    }

    pub(crate) fn get(&mut self, path: &str) -> Got {
        self.ask("GET", &format!("/2010-04-01/Accounts/{ACCOUNT}{path}"), "")
    }

    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Got {
        self.ask("POST", &format!("/2010-04-01/Accounts/{ACCOUNT}{path}"), &body(fields))
    }

    /// Creates a call with these fields besides To, From and Url; fields given replace those.
    pub(crate) fn create(&mut self, fields: &[(&str, &str)]) -> Got {
        let usual = [("To", "+15551230009"), ("From", OWNED), ("Url", "http://127.0.0.1:1/twiml")];
        let mut all: Vec<(&str, &str)> =
            usual.into_iter().filter(|(n, _)| fields.iter().all(|(m, _)| n != m)).collect();
        all.extend(fields);
        self.post("/Calls.json", &all)
    }

    /// Creates a call; its SID.
    pub(crate) fn call(&mut self) -> String {
        let got = self.create(&[]);
        assert_eq!(got.status, 201, "{got:?}");
        got.body["sid"].as_str().unwrap().to_owned()
    }

    pub(crate) fn news(&mut self, call: &str, status: CallStatus) {
        self.tell(call, News::Status(status));
    }

    pub(crate) fn tell(&mut self, call: &str, news: News) {
        self.exchange.handle(self.now, Input::News { call: call.into(), news });
        self.drain();
    }

    /// Lets time pass, in the steps that the exchange asks for.
    pub(crate) fn until(&mut self, at: Micros) {
        while let Some(deadline) = self.exchange.next_deadline().filter(|deadline| *deadline <= at) {
            self.now = self.now.max(deadline);
            self.exchange.handle(self.now, Input::Tick);
            self.drain();
        }
        self.now = at;
    }

    pub(crate) fn status(&mut self, call: &str) -> String {
        self.get(&format!("/Calls/{call}.json")).body["status"].as_str().unwrap().to_owned()
    }

    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Answer { number, answer } => {
                    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                    let (status, headers) = (answer.status, answer.headers);
                    self.answers.push((number, Got { status, body, bytes: answer.body, headers }));
                }
                Output::Cut { number } => self.cut.push((self.now, number)),
                Output::Unreachable { until } => self.unreachable = Some((self.now, until)),
                Output::Begin(plan) => self.begun.push((self.now, *plan)),
                Output::Order { call, order } => self.orders.push((call, order)),
            }
        }
    }
}

/// Two accounts, and everybody answers.
pub(crate) fn plan() -> ExchangePlan {
    let number = |phone_number: &str, voice_url: &str| NumberPlan {
        phone_number: phone_number.into(),
        voice_url: voice_url.into(),
        ..NumberPlan::default()
    };
    let account = AccountPlan {
        sid: ACCOUNT.into(),
        auth_token: "token".into(),
        keys: vec![ApiKey { sid: "SK1".into(), secret: "secret".into() }],
        numbers: vec![number(OWNED, "http://127.0.0.1:1/voice"), number("+442071838750", "")],
        verified: vec!["+14155550111".into()],
        ..AccountPlan::default()
    };
    let other = AccountPlan { sid: OTHER.into(), auth_token: "other".into(), ..AccountPlan::default() };
    ExchangePlan {
        accounts: vec![account, other],
        parties: BTreeMap::from([("+15551230001".into(), named("first"))]),
        anybody: named("anybody"),
        scripts: BTreeMap::from([("rude".into(), named("rude"))]),
        answers_after: Micros::ZERO,
        api: "http://127.0.0.1:9080".into(),
        seed: 1,
        unix_s: UNIX_S,
    }
}

pub(crate) fn body(fields: &[(&str, &str)]) -> String {
    form::encode(&fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>())
}

fn named(name: &str) -> Arc<Script> {
    let text = "about = \"x\"\n[[step]]\nsilence_ms = 1000";
    Arc::new(script::parse(name, text, Path::new(".")).unwrap())
}

//! The carrier: the model of Twilio in this process, which outlives every life of the service.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use loadtest::caller::script::{self, Script};
use loadtest::rest::account::AccountPlan;
use loadtest::rest::exchange::{Exchange, ExchangePlan};
use loadtest::rest::number::NumberPlan;
use loadtest::rng::Rng;
use loadtest::shell::route::Route;
use loadtest::shell::{clock, serve};
use loadtest::time::Micros;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::client;

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// The number that is called, and from which calls are placed.
pub(crate) const OURS: &str = "+14155550199";

/// What people do who call or are called: so often of ten, and in the words of a script.
const PEOPLE: &[(&str, u64, &str)] = &[
    (
        "listens",
        3,
        "about = \"hears a little and goes\"\nmax_ms = 12000\n[pickup]\nkind = \"person\"\nafter_ms = 300\n\
         [[step]]\nwait = \"bot_starts\"\nwithin_ms = 6000\n[[step]]\nsilence_ms = 1200\n[[step]]\nhang_up = true\n",
    ),
    (
        "stays",
        2,
        "about = \"stays for some seconds\"\nmax_ms = 12000\n[pickup]\nkind = \"person\"\nafter_ms = 600\n\
         [[step]]\nsilence_ms = 5000\n[[step]]\ndigits = \"1\"\n[[step]]\nsilence_ms = 1500\n[[step]]\nhang_up = true\n",
    ),
    (
        "runs",
        2,
        "about = \"goes at once\"\nmax_ms = 3000\n[pickup]\nkind = \"person\"\nafter_ms = 100\n\
         [[step]]\nsilence_ms = 400\n[[step]]\nhang_up = true\n",
    ),
    (
        "busy",
        1,
        "about = \"is busy\"\nmax_ms = 1000\n[pickup]\nkind = \"busy\"\nafter_ms = 700\n[[step]]\nhang_up = true\n",
    ),
    ("nobody", 1, "about = \"never answers\"\nmax_ms = 20000\n[pickup]\nkind = \"nobody\"\n[[step]]\nhang_up = true\n"),
    (
        "nowhere",
        1,
        "about = \"cannot be reached\"\nmax_ms = 1000\n[pickup]\nkind = \"fails\"\nsip = 404\n\
         [[step]]\nhang_up = true\n",
    ),
];
/// Who calls in; a busy person does not.
const CALLERS: [&str; 3] = ["listens", "stays", "runs"];
/// The model answers at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// Numbers that have a person of their own; behind all others somebody listens.
const NUMBERS: u64 = 50_000;

/// The carrier's REST API.
#[derive(Debug, Clone)]
pub(crate) struct Carrier {
    pub(crate) base: String,
    http: reqwest::Client,
}

/// How the carrier says that a call stands.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) sid: String,
    pub(crate) from: String,
    pub(crate) to: String,
    /// In the carrier's word, such as `in-progress`.
    pub(crate) status: String,
    pub(crate) is_inbound: bool,
}

impl Standing {
    fn read(call: &Value) -> Result<Self> {
        let text = |name: &str| call[name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {call}"));
        Ok(Self {
            sid: text("sid")?,
            from: text("from")?,
            to: text("to")?,
            status: text("status")?,
            is_inbound: call["direction"] == "inbound",
        })
    }

    /// Whether it is over, at the carrier.
    pub(crate) fn is_over(&self) -> bool {
        !["queued", "ringing", "in-progress"].contains(&self.status.as_str())
    }

    /// The state that the service must give it in the end.
    pub(crate) fn state(&self) -> String {
        self.status.replace('-', "_")
    }
}

/// Whom the `n`th placed call goes to.
pub(crate) fn called(n: u64) -> String {
    format!("+1555{:07}", 2_000_000 + n)
}

/// From where the `n`th caller calls.
pub(crate) fn caller(n: u64) -> String {
    format!("+1555{:07}", 6_000_000 + n)
}

/// What the `n`th caller does.
pub(crate) fn script_of_caller(rng: &mut Rng) -> &'static str {
    CALLERS[usize::try_from(rng.below(CALLERS.len() as u64)).unwrap_or_default()]
}

fn person<'a>(scripts: &'a BTreeMap<String, Arc<Script>>, rng: &mut Rng) -> Option<&'a Arc<Script>> {
    let mut drawn = rng.below(PEOPLE.iter().map(|(_, often, _)| often).sum());
    let (name, ..) = PEOPLE.iter().find(|(_, often, _)| {
        let is_it = drawn < *often;
        drawn = drawn.saturating_sub(*often);
        is_it
    })?;
    scripts.get(*name)
}

impl Carrier {
    /// Serves it on a port of this machine; it asks the service under `public`.
    ///
    /// # Errors
    /// No port, or a script that is none.
    pub(crate) async fn start(public: &str, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let mut scripts = BTreeMap::new();
        for (name, _, text) in PEOPLE {
            scripts.insert((*name).to_owned(), Arc::new(script::parse(name, text, Path::new("."))?));
        }
        let mut rng = Rng::new(seed);
        let parties = (0..NUMBERS).filter_map(|n| Some((called(n), Arc::clone(person(&scripts, &mut rng)?))));
        let number = NumberPlan {
            phone_number: OURS.into(),
            voice_url: format!("{public}/twilio/voice"),
            status_callback: format!("{public}/twilio/status"),
            ..NumberPlan::default()
        };
        let account = AccountPlan {
            sid: ACCOUNT.into(),
            auth_token: TOKEN.into(),
            numbers: vec![number],
            calls_per_second: 50,
            ..AccountPlan::default()
        };
        let plan = ExchangePlan {
            accounts: vec![account],
            parties: parties.collect(),
            anybody: scripts.get("listens").cloned().context("somebody listens")?,
            scripts,
            answers_after: Micros::from_ms(5),
            api: base.clone(),
            seed,
            unix_s: clock::unix_s(),
        };
        tokio::spawn(serve::serve(listener, Exchange::new(plan), clock::Clock::start(), Route::default()));
        Ok(Self { base, http: client::plain_http(PATIENCE)? })
    }

    /// Somebody calls our number: the carrier's name of the call.
    ///
    /// # Errors
    /// The model does not let them.
    pub(crate) async fn call_in(&self, from: &str, script: &str) -> Result<String> {
        let url = format!("{}/loadtest/Accounts/{ACCOUNT}/InboundCalls.json", self.base);
        let fields = [("To", OURS), ("From", from), ("Script", script)];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(url).basic_auth(ACCOUNT, Some(TOKEN)).body(form);
        let answer = request.header("Content-Type", "application/x-www-form-urlencoded").send().await?;
        ensure!(answer.status() == 201, "nobody can call in: {}", answer.text().await?);
        let call: Value = answer.json().await?;
        Ok(Standing::read(&call)?.sid)
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = self.http.get(format!("{}{path}", self.base)).basic_auth(ACCOUNT, Some(TOKEN));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// How a call stands.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) async fn call(&self, sid: &str) -> Result<Standing> {
        Standing::read(&self.get(&format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json")).await?)
    }

    /// How all calls stand, or only those in this status.
    ///
    /// # Errors
    /// The model does not say.
    pub(crate) async fn calls(&self, status: Option<&str>) -> Result<Vec<Standing>> {
        let filter = status.map_or_else(String::new, |status| format!("&Status={status}"));
        let mut next = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json?PageSize=1000{filter}");
        let mut calls = Vec::new();
        loop {
            let page = self.get(&next).await?;
            for call in page["calls"].as_array().context("no calls in the answer")? {
                calls.push(Standing::read(call)?);
            }
            match page["next_page_uri"].as_str() {
                Some(uri) => next = uri.to_owned(),
                None => return Ok(calls),
            }
        }
    }

    /// How many calls are not over.
    ///
    /// # Errors
    /// The model does not say.
    pub(crate) async fn alive(&self) -> Result<usize> {
        let mut alive = 0;
        for status in ["queued", "ringing", "in-progress"] {
            alive += self.calls(Some(status)).await?.len();
        }
        Ok(alive)
    }
}

//! A client of the service, as careful as it should be: what was not answered is asked again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Longer than the service takes for anything that it answers.
const PATIENCE: Duration = Duration::from_secs(15);
/// Connections that wait for the next request. The service lets one address have a few only, and carrier, door and clients
/// are one to it: more would cost the carrier its reports.
const IDLE_MAX: usize = 8;
/// Before what was not answered is sent again: doubled each time, up to the longer one.
pub(crate) const AGAIN: Duration = Duration::from_millis(30);
const AGAIN_MAX: Duration = Duration::from_millis(500);

/// A client with a key of the API.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// Whether it says to come again: the service, or what it needs, is away, or has too much to do.
    fn is_for_now(&self) -> bool {
        let waits = self.body["code"] == "idempotency_key";
        self.status >= 500 || self.status == 429 || self.status == 408 || waits
    }
}

impl Client {
    pub(crate) fn new(base: &str, key: &str) -> Result<Self> {
        Ok(Self { http: plain_http(PATIENCE)?, base: base.to_owned(), key: key.to_owned() })
    }

    /// The same with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// Whether it says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let asked = self.http.get(format!("{}/readyz", self.base)).timeout(Duration::from_millis(500)).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    /// What is there, however often it has to be asked for.
    ///
    /// # Errors
    /// It answers with something else than what is there.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.until_answered(|| self.request(Method::GET, path)).await;
        anyhow::ensure!(answer.status == 200, "GET {path} answers {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// Every item of a list.
    ///
    /// # Errors
    /// See [`get`](Self::get).
    pub(crate) async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let mut page = self.get(&format!("{path}{sign}limit=200{cursor}")).await?;
            if let Some(more) = page["items"].as_array_mut() {
                items.append(more);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Posts JSON once; `None` where nothing came back.
    pub(crate) async fn post(&self, path: &str, key: &str, body: &str) -> Option<Answer> {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        read(request.header("Content-Type", "application/json").body(body.to_owned())).await
    }

    /// Posts JSON under a key until the answer is one to keep.
    pub(crate) async fn post_until_answered(&self, path: &str, key: &str, body: &str) -> Answer {
        self.until_answered(|| {
            let request = self.request(Method::POST, path).header("Idempotency-Key", key);
            request.header("Content-Type", "application/json").body(body.to_owned())
        })
        .await
    }

    /// Sends a signed form once, as the carrier would: the status, where something came back.
    pub(crate) async fn form(&self, path: &str, signature: &str, form: &str) -> Option<u16> {
        let request = self.http.post(format!("{}{path}", self.base)).header("X-Twilio-Signature", signature);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form.to_owned());
        Some(request.send().await.ok()?.status().as_u16())
    }

    async fn until_answered(&self, request: impl Fn() -> RequestBuilder) -> Answer {
        let mut pause = AGAIN;
        loop {
            match read(request()).await {
                Some(answer) if !answer.is_for_now() => return answer,
                _ => wait(&mut pause).await,
            }
        }
    }
}

/// Speaks plain HTTP with this machine; the library wants a provider of cryptography all the same.
///
/// # Errors
/// What the library says.
pub(crate) fn plain_http(patience: Duration) -> Result<reqwest::Client> {
    // Who comes second finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .tls_certs_only([])
        .no_proxy()
        .pool_max_idle_per_host(IDLE_MAX)
        .timeout(patience)
        .build()?)
}

/// Waits before the next attempt, and longer before the one after.
pub(crate) async fn wait(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(AGAIN_MAX);
}

async fn read(request: RequestBuilder) -> Option<Answer> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    // Half an answer is none.
    let text = answer.text().await.ok()?;
    Some(Answer { status, body: serde_json::from_str(&text).unwrap_or_default() })
}

/// Whom a key of the REST API lets in: made in the database itself, before the first start.
///
/// # Errors
/// The program fails, or says something else.
pub(crate) fn key_of(printed: &[u8]) -> Result<String> {
    let said: Value = serde_json::from_slice(printed).context("`offhook keys create --json` prints no JSON")?;
    said["token"].as_str().map(str::to_owned).context("`offhook keys create --json` prints no token")
}

//! The running service, as its REST API shows it: requests with a key, lists page by page, problems as failures.

use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::exit::{Exit, Failure};
use super::{Environment, json_flag};
use crate::http::api::DEVELOPMENT_KEY;

const URL: &str = "http://127.0.0.1:8080";
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(30);
/// Of a list, so many at once.
const PAGE_MAX: usize = 200;

/// Adds what every command needs that talks to the service.
pub(super) fn with_service(command: Command) -> Command {
    let help = format!("Where the service is [env: OFFHOOK_URL] [default: {URL}]");
    command.arg(Arg::new("url").long("url").value_name("URL").help(help)).arg(json_flag())
}

/// The service.
#[derive(Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    base: Url,
    key: SecretString,
}

/// One thing, and its version.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) value: Value,
    pub(super) etag: Option<String>,
}

/// A list, or the part of it that was wanted.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) items: Vec<Value>,
    /// Where the rest begins.
    pub(super) next: Value,
}

impl Api {
    /// The service at `--url`, with the key from the environment.
    pub(super) fn new(matches: &ArgMatches, env: &Environment) -> Result<Self, Failure> {
        let url = matches.get_one::<String>("url").map(String::as_str).or(env.get("OFFHOOK_URL")).unwrap_or(URL);
        let base = base(url)?;
        let here = is_here(&base);
        let key = match env.get("OFFHOOK_API_KEY") {
            Some(key) => SecretString::from(key.trim()),
            None if here => SecretString::from(DEVELOPMENT_KEY),
            None => {
                let line = format!("{base} needs a key: set OFFHOOK_API_KEY; `offhook keys create` makes one there");
                return Err(Failure::new(Exit::Key, line));
            }
        };
        if base.scheme() == "http" && !here {
            eprintln!("offhook: the key travels to {base} unencrypted: use https:// where others can listen");
        }
        let http = client(here).map_err(|error| Failure::new(Exit::Failed, format!("no HTTP client: {error}")))?;
        Ok(Self { http, base, key })
    }

    /// One thing.
    pub(super) async fn get(&self, path: &str) -> Result<Thing, Failure> {
        self.ask(Method::GET, path, &[], None, None).await
    }

    /// Sends something, and gets what came of it.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.ask(method, path, &[], body, None).await.map(|thing| thing.value)
    }

    /// The same, done once however often it is sent with that key.
    pub(super) async fn send_once(&self, path: &str, body: &Value, key: Option<&str>) -> Result<Value, Failure> {
        let header = key.map(|key| ("Idempotency-Key", key));
        self.ask(Method::POST, path, &[], Some(body), header).await.map(|thing| thing.value)
    }

    /// Replaces something that is still at the version of `etag`.
    pub(super) async fn replace(&self, path: &str, body: &Value, etag: Option<&str>) -> Result<Value, Failure> {
        self.ask(Method::PUT, path, &[], Some(body), etag.map(|etag| ("If-Match", etag))).await.map(|thing| thing.value)
    }

    /// The newest `limit` of a list.
    pub(super) async fn list(&self, path: &str, query: &[(&str, String)], limit: usize) -> Result<Listed, Failure> {
        let mut listed = Listed { items: Vec::new(), next: Value::Null };
        loop {
            let mut query = query.to_vec();
            query.push(("limit", (limit - listed.items.len()).min(PAGE_MAX).to_string()));
            if let Some(cursor) = listed.next.as_str() {
                query.push(("cursor", cursor.to_owned()));
            }
            let mut page = self.ask(Method::GET, path, &query, None, None).await?.value;
            listed.next = page["next_cursor"].take();
            match page["items"].take() {
                Value::Array(items) if !items.is_empty() => listed.items.extend(items),
                _ => return Ok(listed),
            }
            if listed.next.is_null() || listed.items.len() >= limit {
                return Ok(listed);
            }
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
        header: Option<(&'static str, &str)>,
    ) -> Result<Thing, Failure> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        let request = self.http.request(method, url).bearer_auth(self.key.expose_secret()).query(query);
        let request = if let Some(body) = body { request.json(body) } else { request };
        let request = if let Some((name, value)) = header { request.header(name, value) } else { request };
        let response = request.send().await.map_err(|error| self.away(&error))?;
        let status = response.status();
        let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let bytes = response.bytes().await.map_err(|error| self.away(&error))?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Thing { value: Value::Null, etag });
        }
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() && !value.is_null() {
            return Ok(Thing { value, etag });
        }
        Err(refusal(&self.base, status, value))
    }

    fn away(&self, error: &reqwest::Error) -> Failure {
        let base = &self.base;
        let line = if error.is_timeout() {
            format!("{base} does not answer in time: see what it logs")
        } else if error.is_connect() {
            format!("nothing answers at {base}: start the service (`offhook serve`), or name it with --url")
        } else {
            format!("the connection to {base} broke: try again")
        };
        Failure::new(Exit::Away, line)
    }
}

fn base(url: &str) -> Result<Url, Failure> {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| {
        let line = format!("--url (OFFHOOK_URL) {url:?} is no URL: write such as {URL} or https://voice.example.com");
        Failure::new(Exit::Usage, line)
    })
}

/// Whether a URL leads to this machine.
fn is_here(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            ip.is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

/// A client; what stays on this machine takes no proxy.
pub(super) fn client(here: bool) -> reqwest::Result<reqwest::Client> {
    client_builder(here).build()
}

pub(super) fn client_builder(here: bool) -> reqwest::ClientBuilder {
    // Another one may be installed already: it serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().connect_timeout(CONNECT).timeout(ANSWER);
    // A redirect would take the key along.
    let builder = builder.redirect(reqwest::redirect::Policy::none());
    if here { builder.no_proxy() } else { builder }
}

/// What the service said, as a failure.
fn refusal(base: &Url, status: StatusCode, problem: Value) -> Failure {
    let exit = match status.as_u16() {
        401 | 403 => Exit::Key,
        404 => Exit::NotFound,
        429 | 502..=504 => Exit::Away,
        400..=499 => Exit::Refused,
        _ => Exit::Failed,
    };
    let Some(detail) = problem["detail"].as_str() else {
        return Failure::new(exit, format!("{base} answered {status} and no JSON: is that an Offhook service?"));
    };
    let mut lines = vec![format!("{detail} ({})", problem["code"].as_str().unwrap_or("no code"))];
    for error in problem["errors"].as_array().into_iter().flatten() {
        let at = error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or_default();
        lines.push(format!("  {at} {}", error["detail"].as_str().unwrap_or_default()));
    }
    Failure { exit, lines, problem: Some(problem) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        let check = |url: &str, here: bool| assert_eq!(is_here(&base(url).unwrap()), here, "{url}");
        check("http://127.0.0.1:8080", true);
        check("http://[::1]:8080", true);
        check("http://localhost:8080/", true);
        check("http://localhost.example.com", false);
        check("https://voice.example.com", false);
        assert!(base("voice.example.com").is_err() && base("ftp://x").is_err());
    }

    #[test]
    fn a_problem_is_told_with_each_of_its_faults() {
        let problem = json!({"code": "invalid", "detail": "one thing is wrong",
            "errors": [{"pointer": "/name", "code": "missing", "detail": "is missing"}]});
        let failure = refusal(&base(URL).unwrap(), StatusCode::BAD_REQUEST, problem);
        assert_eq!((failure.exit, failure.lines.len()), (Exit::Refused, 2));
        assert_eq!(failure.lines[1], "  /name is missing");
        let elsewhere = refusal(&base(URL).unwrap(), StatusCode::NOT_FOUND, Value::Null);
        assert!(elsewhere.lines[0].contains("is that an Offhook service?"), "{elsewhere:?}");
    }
}

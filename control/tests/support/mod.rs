//! What the tests of control share: a server on a free port, a raw HTTP client, the carrier's signature, a socket.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses its part, and a test may panic"
)]

pub mod api;
pub mod socket;
pub mod xml;

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use control::boot::Server;
use control::clock::Clock;
use control::config::{Config, Sources};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The account of the tests.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// Its token.
pub const TOKEN: &str = "12345";
/// The base that the carrier knows in production tests.
pub const PUBLIC: &str = "https://voice.example.com";

/// A server of its own for one test.
pub struct Host {
    pub address: SocketAddr,
    pub base: String,
    pub clock: Clock,
    server: Option<Server>,
    data: DataDir,
}

/// A directory of a test's own, gone with it.
pub struct DataDir(pub std::path::PathBuf);

impl DataDir {
    pub fn new() -> Self {
        static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("offhook-test-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the test");
        Self(dir)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server somewhere else, in production as [`PRODUCTION`] says.
pub struct Remote {
    pub address: SocketAddr,
}

/// The environment of a production server. Where Twilio should be is nobody: tests talk with this machine only.
pub const PRODUCTION: &[(&str, &str)] = &[
    ("TWILIO_ACCOUNT_SID", ACCOUNT),
    ("TWILIO_AUTH_TOKEN", "other-token,12345"),
    ("OFFHOOK_PUBLIC_URL", PUBLIC),
    ("TWILIO_BASE_URL", "http://127.0.0.1:9"),
];

impl Host {
    /// A development server, with these settings on top. Its clock stands still.
    pub async fn development(env: &[(&str, &str)]) -> Self {
        Self::start(env).await
    }

    /// A production server that knows [`ACCOUNT`], [`TOKEN`] and [`PUBLIC`].
    pub async fn production(env: &[(&str, &str)]) -> Self {
        Self::start(&[PRODUCTION, env].concat()).await
    }

    /// A server on the machine's clock.
    pub async fn running(env: &[(&str, &str)]) -> Self {
        Self::start_on(Clock::machine(), env).await
    }

    async fn start(env: &[(&str, &str)]) -> Self {
        Self::start_on(Clock::manual(), env).await
    }

    async fn start_on(clock: Clock, env: &[(&str, &str)]) -> Self {
        let mut env: Vec<(String, String)> = env.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
        env.push(("OFFHOOK_LISTEN".into(), "127.0.0.1:0".into()));
        // Tests talk with this machine only.
        if !env.iter().any(|(name, _)| name == "TWILIO_BASE_URL") {
            env.push(("TWILIO_BASE_URL".into(), "http://127.0.0.1:9".into()));
        }
        let data = DataDir::new();
        if !env.iter().any(|(name, _)| name == "OFFHOOK_DATA_DIR") {
            env.push(("OFFHOOK_DATA_DIR".into(), data.0.display().to_string()));
        }
        let config = Config::load(&Sources { env, ..Sources::default() }).expect("the test's configuration is valid");
        let server = Server::start(config, clock.clone()).await.expect("the server starts");
        Self { address: server.address(), base: server.public_url().to_owned(), clock, server: Some(server), data }
    }

    /// Where the server keeps its data.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data.0
    }

    /// Stops the server, without waiting for its calls.
    pub async fn stop(&mut self) {
        self.server.take().expect("stopped once").drain(std::future::ready(())).await;
    }

    /// The server alone, and everything that talks to it.
    pub fn split(mut self) -> (Self, Server) {
        let server = self.server.take().expect("split once");
        (self, server)
    }

    /// One GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await
    }

    /// One form, unsigned.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.send(&form_request(path, form, "")).await
    }

    /// One form, signed with [`TOKEN`] as the carrier does.
    pub async fn post_signed(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let signature = sign(TOKEN, &format!("{}{path}", self.base), form);
        self.send(&form_request(path, form, &format!("X-Twilio-Signature: {signature}\r\n"))).await
    }

    /// Sends a request, as the last of its connection where it does not say otherwise, and reads the answer.
    pub async fn send(&self, request: &str) -> Reply {
        self.send_bytes(last_of_its_connection(request).as_bytes()).await
    }

    /// Sends these bytes and reads the answer to its end.
    pub async fn send_bytes(&self, request: &[u8]) -> Reply {
        send(self.address, request).await
    }

    /// A value of `/metrics`.
    pub async fn metric(&self, series: &str) -> f64 {
        self.get("/metrics").await.metric(series)
    }
}

impl Remote {
    /// One form, signed with [`TOKEN`] for [`PUBLIC`].
    pub async fn post_signed(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let signature = sign(TOKEN, &format!("{PUBLIC}{path}"), form);
        self.send(&form_request(path, form, &format!("X-Twilio-Signature: {signature}\r\n"))).await
    }

    /// Sends these bytes and reads the answer to its end.
    pub async fn send(&self, request: &str) -> Reply {
        send(self.address, last_of_its_connection(request).as_bytes()).await
    }
}

async fn send(address: SocketAddr, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    // A server that has heard enough may close before it has read everything.
    let _ = stream.write_all(request).await;
    Reply::read(&mut stream).await
}

/// A call's parameters as its webhooks carry them.
pub fn call(sid: &str) -> Vec<(&str, &str)> {
    vec![
        ("CallSid", sid),
        ("AccountSid", ACCOUNT),
        ("From", "+15551234567"),
        ("To", "+15557654321"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("ApiVersion", "2010-04-01"),
    ]
}

/// The same and more.
pub fn call_with<'a>(sid: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [call(sid), more.to_vec()].concat()
}

/// A call's identifier.
pub fn sid(n: u32) -> String {
    format!("CA{n:032x}")
}

/// A POST of a form.
pub fn form_request(path: &str, form: &[(&str, &str)], headers: &str) -> String {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The signature that the carrier puts on a request.
pub fn sign(token: &str, url: &str, form: &[(&str, &str)]) -> String {
    let mut form = form.to_vec();
    form.sort_unstable();
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    for (name, value) in form {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// The request with `Connection: close`, where it has no such header.
pub fn last_of_its_connection(request: &str) -> String {
    let says = request.to_ascii_lowercase().contains("\r\nconnection:");
    match request.split_once("\r\n").filter(|(line, _)| !says && line.ends_with("HTTP/1.1")) {
        Some((line, rest)) => format!("{line}\r\nConnection: close\r\n{rest}"),
        None => request.to_owned(),
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// Reads until the server closes.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Self {
        let mut bytes = Vec::new();
        let whole = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
        whole.expect("the server answers and closes").ok();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Splits head and body; status 0 where there is no answer.
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// A value of the page of `/metrics`.
    pub fn metric(&self, series: &str) -> f64 {
        let line = self.body.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        let line = line.unwrap_or_else(|| panic!("{series} is missing:\n{}", self.body));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// The TwiML in it, as an outline.
    pub fn twiml(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-type"), Some("text/xml; charset=utf-8"));
        xml::outline(&self.body)
    }

    /// The path of the stream's URL in it.
    pub fn stream_path(&self, base: &str) -> String {
        let twiml = self.twiml();
        let stream =
            twiml.iter().find(|line| line.starts_with("Stream")).unwrap_or_else(|| panic!("no stream: {twiml:?}"));
        let url = stream.split("url=").nth(1).unwrap();
        let (_, rest) = base.split_once("://").unwrap();
        let (_, url_rest) = url.split_once("://").unwrap();
        url_rest.strip_prefix(rest).unwrap().to_owned()
    }
}

//! The service with a certificate of its own: calls inside TLS, a certificate renewed while they run, and who fails.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use control::config::{Config, Fault, Sources};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use support::socket::{Got, Socket};
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PATIENCE: Duration = Duration::from_secs(30);

/// A certificate for this machine in two files, which go with it.
struct Pair {
    dir: PathBuf,
    der: CertificateDer<'static>,
}

impl Pair {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("offhook-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut pair = Self { dir, der: CertificateDer::from(Vec::new()) };
        pair.renew(2090);
        pair
    }

    /// Puts another one in their place.
    fn renew(&mut self, until: i32) {
        let (certificate, key) = made(until);
        std::fs::write(self.file("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(self.file("key.pem"), key.serialize_pem()).unwrap();
        self.der = certificate.der().clone();
    }

    fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    async fn host(&self, env: &[(&str, &str)]) -> Host {
        let (certificate, key) = (self.file("cert.pem"), self.file("key.pem"));
        let own = [("OFFHOOK_TLS_CERT", certificate.as_str()), ("OFFHOOK_TLS_KEY", key.as_str())];
        Host::running(&[&own, env].concat()).await
    }

    /// Somebody who trusts this certificate and no other.
    async fn connect(&self, address: SocketAddr, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let socket = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(address.ip().into(), socket).await
    }

    async fn send(&self, host: &Host, request: &str) -> Reply {
        let mut stream = self.connect(host.address, &[]).await.unwrap();
        stream.write_all(last_of_its_connection(request).as_bytes()).await.unwrap();
        Reply::read(&mut stream).await
    }

    async fn metric(&self, host: &Host, series: &str) -> f64 {
        self.send(host, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.metric(series)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn made(until: i32) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap(), key)
}

/// A call that has been answered over https, and its socket over wss, greeted.
async fn call_over(pair: &Pair, host: &Host, n: u32) -> Socket {
    let request = form_request("/twilio/voice", &call(&sid(n)), "");
    let answer = pair.send(host, &request).await;
    assert!(answer.body.contains(&format!("wss://{}/twilio/ws/", host.address)), "{}", answer.body);
    let path = answer.stream_path(&host.base);
    let stream = pair.connect(host.address, &[b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut socket = Socket::open_on(stream, &path, "").await.unwrap();
    socket.start(ACCOUNT, &sid(n), "{}").await;
    let Got::Text(first) = socket.next().await else { panic!("a greeting") };
    assert!(first.starts_with(r#"{"event":"media""#), "{first}");
    socket
}

#[tokio::test]
async fn a_call_runs_inside_tls_from_its_webhook_to_its_end() {
    let pair = Pair::new("call");
    let host = pair.host(&[]).await;
    assert_eq!(host.base, format!("https://{}", host.address));
    let mut socket = call_over(&pair, &host, 1).await;
    // A key is heard, and the agent says something else.
    socket.press('2').await;
    while let Got::Text(text) = socket.next().await {
        if text.contains(r#""event":"clear""#) {
            break;
        }
    }
    socket.stop(ACCOUNT, &sid(1)).await;
    assert_eq!(socket.until_closed().await, Got::Close(1000));
    let expires = pair.metric(&host, "offhook_tls_certificate_expires_timestamp_seconds").await;
    assert_eq!(expires, 3_786_912_000.0, "2090-01-01");
    assert_eq!(pair.metric(&host, r#"offhook_tls_handshakes_failed_total{reason="protocol"}"#).await, 0.0);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_who_comes_next_and_calls_go_on() {
    let mut pair = Pair::new("renew");
    let host = pair.host(&[]).await;
    let mut socket = call_over(&pair, &host, 1).await;
    let old = Pair { dir: pair.dir.join("none"), der: pair.der.clone() };
    pair.renew(2091);
    let renewed = async {
        while pair.connect(host.address, &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.expect("the new certificate is shown");
    assert!(old.connect(host.address, &[]).await.is_err(), "and the old one no more");
    assert_eq!(pair.metric(&host, "offhook_tls_certificates_renewed_total").await, 1.0);
    // The call that began under the first has noticed nothing.
    socket.stop(ACCOUNT, &sid(1)).await;
    assert_eq!(socket.until_closed().await, Got::Close(1000));
}

#[tokio::test]
async fn a_request_without_tls_is_told_so_and_a_hello_to_a_plain_port_fails_cleanly() {
    let pair = Pair::new("plain");
    let host = pair.host(&[]).await;
    let reply = host.get("/healthz").await;
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("this port speaks TLS"), "{reply:?}");
    let mut garbage = TcpStream::connect(host.address).await.unwrap();
    garbage.write_all(&[0xFF; 64]).await.unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, garbage.read_to_end(&mut said)).await.expect("cut off");
    assert_eq!(said.first(), Some(&21), "an alert: {said:?}");
    // Somebody who speaks something else than HTTP/1.1 hears it in the handshake.
    assert!(pair.connect(host.address, &[b"h2"]).await.is_err());
    let failed = |reason| format!("offhook_tls_handshakes_failed_total{{reason=\"{reason}\"}}");
    assert_eq!(pair.metric(&host, &failed("plain")).await, 1.0);
    assert_eq!(pair.metric(&host, &failed("protocol")).await, 2.0);

    let plain = Host::running(&[]).await;
    let error = pair.connect(plain.address, &[]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    assert_eq!(plain.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn who_stalls_in_the_handshake_is_cut_by_the_time_of_a_head() {
    let pair = Pair::new("stall");
    let host = pair.host(&[("OFFHOOK_HEADER_TIMEOUT_S", "1")]).await;
    let mut silent = TcpStream::connect(host.address).await.unwrap();
    let mut slow = TcpStream::connect(host.address).await.unwrap();
    // The head of a record of 512 bytes, and no more.
    slow.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    let mut rest = Vec::new();
    for socket in [&mut silent, &mut slow] {
        let _ = tokio::time::timeout(Duration::from_secs(5), socket.read_to_end(&mut rest)).await.expect("cut off");
    }
    // Who has shaken hands has what is left of that time for his head.
    let mut idle = pair.connect(host.address, &[]).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(5), idle.read_to_end(&mut rest)).await.expect("cut off");
    assert_eq!(pair.metric(&host, "offhook_tls_handshakes_failed_total{reason=\"late\"}").await, 2.0);
}

/// There is one fault, and its line holds all of this.
fn refused(certificate: &str, key: &str, words: &[&str]) {
    let env = [("OFFHOOK_TLS_CERT", certificate), ("OFFHOOK_TLS_KEY", key)];
    let env = env.iter().filter(|(_, file)| !file.is_empty()).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    let sources = Sources { env: env.collect(), ..Sources::default() };
    let faults: Vec<_> = Config::load(&sources).unwrap_err().iter().map(Fault::to_string).collect();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    for word in words {
        assert!(faults[0].contains(word), "{word:?} is not in: {}", faults[0]);
    }
}

#[test]
fn files_that_are_no_pair_are_refused_with_cause_and_fix_before_a_port_opens() {
    let pair = Pair::new("files");
    let (certificate, key) = (pair.file("cert.pem"), pair.file("key.pem"));
    let written = |name: &str, text: &str| {
        std::fs::write(pair.file(name), text).unwrap();
        pair.file(name)
    };
    refused(&certificate, "", &["OFFHOOK_TLS_KEY", "is not set", "private key"]);
    refused("", &key, &["OFFHOOK_TLS_CERT", "is not set"]);
    refused(&pair.file("none.pem"), &key, &["OFFHOOK_TLS_CERT", "none.pem", "cannot be read", "may read"]);
    refused(&certificate, &pair.file("none.pem"), &["OFFHOOK_TLS_KEY", "none.pem", "cannot be read"]);
    refused(&key, &key, &["OFFHOOK_TLS_CERT", "no certificate", "fullchain.pem"]);
    refused(&certificate, &certificate, &["OFFHOOK_TLS_KEY", "no private key", "privkey.pem"]);
    let broken = written("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    refused(&broken, &key, &["OFFHOOK_TLS_CERT", "no certificate"]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    refused(&certificate, &written("locked.pem", encrypted), &["OFFHOOK_TLS_KEY", "it is encrypted"]);
    let other = written("other.pem", &made(2090).1.serialize_pem());
    refused(&certificate, &other, &["OFFHOOK_TLS_KEY", "is not the key of the first certificate"]);
}

#[test]
fn a_certificate_that_has_expired_is_a_warning() {
    let mut pair = Pair::new("expired");
    pair.renew(2002);
    let env = [("OFFHOOK_TLS_CERT", pair.file("cert.pem")), ("OFFHOOK_TLS_KEY", pair.file("key.pem"))];
    let env = env.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let config = Config::load(&Sources { env, ..Sources::default() }).unwrap();
    assert!(config.warnings.iter().any(|line| line.contains("expired at 2002-01-01")), "{:?}", config.warnings);
}

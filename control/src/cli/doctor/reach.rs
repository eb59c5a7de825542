//! Who reaches the service: the port on this machine, and the way from outside.

use std::net::{SocketAddr, TcpListener};

use http::header::DATE;
use reqwest::Response;

use super::super::api::{client, client_builder};
use super::finding::Finding;
use crate::boot::listen_fix;
use crate::clock::Clock;
use crate::config::{Config, PublicUrl, settings};
use crate::model::Timestamp;

/// Another machine's clock says so; an answer takes a while.
const SKEW_MAX_MS: i64 = 30_000;

/// Can the service listen, or does it already?
pub(super) async fn port(config: &Config) -> Finding {
    let address = config.listen;
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok("port", format!("{address} can be listened on")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && runs_at(config).await => {
            Finding::ok("port", format!("{address} is listened on by a service that is healthy"))
        }
        Err(error) => Finding::fail("port", format!("{address}: {error}"), listen_fix(&error)),
    }
}

async fn runs_at(config: &Config) -> bool {
    let address = config.listen;
    let host = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => std::net::Ipv4Addr::LOCALHOST.into(),
        _ => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}/healthz", SocketAddr::new(host, address.port()));
    // By its address no certificate fits, and nothing is entrusted to it.
    match client_builder(true).tls_danger_accept_invalid_certs(true).build() {
        Ok(client) => client.get(url).send().await.is_ok_and(|response| response.status().is_success()),
        Err(_) => false,
    }
}

/// Does the carrier reach us? And as that way leads over another machine: what time has it?
pub(super) async fn public_url(config: &Config) -> Vec<Finding> {
    let Some(public) = &config.public else {
        let found = format!("{} is not set: only programs on this machine can call", settings::PUBLIC_URL.name);
        return vec![Finding::ok("public URL", found)];
    };
    match get(&public.join("/healthz"), public.is_loopback()).await {
        Ok(response) => [Some(answered(public, &response)), skew(&response)].into_iter().flatten().collect(),
        Err(error) => vec![unanswered(public, &error)],
    }
}

async fn get(url: &str, here: bool) -> reqwest::Result<Response> {
    client(here)?.get(url).send().await
}

fn answered(public: &PublicUrl, response: &Response) -> Finding {
    let (url, status) = (public.as_str(), response.status());
    match status.as_u16() {
        200 => Finding::ok("public URL", format!("{url} leads here")),
        502..=504 => Finding::warn(
            "public URL",
            format!("{url}: a proxy answers {status}, with no service behind it"),
            "start the service and run `offhook doctor` again; if it runs, see where the proxy sends requests",
        ),
        _ => Finding::fail(
            "public URL",
            format!("{url}/healthz answers {status}: that is not this service"),
            "see which host and path OFFHOOK_PUBLIC_URL names, and that the proxy passes every path on",
        ),
    }
}

fn unanswered(public: &PublicUrl, error: &reqwest::Error) -> Finding {
    let url = public.as_str();
    let why = if error.is_timeout() { "no answer in time" } else { "no connection, or no valid certificate" };
    let fix = "see that its name leads to this machine, that a firewall lets it through, and that its certificate is \
               valid: curl -v shows more";
    if public.is_loopback() {
        return Finding::warn(
            "public URL",
            format!("{url}: {why}"),
            "start the service and run `offhook doctor` again",
        );
    }
    Finding::fail("public URL", format!("{url}: {why}"), fix)
}

/// By how much our clock is off from the one that answered.
fn skew(response: &Response) -> Option<Finding> {
    let date = response.headers().get(DATE)?.to_str().ok()?;
    let theirs = Timestamp(jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond());
    let ms = Clock::machine().wall().0 - theirs.0;
    Some(if ms.abs() <= SKEW_MAX_MS {
        Finding::ok("clock", "agrees with whoever answers at the public URL")
    } else {
        let found = format!("is {} s off from whoever answers at the public URL", ms / 1_000);
        Finding::fail("clock", found, "let a service of time keep it: chrony, or systemd-timesyncd")
    })
}

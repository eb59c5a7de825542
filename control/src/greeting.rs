//! What the program says about itself: at its start, and when asked for its configuration.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::boot::Server;
use crate::config::{Config, Threads, settings};
use crate::http::api::DEVELOPMENT_KEY;

/// What is said once the service listens: what it is, its mode, what that switches off, and the next command to type.
pub fn started(config: &Config, server: &Server, took: Duration) -> String {
    let mode = config.mode;
    let url = format!("{}://{}", scheme(config), server.address());
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ =
        writeln!(text, "{} - Offhook {}: answers phone calls for software", config.app_name, env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "  listening on  {url}  (ready after {} ms)", took.as_millis());
    let _ = writeln!(text, "  mode          {}, because {}", mode.name, mode.because);
    if mode.is_production() {
        let _ = writeln!(text, "  carrier sees  {}", server.public_url());
        let _ = writeln!(
            text,
            "  next          point your number's voice webhook (POST) at {}/twilio/voice",
            server.public_url()
        );
    } else {
        let checked =
            if config.can_check_signatures() { "are logged, not refused" } else { "are not checked: no token is set" };
        let _ = writeln!(text, "  SWITCHED OFF  signatures of webhooks and media sockets {checked};");
        let _ = writeln!(text, "                the rate limit does not count this machine's own programs.");
        let _ =
            writeln!(text, "                Still on: one-time tokens for media sockets, every size and time limit.");
        let _ =
            writeln!(text, "  API KEY       programs on this machine are admin with the fixed key {DEVELOPMENT_KEY},");
        let _ =
            writeln!(text, "                never from elsewhere or in production; the API is explained at {url}/docs");
        if !config.listen.ip().is_loopback() {
            let _ = writeln!(
                text,
                "  !! ANYBODY WHO CAN REACH {} CAN OPEN CALLS. Do not use this with a real number. !!",
                server.address()
            );
        }
        let _ = writeln!(
            text,
            "  next          in a second terminal:  cargo run --release -p loadtest -- call{}",
            url_option(config, server.address())
        );
    }
    text
}

fn scheme(config: &Config) -> &'static str {
    if config.tls.is_some() { "https" } else { "http" }
}

/// What the caller must be told where the service is not at the address that it calls by default.
fn url_option(config: &Config, address: SocketAddr) -> String {
    let tls = config.tls.as_ref();
    if tls.is_none() && address.to_string() == settings::LISTEN.default {
        return String::new();
    }
    let host = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let url = format!("{}://{}/twilio/voice", scheme(config), SocketAddr::new(host, address.port()));
    let trusted = tls.map_or(String::new(), |tls| format!(" --ca {}", tls.files.certificate.display()));
    format!(" --url {url}{trusted}")
}

/// What holds, without secrets: for `offhook config`.
pub fn settings(config: &Config) -> String {
    let mut text = String::new();
    let set = |yes: bool| if yes { "set" } else { "not set" };
    let _ = writeln!(text, "configuration is valid");
    let _ = writeln!(text, "  mode             {}, because {}", config.mode.name, config.mode.because);
    let _ = writeln!(text, "  listen           {}", config.listen);
    let _ = writeln!(text, "  public URL       {}", config.public.as_ref().map_or("not set", |url| url.as_str()));
    let expires = config.tls.as_ref().map_or("none".into(), |own| format!("expires {}", own.expires()));
    let _ = writeln!(text, "  certificate      {expires}");
    let _ = writeln!(text, "  account          {}", config.account_sid.as_deref().unwrap_or("not set"));
    let _ = writeln!(text, "  auth tokens      {}", config.tokens.len());
    let _ = writeln!(text, "  shared keys      {}", config.shared_keys.len());
    let _ = writeln!(text, "  admin key        {}", set(config.admin_key.is_some()));
    let _ = writeln!(
        text,
        "  transfer to      {}",
        config.transfer_to.as_ref().map_or("nobody".into(), |n| format!("{n:?}"))
    );
    let _ = writeln!(text, "  trusted proxies  {}", config.trusted_proxies.len());
    let _ = writeln!(text, "  limits           {:?}", config.limits);
    let _ = writeln!(text, "  threads          {}", threads(config.threads));
    let _ = writeln!(text, "  prompts          {}", if config.prompts.is_some() { "your own" } else { "the demo's" });
    for warning in &config.warnings {
        let _ = writeln!(text, "  warning          {warning}");
    }
    text
}

fn threads(Threads { workers, io_threads, pin, tick }: Threads) -> String {
    let number = |wanted: Option<usize>| wanted.map_or("auto".into(), |number| number.to_string());
    let pinned = pin.map_or("auto".into(), |yes| yes.to_string());
    let (workers, io_threads) = (number(workers), number(io_threads));
    format!("workers {workers}, I/O {io_threads}, pinned {pinned}, tick {} ms", tick.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn the_next_command_names_the_address_where_it_is_not_the_default() {
        let config = Config::load(&Sources::default()).unwrap();
        let check = |address: &str, option: &str| {
            assert_eq!(url_option(&config, address.parse().unwrap()), option, "{address}");
        };
        check("127.0.0.1:8080", "");
        check("127.0.0.1:9000", " --url http://127.0.0.1:9000/twilio/voice");
        check("0.0.0.0:8080", " --url http://127.0.0.1:8080/twilio/voice");
        check("[::]:8080", " --url http://[::1]:8080/twilio/voice");
    }
}

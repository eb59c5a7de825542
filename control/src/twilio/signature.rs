//! `X-Twilio-Signature`: proves that a request comes from the holder of the account's token.
//!
//! ```text
//! signature = base64( HMAC( token, url + for each name in byte order: for each different value in order: name value ) )
//! ```
//! The URL is the one that was configured at Twilio, byte for byte. Twilio's own back ends disagree about ports, user
//! names and apostrophes, so a few spellings of the same URL are tried; all of them mean this path of this host, so
//! none weakens the check. Which parameters are signed: those of a form body; none for GET and WebSocket; none for any
//! other body, whose SHA-256 then stands in the signed URL as `bodySHA256`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The header that carries the signature.
pub const HEADER: &str = "x-twilio-signature";
/// The header that says which shared key and algorithm made it; absent for the auth token.
pub const SETTINGS_HEADER: &str = "x-twilio-webhooks-signature-settings";

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The auth token's, and a shared key's on request.
    HmacSha1,
    /// A shared key's.
    HmacSha256,
}

/// What was signed besides the URL.
#[derive(Debug, Clone, Copy)]
pub enum Signed<'a> {
    /// The pairs of a form body, decoded, in any order.
    Form(&'a [(String, String)]),
    /// Nothing: GET, or a WebSocket's handshake.
    UrlOnly,
    /// A body that is no form: its hash stands in the URL.
    Body(&'a [u8]),
}

/// One signed request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The public URL as the carrier was told it: scheme to the end of the query.
    pub url: &'a str,
    /// What else was signed.
    pub signed: Signed<'a>,
    /// The signature as received.
    pub signature: &'a [u8],
}

/// Whether any of the keys made this signature.
pub fn verify<'k>(
    keys: impl IntoIterator<Item = &'k SecretString>,
    algorithm: Algorithm,
    request: &Request<'_>,
) -> bool {
    let urls = spellings(request.url);
    let (tail, body_fits) = match request.signed {
        Signed::Form(pairs) => (form_tail(pairs), Choice::from(1)),
        Signed::UrlOnly => (String::new(), Choice::from(1)),
        Signed::Body(body) => (String::new(), body_hash_fits(request.url, body)),
    };
    let mut valid = Choice::from(0);
    for key in keys {
        for url in &urls {
            let expected = sign(key.expose_secret().as_bytes(), algorithm, url, &tail);
            valid |= expected.as_bytes().ct_eq(request.signature);
        }
    }
    (valid & body_fits).into()
}

/// The signature of `url` and the joined parameters.
fn sign(key: &[u8], algorithm: Algorithm, url: &str, tail: &str) -> String {
    match algorithm {
        Algorithm::HmacSha1 => mac::<Hmac<Sha1>>(key, url, tail),
        Algorithm::HmacSha256 => mac::<Hmac<Sha256>>(key, url, tail),
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], url: &str, tail: &str) -> String {
    // HMAC takes a key of any length; an error would be a fault of the library, and then nothing verifies.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return String::new() };
    mac.update(url.as_bytes());
    mac.update(tail.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// The parameters as they are signed: by name, then by value, the same pair once.
fn form_tail(pairs: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = pairs.iter().collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect()
}

/// Whether the URL's `bodySHA256` is the body's. Without one nothing is proven about the body.
fn body_hash_fits(url: &str, body: &[u8]) -> Choice {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let claimed = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    let Some((_, claimed)) = claimed else { return Choice::from(0) };
    let mut actual = String::with_capacity(64);
    for byte in Sha256::digest(body) {
        use std::fmt::Write as _;
        let _ = write!(actual, "{byte:02x}");
    }
    actual.as_bytes().ct_eq(claimed.to_ascii_lowercase().as_bytes())
}

/// The ways in which Twilio may have spelled this URL when it signed.
///
/// {user name kept, dropped} × {port as it is, none, the scheme's} × {apostrophes raw, `%27`} × {for sockets: a slash
/// at the end or none}; at most 24 for a socket with a user name and a port, 2 for what one usually sees.
fn spellings(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, host_port) = match authority.rsplit_once('@') {
        Some((user, host_port)) => (Some(user), host_port),
        None => (None, authority),
    };
    let (host, _) = split_port(host_port);
    let small = scheme.to_ascii_lowercase();
    let default_port = if matches!(small.as_str(), "https" | "wss") { "443" } else { "80" };
    let socket = matches!(small.as_str(), "ws" | "wss");

    let ports = [host_port.to_owned(), host.to_owned(), format!("{host}:{default_port}")];
    let users = [user.map(|user| format!("{user}@")), Some(String::new())];
    let mut paths = vec![path.to_owned()];
    if socket {
        paths.push(path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned));
    }
    let escaped: Vec<String> = paths.iter().filter(|p| p.contains('\'')).map(|p| p.replace('\'', "%27")).collect();
    paths.extend(escaped);

    let mut all = Vec::new();
    for user in users.iter().flatten() {
        for host_port in &ports {
            for path in &paths {
                let spelling = format!("{scheme}://{user}{host_port}{path}");
                if !all.contains(&spelling) {
                    all.push(spelling);
                }
            }
        }
    }
    all
}

/// Host and port of an authority without user name; an IPv6 host keeps its brackets.
fn split_port(host_port: &str) -> (&str, Option<&str>) {
    match host_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host_port, None),
    }
}

/// Which key and algorithm the settings header names; `None` where it names no key, or an algorithm that we do not
/// know: such a request cannot be trusted.
pub fn parse_settings(header: &str) -> Option<(&str, Algorithm)> {
    let (mut key, mut algorithm) = (None, None);
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("key", id)) => key = Some(id),
            Some(("algorithm", "HMAC_SHA256")) => algorithm = Some(Algorithm::HmacSha256),
            Some(("algorithm", "HMAC_SHA1")) => algorithm = Some(Algorithm::HmacSha1),
            Some(("algorithm", _)) => return None,
            _ => {}
        }
    }
    Some((key?, algorithm?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> SecretString {
        SecretString::from("12345")
    }

    #[test]
    fn spellings_cover_ports_user_names_and_apostrophes() {
        let all = spellings("https://u:p@h.example:8443/a?b='c'");
        assert!(all.contains(&"https://u:p@h.example:8443/a?b='c'".to_owned()));
        assert!(all.contains(&"https://h.example/a?b=%27c%27".to_owned()));
        assert!(all.contains(&"https://h.example:443/a?b='c'".to_owned()));
        assert_eq!(all.len(), 12);
    }

    #[test]
    fn a_plain_url_costs_two_tries() {
        assert_eq!(spellings("https://h.example/a?b=c#d"), ["https://h.example/a?b=c", "https://h.example:443/a?b=c"]);
    }

    #[test]
    fn a_socket_is_tried_with_and_without_its_slash() {
        assert!(spellings("wss://h/media").contains(&"wss://h/media/".to_owned()));
        assert!(spellings("wss://h/media/").contains(&"wss://h/media".to_owned()));
        assert!(!spellings("https://h/media").contains(&"https://h/media/".to_owned()));
    }

    #[test]
    fn an_ipv6_host_keeps_its_brackets() {
        assert_eq!(split_port("[::1]:8080"), ("[::1]", Some("8080")));
        assert_eq!(split_port("[::1]"), ("[::1]", None));
    }

    #[test]
    fn any_of_several_tokens_will_do() {
        let old = SecretString::from("old");
        let signature = sign(b"12345", Algorithm::HmacSha1, "https://h/a", "");
        let request = Request { url: "https://h/a", signed: Signed::UrlOnly, signature: signature.as_bytes() };
        assert!(verify([&old, &token()], Algorithm::HmacSha1, &request));
        assert!(!verify([&old], Algorithm::HmacSha1, &request));
        assert!(!verify([], Algorithm::HmacSha1, &request));
    }

    #[test]
    fn a_changed_body_is_found_out() {
        let body = br#"{"property": "value", "boolean": true}"#;
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let check = |body: &[u8]| {
            let request = Request { url, signed: Signed::Body(body), signature: b"a9nBmqA0ju/hNViExpshrM61xv4=" };
            verify([&token()], Algorithm::HmacSha1, &request)
        };
        assert!(check(body));
        assert!(!check(br#"{"property": "value", "boolean": false}"#));
        assert!(!check(b""));
    }

    #[test]
    fn the_settings_header_names_key_and_algorithm() {
        assert_eq!(parse_settings("key=k1,algorithm=HMAC_SHA256"), Some(("k1", Algorithm::HmacSha256)));
        assert_eq!(parse_settings("key=k1, algorithm=HMAC_SHA1"), Some(("k1", Algorithm::HmacSha1)));
        for bad in ["", "key=k1", "algorithm=HMAC_SHA256", "key=k1,algorithm=MD5"] {
            assert_eq!(parse_settings(bad), None, "{bad}");
        }
    }
}

//! The few rules of URLs that webhooks need: parse, resolve a relative one, and what of it is signed.

use std::fmt;

use thiserror::Error;

/// An absolute `http`, `https`, `ws` or `wss` URL. The text of path and query is kept as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http`, `https`, `ws` or `wss`.
    pub scheme: String,
    /// Host name or address, without brackets for IPv6.
    pub host: String,
    /// The port, when written.
    pub port: Option<u16>,
    /// Begins with `/`.
    pub path: String,
    /// Without the `?`.
    pub query: Option<String>,
    /// `user:password`, still percent-encoded; sent only where a server asks for it, and never signed.
    pub user: Option<String>,
    /// How requests to it are delivered, without the `#`; neither sent nor signed.
    pub fragment: Option<String>,
}

/// Why a text is no usable URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no http, https, ws or wss URL with a host")]
pub struct BadUrl(pub String);

impl Url {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// [`BadUrl`] when the scheme is another one, or host or port are missing or malformed.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let bad = || BadUrl(text.to_owned());
        let trimmed = text.trim();
        let (scheme, rest) = trimmed.split_once("://").ok_or_else(bad)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https" | "ws" | "wss") || rest.contains(char::is_whitespace) {
            return Err(bad());
        }
        let (rest, fragment) = split_fragment(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (user, authority) = authority.rsplit_once('@').map_or((None, authority), |(user, at)| (Some(user), at));
        let user = user.filter(|user| !user.is_empty()).map(str::to_owned);
        let (host, port) = split_port(authority).ok_or_else(bad)?;
        let (path, query) = split_query(tail);
        let path = if path.is_empty() { "/".to_owned() } else { path.to_owned() };
        Ok(Self { scheme, host, port, path, query, user, fragment })
    }

    /// Resolves `reference` as a browser would, against the document that came from `self`.
    ///
    /// # Errors
    /// [`BadUrl`] when the reference is absolute but not usable.
    pub fn join(&self, reference: &str) -> Result<Self, BadUrl> {
        let reference = reference.trim();
        if reference.contains("://") {
            return Self::parse(reference);
        }
        if let Some(rest) = reference.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme));
        }
        let (reference, fragment) = split_fragment(reference);
        let (path, query) = split_query(reference);
        let mut url = Self { fragment, ..self.clone() };
        if path.is_empty() {
            url.query = query.or_else(|| self.query.clone());
            return Ok(url);
        }
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let full = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
        url.path = without_dots(&full);
        url.query = query;
        Ok(url)
    }

    /// The port that is connected to.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "wss")
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// What the signature covers: the port stays on plain schemes and is dropped on encrypted ones.
    #[must_use]
    pub fn signed(&self) -> String {
        let mut url = self.clone();
        if self.is_tls() {
            url.port = None;
        }
        url.to_string()
    }

    /// `host:port` as the `Host` header has it.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        self.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
    }

    /// Path and query as the request line has them.
    #[must_use]
    pub fn target(&self) -> String {
        self.query.as_ref().map_or_else(|| self.path.clone(), |query| format!("{}?{query}", self.path))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.target())
    }
}

fn split_port(authority: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, tail) = rest.split_once(']')?;
        let port = match tail.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if tail.is_empty() => None,
            None => return None,
        };
        return Some((host.to_owned(), port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (authority, None),
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

fn split_fragment(text: &str) -> (&str, Option<String>) {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    (rest, (!fragment.is_empty()).then(|| fragment.to_owned()))
}

fn split_query(text: &str) -> (&str, Option<String>) {
    text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query.to_owned())))
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn relative_references_resolve_against_the_document() {
        let base = url("http://127.0.0.1:8080/twilio/voice?a=1");
        let check = |reference: &str, expected: &str| assert_eq!(base.join(reference).unwrap().to_string(), expected);
        check("resume", "http://127.0.0.1:8080/twilio/resume");
        check("/x/../resume?b=2", "http://127.0.0.1:8080/resume?b=2");
        check("../menu/./a", "http://127.0.0.1:8080/menu/a");
        check("", "http://127.0.0.1:8080/twilio/voice?a=1");
        check("?b=2", "http://127.0.0.1:8080/twilio/voice?b=2");
        check("//other/p", "http://other/p");
        check("wss://other/p#rc=2", "wss://other/p");
    }

    #[test]
    fn the_signed_text_keeps_the_port_of_plain_schemes_only() {
        assert_eq!(url("http://h:8080/p?q=%20").signed(), "http://h:8080/p?q=%20");
        assert_eq!(url("https://user:pw@h:8443/p").signed(), "https://h/p");
        assert_eq!(url("ws://[::1]:8080/p").signed(), "ws://[::1]:8080/p");
    }

    #[test]
    fn user_and_fragment_are_kept_apart() {
        let url = url("https://us%40er:p:w@h/p?q=1#rc=2&rp=all");
        assert_eq!((url.user.as_deref(), url.fragment.as_deref()), (Some("us%40er:p:w"), Some("rc=2&rp=all")));
        assert_eq!((url.to_string(), url.signed()), ("https://h/p?q=1".into(), "https://h/p?q=1".into()));
        let next = url.join("next#rc=0").unwrap();
        assert_eq!((next.user, next.fragment.as_deref()), (url.user.clone(), Some("rc=0")));
        assert_eq!(url.join("next").unwrap().fragment, None, "the fragment is the document's own");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("ws://127.0.0.1/", true),
            ("ws://localhost:1/", true),
            ("ws://[::1]/", true),
            ("ws://10.0.0.1/", false),
            ("ws://localhost.example.com/", false),
        ] {
            assert_eq!(url(text).is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for bad in ["", "/relative", "ftp://h/", "http://", "http://h:port/", "http://a b/", "ws://[::1/"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}

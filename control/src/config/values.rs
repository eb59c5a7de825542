//! The forms that values take: parsed once at the edge, types from then on.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The base under which the carrier reaches the service; kept letter for letter, for signatures are made over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads a base URL, or a whole webhook URL that ends in `/twilio/voice`.
    ///
    /// # Errors
    /// What is wrong with it, for one line of a report.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or("has no https:// in front")?;
        if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
            return Err("is neither https:// nor http://");
        }
        if rest.contains(['?', '#']) {
            return Err("has a query or a fragment");
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err("has a user name in it, which the carrier leaves out of signatures");
        }
        if authority.parse::<http::uri::Authority>().is_err() || text.parse::<http::Uri>().is_err() {
            return Err("is not a URL");
        }
        check_host_and_port(authority)?;
        let base = text.trim_end_matches('/');
        let base = base.strip_suffix("/twilio/voice").unwrap_or(base);
        let path = base.get(scheme.len() + 3 + authority.len()..).unwrap_or_default();
        if format!("{path}/").contains("/twilio/") {
            return Err("has /twilio/ in its path, which is put there for every webhook");
        }
        Ok(Self(base.to_owned()))
    }

    /// The base of a server that nobody gave another name.
    pub fn of_address(address: SocketAddr, tls: bool) -> Self {
        Self(format!("{}://{address}", if tls { "https" } else { "http" }))
    }

    /// The base without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of a path (and query) of ours, as the carrier sees it.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The WebSocket URL of a path of ours: `wss` for `https`, `ws` for `http`.
    pub fn join_socket(&self, path: &str) -> String {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("https", &self.0));
        let scheme = if scheme.eq_ignore_ascii_case("http") { "ws" } else { "wss" };
        format!("{scheme}://{rest}{path}")
    }

    /// Whether it is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("https:"))
    }

    /// Whether it names this very machine.
    pub fn is_loopback(&self) -> bool {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        is_loopback_authority(rest.split('/').next().unwrap_or_default())
    }
}

/// A host, and where a port is written one that exists.
fn check_host_and_port(authority: &str) -> Result<(), &'static str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() || host == "[]" {
        return Err("has no host");
    }
    match port {
        Some(port) if !port.parse::<u16>().is_ok_and(|port| port > 0) => Err("has a port that is not from 1 to 65535"),
        _ => Ok(()),
    }
}

/// Whether `host[:port]` names this very machine.
pub(crate) fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A range of addresses: `10.0.0.0/8`, `::1`, `192.0.2.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: u128,
    prefix: u32,
}

impl Cidr {
    /// Whether the address lies in the range. An IPv4 address written as IPv6 is the same address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let shift = 128 - self.prefix;
        shift == 128 || (as_bits(ip) >> shift) == (self.network >> shift)
    }
}

impl FromStr for Cidr {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ip, prefix) = match text.trim().split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix.parse::<u32>().map_err(|_| ())?)),
            None => (text.trim(), None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| ())?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        if prefix > width {
            return Err(());
        }
        Ok(Self { network: as_bits(ip), prefix: prefix + 128 - width })
    }
}

/// An address in the space of IPv6, where IPv4 has its place.
fn as_bits(ip: IpAddr) -> u128 {
    let six: Ipv6Addr = match ip {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    };
    u128::from(six)
}

/// A telephone number in the international form, `+` and 7 to 15 digits (ITU-T E.164).
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// The number with its `+`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let digits = text.strip_prefix('+').ok_or(())?;
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        if fits && digits.bytes().all(|b| b.is_ascii_digit()) { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&crate::mask::Masked(&self.0), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_webhook_url_is_its_base() {
        for text in ["https://a.example/x", "https://a.example/x/", "https://a.example/x/twilio/voice"] {
            assert_eq!(PublicUrl::parse(text).unwrap().as_str(), "https://a.example/x");
        }
        assert_eq!(PublicUrl::parse("https://A.example:8443").unwrap().join("/p?q"), "https://A.example:8443/p?q");
    }

    #[test]
    fn sockets_take_the_scheme_that_fits() {
        assert_eq!(PublicUrl::parse("https://a.example").unwrap().join_socket("/s"), "wss://a.example/s");
        assert_eq!(PublicUrl::parse("http://127.0.0.1:1").unwrap().join_socket("/s"), "ws://127.0.0.1:1/s");
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in ["a.example", "ftp://a", "https://", "https://a?b", "https://a#b", "https://u:p@a", "https://a b"] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
        for text in ["https://:443", "https://a:", "https://a:0", "https://a:65536", "https://a:99999/x", "https:///x"]
        {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
        for path in ["/twilio/status", "/x/twilio/voice/y", "/twilio", "/twilio/", "/twilio/voice/twilio/voice"] {
            assert!(PublicUrl::parse(&format!("https://a{path}")).is_err(), "{path}");
        }
        for text in ["https://[::1]:8443", "https://[::1]", "https://a:65535", "https://a/twilio-eu"] {
            assert!(PublicUrl::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn ranges_hold_what_they_say() {
        let check = |range: &str, ip: &str, inside: bool| {
            assert_eq!(range.parse::<Cidr>().unwrap().contains(ip.parse().unwrap()), inside, "{range} {ip}");
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.1.2.3", true);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
        assert!("ten".parse::<Cidr>().is_err());
    }

    #[test]
    fn numbers_are_international_or_refused() {
        assert!("+15551234567".parse::<PhoneNumber>().is_ok());
        for text in ["15551234567", "+1555", "+0155512345", "+1 555 123 4567", "+1234567890123456", "911"] {
            assert!(text.parse::<PhoneNumber>().is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", "+15551234567".parse::<PhoneNumber>().unwrap()), "+1555•••4567");
    }
}

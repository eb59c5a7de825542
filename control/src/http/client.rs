//! Who is asking: the client's address, believed from headers only where a configured proxy wrote them.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::config::{Cidr, is_loopback_authority};

/// The other end of the connection, as the accept loop saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// The client's address: the peer, or, behind trusted proxies, the rightmost address in the forwarding headers that
/// is not a proxy of ours. What stands further left was written by strangers.
pub(crate) fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let peer = peer.to_canonical();
    let mut client = peer;
    if !is_trusted(client, trusted) {
        return client;
    }
    for hop in forwarded_hops(headers).iter().rev() {
        match hop {
            Some(ip) => client = ip.to_canonical(),
            // What cannot be read cannot be believed, and neither can anything before it.
            None => break,
        }
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

/// Whether a program on this machine asks directly: a loopback peer, no trace of a proxy, and a `Host` that means this
/// machine (a web page elsewhere that points its name at 127.0.0.1 still sends its own name).
pub(crate) fn is_direct_loopback(peer: IpAddr, headers: &HeaderMap) -> bool {
    const TRACES: [&str; 5] = ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host"];
    let host_fits = headers.get(http::header::HOST).is_none_or(|host| host.to_str().is_ok_and(is_loopback_authority));
    peer.to_canonical().is_loopback() && host_fits && TRACES.iter().all(|name| !headers.contains_key(*name))
}

/// Whether the address is a proxy of ours.
pub(crate) fn is_trusted(ip: IpAddr, trusted: &[Cidr]) -> bool {
    trusted.iter().any(|range| range.contains(ip))
}

/// The hops that the headers name, in their order; `None` for one that is no address. `X-Forwarded-For` is what
/// proxies write in practice and wins over `Forwarded` (RFC 7239).
fn forwarded_hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: &str| -> Vec<String> {
        let texts = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
        texts.flat_map(|text| text.split(',')).map(|part| part.trim().to_owned()).collect()
    };
    let listed = values("x-forwarded-for");
    if !listed.is_empty() {
        return listed.iter().map(|hop| address(hop)).collect();
    }
    values("forwarded").iter().map(|element| forwarded_for(element)).collect()
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    address(node.trim_matches('"'))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse() {
        return Some(ip);
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, trusted: &[&str], headers: &[(&'static str, &str)]) -> String {
        let trusted: Vec<Cidr> = trusted.iter().map(|range| range.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        client_ip(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn strangers_are_not_believed() {
        assert_eq!(client("203.0.113.1", &["10.0.0.0/8"], &[("x-forwarded-for", "1.1.1.1")]), "203.0.113.1");
        assert_eq!(client("203.0.113.1", &[], &[("forwarded", "for=1.1.1.1")]), "203.0.113.1");
    }

    #[test]
    fn behind_a_proxy_the_rightmost_stranger_is_the_client() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(
            client("10.0.0.1", &trusted, &[("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2")]),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &trusted, &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9")]),
            "203.0.113.9"
        );
        assert_eq!(
            client("10.0.0.1", &trusted, &[("forwarded", "for=6.6.6.6, for=\"[2001:db8::1]:5\";proto=https")]),
            "2001:db8::1"
        );
        assert_eq!(client("::ffff:10.0.0.1", &trusted, &[("x-forwarded-for", "203.0.113.9:4711")]), "203.0.113.9");
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        assert_eq!(client("10.0.0.1", &["10.0.0.0/8"], &[("x-forwarded-for", "203.0.113.9, unknown")]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.0/8"], &[]), "10.0.0.1");
    }

    #[test]
    fn loopback_counts_only_without_a_proxy_between() {
        let check = |headers: &[(&'static str, &str)]| {
            let map = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            is_direct_loopback("127.0.0.1".parse().unwrap(), &map)
        };
        assert!(check(&[("host", "127.0.0.1:8080")]));
        assert!(check(&[("host", "localhost")]));
        assert!(!check(&[("host", "127.0.0.1:8080"), ("x-forwarded-for", "203.0.113.1")]));
        assert!(!check(&[("host", "rebound.example")]));
        assert!(!is_direct_loopback("203.0.113.1".parse().unwrap(), &HeaderMap::new()));
    }
}

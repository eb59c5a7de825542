//! The name of a request, `X-Request-Id`: the sender's own where it has one, or ours. It stands in every log line of the
//! request and in its answer, so that what a proxy logged and what we logged can be laid side by side.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Of a sender's own name; longer ones, and other letters, are replaced.
const BYTES_MAX: usize = 128;

/// Fallback where the system has no random numbers.
static COUNTED: AtomicU64 = AtomicU64::new(0);

/// A name that is safe in a log line and in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The name that a request brings, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(&HEADER).iter();
        match (given.next(), given.next()) {
            (Some(id), None) if is_plain(id.as_bytes()) => Self(id.clone()),
            _ => Self::fresh(),
        }
    }

    /// As a header of the answer.
    pub(crate) fn into_header(self) -> HeaderValue {
        self.0
    }

    fn fresh() -> Self {
        let mut bytes = [0; 16];
        let number = match getrandom::fill(&mut bytes) {
            Ok(()) => u128::from_be_bytes(bytes),
            Err(_) => COUNTED.fetch_add(1, Ordering::Relaxed).into(),
        };
        // Hex digits are always a header.
        Self(HeaderValue::from_str(&format!("{number:032x}")).unwrap_or(HeaderValue::from_static("-")))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or("-"))
    }
}

/// Letters of UUIDs, of base64 and of proxies' own numbers; nothing that could end a line, a quote or a field.
fn is_plain(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(byte);
    (1..=BYTES_MAX).contains(&id.len()) && id.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(values: &[&str]) -> String {
        let pairs = values.iter().map(|value| (HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        RequestId::of(&pairs.collect()).to_string()
    }

    #[test]
    fn a_senders_own_name_is_kept() {
        for own in ["1", "7b6c1a2e-0000-4000-8000-0123456789ab", "Root=1-67891233-abcdef", &"a".repeat(128)] {
            assert_eq!(id(&[own]), own);
        }
    }

    #[test]
    fn no_name_and_a_bad_one_are_replaced() {
        let bad = ["", "a b", "a\tb", "\"x\"", "é", &"a".repeat(129)];
        let replaced = bad.iter().map(|bad| id(&[bad])).chain([id(&[]), id(&["one", "two"])]);
        let mut fresh: Vec<String> = replaced.collect();
        assert!(fresh.iter().all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())), "{fresh:?}");
        fresh.sort_unstable();
        fresh.dedup();
        assert_eq!(fresh.len(), 8, "each is new");
    }
}

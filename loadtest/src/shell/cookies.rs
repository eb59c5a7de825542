//! The cookies that a call's webhooks set: kept as long as the call, sent back to the host that set them.
//!
//! *Full:* more than `COOKIES_MAX` of a call are not kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Cookies of one call at most.
const COOKIES_MAX: usize = 100;

/// The cookies of one call. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Cookies(Arc<Mutex<BTreeMap<(String, String), String>>>);

impl Cookies {
    /// What `host` is sent; nothing where it set none.
    #[must_use]
    pub fn header(&self, host: &str) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = kept.iter().filter(|((of, _), _)| of == host);
        let pairs: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Takes a `Set-Cookie` of `host`; its attributes do not matter for the length of a call.
    pub fn set(&self, host: &str, header: &str) {
        let pair = header.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), name.trim().to_owned());
        if kept.len() < COOKIES_MAX || kept.contains_key(&key) {
            kept.insert(key, value.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_gets_its_own_back() {
        let cookies = Cookies::default();
        cookies.set("a:1", "session=x1; Path=/; HttpOnly");
        cookies.set("a:1", "lang=en");
        cookies.set("a:1", "session=x2");
        cookies.set("a:1", "nonsense");
        cookies.set("b:1", "other=1");
        assert_eq!(cookies.header("a:1").as_deref(), Some("lang=en; session=x2"));
        assert_eq!(cookies.header("c:1"), None);
    }
}

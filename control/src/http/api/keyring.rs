//! Who holds which key: tokens made and read, keys remembered for a moment, each key's own allowance.
//!
//! ```text
//! Bearer ohk_<id: 32 hex digits>_<secret: 64 hex digits> ─► remembered key, or the store's ─► SHA-256, constant time
//! ```
//! *Full:* at [`REMEMBERED_MAX`] keys all are forgotten and read again. *Late:* a key revoked elsewhere opens for
//! [`REMEMBERED_FOR`] at most; one revoked here opens nothing from then on.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::clock::{Clock, Moment};
use crate::http::rate::TooMany;
use crate::model::{ApiKey, KeyId};

/// What development's fixed key is called. Opens nothing in production, and nothing from elsewhere.
pub(crate) const DEVELOPMENT_KEY: &str = "offhook-development-key";

const REMEMBERED_MAX: usize = 1024;
const REMEMBERED_FOR: Duration = Duration::from_secs(3);
/// Requests per second of one key, and at once.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
const AT_ONCE: NonZeroU32 = NonZeroU32::new(200).unwrap();
const SECRET_BYTES: usize = 32;

/// A key as its holder has it. Never logged: it has no `Debug`.
pub(crate) struct Token {
    /// The public half.
    pub(crate) id: KeyId,
    secret: String,
}

impl Token {
    /// Random bytes for a secret, in hex.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(crate) fn new_secret() -> Result<String, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The whole token of a key, to be shown once.
    pub(crate) fn show(id: KeyId, secret: &str) -> String {
        format!("ohk_{}_{secret}", id.0.simple())
    }

    /// What the store keeps of a secret.
    pub(crate) fn hash(secret: &str) -> Vec<u8> {
        Sha256::digest(secret.as_bytes()).to_vec()
    }

    /// Reads what a client sent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix("ohk_")?.split_once('_')?;
        let plain = secret.len() == 2 * SECRET_BYTES && secret.bytes().all(|b| b.is_ascii_hexdigit());
        let id = if id.len() == 32 { Uuid::try_parse(id).ok()? } else { return None };
        plain.then(|| Self { id: KeyId(id), secret: secret.to_owned() })
    }

    /// Whether it opens what `key` does.
    pub(crate) fn opens(&self, key: &ApiKey) -> bool {
        key.revoked_at.is_none() && bool::from(Self::hash(&self.secret).ct_eq(&key.hash))
    }
}

#[derive(Default)]
struct Remembered {
    keys: HashMap<KeyId, (ApiKey, Moment)>,
    /// How many were revoked here.
    revoked: u64,
}

/// The keys that were used lately, and how often.
pub(crate) struct Keyring {
    remembered: Mutex<Remembered>,
    limiter: RateLimiter<KeyId, HashMapStateStore<KeyId>, Clock, NoOpMiddleware<Duration>>,
    clock: Clock,
}

impl Keyring {
    pub(crate) fn new(clock: Clock) -> Self {
        let quota = Quota::per_second(PER_SECOND).allow_burst(AT_ONCE);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { remembered: Mutex::default(), limiter, clock }
    }

    /// The key of that id, if it was read a moment ago; and how many keys were revoked so far, for [`remember`].
    ///
    /// [`remember`]: Self::remember
    pub(super) fn recall(&self, id: KeyId) -> (Option<ApiKey>, u64) {
        let now = self.clock.now();
        let remembered = self.remembered();
        let fresh = remembered.keys.get(&id).filter(|(_, read)| now.saturating_sub(*read) < REMEMBERED_FOR);
        (fresh.map(|(key, _)| key.clone()), remembered.revoked)
    }

    /// Remembers a key that the store was asked for at `asked`; not if any was revoked since, for it may be that one.
    pub(super) fn remember(&self, key: ApiKey, asked: Moment, revoked: u64) {
        let mut remembered = self.remembered();
        if remembered.revoked != revoked {
            return;
        }
        if remembered.keys.len() >= REMEMBERED_MAX {
            remembered.keys.clear();
        }
        remembered.keys.insert(key.id, (key, asked));
    }

    /// Forgets a key that was revoked here.
    pub(super) fn revoke(&self, id: KeyId) {
        let mut remembered = self.remembered();
        remembered.revoked += 1;
        remembered.keys.remove(&id);
    }

    /// Counts a request of a key.
    pub(super) fn charge(&self, id: KeyId) -> Result<(), TooMany> {
        self.limiter.check_key(&id).map_err(|denied| TooMany(denied.wait_time_from(self.clock.now())))
    }

    /// Forgets what is no longer needed; call it every few seconds.
    pub(crate) fn sweep(&self) {
        let now = self.clock.now();
        self.remembered().keys.retain(|_, (_, read)| now.saturating_sub(*read) < REMEMBERED_FOR);
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("remembered", &self.remembered().keys.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Role, Timestamp};

    fn key(secret: &str) -> ApiKey {
        ApiKey {
            id: KeyId::new(),
            tenant_id: None,
            name: "k".into(),
            role: Role::Admin,
            hash: Token::hash(secret),
            created_at: Timestamp(0),
            revoked_at: None,
        }
    }

    #[test]
    fn a_token_opens_its_key_until_that_is_revoked() {
        let secret = Token::new_secret().unwrap();
        let mut key = key(&secret);
        let token = Token::parse(&Token::show(key.id, &secret)).unwrap();
        assert!(token.id == key.id && token.opens(&key));
        let other = Token::parse(&Token::show(key.id, &Token::new_secret().unwrap())).unwrap();
        assert!(!other.opens(&key));
        key.revoked_at = Some(Timestamp(1));
        assert!(!token.opens(&key));
    }

    #[test]
    fn what_is_no_token_is_not_read() {
        let id = KeyId::new().0;
        let secret = "0".repeat(64);
        for text in [format!("ohk_{id}_{secret}"), format!("ohk_{}_{}", id.simple(), &secret[1..]), "ohk_".into()] {
            assert!(Token::parse(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_is_remembered_for_a_moment_and_forgotten_when_revoked() {
        let clock = Clock::manual();
        let ring = Keyring::new(clock.clone());
        let key = key("s");
        ring.remember(key.clone(), clock.now(), 0);
        assert_eq!(ring.recall(key.id), (Some(key.clone()), 0));
        clock.advance(REMEMBERED_FOR);
        assert_eq!(ring.recall(key.id), (None, 0));
        ring.sweep();
        assert!(ring.remembered().keys.is_empty());
        for _ in 0..3 * REMEMBERED_MAX {
            ring.remember(ApiKey { id: KeyId::new(), ..key.clone() }, clock.now(), 0);
        }
        assert!(ring.remembered().keys.len() <= REMEMBERED_MAX);
        ring.remember(key.clone(), clock.now(), 0);
        ring.revoke(key.id);
        ring.remember(key.clone(), clock.now(), 0);
        assert_eq!(ring.recall(key.id), (None, 1), "what was read before it was revoked is not remembered after");
    }

    #[test]
    fn each_key_has_an_allowance_of_its_own() {
        let clock = Clock::manual();
        let ring = Keyring::new(clock.clone());
        let (one, two) = (KeyId::new(), KeyId::new());
        assert!((0..200).all(|_| ring.charge(one).is_ok()));
        assert!(ring.charge(one).is_err() && ring.charge(two).is_ok());
        clock.advance(Duration::from_millis(10));
        assert!(ring.charge(one).is_ok() && ring.charge(one).is_err());
    }
}

//! The rate limit for what is unsigned or fails, per client address. Validly signed requests never come here.
//!
//! *Full:* at [`KEYS_MAX`] addresses all share one allowance until the next sweep forgets the idle ones; a flood from
//! many addresses thus costs bounded memory, and still nothing to signed traffic.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;

/// Addresses remembered at once; about 100 bytes each.
const KEYS_MAX: usize = 10_000;

/// Who has asked how often.
pub(crate) struct RateLimit {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, Clock, NoOpMiddleware<Duration>>,
    clock: Clock,
}

/// The allowance is used up; more is allowed after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) Duration);

impl RateLimit {
    /// `per_minute` requests a minute for each address, all of them at once if it likes.
    pub(crate) fn new(per_minute: u32, clock: Clock) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        Self { limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()), clock }
    }

    /// Counts one request of `ip`.
    pub(crate) fn charge(&self, ip: IpAddr) -> Result<(), TooMany> {
        let full = self.limiter.len() >= KEYS_MAX;
        let key = if full { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { key_of(ip) };
        self.limiter.check_key(&key).map_err(|denied| TooMany(denied.wait_time_from(self.clock.now())))
    }

    /// Forgets the addresses that have their whole allowance again; call it every few seconds.
    pub(crate) fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit").field("keys", &self.limiter.len()).finish()
    }
}

/// One client: an IPv4 address, or the 64-bit network in which an IPv6 host may take any address it likes.
pub(super) fn key_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from(u128::from(six) & !u128::from(u64::MAX))),
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_allowance_and_gets_it_back_with_time() {
        let clock = Clock::manual();
        let limit = RateLimit::new(60, clock.clone());
        for _ in 0..60 {
            assert_eq!(limit.charge(ip("203.0.113.1")), Ok(()));
        }
        assert_eq!(limit.charge(ip("203.0.113.1")), Err(TooMany(Duration::from_secs(1))));
        assert_eq!(limit.charge(ip("203.0.113.2")), Ok(()), "another address has its own");
        clock.advance(Duration::from_secs(1));
        assert_eq!(limit.charge(ip("203.0.113.1")), Ok(()));
        assert!(limit.charge(ip("203.0.113.1")).is_err());
    }

    #[test]
    fn an_ipv6_host_cannot_hide_in_its_network() {
        let limit = RateLimit::new(1, Clock::manual());
        assert!(limit.charge(ip("2001:db8::1")).is_ok());
        assert!(limit.charge(ip("2001:db8::2")).is_err());
        assert!(limit.charge(ip("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_forgotten() {
        let clock = Clock::manual();
        let limit = RateLimit::new(1, clock.clone());
        for n in 0..u32::try_from(2 * KEYS_MAX).unwrap() {
            let _ = limit.charge(IpAddr::V4((0x0a00_0000 + n).into()));
        }
        assert!(limit.limiter.len() <= KEYS_MAX + 1);
        clock.advance(Duration::from_secs(120));
        limit.sweep();
        assert_eq!(limit.limiter.len(), 0);
    }
}

//! How a webhook is delivered: how long each part may take, how often it is tried, and after what.
//!
//! A URL says it itself, behind `#`: `https://example.com/voice#rc=3&rp=5xx,rt`. That part is never sent and not
//! signed. What is out of range or unknown has no effect, as at Twilio.

use crate::time::Micros;

/// The hard limit of every webhook of a call, retries included.
const TOTAL_MS: u64 = 15_000;

/// What went wrong with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or none in time.
    Connect,
    /// Nothing came for too long.
    Read,
    /// The connection broke, or the answer made no sense.
    Broken,
    /// It was answered with this status.
    Status(u16),
}

/// What a URL wants of its delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `ct`: how long connecting may take.
    pub connect: Micros,
    /// `rt`: how long nothing may come.
    pub read: Micros,
    /// `tt`: how long all of it may take, retries included.
    pub total: Micros,
    /// `rc`: how often it is tried again.
    pub retries: u32,
    /// `rp`: after what.
    pub after: After,
}

/// After what a webhook is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// `4xx`
    pub client_error: bool,
    /// `5xx`
    pub server_error: bool,
    /// `ct`
    pub connect: bool,
    /// `rt`
    pub read: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect: Micros::from_ms(5_000),
            read: Micros::from_ms(TOTAL_MS),
            total: Micros::from_ms(TOTAL_MS),
            retries: 1,
            after: After { client_error: false, server_error: false, connect: true, read: false },
        }
    }
}

impl Policy {
    /// Reads what stands behind the `#` of a URL.
    #[must_use]
    pub fn of(fragment: Option<&str>) -> Self {
        Self::read(fragment.unwrap_or_default()).0
    }

    /// What of it has no effect, and why, each in a few words.
    #[must_use]
    pub fn faults(fragment: &str) -> Vec<String> {
        Self::read(fragment).1
    }

    fn read(fragment: &str) -> (Self, Vec<String>) {
        let (mut policy, mut faults) = (Self::default(), Vec::new());
        for pair in fragment.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut fault = |range: &str| faults.push(format!("{key}={value} ({range})"));
            let ms = |range: std::ops::RangeInclusive<u64>| {
                value.parse().ok().filter(|ms| range.contains(ms)).map(Micros::from_ms)
            };
            match key {
                "ct" => set(&mut policy.connect, ms(100..=10_000), || fault("from 100 to 10000")),
                "rt" => set(&mut policy.read, ms(100..=15_000), || fault("from 100 to 15000")),
                "tt" => set(&mut policy.total, ms(100..=TOTAL_MS), || fault("from 100 to 15000")),
                "rc" => {
                    let count = value.parse().ok().filter(|count| *count <= 5);
                    set(&mut policy.retries, count, || fault("from 0 to 5"));
                }
                "rp" => set(&mut policy.after, After::read(value), || fault("4xx, 5xx, ct, rt, all")),
                "sni" | "e" => {}
                _ => fault("unknown; ct, rt, tt, rc, rp, sni or e"),
            }
        }
        (policy, faults)
    }
}

fn set<T>(kept: &mut T, given: Option<T>, bad: impl FnOnce()) {
    match given {
        Some(value) => *kept = value,
        None => bad(),
    }
}

impl After {
    fn read(list: &str) -> Option<Self> {
        let mut after = Self { client_error: false, server_error: false, connect: false, read: false };
        for word in list.split(',') {
            match word {
                "4xx" => after.client_error = true,
                "5xx" => after.server_error = true,
                "ct" => after.connect = true,
                "rt" => after.read = true,
                "all" => after = Self { client_error: true, server_error: true, connect: true, read: true },
                _ => return None,
            }
        }
        Some(after)
    }

    const fn has(self, failure: Failure) -> bool {
        match failure {
            Failure::Connect => self.connect,
            Failure::Read => self.read,
            Failure::Broken => false,
            Failure::Status(400..=499) => self.client_error,
            Failure::Status(500..=599) => self.server_error,
            Failure::Status(_) => false,
        }
    }
}

/// A webhook on its way.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    policy: Policy,
    ends: Micros,
    retries: u32,
}

/// How long the parts of one attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Connecting.
    pub connect: Micros,
    /// Waiting for something to come.
    pub read: Micros,
    /// All of it.
    pub total: Micros,
}

impl Delivery {
    /// Begins at `now`.
    #[must_use]
    pub fn new(policy: Policy, now: Micros) -> Self {
        Self { policy, ends: now + policy.total, retries: 0 }
    }

    /// What an attempt that begins at `now` may take; `None` where no time is left.
    #[must_use]
    pub fn attempt(&self, now: Micros) -> Option<Attempt> {
        let left = self.ends.since(now);
        let Policy { connect, read, .. } = self.policy;
        (left.0 > 0).then(|| Attempt { connect: connect.min(left), read: read.min(left), total: left })
    }

    /// Whether it is tried again, with the same idempotency token.
    pub fn again(&mut self, now: Micros, failure: Failure) -> bool {
        let again = self.retries < self.policy.retries && self.policy.after.has(failure) && now < self.ends;
        self.retries += u32::from(again);
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    #[test]
    fn without_a_word_a_connection_that_fails_is_tried_once_more_and_nothing_else() {
        let mut delivery = Delivery::new(Policy::of(None), ms(0));
        assert_eq!(delivery.attempt(ms(0)), Some(Attempt { connect: ms(5_000), read: ms(15_000), total: ms(15_000) }));
        assert!(!delivery.again(ms(1), Failure::Status(500)));
        assert!(!delivery.again(ms(1), Failure::Read));
        assert!(delivery.again(ms(5_000), Failure::Connect));
        assert_eq!(
            delivery.attempt(ms(5_000)),
            Some(Attempt { connect: ms(5_000), read: ms(10_000), total: ms(10_000) })
        );
        assert!(!delivery.again(ms(10_000), Failure::Connect));
    }

    #[test]
    fn a_url_says_what_it_wants_and_nonsense_changes_nothing() {
        let policy = Policy::of(Some("ct=1000&rt=2000&tt=9000&rc=5&rp=4xx,rt&sni=n&e=dublin"));
        let after = After { client_error: true, server_error: false, connect: false, read: true };
        assert_eq!(policy, Policy { connect: ms(1_000), read: ms(2_000), total: ms(9_000), retries: 5, after });
        for nonsense in ["", "ct=99", "ct=10001", "rt=abc", "tt=15001", "rc=6", "rc=-1", "rp=6xx", "rp=", "x=1", "#"] {
            assert_eq!(Policy::of(Some(nonsense)), Policy::default(), "{nonsense:?}");
        }
        assert_eq!(Policy::faults("rc=6&rp=6xx,ct"), ["rc=6 (from 0 to 5)", "rp=6xx,ct (4xx, 5xx, ct, rt, all)"]);
        assert_eq!(Policy::faults("top"), ["top= (unknown; ct, rt, tt, rc, rp, sni or e)"]);
        assert!(Policy::faults("ct=1000&rt=2000&tt=9000&rc=5&rp=4xx,rt&sni=n&e=dublin").is_empty());
        let all = Policy::of(Some("rp=all")).after;
        assert!([400, 499, 500, 599].into_iter().all(|status| all.has(Failure::Status(status))));
        assert!(!all.has(Failure::Status(200)) && !all.has(Failure::Broken));
    }

    #[test]
    fn retries_end_with_the_time_and_the_count() {
        let mut delivery = Delivery::new(Policy::of(Some("rc=5&rp=all&tt=1000")), ms(0));
        let tries = (1..10).take_while(|n| delivery.again(ms(100 * n), Failure::Status(503))).count();
        assert_eq!(tries, 5);
        let mut late = Delivery::new(Policy::of(Some("rc=5&rp=all&tt=1000")), ms(0));
        assert!(!late.again(ms(1_000), Failure::Status(503)));
        assert_eq!(late.attempt(ms(1_000)), None);
    }
}

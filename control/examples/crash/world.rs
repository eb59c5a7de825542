//! What every part of the harness shares: where everything is, how often the service was killed, what was found.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use control::clock::{Clock, Moment};
use loadtest::rng::Rng;

use crate::client::Client;
use crate::ledger::Ledger;

/// Faults that are told of in full; the others are counted.
const TOLD_MAX: usize = 20;

/// How far the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Calls are made and placed, the service is killed.
    Load,
    /// Nothing new begins; what runs comes to its end.
    Quiet,
}

/// Something that must not be.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// After so many kills.
    pub(crate) kill: u32,
    /// Which check found it.
    pub(crate) check: &'static str,
    /// Our id of the call that it is about, where it is about one.
    pub(crate) call: Option<String>,
    /// What was found.
    pub(crate) what: String,
}

/// What everybody shares.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    /// The service's API, with a key.
    pub(crate) api: Client,
    /// The base under which the carrier reaches the service: its signatures are made for it.
    pub(crate) public: String,
    /// The path of the tenant whose calls these are.
    pub(crate) tenant: String,
    /// Which life of the service this is, from 1; one more with each start.
    life: AtomicU32,
    kills: AtomicU32,
    phase: AtomicU8,
    ready_at: Mutex<Moment>,
    ledger: Mutex<Ledger>,
    faults: Mutex<Vec<Fault>>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    killed_at_ms: Mutex<Vec<i64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(seed: u64, clock: Clock, api: Client, public: String, tenant: String) -> Arc<Self> {
        Arc::new(Self {
            seed,
            clock,
            api,
            public,
            tenant,
            life: AtomicU32::new(0),
            kills: AtomicU32::new(0),
            phase: AtomicU8::new(Phase::Load as u8),
            ready_at: Mutex::default(),
            ledger: Mutex::default(),
            faults: Mutex::default(),
            counts: Mutex::default(),
            killed_at_ms: Mutex::default(),
        })
    }

    /// A source of numbers for this purpose, and no other.
    pub(crate) fn rng(&self, purpose: &str, n: u64) -> Rng {
        let of_purpose =
            purpose.bytes().fold(self.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0193));
        Rng::new(Rng::new(of_purpose ^ n.rotate_left(32)).next_u64())
    }

    pub(crate) fn life(&self) -> u32 {
        self.life.load(Ordering::SeqCst)
    }

    /// The service is started once more.
    pub(crate) fn born(&self) -> u32 {
        self.life.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The service has begun to answer in this life.
    pub(crate) fn ready(&self) {
        *lock(&self.ready_at) = self.clock.now();
    }

    /// For how long it has been answering.
    pub(crate) fn ready_for(&self) -> Duration {
        self.clock.now().saturating_sub(*lock(&self.ready_at))
    }

    /// It is about to be killed: what it says from now on is not credited to a later life.
    pub(crate) fn killed(&self) {
        lock(&self.killed_at_ms).push(self.clock.wall().0);
        self.kills.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn kills(&self) -> u32 {
        self.kills.load(Ordering::SeqCst)
    }

    /// Whether there was a kill between this moment and so much later, in milliseconds since 1970.
    pub(crate) fn killed_within(&self, at_ms: i64, ms: i64) -> bool {
        lock(&self.killed_at_ms).iter().any(|kill| (at_ms..=at_ms + ms).contains(kill))
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == Phase::Load as u8
    }

    /// No new calls from now on.
    pub(crate) fn quiet(&self) {
        self.phase.store(Phase::Quiet as u8, Ordering::SeqCst);
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// One more of these.
    pub(crate) fn count(&self, what: &'static str) {
        *lock(&self.counts).entry(what).or_default() += 1;
    }

    pub(crate) fn counted(&self, what: &str) -> u64 {
        lock(&self.counts).get(what).copied().unwrap_or_default()
    }

    /// Something must not be.
    pub(crate) fn fault(&self, check: &'static str, call: Option<&str>, what: impl Into<String>) {
        let fault = Fault { kill: self.kills(), check, call: call.map(str::to_owned), what: what.into() };
        let mut faults = lock(&self.faults);
        if faults.len() < TOLD_MAX {
            eprintln!("FAULT after kill {}: {check}: {} (call {:?})", fault.kill, fault.what, fault.call);
        }
        faults.push(fault);
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }
}

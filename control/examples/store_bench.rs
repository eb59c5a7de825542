//! How many events of calls the store makes durable per second, and how long each waits.
//!
//! ```text
//! cargo run --release -p offhook --example store_bench -- sqlite:target/bench.db 2000 32 10
//! scripts/postgres.sh sh -c 'cargo run … -- "$OFFHOOK_TEST_POSTGRES_URL" 2000 32 10'
//! ```
//! Open loop: event n is due at n / rate, whatever became of those before it, and its wait counts from then on; a slow
//! database cannot hide behind requests that were never made. A rate of 0: as fast as it goes.
#![allow(clippy::print_stdout, reason = "what it finds is its output")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use control::clock::Clock;
use control::db::Store;
use control::model::*;
use tokio::task::JoinSet;

/// Calls that the events are spread over.
const CALLS: u64 = 100;

#[derive(Clone)]
struct Bench {
    store: Store,
    clock: Clock,
    calls: Arc<[Call]>,
    next: Arc<AtomicU64>,
    rate: u64,
    end: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, rate, in_flight, seconds] = &args[..] else {
        anyhow::bail!("usage: store_bench URL RATE IN_FLIGHT SECONDS, such as sqlite:target/bench.db 2000 32 10");
    };
    let (rate, in_flight, seconds): (u64, u64, u64) = (rate.parse()?, in_flight.parse()?, seconds.parse()?);
    let store = Store::open(url, Clock::machine()).await?;
    let new = NewTenant { name: "bench".to_owned(), plan: Plan::Custom };
    let tenant = store.create_tenant(Actor::CommandLine, new, None).await?.value.id;
    let calls: Arc<[Call]> = (0..CALLS).map(|n| call(tenant, n)).collect();
    // The first write of each call is not what is measured; nor is the connection's first statement.
    store.record(calls.iter().map(|call| update(call, CallEventKind::Answered)).collect()).await?;

    let clock = Clock::machine();
    let end = Duration::from_secs(seconds);
    let bench = Bench { store, clock, calls, next: Arc::default(), rate, end };
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        workers.spawn(bench.clone().work());
    }
    let mut waits = Vec::new();
    while let Some(worker) = workers.join_next().await {
        waits.extend(worker??);
    }
    let took = bench.clock.now();
    report(&mut waits, took);
    check(&bench, tenant, waits.len()).await?;
    bench.store.close().await;
    Ok(())
}

impl Bench {
    /// Writes one event after the other, each when it is due. How long each waited.
    async fn work(self) -> anyhow::Result<Vec<Duration>> {
        let mut waits = Vec::new();
        loop {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            let due = match self.rate {
                0 => self.clock.now(),
                rate => Duration::from_nanos(n * 1_000_000_000 / rate),
            };
            if due >= self.end {
                return Ok(waits);
            }
            tokio::time::sleep(due.saturating_sub(self.clock.now())).await;
            let call = &self.calls[usize::try_from(n % CALLS)?];
            self.store.record(vec![update(call, CallEventKind::Turn)]).await?;
            waits.push(self.clock.now().saturating_sub(due));
        }
    }
}

fn report(waits: &mut [Duration], took: Duration) {
    waits.sort_unstable();
    let at = |percent: usize| waits.get((waits.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    let ms = |wait: Option<Duration>| wait.unwrap_or_default().as_secs_f64() * 1e3;
    #[allow(clippy::cast_precision_loss, reason = "a count of writes")]
    let rate = waits.len() as f64 / took.as_secs_f64();
    println!(
        "{} writes in {:.1} s: {rate:.0}/s; wait p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        waits.len(),
        took.as_secs_f64(),
        ms(at(50)),
        ms(at(95)),
        ms(at(99)),
        ms(at(100)),
    );
}

/// Every event that was acknowledged is there.
async fn check(bench: &Bench, tenant: TenantId, written: usize) -> anyhow::Result<()> {
    let mut found = 0;
    for call in &*bench.calls {
        let mut after = None;
        loop {
            let page = bench.store.call_events(tenant, call.id, PageRequest { limit: 200, after }).await;
            let page = page.context("reading back")?;
            found += page.items.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    let expected = written + bench.calls.len();
    ensure!(found == expected, "{expected} events were acknowledged, {found} are there");
    println!("all {written} are there");
    Ok(())
}

fn call(tenant: TenantId, n: u64) -> Call {
    Call {
        id: CallId::new(),
        tenant_id: tenant,
        carrier_call_id: Some(format!("CA{n:032x}")),
        provider_type: ProviderType::Twilio,
        account_id: None,
        contact_id: None,
        campaign_id: None,
        answered_at: None,
        details: CallDetails::default(),
        direction: Direction::Inbound,
        from: "+12025550111".to_owned(),
        to: "+12025550100".to_owned(),
        phone_number_id: None,
        profile_id: Some(ProfileId::new()),
        state: CallState::Streaming,
        started_at: Timestamp(1_767_225_600_000),
        ended_at: None,
        ended_by: None,
        quality: None,
    }
}

fn update(call: &Call, kind: CallEventKind) -> CallUpdate {
    let data = serde_json::json!({ "speech_ms": 1840, "silence_ms": 420, "interrupted": false });
    let event = CallEvent {
        id: EventId::new(),
        tenant_id: call.tenant_id,
        call_id: call.id,
        at: call.started_at,
        kind,
        data,
        carrier_key: None,
    };
    CallUpdate { call: call.clone(), event }
}

//! What every handler shares: configuration, clock, calls, counters, and the door to the engine.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::backend::{About, Connection, Operation, ask_carrier};
use crate::calls::reaper::Reaper;
use crate::calls::{Admission, Chronicle, Level, Registry};
use crate::carrier::Carriers;
use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::db::Store;
use crate::directory::{Directory, Line};
use crate::histograms;
use crate::http::api::Keyring;
use crate::http::rate::{RateLimit, TooMany};
use crate::http::routes::LABELS;
use crate::journal::Journal;
use crate::logs;
use crate::media::Media;
use crate::metrics::Metrics;
use crate::model::{Call, Direction, ProviderType, TenantId};
use crate::tls::{Door, Found, Renewal};

/// Between two looks at the default carrier, in ticks of a second.
const CARRIER_LOOK: u64 = 60;
/// Between two looks at what is kept no longer.
const TIDY: u64 = 15 * 60;
/// Calls deleted in one step: others write in between.
const EXPIRED_AT_ONCE: u32 = 500;

/// How far the service is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes calls.
    Open,
    /// Takes no new call; live ones go on.
    Draining,
    /// Streams are being closed; what comes after them is answered.
    Closing,
}

/// The shared state of one server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    /// The configured public base, or the address listened on.
    pub(crate) public: PublicUrl,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) media: Media,
    /// Where connections become TLS, if that is ours to do.
    pub(crate) tls: Option<Door>,
    pub(crate) store: Store,
    pub(crate) directory: Directory,
    pub(crate) journal: Journal,
    /// What is told of calls.
    pub(crate) chronicle: Chronicle,
    pub(crate) keyring: Keyring,
    /// Who places calls, and knows how they stand.
    pub(crate) carriers: Carriers,
    /// Whether the default carrier can be reached.
    pub(crate) connection: Connection,
    /// Whether there is room for a call more.
    pub(crate) admission: Admission,
    reaper: Reaper,
    calls: Mutex<Registry>,
    rate: RateLimit,
    phase: AtomicU8,
}

/// What is kept, and the ways to it.
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) store: Store,
    pub(crate) directory: Directory,
    pub(crate) journal: Journal,
}

impl App {
    /// The state of a server that is about to open.
    pub(crate) fn new(
        config: Config,
        public: PublicUrl,
        clock: Clock,
        media: Media,
        tls: Option<Door>,
        carriers: Carriers,
        Records { store, directory, journal }: Records,
    ) -> Self {
        let limits = config.limits;
        Self {
            public,
            metrics: Metrics::new(LABELS),
            media,
            tls,
            store,
            directory,
            chronicle: Chronicle::new(journal.clone(), config.carrier.stream_timeout, clock.clone()),
            journal,
            keyring: Keyring::new(clock.clone()),
            carriers,
            connection: Connection::default(),
            admission: Admission::new(limits.load),
            reaper: Reaper::new(),
            calls: Mutex::new(Registry::new(limits.calls_max, limits.token_lifetime, config.carrier.stream_timeout)),
            rate: RateLimit::new(limits.rate_per_minute, clock.clone()),
            phase: AtomicU8::new(Phase::Open as u8),
            clock,
            config,
        }
    }

    /// The live calls. Held for a look-up only, never across an await.
    pub(crate) fn calls(&self) -> MutexGuard<'_, Registry> {
        // The registry's methods leave it whole even where one panics half-way: every state ends by itself.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far on its way out.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Open,
            1 => Phase::Draining,
            _ => Phase::Closing,
        }
    }

    /// Goes on to `phase`; never back.
    pub(crate) fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.metrics.draining.set(1.0);
    }

    /// Does an operation within its span, counted and timed.
    pub(crate) async fn operate<T, E>(
        &self,
        operation: Operation,
        about: About<'_>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let account = self.config.account_sid.as_deref();
        self.metrics.backend.run(&self.clock, operation, About { account, ..about }, work).await
    }

    /// The number that a tenant's calls are placed from, where nobody says which: its account's, the operator's where
    /// the tenant has it, or the first that it has.
    pub(crate) fn number_of(&self, tenant: TenantId) -> Option<String> {
        let own = self.directory.account_of(tenant, ProviderType::Twilio);
        let own = own.and_then(|account| account.outbound_number.clone());
        let operators = self.config.carrier.number.as_ref().map(|number| number.as_str().to_owned());
        let operators = operators.filter(|number| self.directory.line(number).tenant() == tenant);
        own.or(operators).or_else(|| self.directory.active_numbers(tenant).into_iter().next())
    }

    /// The line of a stored call: who answered it then, where that is still there.
    pub(crate) fn line_again(&self, call: &Call) -> Line {
        let ours = if call.direction == Direction::Outbound { &call.from } else { &call.to };
        self.directory.line_again(call.tenant_id, ours, call.profile_id)
    }

    /// Counts an unsigned or failing request. Development does not limit this machine's own programs.
    pub(crate) fn charge(&self, client: IpAddr) -> Result<(), TooMany> {
        if !self.config.mode.is_production() && client.is_loopback() {
            return Ok(());
        }
        self.rate.charge(client)
    }

    /// The page for Prometheus, with what others count copied in.
    pub(crate) fn render_metrics(&self) -> String {
        #[allow(clippy::cast_precision_loss, reason = "a few thousand calls")]
        self.metrics.calls.set(self.calls().len() as f64);
        self.metrics.copy_sessions(self);
        self.metrics.log_lines_dropped.absolute(logs::lines_dropped());
        self.metrics.copy_journal(&self.journal);
        self.metrics.copy_outcomes(&self.chronicle);
        self.metrics.copy_certificate(self.tls.as_ref());
        let stats = self.media.stats();
        self.metrics.copy_stats(&stats);
        let mut page = self.metrics.render();
        stats.for_each_duration(|name, help, seen| {
            histograms::append(&mut page, &format!("offhook_media_{name}_seconds"), help, seen);
        });
        page
    }

    /// Measures how late the engine is; called every [`EVERY`](crate::calls::admission::EVERY).
    pub(crate) fn look_at_load(&self) {
        let stats = self.media.stats();
        let strain = self.admission.measure(stats.tick_lag, stats.frame_late);
        let (share, load) = {
            let mut calls = self.calls();
            calls.set_strain(strain.percent());
            (calls.share(), calls.load())
        };
        self.metrics.load(share, strain);
        let (before, now) = self.admission.note(load);
        if now != before {
            let (calls, ticks, frames, means) = (share, strain.ticks, strain.frames, now.text());
            if now > before && now > Level::Sparing {
                tracing::warn!(calls, ticks, frames, means, "load in percent");
            } else {
                tracing::info!(calls, ticks, frames, means, "load in percent");
            }
        }
    }

    /// Deletes what is kept no longer: calls beyond their tenant's retention, keys of requests a day old.
    async fn tidy(&self) {
        let now = self.clock.wall();
        loop {
            match self.store.delete_expired(now, EXPIRED_AT_ONCE).await {
                Ok(deleted) if deleted >= u64::from(EXPIRED_AT_ONCE) => {}
                Ok(_) => break,
                Err(error) => return tracing::warn!(%error, "calls beyond their retention wait for the database"),
            }
        }
        if let Err(error) = self.store.sweep_once(now).await {
            tracing::warn!(%error, "old idempotency keys wait for the database");
        }
    }

    /// Shows a certificate that was renewed on disk to who comes next. Reads files.
    fn renew_certificate(&self) {
        let Some(door) = &self.tls else { return };
        match door.renew(self.clock.wall()) {
            Found::Same => {}
            Found::Renewed => {
                self.metrics.certificates_renewed.increment(1);
                tracing::info!(expires = %door.expires(), "certificate renewed: new connections get it");
            }
            Found::Broken(wrong) => {
                let expires = door.expires();
                tracing::error!(%expires, "the certificate on disk is not taken, the one before is shown on: {wrong}");
            }
        }
    }

    /// Forgets what has passed; called every second, `tick` counts.
    pub(crate) fn housekeeping(self: &Arc<Self>, tick: u64) {
        let mut calls = self.calls();
        calls.sweep(self.clock.now());
        // Always in this order: the registry, then the chronicle.
        let due = self.chronicle.sweep(|call| calls.has(call), |call| self.carriers.of(call).is_some());
        drop(calls);
        self.reaper.ask(self, due);
        if tick.is_multiple_of(5) {
            self.metrics.upkeep();
        }
        if tick % CARRIER_LOOK == CARRIER_LOOK - 1 {
            let app = Arc::clone(self);
            tokio::spawn(async move { ask_carrier(&app).await });
        }
        if self.tls.is_some() && tick.is_multiple_of(Renewal::EVERY_S) {
            let app = Arc::clone(self);
            tokio::task::spawn_blocking(move || app.renew_certificate());
        }
        if tick % TIDY == TIDY - 1 && !self.admission.is_sparing() {
            let app = Arc::clone(self);
            tokio::spawn(async move { app.tidy().await });
        }
        if tick.is_multiple_of(10) {
            self.rate.sweep();
            self.keyring.sweep();
        }
    }
}

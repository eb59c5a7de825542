//! Start and end, in order: configuration, engine, listener, serving; then draining, closing, done.
//!
//! ```text
//! SIGTERM ─► Draining: no new call, /readyz 503, live calls go on ──(none left, time-out, or a second signal)──►
//!            Closing: streams are closed, what comes after them is answered ──(all answered, or 5 s; forced 1 s)──► listener closed
//! ```
//! From the signal on, no answer but a stream makes the carrier come back: transfers and goodbyes stand whole in it.
//! Transfers and menus begun before are not waited for, a transfer may take hours: what the carrier asks after them
//! stands whole in its request, so whichever process then has the public URL answers it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::{App, Phase, Records};
use crate::calls::admission;
use crate::calls::placing;
use crate::carrier::Carriers;
use crate::cli::Exit;
use crate::clock::Clock;
use crate::config::{Config, PublicUrl};
use crate::db::{OpenError, Store, StoreError};
use crate::directory::{Directory, Plan};
use crate::guard;
use crate::http::{routes, server};
use crate::journal::Journal;
use crate::media::Media;
use crate::reseal;
use crate::tls::Door;
use crate::voice::Voice;

/// How often the drain looks whether it is done.
const LOOK: Duration = Duration::from_millis(50);
/// For the carrier to ask what comes after its streams were closed. As long as a call counts whose stream ended by
/// itself while draining.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// The same, for an operator who does not want to wait.
const LAST_WORDS_FORCED: Duration = Duration::from_secs(1);
/// For the last events to be on disk.
const LAST_WRITES: Duration = Duration::from_secs(5);
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen on {0}: {1}; {fix}", fix = listen_fix(.1))]
    Listen(SocketAddr, io::Error),
    /// What is kept on this machine cannot be.
    #[error("OFFHOOK_DATA_DIR: cannot make or use {0}: {1}; name a directory that this user may write to")]
    DataDir(PathBuf, io::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The database, once open.
    #[error("the database does not answer: {0}")]
    Store(#[from] StoreError),
    /// The captures' directory or thread.
    #[error("OFFHOOK_CAPTURE_DIR: cannot capture to {0}: {1}; name a directory that this user may write to, or none")]
    CaptureDir(PathBuf, io::Error),
    /// TLS of our own.
    #[error("OFFHOOK_TLS_CERT: cannot speak TLS: {0}; leave it out, and put a proxy in front")]
    Tls(#[from] rustls::Error),
    /// The engine's threads.
    #[error(transparent)]
    Engine(#[from] engine::StartError),
}

impl BootError {
    /// How the program ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Listen(..) | Self::DataDir(..) | Self::CaptureDir(..) | Self::Database(OpenError::Url(_)) => {
                Exit::Usage
            }
            Self::Database(OpenError::Connect(_)) | Self::Store(StoreError::Away(_)) => Exit::Away,
            Self::Database(OpenError::Migrate(_)) | Self::Store(_) | Self::Engine(_) | Self::Tls(_) => Exit::Failed,
        }
    }
}

pub(crate) fn listen_fix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "stop what uses it, or set OFFHOOK_LISTEN to another address",
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: set OFFHOOK_LISTEN to one of its own, or to 0.0.0.0 for all of them"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: set OFFHOOK_LISTEN to a higher one",
        _ => "set OFFHOOK_LISTEN to another address",
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    housekeeping: JoinHandle<()>,
    weighing: JoinHandle<()>,
    watching: JoinHandle<()>,
}

impl Server {
    /// Starts the engine, listens and serves. Call within a tokio runtime.
    ///
    /// # Errors
    /// See [`BootError`].
    pub async fn start(config: Config, clock: Clock) -> Result<Self, BootError> {
        make_private(&config.data_dir).map_err(|error| BootError::DataDir(config.data_dir.clone(), error))?;
        let store = Store::open(config.database_url.expose_secret(), clock.clone()).await?;
        let journal = Journal::start(store.clone(), &config.data_dir, config.spool_bytes_max)
            .map_err(|error| BootError::DataDir(config.data_dir.clone(), error))?;
        let voice = Voice::find(config.espeak.as_deref(), &config.data_dir).await;
        let directory = Directory::load(&store, voice, demo(&config), config.secrets.clone()).await?;
        let unfinished = store.unfinished_calls().await?;
        let media = Media::start(&config)?;
        let tls = config.tls.as_ref().map(Door::new).transpose()?;
        let listen = config.listen;
        let failed = |error| BootError::Listen(listen, error);
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let public = config.public.clone().unwrap_or_else(|| PublicUrl::of_address(address, config.tls.is_some()));
        let carriers = Carriers::start(&config, &public, &clock, &directory);
        let app =
            Arc::new(App::new(config, public, clock, media, tls, carriers, Records { store, directory, journal }));
        let unasked =
            app.chronicle.adopt(unfinished, |call| app.line_again(call), |call| app.carriers.of(call).is_some());
        tokio::spawn(placing::carry_on(Arc::clone(&app), unasked));
        tokio::spawn(reseal::reseal(Arc::clone(&app)));
        tokio::task::spawn_blocking(guard::warm_up);
        crate::carrier::start(&app);
        let watching = tokio::spawn(app.directory.clone().watch(app.store.clone(), app.clock.clone()));
        let (stop, stopped) = watch::channel(false);
        let router = routes::router(Arc::clone(&app));
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&app), router, stopped));
        let housekeeping = tokio::spawn(keep_house(Arc::clone(&app)));
        let weighing = tokio::spawn(look_at_load(Arc::clone(&app)));
        Ok(Self { address, app, stop, serving, housekeeping, weighing, watching })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The base under which the carrier reaches it.
    pub fn public_url(&self) -> &str {
        self.app.public.as_str()
    }

    /// Drains and ends. `force` cuts it short when it resolves: open streams are closed at once.
    pub async fn drain(self, force: impl Future<Output = ()>) {
        let limits = self.app.config.limits;
        tokio::pin!(force);
        self.app.advance(Phase::Draining);
        tracing::info!(calls = self.app.calls().len(), "draining: no new calls; a second signal closes the live ones");
        let patience = tokio::time::sleep(limits.drain_timeout);
        let forced = tokio::select! {
            () = no_calls(&self.app) => false,
            () = patience => false,
            () = &mut force => true,
        };
        self.app.advance(Phase::Closing);
        let left = self.app.calls().unfinished(self.app.clock.now());
        if left > 0 {
            tracing::warn!(calls = left, forced, "closing the streams of live calls");
        }
        self.app.media.shutdown();
        let patience = if forced { LAST_WORDS_FORCED } else { LAST_WORDS };
        let _ = tokio::time::timeout(patience, nothing_open(&self.app)).await;
        self.stop.send_replace(true);
        // The task ends by itself within its own bound; were it to panic, there is nothing left to save.
        let _ = self.serving.await;
        self.housekeeping.abort();
        self.weighing.abort();
        self.watching.abort();
        self.app.chronicle.close();
        self.app.journal.flush(LAST_WRITES).await;
        self.app.store.close().await;
        tracing::info!("done");
    }
}

/// Who answers where there is no profile: the built-in demo, with the one person that the operator allows.
fn demo(config: &Config) -> Plan {
    let agent = config.prompts.clone().unwrap_or_else(agent::Profile::demo);
    Plan::demo(agent, config.transfer_to.as_ref().map(|number| number.as_str().to_owned()))
}

/// A directory that only its owner may look into: it holds who called whom.
pub(crate) fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

async fn no_calls(app: &App) {
    while app.calls().unfinished(app.clock.now()) > 0 {
        tokio::time::sleep(LOOK).await;
    }
}

/// No call, and the last word on every stream is in the log.
async fn nothing_open(app: &App) {
    no_calls(app).await;
    while app.media.seats() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}

async fn look_at_load(app: Arc<App>) {
    let mut looks = tokio::time::interval(admission::EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        looks.tick().await;
        app.look_at_load();
    }
}

async fn keep_house(app: Arc<App>) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for tick in 0_u64.. {
        ticks.tick().await;
        app.housekeeping(tick);
    }
}

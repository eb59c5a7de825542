//! One run: everything is started, the service is killed so often, everything comes to its end, and is looked at.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use control::clock::Clock;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::carrier::{ACCOUNT, Carrier, OURS, TOKEN};
use crate::client::Client;
use crate::load::{self, Rates};
use crate::service::{self, Service};
use crate::summary::{self, Lives};
use crate::world::World;
use crate::{Wanted, audit, door, watch};

/// The service must be ready so soon after its start.
const READY_MAX: Duration = Duration::from_secs(2);
/// The shortest and the longest life of a service that is ready.
const LIFE_MIN: Duration = Duration::from_millis(50);
const LIFE_MAX: Duration = Duration::from_secs(8);
/// So often in a hundred it is killed while it starts, at most so late.
const IN_START_PERCENT: u64 = 15;
const START_MS: u64 = 200;
/// Once in so many kills there is a long life, in which whatever is still open must be settled.
const CALM_EVERY: u32 = 60;
const CALM: Duration = Duration::from_secs(34);
/// For the calls that are still there to end, at the carrier and then here.
const ENDING_MAX: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(200);

/// A run that has been set up.
struct Run {
    world: Arc<World>,
    carrier: Carrier,
    service: Service,
    child: Child,
    lives: Lives,
}

/// All of it; the exit code says whether nothing was found.
pub(crate) async fn run(wanted: Wanted, seed: u64) -> Result<ExitCode> {
    let dir = std::env::temp_dir().join(format!("offhook-crash-{seed}-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    println!("seed {seed}, {} kills, logs and data in {}", wanted.kills, dir.display());
    let mut run = Run::start(&wanted, seed, &dir).await?;
    let begun = run.world.clock.now();
    let ended = run.go(&wanted).await;
    if let Err(error) = &ended {
        run.world.fault("the run goes on", None, format!("{error:#}"));
    }
    let took = run.world.clock.now() - begun;
    summary::print(&run.world, &run.lives, &ended.unwrap_or_default(), took);
    let sound = run.world.faults().is_empty();
    if sound {
        std::fs::remove_dir_all(&dir).ok();
    } else {
        summary::print_faults(&run.world, seed, &dir).await;
    }
    service::kill(&mut run.child).await?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The service beside the directory of this program: `target/PROFILE/examples/crash` has `target/PROFILE/offhook`.
fn beside() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile = own.parent().and_then(Path::parent).context("this program is in no directory")?;
    Ok(profile.join("offhook"))
}

async fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port())
}

fn environment(wanted: &Wanted, dir: &Path, port: u16, public: &str, carrier: &Carrier) -> Vec<(String, String)> {
    let set = [
        ("OFFHOOK_LISTEN", format!("127.0.0.1:{port}")),
        ("OFFHOOK_DATA_DIR", dir.join("data").display().to_string()),
        ("OFFHOOK_PUBLIC_URL", public.to_owned()),
        ("OFFHOOK_ESPEAK", "off".to_owned()),
        ("OFFHOOK_RATE_PER_MINUTE", "100000".to_owned()),
        ("ENVIRONMENT", "production".to_owned()),
        ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
        ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
        ("TWILIO_BASE_URL", carrier.base.clone()),
        ("TWILIO_CALLS_PER_SECOND", "50".to_owned()),
    ];
    let database = wanted.database.iter().map(|url| ("DATABASE_URL", url.clone()));
    set.into_iter().chain(database).map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Run {
    async fn start(wanted: &Wanted, seed: u64, dir: &Path) -> Result<Self> {
        let (clock, listener, port) = (Clock::machine(), TcpListener::bind("127.0.0.1:0").await?, free_port().await?);
        let public = format!("http://{}", listener.local_addr()?);
        let carrier = Carrier::start(&public, seed).await?;
        let binary = wanted.binary.clone().map_or_else(beside, Ok)?;
        let env = environment(wanted, dir, port, &public, &carrier);
        let service = Service { binary, log: dir.join("service.log"), env };
        let nobody = Client::new(&format!("http://127.0.0.1:{port}"), "")?;
        let api = nobody.with_key(&service.admin_key().await?);
        let mut child = service.start(1)?;
        let ready = service::until_ready(&mut child, &api, &clock).await?;
        let tenant = tenant(&api).await?;
        let world = World::new(seed, clock, api, public, tenant);
        world.born();
        world.ready();
        let lives = Lives { ready: vec![ready], ..Lives::default() };
        tokio::spawn(door::serve(listener, port, Arc::clone(&world)));
        Ok(Self { world, carrier, service, child, lives })
    }

    async fn go(&mut self, wanted: &Wanted) -> Result<audit::Audited> {
        let rates = Rates { wishes: wanted.wishes, callers: wanted.callers };
        let load = tokio::spawn(load::run(Arc::clone(&self.world), self.carrier.clone(), rates));
        let watching = [
            tokio::spawn(watch::memory(Arc::clone(&self.world))),
            tokio::spawn(watch::active(Arc::clone(&self.world), self.carrier.clone())),
        ];
        for n in 1..=wanted.kills {
            self.live_and_die(n, wanted).await?;
        }
        self.world.quiet();
        self.birth().await?;
        ensure!(tokio::time::timeout(ENDING_MAX, load).await.is_ok(), "what was begun is not acknowledged in the end");
        self.until_quiet().await?;
        // What is read then is on disk, not in memory.
        self.death().await?;
        self.birth().await?;
        self.until_settled().await?;
        let audited = audit::all(&self.world, &self.carrier).await;
        watching.iter().for_each(tokio::task::JoinHandle::abort);
        audited
    }

    /// One life: how long it is, or that it ends while it begins, is the seed's.
    async fn live_and_die(&mut self, n: u32, wanted: &Wanted) -> Result<()> {
        let mut rng = self.world.rng("kill", n.into());
        let in_start = n > 1 && rng.below(100) < IN_START_PERCENT;
        let mean = Duration::from_millis(wanted.mean_ms).as_secs_f64();
        let life = Duration::from_secs_f64(-(1.0 - rng.unit()).ln() * mean).clamp(LIFE_MIN, LIFE_MAX);
        let life = if n.is_multiple_of(CALM_EVERY) { CALM } else { life };
        let mut lived = String::from("while it started");
        if in_start {
            self.spawn()?;
            tokio::time::sleep(Duration::from_millis(rng.below(START_MS))).await;
            self.lives.killed_in_start += 1;
        } else {
            let ready = if n > 1 { self.birth().await? } else { Duration::ZERO };
            tokio::time::sleep(life).await;
            lived = format!("{:.2} s after it was ready (in {:.3} s)", life.as_secs_f64(), ready.as_secs_f64());
        }
        self.death().await?;
        let count = |what| self.world.counted(what);
        println!(
            "kill {n:4}  {lived}; creates {}, reports {}, sockets {}, looked for {}, faults {}",
            count("creates acknowledged"),
            count("reports acknowledged") + count("the carrier's reports acknowledged"),
            count("media sockets"),
            self.world.ledger().checked(),
            self.world.faults().len()
        );
        Ok(())
    }

    fn spawn(&mut self) -> Result<()> {
        self.child = self.service.start(self.world.born())?;
        Ok(())
    }

    async fn birth(&mut self) -> Result<Duration> {
        self.spawn()?;
        let ready = service::until_ready(&mut self.child, &self.world.api, &self.world.clock).await?;
        self.world.ready();
        self.lives.ready.push(ready);
        if ready > READY_MAX {
            self.world.fault("ready in 2 s", None, format!("it was ready after {:.3} s", ready.as_secs_f64()));
        }
        Ok(ready)
    }

    async fn death(&mut self) -> Result<()> {
        self.world.killed();
        if !service::kill(&mut self.child).await? {
            self.world.fault("it lives until it is killed", None, "it had ended by itself");
        }
        Ok(())
    }

    /// Until the carrier has no call any more.
    async fn until_quiet(&self) -> Result<()> {
        let quiet = async {
            while self.carrier.alive().await? > 0 {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        tokio::time::timeout(ENDING_MAX, quiet).await.context("calls do not end at the carrier")?
    }

    /// Until the service has none either. The watch says of each that takes too long.
    async fn until_settled(&self) -> Result<()> {
        let settled = async {
            let path = format!("{}/calls?{}", self.world.tenant, watch::ACTIVE);
            while !self.world.api.all(&path).await?.is_empty() {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        };
        let limit = watch::ACTIVE_MAX + Duration::from_secs(5);
        tokio::time::timeout(limit, settled).await.unwrap_or(Ok(()))
    }
}

/// A tenant that has the number.
async fn tenant(api: &Client) -> Result<String> {
    let made = api.post_until_answered("/api/tenants", "tenant", &json!({ "name": "Crash" }).to_string()).await;
    let id = made.body["id"].as_str().filter(|_| made.status == 201).with_context(|| format!("no tenant: {made:?}"))?;
    let path = format!("/api/tenants/{id}");
    let number = json!({ "did_number": OURS, "provider_type": "twilio" }).to_string();
    let number = api.post_until_answered(&format!("{path}/phone-numbers"), "number", &number).await;
    ensure!(number.status == 201, "no number; the database is to be a fresh one: {number:?}");
    Ok(path)
}

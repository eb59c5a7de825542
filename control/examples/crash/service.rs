//! The service under test: a process of its own, started and killed again and again.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use control::clock::Clock;
use tokio::process::{Child, Command};

use crate::client::{self, Client};

/// A start that takes longer has failed for good.
const START_MAX: Duration = Duration::from_secs(30);
/// How often it is asked whether it is ready.
const LOOK: Duration = Duration::from_millis(2);

/// How it is started.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    /// The program.
    pub(crate) binary: PathBuf,
    /// Its log, of all its lives.
    pub(crate) log: PathBuf,
    /// Its environment, and nothing else of ours.
    pub(crate) env: Vec<(String, String)>,
}

impl Service {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().envs(self.env.iter().cloned()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// A key for everything, made in the database.
    ///
    /// # Errors
    /// The program fails.
    pub(crate) async fn admin_key(&self) -> Result<String> {
        let made = self.command().args(["keys", "create", "crash", "--role", "admin", "--json"]).output().await;
        let made = made.with_context(|| format!("cannot run {}: build it first", self.binary.display()))?;
        ensure!(made.status.success(), "no key: {}", String::from_utf8_lossy(&made.stderr));
        client::key_of(&made.stdout)
    }

    /// Starts it.
    ///
    /// # Errors
    /// There is no such program, or no log can be written.
    pub(crate) fn start(&self, life: u32) -> Result<Child> {
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        writeln!(log, "== life {life}")?;
        let mut command = self.command();
        command.stdout(Stdio::null()).stderr(log);
        command.spawn().with_context(|| format!("cannot run {}: build it first", self.binary.display()))
    }
}

/// Waits until it answers that it is ready, from its start on; how long that took.
///
/// # Errors
/// It ended by itself, or is not ready after half a minute.
pub(crate) async fn until_ready(child: &mut Child, api: &Client, clock: &Clock) -> Result<Duration> {
    let begun = clock.now();
    loop {
        if api.is_ready().await {
            return Ok(clock.now() - begun);
        }
        if let Some(status) = child.try_wait()? {
            anyhow::bail!("the service ended by itself: {status}");
        }
        ensure!(clock.now() - begun < START_MAX, "the service is not ready after {} s", START_MAX.as_secs());
        tokio::time::sleep(LOOK).await;
    }
}

/// SIGKILL, and its end. False where it had ended by itself.
///
/// # Errors
/// What the system says.
pub(crate) async fn kill(child: &mut Child) -> Result<bool> {
    let lived = child.try_wait()?.is_none();
    if lived {
        child.start_kill()?;
    }
    child.wait().await?;
    Ok(lived)
}

//! What this machine has: descriptors, a directory, a database, a clock, a voice.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use secrecy::ExposeSecret as _;

use super::super::errand::shown_database;
use super::finding::Finding;
use crate::clock::Clock;
use crate::config::{Config, Limits};
use crate::db::Schema;
use crate::descriptors::needed;
use crate::model::Timestamp;
use crate::voice::Voice;

/// Before this software was written, in ms since 1970: the beginning of 2026.
const BEFORE_US: Timestamp = Timestamp(1_767_225_600_000);
/// Written by systemd-timesyncd once the clock is right; other services of time leave nothing that all systems have.
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";
/// For a database to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// May the service open as many sockets as its limits promise?
pub(super) fn descriptors(limits: &Limits) -> Finding {
    let needed = needed(limits);
    match getrlimit(Resource::Nofile).maximum {
        Some(hard) if hard < needed => Finding::fail(
            "descriptors",
            format!("{hard} at most, and calls and connections may need {needed}"),
            "raise the hard limit (systemd: LimitNOFILE=, docker: --ulimit nofile=), or lower OFFHOOK_CALLS_MAX and \
             OFFHOOK_CONNECTIONS_MAX",
        ),
        hard => {
            let hard = hard.map_or("any number".into(), |hard| hard.to_string());
            Finding::ok("descriptors", format!("{hard} allowed, {needed} needed at most"))
        }
    }
}

/// May the service keep anything here?
pub(super) fn data_dir(dir: &Path) -> Finding {
    let shown = dir.display();
    let fix = "name a directory that this user may write to: OFFHOOK_DATA_DIR";
    // The nearest that exists is where the rest would be made.
    let Some(there) = dir.ancestors().map(or_here).find(|part| part.exists()) else {
        return Finding::fail("data directory", format!("{shown} has no parent that exists"), fix);
    };
    let may_write = rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    match may_write {
        _ if !there.is_dir() => Finding::fail("data directory", format!("{} is no directory", there.display()), fix),
        Err(error) => {
            Finding::fail("data directory", format!("{} cannot be written to: {error}", there.display()), fix)
        }
        Ok(()) if there == or_here(dir) => Finding::ok("data directory", format!("{shown} can be written to")),
        Ok(()) => Finding::ok("data directory", format!("{shown} is made at the first start")),
    }
}

fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// Does the database answer, and at which schema is it?
pub(super) async fn database(config: &Config) -> Finding {
    let database = shown_database(config);
    let looked = tokio::time::timeout(PATIENCE, Schema::look(config.database_url.expose_secret())).await;
    let fix = "see that it runs and that DATABASE_URL names its host, user and password (or, for SQLite, a file that \
               this user may write to)";
    match looked {
        Err(_) => Finding::fail("database", format!("{database} does not answer within 10 s"), fix),
        Ok(Err(error)) => Finding::fail("database", format!("{database}: {error}"), fix),
        Ok(Ok(Schema { version: None, .. })) => {
            Finding::ok("database", format!("{database} has nothing yet; the first start makes its tables"))
        }
        Ok(Ok(Schema { version: Some(version), latest })) if version < latest => Finding::warn(
            "database",
            format!("{database} is at schema version {version}, and this version needs {latest}"),
            "the next start brings it there, or `offhook migrate` does now; make a copy before",
        ),
        Ok(Ok(Schema { version: Some(version), latest })) => {
            let newer = if version > latest { ", a newer version's" } else { "" };
            Finding::ok("database", format!("{database} answers, at schema version {version}{newer}"))
        }
    }
}

/// Can the clock be right? Signatures do not depend on it; certificates, logs and invoices do.
pub(super) fn clock() -> Finding {
    let now = Clock::machine().wall();
    let fix = "let a service of time keep it: chrony, or systemd-timesyncd (timedatectl set-ntp true)";
    if now < BEFORE_US {
        return Finding::fail("clock", format!("says {now}, before this software was written"), fix);
    }
    if Path::new(SYNCHRONIZED).exists() {
        return Finding::ok("clock", format!("says {now}, kept by systemd-timesyncd"));
    }
    let rest = "from here it cannot be seen who keeps it right; where OFFHOOK_PUBLIC_URL is set it is compared below";
    Finding::ok("clock", format!("says {now}; {rest}"))
}

/// Is there a voice for greetings and menus that are text?
pub(super) async fn voice(config: &Config) -> Finding {
    let Some(program) = &config.espeak else {
        return Finding::ok("voice", "OFFHOOK_ESPEAK is off: the carrier says profiles' greetings");
    };
    if Voice::find(Some(program), &config.data_dir).await.speaks() {
        return Finding::ok("voice", format!("{} speaks profiles' texts", program.display()));
    }
    Finding::warn(
        "voice",
        format!("{} does not run: the carrier says greetings, and menus' own answers are not said", program.display()),
        "install espeak-ng (Debian, Ubuntu: apt-get install espeak-ng), or name it in OFFHOOK_ESPEAK",
    )
}

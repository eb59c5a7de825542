//! `offhook migrate`: brings the database to this version's schema, which every start does too.

use clap::Command;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::errand::shown_database;
use super::exit::{Exit, Failure};
use super::output::Output;
use super::sources::with_database;
use super::{json_flag, part};
use crate::boot;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Schema, Store};

pub(super) fn command() -> Command {
    let about = "Bring the database to this version's schema, as every start does, and say from what to what";
    with_database(part("migrate", about, "offhook migrate --data-dir /var/lib/offhook")).arg(json_flag())
}

pub(super) async fn run(config: &Config) -> Result<Output, Failure> {
    let url = config.database_url.expose_secret();
    let before = Schema::look(url).await?;
    open(config).await?.close().await;
    let after = Schema::look(url).await?;
    let database = shown_database(config);
    let (from, to) = (before.version.unwrap_or(0), after.version.unwrap_or(0));
    let text = match before.version {
        None => format!("{database}: made, at schema version {to}\n"),
        Some(_) if from == to => format!("{database}: is at schema version {to} already\n"),
        Some(_) => format!("{database}: brought from schema version {from} to {to}\n"),
    };
    let json = json!({"database": database, "from": before.version, "to": to, "latest": after.latest});
    let output = Output::new(text, json);
    if to > after.latest {
        let line = format!("a newer version of Offhook has been here: this one knows {} and runs on", after.latest);
        return Ok(output.remark(line));
    }
    Ok(output)
}

/// The store, made where there is none.
pub(super) async fn open(config: &Config) -> Result<Store, Failure> {
    boot::make_private(&config.data_dir).map_err(|error| {
        let dir = config.data_dir.display();
        let line = format!(
            "OFFHOOK_DATA_DIR: cannot make or use {dir}: {error}; name a directory that this user may write to"
        );
        Failure::new(Exit::Usage, line)
    })?;
    Ok(Store::open(config.database_url.expose_secret(), Clock::machine()).await?)
}

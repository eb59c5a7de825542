//! Arguments and environment on their way to the configuration: one flag per setting that is no secret.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};

use super::Refusal;
use crate::config::{Sources, settings};

/// Adds every setting.
pub(super) fn with_settings(command: Command) -> Command {
    let settings = settings::ALL.iter().copied();
    settings.fold(command.arg(file()), |command, setting| command.args(flag(setting)))
}

/// Adds what says where the database is; the rest of the configuration comes from environment and file.
pub(super) fn with_database(command: Command) -> Command {
    command.arg(file()).args(flag(&settings::DATA_DIR))
}

fn file() -> Arg {
    let help = "A TOML file with settings [env: OFFHOOK_CONFIG]";
    Arg::new("config").long("config").value_name("FILE").help(help).value_parser(clap::value_parser!(PathBuf))
}

fn flag(setting: &'static settings::Setting) -> Option<Arg> {
    let flag = setting.flag()?;
    let help = format!("{} [env: {}]", setting.about, setting.names().collect::<Vec<_>>().join(", "));
    Some(Arg::new(flag.clone()).long(flag).value_name(setting.unit).help(help).allow_hyphen_values(true))
}

/// What a command with settings was told.
pub(super) fn sources(
    matches: &ArgMatches,
    env: Vec<(String, String)>,
    env_unreadable: Vec<String>,
) -> Result<Sources, Refusal> {
    let flags = settings::ALL.iter().filter_map(|setting| setting.flag());
    let given = |flag: &String| matches.try_get_one::<String>(flag).ok().flatten().cloned();
    let flags = flags.filter_map(|flag| given(&flag).map(|value| (flag, value))).collect();
    let named = env.iter().find(|(name, value)| name == "OFFHOOK_CONFIG" && !value.is_empty());
    let path = matches.get_one::<PathBuf>("config").cloned().or_else(|| named.map(|(_, path)| PathBuf::from(path)));
    Ok(Sources { flags, env, env_unreadable, file: path.map(read).transpose()? })
}

fn read(path: PathBuf) -> Result<(String, String), Refusal> {
    let shown = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((shown, text)),
        Err(error) => Err(Refusal::File(format!(
            "OFFHOOK_CONFIG: cannot read {shown}: {error}; name a readable TOML file with --config, or none"
        ))),
    }
}

/// The environment as text, and the names whose values are none. A name that is no text is nobody's setting.
pub(super) fn readable(env: impl IntoIterator<Item = (OsString, OsString)>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for (name, value) in env {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => readable.push((name, value)),
            Err(_) => unreadable.push(name),
        }
    }
    (readable, unreadable)
}

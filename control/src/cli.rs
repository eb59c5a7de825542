//! The command line: `offhook [serve]` and `offhook config`, with one flag per setting that is no secret.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::{Sources, settings};

/// What the user wants.
#[derive(Debug)]
pub enum Wish {
    /// Answer calls.
    Serve(Sources),
    /// Print the settings: as Markdown, or as what holds now.
    Settings {
        /// The page of the documentation instead of a check.
        markdown: bool,
        /// What is said from outside.
        sources: Sources,
    },
}

/// Why there is no wish to fulfil.
#[derive(Debug)]
pub enum Refusal {
    /// The arguments; clap prints it and knows the exit code.
    Arguments(clap::Error),
    /// The configuration file cannot be read.
    File(String),
}

/// Reads arguments, environment and file.
///
/// # Errors
/// What is wrong with the arguments, or why the file cannot be read.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    env: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Wish, Refusal> {
    let matches = command().try_get_matches_from(args).map_err(Refusal::Arguments)?;
    let (env, env_unreadable) = readable(env);
    let (name, sub) = match matches.subcommand() {
        Some((name, sub)) => (name, sub),
        None => ("serve", &matches),
    };
    let sources = Sources { env_unreadable, ..sources(sub, env)? };
    Ok(match name {
        "config" => Wish::Settings { markdown: sub.get_flag("markdown"), sources },
        _ => Wish::Serve(sources),
    })
}

fn sources(matches: &ArgMatches, env: Vec<(String, String)>) -> Result<Sources, Refusal> {
    let flags = settings::ALL.iter().filter_map(|setting| setting.flag());
    let flags = flags.filter_map(|flag| matches.get_one::<String>(&flag).map(|value| (flag, value.clone()))).collect();
    let named = env.iter().find(|(name, value)| name == "OFFHOOK_CONFIG" && !value.is_empty());
    let path = matches.get_one::<PathBuf>("config").cloned().or_else(|| named.map(|(_, path)| PathBuf::from(path)));
    let file = match path {
        Some(path) => {
            let shown = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => Some((shown, text)),
                Err(error) => {
                    return Err(Refusal::File(format!(
                        "OFFHOOK_CONFIG: cannot read {shown}: {error}; name a readable TOML file with --config, or none"
                    )));
                }
            }
        }
        None => None,
    };
    Ok(Sources { flags, env, file, ..Sources::default() })
}

/// The environment as text, and the names whose values are none. A name that is no text is nobody's setting.
fn readable(env: impl IntoIterator<Item = (OsString, OsString)>) -> (Vec<(String, String)>, Vec<String>) {
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

fn command() -> Command {
    let serve = with_settings(Command::new("serve").about("Answer calls (what happens without a command)"));
    let config = with_settings(Command::new("config").about("Check the configuration and show what holds")).arg(
        Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).help("Print docs/configuration.md instead"),
    );
    with_settings(Command::new("offhook"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Answers phone calls for software. Without any setting: development mode on 127.0.0.1:8080.")
        .after_help("Every setting is also an environment variable and a key of the file; secrets are only these.")
        .args_conflicts_with_subcommands(true)
        .subcommand(serve)
        .subcommand(config)
}

fn with_settings(command: Command) -> Command {
    let file =
        Arg::new("config").long("config").value_name("FILE").help("A TOML file with settings [env: OFFHOOK_CONFIG]");
    let command = command.arg(file.value_parser(clap::value_parser!(PathBuf)));
    settings::ALL.iter().filter_map(|setting| Some((setting, setting.flag()?))).fold(
        command,
        |command, (setting, flag)| {
            let help = format!("{} [env: {}]", setting.about, setting.names().collect::<Vec<_>>().join(", "));
            command.arg(Arg::new(flag.clone()).long(flag).value_name(setting.unit).help(help).allow_hyphen_values(true))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(args: &[&str]) -> Result<Wish, Refusal> {
        parse(args.iter().map(OsString::from), [])
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn nothing_said_means_serve() {
        assert!(matches!(wish(&["offhook"]), Ok(Wish::Serve(_))));
        let Ok(Wish::Serve(sources)) = wish(&["offhook", "--listen", "127.0.0.1:0"]) else { panic!("serves") };
        assert_eq!(sources.flags, [("listen".to_owned(), "127.0.0.1:0".to_owned())]);
        assert!(matches!(wish(&["offhook", "serve", "--calls-max", "7"]), Ok(Wish::Serve(_))));
        assert!(matches!(wish(&["offhook", "config", "--markdown"]), Ok(Wish::Settings { markdown: true, .. })));
    }

    #[test]
    fn secrets_are_no_arguments() {
        assert!(matches!(wish(&["offhook", "--twilio-auth-token", "x"]), Err(Refusal::Arguments(_))));
    }

    #[test]
    fn a_value_that_is_no_text_is_remembered_by_its_name() {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = || OsString::from_vec(vec![0xff, 0xfe]);
        let env = [("TWILIO_AUTH_TOKEN".into(), bytes()), (bytes(), "x".into()), ("PORT".into(), "1".into())];
        let Ok(Wish::Serve(sources)) = parse(["offhook".into()], env) else { panic!("serves") };
        assert_eq!(sources.env_unreadable, ["TWILIO_AUTH_TOKEN"]);
        assert_eq!(sources.env, [("PORT".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let Err(Refusal::File(line)) = wish(&["offhook", "--config", "/nowhere/offhook.toml"]) else {
            panic!("refused")
        };
        assert!(line.contains("/nowhere/offhook.toml") && line.contains("--config"), "{line}");
    }
}

//! The command line: `offhook [serve]`, and commands that look after a service: its configuration, database, and what
//! it serves.
//!
//! ```text
//! arguments, environment, file ─► Wish ─┬─ Serve ──► boot
//!                                       └─ Errand ─┬─ check, doctor, migrate, keys ──► configuration, database
//!                                                  └─ tenants, numbers … calls, events ──► api ──► service
//! ```
//! A file per command: its arguments, its example, what it does. What it has to say is an output; `output` prints it.

mod api;
mod calls;
mod check;
mod completions;
mod contacts;
mod docs;
mod doctor;
mod errand;
mod events;
mod exit;
mod keys;
mod list;
mod migrate;
mod numbers;
mod output;
mod profiles;
mod provider_configs;
mod sources;
mod table;
mod tenant;
mod tenants;

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

use crate::config::Sources;

pub use docs::markdown;
pub use errand::Errand;
pub use exit::Exit;
use sources::with_settings;

/// What the user wants.
#[derive(Debug)]
pub enum Wish {
    /// Answer calls.
    Serve(Sources),
    /// Something that is soon done.
    Errand(Errand),
}

/// Why there is no wish to fulfil.
#[derive(Debug)]
pub enum Refusal {
    /// The arguments; clap prints it and knows the exit code.
    Arguments(clap::Error),
    /// The configuration file cannot be read.
    File(String),
}

/// The environment, where an empty variable counts as not set.
#[derive(Clone, Default)]
pub(crate) struct Environment(Vec<(String, String)>);

impl Environment {
    /// What a variable says.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, value)| known == name && !value.trim().is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
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
    let (env, env_unreadable) = sources::readable(env);
    match matches.subcommand() {
        None => Ok(Wish::Serve(sources::sources(&matches, env, env_unreadable)?)),
        Some(("serve", matches)) => Ok(Wish::Serve(sources::sources(matches, env, env_unreadable)?)),
        Some((name, matches)) => Errand::new(name, matches.clone(), env, env_unreadable).map(Wish::Errand),
    }
}

/// The whole command line.
#[must_use]
pub fn command() -> Command {
    let serve = with_settings(Command::new("serve").about("Answer calls (what happens without a command)"));
    let codes: Vec<String> = Exit::ALL.iter().map(|exit| format!("  {}  {}", exit.code(), exit.meaning())).collect();
    let example = "offhook --listen 127.0.0.1:9000\n  offhook doctor\n  offhook tenants list";
    let command = with_settings(Command::new("offhook"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("Answers phone calls for software. Without any setting: development mode on 127.0.0.1:8080.")
        .after_help(format!(
            "Every setting is also an environment variable and a key of the file; secrets are only these.\n\n\
             Exit codes:\n{}\n\n{}",
            codes.join("\n"),
            examples(example)
        ))
        .args_conflicts_with_subcommands(true)
        .subcommand(serve.after_help(examples("offhook serve --listen 127.0.0.1:9000 --log-level debug")));
    let rest = [
        check::command(),
        doctor::command(),
        migrate::command(),
        keys::command(),
        tenants::command(),
        numbers::command(),
        profiles::command(),
        provider_configs::command(),
        contacts::command(),
        calls::command(),
        events::command(),
        completions::command(),
    ];
    command.subcommands(rest)
}

/// What stands at the end of each help.
fn examples(lines: &str) -> String {
    format!("Example:\n  {lines}")
}

/// A command of a group, with its example.
fn part(name: &'static str, about: &'static str, example: &str) -> Command {
    Command::new(name).about(about).after_help(examples(example))
}

/// Such a group.
fn group(name: &'static str, about: &'static str, example: &str) -> Command {
    part(name, about, example).subcommand_required(true).arg_required_else_help(true)
}

/// The flag for programs.
fn json_flag() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON document instead of text")
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
        for errand in [&["offhook", "check"][..], &["offhook", "config", "--markdown"], &["offhook", "keys", "list"]] {
            assert!(matches!(wish(errand), Ok(Wish::Errand(_))), "{errand:?}");
        }
    }

    #[test]
    fn secrets_are_no_arguments() {
        for secret in ["--twilio-auth-token", "--database-url", "--admin-key", "--key"] {
            assert!(matches!(wish(&["offhook", secret, "x"]), Err(Refusal::Arguments(_))), "{secret}");
        }
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

    #[test]
    fn every_command_has_an_example_that_is_one() {
        fn walk(command: &Command, path: &str) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let Some((_, lines)) = help.split_once("Example:\n") else { panic!("{path}: no example") };
            for line in lines.lines() {
                let line = line.trim();
                assert!(line.starts_with("offhook") || line.starts_with("OFFHOOK_"), "{path}: {line}");
                let words = line.split_whitespace().skip_while(|word| word.contains('='));
                let words: Vec<&str> = words.take_while(|word| !matches!(*word, ">" | "|")).collect();
                if let Err(Refusal::Arguments(error)) = wish(&words) {
                    panic!("{path}: {line}: {error}");
                }
            }
            command.get_subcommands().for_each(|part| walk(part, &format!("{path} {}", part.get_name())));
        }
        walk(&command(), "offhook");
    }

    #[test]
    fn whatever_says_something_says_it_to_programs_too() {
        fn walk(command: &Command, path: &str) {
            let mut parts = command.get_subcommands().peekable();
            let silent = ["offhook serve", "offhook completions"].contains(&path);
            if parts.peek().is_none() && !silent {
                assert!(command.get_arguments().any(|arg| arg.get_id() == "json"), "{path} has no --json");
            }
            parts.for_each(|part| walk(part, &format!("{path} {}", part.get_name())));
        }
        walk(&command(), "offhook");
    }
}

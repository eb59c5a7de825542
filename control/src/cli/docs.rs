//! Writes `docs/command-line.md` from the commands themselves, so that the two cannot differ.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::Exit;
use crate::config::settings;

const HEAD: &str = "# Command line

`offhook` without a command answers calls. `serve`, `check` and `doctor` take every setting of
[configuration.md](configuration.md) as a flag; they are left out below. `migrate` and `keys` go to the database directly, so
that the first key can be made. `tenants`, `numbers`, `profiles`, `calls` and `events` talk to the running service: `--url` or
`OFFHOOK_URL` says where it is, `OFFHOOK_API_KEY` holds the key, which is no flag, because arguments are visible to every
process of a machine. Where the URL is this machine's own and no key is set, development's fixed key is sent. A tenant is named
by `--tenant` or `OFFHOOK_TENANT`.

With `--json` standard output is one JSON document (`events tail`: one per line); where a command fails it is
`{\"error\": {\"exit_code\": …, \"detail\": …, \"problem\": …}}`, with the service's own problem document where it was the
service that refused. Lists are `{\"items\": […], \"next_cursor\": …}`, the newest first. Remarks and errors go to standard error.

This page is written by `offhook completions --markdown`.

## Exit codes

| Code | Meaning |
|---|---|
";

/// The whole page.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for exit in Exit::ALL {
        // Writing into a String cannot fail.
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    page.push_str("\n## Commands\n");
    let mut command = super::command();
    // Before, arguments do not know how many values they take.
    command.build();
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        write(&mut page, command, "offhook");
    }
    page
}

fn write(page: &mut String, command: &Command, before: &str) {
    let path = format!("{before} {}", command.get_name());
    if command.has_subcommands() {
        let parts = command.get_subcommands().filter(|part| part.get_name() != "help");
        return parts.for_each(|part| write(page, part, &path));
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, "\n### `{path}`\n{about}.\n");
    let takes_all = command.get_arguments().any(|arg| arg.get_id() == "calls-max");
    let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help" && !(takes_all && is_setting(arg));
    for arg in command.get_arguments().filter(shown) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "- `{arg}`: {help}{}", words(arg));
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.split_once("Example:\n").map_or("", |(_, lines)| lines).lines();
    let _ = writeln!(page, "\n```\n{}\n```", lines.map(str::trim).collect::<Vec<_>>().join("\n"));
}

fn is_setting(arg: &Arg) -> bool {
    settings::ALL.iter().any(|setting| setting.flag().as_deref() == Some(arg.get_id().as_str()))
}

/// What it may say, and what holds where it says nothing.
fn words(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let words: Vec<String> = arg.get_possible_values().iter().map(|word| word.get_name().to_owned()).collect();
    let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
    let default: Vec<_> = arg.get_default_values().iter().filter_map(|value| value.to_str()).collect();
    let default = if default.is_empty() { String::new() } else { format!(" [default: {}]", default.join(", ")) };
    words + &default
}

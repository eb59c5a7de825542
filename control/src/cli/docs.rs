//! Writes `docs/command-line.md` from the commands themselves, so that the two cannot differ.

use std::fmt::Write as _;

use clap::Command;

use super::Exit;

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
    for command in super::command().get_subcommands() {
        write(&mut page, command, "offhook");
    }
    page
}

fn write(page: &mut String, command: &Command, before: &str) {
    let path = format!("{before} {}", command.get_name());
    if command.has_subcommands() {
        command.get_subcommands().for_each(|part| write(page, part, &path));
        return;
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, "\n### `{path}`\n{about}.\n");
    let settings = crate::config::settings::ALL;
    let is_setting = |name: &str| settings.iter().any(|setting| setting.flag().as_deref() == Some(name));
    let takes_all = command.get_arguments().any(|arg| arg.get_id() == "calls-max");
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if takes_all && is_setting(arg.get_id().as_str()) {
            continue;
        }
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let words = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect::<Vec<_>>().join(", ");
        let words =
            if words.is_empty() || !arg.get_action().takes_values() { words_none() } else { format!(": {words}") };
        let _ = writeln!(page, "- `{arg}` {help}{words}");
    }
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let example = help.split_once("Example:\n").map_or("", |(_, lines)| lines);
    let example: Vec<&str> = example.lines().map(str::trim).collect();
    let _ = writeln!(page, "```\n{}\n```", example.join("\n"));
}

fn words_none() -> String {
    String::new()
}

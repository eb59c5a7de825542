//! `offhook completions`: what a shell needs to complete our commands.

use clap::{Arg, ArgAction, ArgMatches, Command, ValueEnum as _, builder::PossibleValuesParser};
use clap_complete::Shell;
use serde_json::json;

use super::exit::Failure;
use super::output::Output;
use super::{docs, part};

pub(super) fn command() -> Command {
    let shells = PossibleValuesParser::new(["bash", "zsh", "fish"]);
    let shell = Arg::new("shell").value_name("SHELL").value_parser(shells).required_unless_present("markdown");
    let markdown = Arg::new("markdown").long("markdown").action(ArgAction::SetTrue).hide(true);
    part(
        "completions",
        "Print completions for a shell",
        "offhook completions bash > ~/.local/share/bash-completion/completions/offhook",
    )
    .arg(shell.help("The shell"))
    .arg(markdown.help("Print docs/command-line.md instead"))
}

pub(super) fn run(matches: &ArgMatches) -> Result<Output, Failure> {
    let named = matches.get_one::<String>("shell").and_then(|name| Shell::from_str(name, true).ok());
    let Some(shell) = named else { return Ok(Output::new(docs::markdown(), json!(null))) };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "offhook", &mut script);
    Ok(Output::new(String::from_utf8_lossy(&script), json!(null)))
}

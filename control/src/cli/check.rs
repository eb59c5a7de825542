//! `offhook check`: is the configuration valid? Looks at nothing but what was said.

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::sources::with_settings;
use super::{json_flag, part};
use crate::config::{self, Config, Fault, Sources};
use crate::greeting;

pub(super) fn command() -> Command {
    let about = "Check the configuration, without starting anything, and show what holds";
    let markdown = Arg::new("markdown").long("markdown").action(ArgAction::SetTrue);
    with_settings(part("check", about, "offhook check --config offhook.toml"))
        .visible_alias("config")
        .arg(markdown.help("Print docs/configuration.md instead"))
        .arg(json_flag())
}

pub(super) fn run(matches: &ArgMatches, sources: &Sources) -> Result<Output, Failure> {
    if matches.get_flag("markdown") {
        let page = config::markdown();
        let json = json!({"markdown": page});
        return Ok(Output::new(page, json));
    }
    match Config::load(sources) {
        Ok(config) => {
            let json = json!({"valid": true, "mode": config.mode.name, "because": config.mode.because,
                "listen": config.listen.to_string(), "warnings": config.warnings, "faults": []});
            Ok(Output::new(greeting::settings(&config), json))
        }
        Err(faults) => {
            let lines = faults.iter().map(ToString::to_string).collect();
            let faults: Vec<_> = faults.iter().map(told).collect();
            Err(Failure { exit: Exit::Usage, lines, problem: Some(json!({"valid": false, "faults": faults})) })
        }
    }
}

fn told(fault: &Fault) -> serde_json::Value {
    json!({"key": fault.key, "from": fault.from, "wrong": fault.wrong, "fix": fault.fix})
}

//! `offhook doctor`: can a service with this configuration do its work here? Each line with its fix.

mod carrier;
mod finding;
mod machine;
mod reach;
mod signature;

use clap::Command;

use super::output::Output;
use super::sources::with_settings;
use super::{json_flag, part};
use crate::config::{Config, Sources};
use finding::{Finding, report};

pub(super) fn command() -> Command {
    let about = "Look whether this machine, the database, the public URL and the carrier are fit for the service";
    with_settings(part("doctor", about, "offhook doctor --config offhook.toml")).arg(json_flag())
}

pub(super) async fn run(sources: &Sources) -> Output {
    report(&match Config::load(sources) {
        Err(faults) => {
            let fail = |fault: crate::config::Fault| {
                let from = if fault.from.is_empty() { String::new() } else { format!(" (from {})", fault.from) };
                Finding::fail("configuration", format!("{}{from}: {}", fault.key, fault.wrong), fault.fix)
            };
            faults.into_iter().map(fail).collect()
        }
        Ok(config) => examine(&config).await,
    })
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![configuration(config)];
    findings.extend(config.warnings.iter().map(|warning| {
        Finding::warn(
            "configuration",
            warning.clone(),
            "`offhook check` shows what holds; docs/configuration.md what it means",
        )
    }));
    findings.push(reach::port(config).await);
    findings.push(machine::descriptors(&config.limits));
    findings.push(machine::data_dir(&config.data_dir));
    findings.push(machine::database(config).await);
    findings.push(machine::clock());
    findings.push(machine::voice(config).await);
    findings.push(signature::own(config));
    findings.extend(reach::public_url(config).await);
    findings.extend(carrier::carrier(config).await);
    findings
}

fn configuration(config: &Config) -> Finding {
    Finding::ok("configuration", format!("valid; {}, because {}", config.mode.name, config.mode.because))
}

//! Runs a search for capacity: plateau after plateau, then the report.

use std::path::{Path, PathBuf};

use super::fleet::print;
use super::stand::{Play, Played, Stand};
use super::terminal::say;
use super::{FAILED, MISSED, VOID};
use crate::capacity::budget::{self, Budgets, Measured};
use crate::capacity::search::{Attempt, Bounds, Search};
use crate::cli::{CapacityArgs, SearchArgs};
use crate::report::capacity::{Parts, Plateau, Report, Server};
use crate::shell::clock;
use crate::shell::fleet::process::Whose;
use crate::shell::served::Served;

/// Searches, and writes both reports.
pub(super) fn capacity(args: &CapacityArgs) -> Result<u8, String> {
    let mut search = Search::new(bounds(&args.search)?);
    let stand = Stand::new(&args.target, &args.place, args.serve.is_some())?;
    let kept = args.serve.as_deref().filter(|_| args.reuse).map(|command| stand.serve(command)).transpose()?;
    let budgets = args.budgets.budgets(args.place.metrics.is_some());
    let mut bench = Bench { args, stand, kept, budgets, version: args.server_version.clone() };
    let mut plateaus: Vec<Plateau> = Vec::new();
    while let Some(attempt) = search.next() {
        let plateau = bench.plateau(attempt)?;
        bench.stand.progress.note(&plateau.line());
        search.take(plateau.verdict);
        plateaus.push(plateau);
    }
    bench.stand.progress.end();
    let report = Report::new(Parts {
        found: search.found(),
        server: bench.server(),
        machine: bench.stand.machine.clone(),
        ended_unix_s: clock::unix_s(),
        budgets,
        plateaus,
        calls_min: args.search.calls_min,
    });
    write(args, &report)?;
    Ok(code(&report))
}

fn code(report: &Report) -> u8 {
    let nobody = report.plateaus.iter().all(|plateau| plateau.figures.counts.frames == 0);
    match report {
        _ if nobody => FAILED,
        Report { void: Some(_), .. } => VOID,
        Report { missed, .. } if !missed.is_empty() => MISSED,
        _ => 0,
    }
}

fn bounds(args: &SearchArgs) -> Result<Bounds, String> {
    let SearchArgs { start, max, within_percent, plateau, proof, .. } = *args;
    if start == 0 || start > max {
        return Err(format!("--start {start}: from 1 to --max {max}"));
    }
    if !(0.0..=50.0).contains(&within_percent) {
        return Err(format!("--within-percent {within_percent}: from 0 to 50"));
    }
    if plateau == 0 || proof == 0 {
        return Err("--plateau, --proof: at least one second".into());
    }
    Ok(Bounds { start, max, within: within_percent / 100.0 })
}

/// The stand with a server on it.
struct Bench<'a> {
    args: &'a CapacityArgs,
    stand: Stand,
    /// A server that stays for the whole search.
    kept: Option<Served>,
    budgets: Budgets,
    version: Option<String>,
}

impl Bench<'_> {
    fn plateau(&mut self, attempt: Attempt) -> Result<Plateau, String> {
        let Attempt { calls, is_proof } = attempt;
        let search = &self.args.search;
        let (length_s, what) = if is_proof {
            (search.proof, format!("proof of {calls}"))
        } else {
            (search.plateau, format!("{calls} calls"))
        };
        let fresh = match (&self.args.serve, &self.kept) {
            (Some(command), None) => Some(self.stand.serve(command)?),
            _ => None,
        };
        let served = fresh.as_ref().or(self.kept.as_ref());
        let server = served.map(Served::whose).or(self.args.pid.map(Whose::Process));
        if let (Some(served), None) = (served, &self.version) {
            self.version = served.version();
        }
        let Played { begins_s, report: figures, seconds, .. } =
            self.stand.play(Play { what: &what, calls, length_s, server })?;
        drop(fresh);
        let budgets = budget::check(&self.budgets, &Measured::from(&figures));
        let verdict = budget::verdict(&budgets, figures.void.is_some());
        Ok(Plateau { calls, is_proof, begins_s, verdict, budgets, figures, seconds })
    }

    fn server(&self) -> Server {
        let args = self.args;
        let by_command = args.serve.as_deref().map(program);
        Server {
            name: args.server_name.clone().or(by_command).unwrap_or_else(|| args.target.url.clone()),
            version: self.version.clone(),
            url: args.target.url.clone(),
            command: args.serve.clone(),
            core: self.stand.server_core.filter(|_| args.serve.is_some()),
            afresh: args.serve.is_some() && !args.reuse,
        }
    }
}

/// The name of the program in a command: its first word that sets no variable, without folders.
fn program(command: &str) -> String {
    let word = command.split_ascii_whitespace().find(|word| !word.contains('=')).unwrap_or(command);
    Path::new(word).file_name().map_or_else(|| word.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn write(args: &CapacityArgs, report: &Report) -> Result<(), String> {
    let html = &args.html;
    std::fs::write(html, report.html()).map_err(|e| format!("--html {}: {e}", html.display()))?;
    let json: PathBuf = args.json.clone().unwrap_or_else(|| html.with_extension("json"));
    print(report, &report.lines(), Some(&json))?;
    if json != Path::new("-") {
        say(format!("report: {} (and {})", html.display(), json.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_by_its_program() {
        assert_eq!(program("LOG_LEVEL=warn target/dist/offhook --port 80"), "offhook");
        assert_eq!(program("node server.mjs"), "node");
    }
}

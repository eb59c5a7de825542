//! Runs a search for capacity: plateau after plateau, what else was asked for, then the report.

mod asides;
mod bench;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::fleet::print;
use super::stand::Stand;
use super::terminal::say;
use super::{FAILED, MISSED, VOID};
use crate::capacity::search::{Bounds, Search};
use crate::cli::{CapacityArgs, Scene, SearchArgs};
use crate::report::capacity::{Parts, Plateau, Report};
use crate::shell::clock;

use bench::{Bench, Task};

/// Searches, and writes both reports.
pub(super) fn capacity(args: &CapacityArgs) -> Result<u8, String> {
    let mut search = Search::new(bounds(&args.search)?);
    let features = asides::features(args)?;
    let stand = Stand::new(&args.target, &args.place, args.serve.is_some())?;
    let mut bench = Bench::new(args, stand)?;
    let mut plateaus: Vec<Plateau> = Vec::new();
    while let Some(attempt) = search.next() {
        let (length_s, what) = match attempt.is_proof {
            true => (args.search.proof, format!("proof of {}", attempt.calls)),
            false => (args.search.plateau, format!("{} calls", attempt.calls)),
        };
        let task = Task { what, calls: attempt.calls, length_s, scene: Scene::None, command: args.serve.as_deref() };
        let plateau = Plateau { is_proof: attempt.is_proof, ..bench.plateau(&task)? };
        bench.stand.progress.note(&plateau.line());
        search.take(plateau.verdict);
        plateaus.push(plateau);
    }
    let found = search.found();
    let scenes = asides::play_scenes(&mut bench, found.held)?;
    let features = asides::play_features(&mut bench, found.held, &features)?;
    bench.stand.progress.end();
    let report = Report::new(Parts {
        found,
        server: bench.server(),
        machine: bench.stand.machine.clone(),
        ended_unix_s: clock::unix_s(),
        budgets: bench.budgets,
        plateaus,
        scenes,
        features,
        calls_min: args.search.calls_min,
    });
    write(&args.html, args.json.as_deref(), &report, &report.html(), &report.lines())?;
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

/// Writes the page, the JSON beside it, and the text.
pub(super) fn write(
    html: &Path,
    json: Option<&Path>,
    report: &impl Serialize,
    page: &str,
    lines: &str,
) -> Result<(), String> {
    std::fs::write(html, page).map_err(|e| format!("--html {}: {e}", html.display()))?;
    let json: PathBuf = json.map_or_else(|| html.with_extension("json"), Path::to_owned);
    print(report, lines, Some(&json))?;
    if json != Path::new("-") {
        say(format!("report: {} (and {})", html.display(), json.display()));
    }
    Ok(())
}

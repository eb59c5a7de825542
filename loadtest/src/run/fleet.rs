//! Runs the fleet: checks the arguments, starts the threads, watches, reports.

use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::target::{account_sid, auth_token, where_to};
use super::terminal::say;
use super::{FAILED, MISSED, VOID};
use crate::cli::{FleetArgs, TargetArgs};
use crate::fleet::timeline::Stage;
use crate::fleet::voice::Voices;
use crate::report::fleet::{Report, Settings};
use crate::rng::Rng;
use crate::shell::clock;
use crate::shell::fleet::dial::Directory;
use crate::shell::fleet::driver::Plan;
use crate::shell::fleet::machine::{self, Machine};
use crate::shell::fleet::observer::{Live, Second, Windows};
use crate::shell::fleet::process::Whose;
use crate::shell::fleet::session;
use crate::time::Micros;
use crate::twilio::params::Direction;
use crate::twilio::url::Url;

/// More than one thread can serve on any machine that we know of.
pub(super) const CALLS_MAX: usize = 20_000;
/// How long the server may take to clear away what the fleet has left.
const PATIENCE: Micros = Micros::from_ms(15_000);
/// Longer than any run that we know of, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// Runs a fleet and prints its report.
pub(super) fn fleet(args: &FleetArgs) -> Result<u8, String> {
    let seed = args.seed.unwrap_or_else(clock::fresh_seed);
    let plan = plan(args, seed)?;
    let directory = directory(&args.target, args.status_callback.as_deref(), seed)?;
    let voices = Voices::load(&args.clips, seed).map_err(|e| e.to_string())?;
    let names: Vec<String> = voices.clips.iter().map(|voice| voice.name.clone()).collect();
    let machine = Machine::look();
    machine::raise_descriptor_limit(plan.calls as u64 + 200)?;
    if let Some(core) = args.core {
        machine::pin(core)?;
    }
    let metrics = args.metrics.as_deref().map(Url::parse).transpose().map_err(|e| format!("--metrics: {e}"))?;
    let (shared, seen) = session::run(
        plan,
        directory,
        voices,
        Windows { server: args.pid.map(Whose::Process), metrics, patience: PATIENCE },
        &mut bar(&plan),
    )?;
    let settings = Settings::new(args, plan, machine);
    let report = Report::new(settings, &shared.measures, &names, &seen, args.void_above_ms, &args.limits);
    print(&report, &report.lines(), args.json.as_deref())?;
    Ok(if report.first_audio.count == 0 && report.counts.frames == 0 {
        FAILED
    } else if report.void.is_some() {
        VOID
    } else if report.exceeded.is_empty() {
        0
    } else {
        MISSED
    })
}

fn plan(args: &FleetArgs, seed: u64) -> Result<Plan, String> {
    if args.calls == 0 || args.calls > CALLS_MAX {
        return Err(format!("--calls {}: from 1 to {CALLS_MAX}", args.calls));
    }
    if args.duration == 0 {
        return Err("--duration 0: at least one second".into());
    }
    let ramp = args.ramp.unwrap_or(args.calls as f64 / 50.0);
    let length = seconds("--duration", args.duration as f64)?;
    let stall = match args.stall_at {
        Some(at) => Some((seconds("--stall-at", at)?, Micros::from_ms(args.stall_ms))),
        None => None,
    };
    if let Some((at, stalled)) = stall
        && at + stalled > length
    {
        return Err("the stall must end before --duration does".into());
    }
    let churn = args.churn.map(|mean| seconds("--churn", mean)).transpose()?;
    Ok(Plan { calls: args.calls, ramp: seconds("--ramp", ramp)?, length, churn, burst: None, stall, seed })
}

pub(super) fn seconds(name: &str, value: f64) -> Result<Micros, String> {
    let good = value.is_finite() && (0.0..=SECONDS_MAX).contains(&value);
    if good {
        Ok(Micros((value * 1e6) as u64))
    } else {
        Err(format!("{name} {value}: from 0 to {SECONDS_MAX} seconds"))
    }
}

pub(super) fn directory(target: &TargetArgs, callback: Option<&str>, seed: u64) -> Result<Directory, String> {
    let (url, route) = where_to(target)?;
    let callback = callback.map(Url::parse).transpose();
    let callback = callback.map_err(|e| format!("--status-callback: {e}"))?;
    let first_number = target.from.strip_prefix('+').and_then(|digits| digits.parse().ok());
    Ok(Directory {
        url,
        route,
        account: account_sid(target, &mut Rng::new(seed))?,
        auth_token: auth_token(target),
        first_number: first_number.ok_or_else(|| format!("--from {}: + and digits", target.from))?,
        to: target.to.clone(),
        direction: Direction::Inbound,
        status_callback: callback,
    })
}

/// What is shown while a fleet runs, on a terminal only.
fn bar(plan: &Plan) -> impl FnMut(&Live) {
    let bar = ProgressBar::with_draw_target(Some(plan.length.0 / 1_000_000), ProgressDrawTarget::stderr_with_hz(4));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos:>4}/{len} s  {msg}") {
        bar.set_style(style);
    }
    let calls = plan.calls;
    move |live| {
        let Second { calls: up, lost, .. } = live.second;
        bar.set_message(format!("{}, {up} of {calls} calls, {lost} lost", live.stage));
        bar.set_position(live.measured.0 / 1_000_000);
        if live.stage == Stage::Done {
            bar.finish_and_clear();
        }
    }
}

/// The table, or JSON instead of it or beside it.
pub(super) fn print(report: &impl serde::Serialize, lines: &str, json: Option<&Path>) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).map_err(|e| e.to_string())?;
    match json {
        Some(path) if path == Path::new("-") => say(text),
        Some(path) => {
            std::fs::write(path, text + "\n").map_err(|e| format!("--json {}: {e}", path.display()))?;
            say(lines);
        }
        None => say(lines),
    }
    Ok(())
}

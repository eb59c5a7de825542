//! Runs the fleet: checks the arguments, starts the threads, watches, reports.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::target::{account_sid, auth_token, where_to};
use super::terminal::say;
use crate::cli::FleetArgs;
use crate::fleet::call::Shared;
use crate::fleet::voice::Voices;
use crate::report::fleet::{Report, Settings};
use crate::rng::Rng;
use crate::shell::clock::{self, Clock};
use crate::shell::fleet::dial::{self, Directory, Errand, Order};
use crate::shell::fleet::driver::{Driver, Gauges, Plan};
use crate::shell::fleet::machine::{self, Machine};
use crate::shell::fleet::observer::{Observer, Seen, Windows};
use crate::time::Micros;
use crate::twilio::url::Url;

/// No call came up.
const FAILED: u8 = 1;
/// A threshold was missed.
const MISSED: u8 = 3;
/// The figures mean nothing.
const VOID: u8 = 4;

/// More than one thread can serve on any machine that we know of.
const CALLS_MAX: usize = 20_000;
/// Waits of 10 ms for the last reports.
const LAST_WORDS: u32 = 300;
/// Longer than any run that we know of, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// Runs a fleet and prints its report.
pub(super) fn fleet(args: &FleetArgs) -> Result<u8, String> {
    let seed = args.seed.unwrap_or_else(clock::fresh_seed);
    let plan = plan(args, seed)?;
    let directory = directory(args, seed)?;
    let voices = Voices::load(&args.clips, seed).map_err(|e| e.to_string())?;
    let names: Vec<String> = voices.clips.iter().map(|voice| voice.name.clone()).collect();
    let machine = Machine::look();
    machine::raise_descriptor_limit(plan.calls as u64 + 200)?;
    if let Some(core) = args.core {
        machine::pin(core)?;
    }
    let metrics = args.metrics.as_deref().map(Url::parse).transpose().map_err(|e| format!("--metrics: {e}"))?;
    let (shared, seen) = run(plan, directory, voices, Windows { pid: args.pid, metrics })?;
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
    Ok(Plan { calls: args.calls, ramp: seconds("--ramp", ramp)?, length, churn, stall, seed })
}

pub(super) fn seconds(name: &str, value: f64) -> Result<Micros, String> {
    let good = value.is_finite() && (0.0..=SECONDS_MAX).contains(&value);
    if good {
        Ok(Micros((value * 1e6) as u64))
    } else {
        Err(format!("{name} {value}: from 0 to {SECONDS_MAX} seconds"))
    }
}

fn directory(args: &FleetArgs, seed: u64) -> Result<Directory, String> {
    let target = &args.target;
    let (url, route) = where_to(target)?;
    let callback = args.status_callback.as_deref().map(Url::parse).transpose();
    let callback = callback.map_err(|e| format!("--status-callback: {e}"))?;
    let first_number = target.from.strip_prefix('+').and_then(|digits| digits.parse().ok());
    Ok(Directory {
        url,
        route,
        account: account_sid(target, &mut Rng::new(seed))?,
        auth_token: auth_token(target),
        first_number: first_number.ok_or_else(|| format!("--from {}: + and digits", target.from))?,
        to: target.to.clone(),
        status_callback: callback,
    })
}

/// Starts the threads and watches until they are done.
fn run(plan: Plan, directory: Directory, voices: Voices, windows: Windows) -> Result<(Shared, Seen), String> {
    let system = |e: std::io::Error| format!("cannot start: {e}");
    let clock = Clock::start();
    let gauges = Arc::new(Gauges::default());
    let observer = Observer::new(clock, Arc::clone(&gauges), windows)?;
    // Every call may be waiting to be replaced and reported while as many again have just been connected.
    let (errands, taken) = mpsc::channel(4 * plan.calls + 64);
    let (connected, dialed) = std::sync::mpsc::sync_channel(4 * plan.calls + 64);
    let mut rng = Rng::new(plan.seed);
    let begins = clock.now();
    for index in 0..plan.calls as u64 {
        let at = begins + Micros(plan.ramp.0 * index / plan.calls as u64);
        // There is room for all.
        let _ = errands.try_send(Errand::Call(Order { index, at, seed: rng.next_u64() }));
    }
    let dialing = dial::spawn(clock, directory, taken, connected).map_err(system)?;
    let driver = Driver::new(clock, plan, voices, Arc::clone(&gauges), dialed, errands).map_err(system)?;
    let driving = std::thread::Builder::new().name("fleet".into()).spawn(move || driver.run()).map_err(system)?;
    let seen = observer.watch(plan.calls, plan.length);
    // The last ends are being reported; a server that does not answer is not waited for.
    for _ in 0..LAST_WORDS {
        if dialing.is_finished() {
            break;
        }
        clock::pause(Duration::from_millis(10));
    }
    let shared = driving.join().map_err(|_| "the fleet's thread broke".to_owned())?;
    Ok((shared, seen))
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

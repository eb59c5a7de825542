//! `call`: one call or many at once by one script, each as a timeline or all as a table.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::target::{account_sid, auth_token, next_number, where_to};
use super::terminal::say;
use super::{FAILED, MISSED, finished, runtime};
use crate::call::course::{Course, Mishaps};
use crate::call::model::{Call, CallPlan};
use crate::caller::script::{self, Script};
use crate::cli::{CallArgs, TargetArgs};
use crate::report::table::{CallReport, Table};
use crate::report::{timeline, wav};
use crate::rng::Rng;
use crate::shell::clock::{self, Clock};
use crate::shell::drive;
use crate::shell::route::Route;
use crate::time::Micros;
use crate::twilio::executor::First;
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{Direction, Parties};
use crate::twilio::stream::FRAME;

/// The calls that one run may make at once; more needs another tool.
const MAX_COUNT: u32 = 2_000;

struct Plans {
    /// Each call and when it begins.
    calls: Vec<(Micros, CallPlan)>,
    route: Route,
    wav: Option<PathBuf>,
}

pub(super) fn call(args: &CallArgs) -> Result<u8, String> {
    let plans = plan(args)?;
    let wav = plans.wav.clone();
    wav.as_deref().map_or(Ok(()), check_writable)?;
    let calls = runtime(all(plans))?;
    let table = Table::of(&calls, Micros::from_ms(args.void_above_ms));
    let over = over_budget(args, &table);
    print(args, &calls, &table, &over);
    let recorded = calls.first().filter(|call| !call.record.is_empty());
    if let (Some(path), Some(call)) = (&wav, recorded) {
        wav::write(path, &call.record).map_err(|e| format!("--wav {}: {e}", path.display()))?;
        if !args.json {
            say(format!("{} (left: said, right: heard)", path.display()));
        }
    }
    Ok(if table.failed > 0 {
        FAILED
    } else if table.missed > 0 || table.void.is_some() || !over.is_empty() {
        MISSED
    } else {
        0
    })
}

/// All calls at once on this thread.
async fn all(plans: Plans) -> Vec<Call> {
    let clock = Clock::start();
    let mut running = Vec::new();
    for (begins, plan) in plans.calls {
        let route = plans.route.clone();
        running.push(tokio::spawn(async move {
            clock.sleep_until(begins).await;
            drive::run(plan, clock, route).await
        }));
    }
    finished(running).await
}

fn plan(args: &CallArgs) -> Result<Plans, String> {
    if args.count == 0 || args.count > MAX_COUNT {
        return Err(format!("--count {}: from 1 to {MAX_COUNT}", args.count));
    }
    let script = Arc::new(script::load(&args.script).map_err(|e| e.to_string())?);
    let (url, route) = where_to(&args.target)?;
    let course = course(args, &script)?;
    let seed = args.seed.unwrap_or_else(clock::fresh_seed);
    let unix_s = clock::unix_s();
    let mut rng = Rng::new(seed);
    let account = account_sid(&args.target, &mut rng)?;
    let wav = args.wav.clone().or_else(|| (args.count == 1).then(|| PathBuf::from("call.wav")));
    let calls = (0..args.count).map(|index| {
        let sids = Sids { account: account.clone(), call: ids::sid("CA", &mut rng) };
        CallPlan {
            first: First::Ask(url.clone(), false),
            direction: if args.outbound.outbound { Direction::OutboundApi } else { Direction::Inbound },
            sids,
            parties: parties(args, index),
            auth_token: auth_token(&args.target),
            script: Arc::clone(&script),
            seed: if index == 0 { seed } else { rng.next_u64() },
            course: course.clone(),
            unix_s,
            keep_sound: index == 0 && wav.is_some(),
        }
    });
    let calls: Vec<CallPlan> = calls.collect();
    let ramp = Micros::from_ms(args.ramp_ms.unwrap_or_else(|| u64::from(args.count) * 20));
    let gap = Micros(ramp.0 / u64::from(args.count));
    // Callers know nothing of each other's frames: without the phase all would be due in the same instant.
    let mut begins = |index: u64| Micros(gap.0 * index + if index == 0 { 0 } else { rng.below(FRAME.0) });
    let calls = (0..).zip(calls).map(|(index, plan)| (begins(index), plan)).collect();
    Ok(Plans { calls, route, wav })
}

/// How the calls go, and who is told; what is said of callbacks on the command line goes before the script.
fn course(args: &CallArgs, script: &Script) -> Result<Course, String> {
    let (reports, fallback) = (args.reports.reports()?, args.reports.fallback()?);
    let said = args.reports.mishaps.mishaps()?;
    let mishaps = if said == Mishaps::default() { script.mishaps } else { said };
    args.outbound.course(Course { reports, fallback, mishaps, pickup: script.pickup, ..Course::default() })
}

/// Every caller, and everybody who is called, has a number of his own, as on a real day.
fn parties(args: &CallArgs, index: u32) -> Parties {
    let TargetArgs { from, to, .. } = &args.target;
    if args.outbound.outbound {
        Parties { from: from.clone(), to: next_number(to, index) }
    } else {
        Parties { from: next_number(from, index), to: to.clone() }
    }
}

/// A recording that cannot be written is better known before the call than after it. Leaves no file behind that was
/// not there.
fn check_writable(path: &Path) -> Result<(), String> {
    let new = !path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|e| {
        format!("--wav {}: {e}; name a file in a folder that exists and can be written", path.display())
    })?;
    if new {
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn over_budget(args: &CallArgs, table: &Table) -> Vec<String> {
    let checks = [
        ("onset → clear p50", args.clear_p50_ms, table.clear.p50_ms, table.clear.count),
        ("onset → clear p95", args.clear_p95_ms, table.clear.p95_ms, table.clear.count),
        ("first audio max", args.first_audio_ms, table.first_audio.max_ms, table.first_audio.count),
    ];
    let mut over = Vec::new();
    for (name, budget, measured, count) in checks {
        if let Some(budget) = budget.map(Micros::from_ms).filter(|budget| measured > *budget || count == 0) {
            over.push(format!("over budget: {name} {measured} > {budget} ({count} measured)"));
        }
    }
    over
}

fn print(args: &CallArgs, calls: &[Call], table: &Table, over: &[String]) {
    if args.json {
        let calls: Vec<_> = calls.iter().map(CallReport::new).collect();
        let report = serde_json::json!({ "table": table, "over_budget": over, "calls": calls });
        say(report);
        return;
    }
    match calls {
        [only] => {
            say(format!("{}{}\n{}", timeline::title(only), timeline::lines(only), timeline::summary(only)));
            if let Some(void) = &table.void {
                say(void);
            }
        }
        _ => say(table.lines()),
    }
    for line in over {
        say(line);
    }
}

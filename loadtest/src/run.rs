//! Runs what the command line asks for, and says how it went by an exit code.

pub mod doctor;
#[cfg(target_os = "linux")]
mod fleet;
mod scenarios;
mod serve;
#[cfg(target_os = "linux")]
mod webhooks;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::call::course::{Course, Mishaps};
use crate::call::model::{Call, CallPlan};
use crate::caller::{clips, label, library, made, script};
use crate::cli::{CallArgs, Cli, Command, TargetArgs};
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
use crate::twilio::url::Url;

/// The call failed.
const FAILED: u8 = 1;
/// Wrong usage or configuration.
const USAGE: u8 = 2;
/// An expectation or a budget was missed.
const MISSED: u8 = 3;

/// Where a voice webhook is expected when `--url` names host and port only.
const VOICE_PATH: &str = "/twilio/voice";

/// The calls that one run may make at once; more needs another tool.
const MAX_COUNT: u32 = 2_000;

#[cfg(not(target_os = "linux"))]
mod fleet {
    /// Not here.
    pub(super) fn fleet(_: &crate::cli::FleetArgs) -> Result<u8, String> {
        Err("fleet needs Linux: it counts in microseconds and reads /proc".into())
    }
}

#[cfg(not(target_os = "linux"))]
mod webhooks {
    /// Not here.
    pub(super) fn webhooks(_: &crate::cli::WebhooksArgs) -> Result<u8, String> {
        Err("webhooks needs Linux: it counts in microseconds and reads /proc".into())
    }
}

/// Does what `cli` says; everything that is printed goes to standard output, complaints to standard error.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Call(args) => call(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Fleet(args) => fleet::fleet(&args),
        Command::Webhooks(args) => webhooks::webhooks(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Scenarios(args) => scenarios::scenarios(&args),
        Command::Label { files } => label_files(&files),
        Command::List => {
            list();
            Ok(0)
        }
    };
    result.map_or_else(
        |complaint| {
            eprintln!("loadtest: {complaint}");
            ExitCode::from(USAGE)
        },
        ExitCode::from,
    )
}

struct Plans {
    /// Each call and when it begins.
    calls: Vec<(Micros, CallPlan)>,
    route: Route,
    wav: Option<PathBuf>,
}

fn call(args: &CallArgs) -> Result<u8, String> {
    let plans = plan(args)?;
    let wav = plans.wav.clone();
    wav.as_deref().map_or(Ok(()), check_writable)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|e| format!("cannot start: {e}"))?;
    let calls = runtime.block_on(all(plans));
    let table = Table::of(&calls, Micros::from_ms(args.void_above_ms));
    let over = over_budget(args, &table);
    print(args, &calls, &table, &over);
    let recorded = calls.first().filter(|call| !call.record.is_empty());
    if let (Some(path), Some(call)) = (&wav, recorded) {
        wav::write(path, &call.record).map_err(|e| format!("--wav {}: {e}", path.display()))?;
        if !args.json {
            println!("{} (left: said, right: heard)", path.display());
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
    let mut calls = Vec::new();
    for task in running {
        match task.await {
            Ok(call) => calls.push(call),
            Err(error) => eprintln!("loadtest: a call broke: {error}"),
        }
    }
    calls
}

fn plan(args: &CallArgs) -> Result<Plans, String> {
    if args.count == 0 || args.count > MAX_COUNT {
        return Err(format!("--count {}: from 1 to {MAX_COUNT}", args.count));
    }
    let script = Arc::new(script::load(&args.script).map_err(|e| e.to_string())?);
    let (url, route) = where_to(&args.target)?;
    let (reports, fallback) = (args.reports.reports()?, args.reports.fallback()?);
    let said = args.reports.mishaps.mishaps()?;
    let mishaps = if said == Mishaps::default() { script.mishaps } else { said };
    let course = Course { reports, fallback, mishaps, pickup: script.pickup, ..Course::default() };
    let seed = args.seed.unwrap_or_else(clock::fresh_seed);
    let unix_s = clock::unix_s();
    let mut rng = Rng::new(seed);
    let account = account_sid(&args.target, &mut rng)?;
    let wav = args.wav.clone().or_else(|| (args.count == 1).then(|| PathBuf::from("call.wav")));
    let calls = (0..args.count).map(|index| {
        let sids = Sids { account: account.clone(), call: ids::sid("CA", &mut rng) };
        CallPlan {
            first: First::Ask(url.clone(), false),
            direction: Direction::Inbound,
            sids,
            parties: Parties { from: next_number(&args.target.from, index), to: args.target.to.clone() },
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

fn where_to(args: &TargetArgs) -> Result<(Url, Route), String> {
    let mut local = Url::parse(&args.url).map_err(|e| format!("--url: {e}"))?;
    if names_host_only(&args.url) {
        VOICE_PATH.clone_into(&mut local.path);
    }
    if !local.scheme.starts_with("http") {
        return Err(format!("--url {local}: a webhook is http:// or https://"));
    }
    let Some(public) = &args.public_url else {
        let route = Route::default();
        route.place(&local)?;
        return Ok((local, route));
    };
    let base = Url::parse(public).map_err(|e| format!("--public-url: {e}"))?;
    let url = Url { path: local.path.clone(), query: local.query.clone(), ..base };
    Ok((url.clone(), Route { behind: Some((url.host, local)) }))
}

/// Whether nothing follows host and port, not even a slash.
fn names_host_only(url: &str) -> bool {
    url.trim().split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']))
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

fn account_sid(args: &TargetArgs, rng: &mut Rng) -> Result<String, String> {
    let made_up = ids::sid("AC", rng);
    let sid = args.account_sid.clone().or_else(|| environment("TWILIO_ACCOUNT_SID")).unwrap_or(made_up);
    let good = sid.len() == 34 && sid.starts_with("AC") && sid[2..].bytes().all(|b| b.is_ascii_hexdigit());
    if good { Ok(sid) } else { Err(format!("account SID {sid:?}: AC and 32 hexadecimal digits")) }
}

fn auth_token(args: &TargetArgs) -> String {
    let from_environment =
        || environment("TWILIO_AUTH_TOKEN").and_then(|all| all.split(',').next().map(|t| t.trim().to_owned()));
    args.auth_token.clone().or_else(from_environment).unwrap_or_else(|| "loadtest".into())
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Every caller has a number of his own, as on a real day.
fn next_number(first: &str, index: u32) -> String {
    let digits = first.trim_start_matches('+');
    match digits.parse::<u64>() {
        Ok(number) if first.starts_with('+') => format!("+{}", number + u64::from(index)),
        _ => first.to_owned(),
    }
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
        println!("{report}");
        return;
    }
    match calls {
        [only] => {
            print!("{}{}\n{}", timeline::title(only), timeline::lines(only), timeline::summary(only));
            if let Some(void) = &table.void {
                println!("{void}");
            }
        }
        _ => print!("{}", table.lines()),
    }
    for line in over {
        println!("{line}");
    }
}

fn label_files(files: &[PathBuf]) -> Result<u8, String> {
    for path in files {
        let shown = path.display().to_string();
        let file = std::fs::File::open(path).map_err(|e| format!("{shown}: {e}"))?;
        let samples = clips::read(&shown, std::io::BufReader::new(file)).map_err(|e| e.to_string())?;
        match label::label(&samples) {
            Some(found) => {
                println!("{shown}: onset_ms = {}, offset_ms = {}", found.onset.0 / 1_000, found.offset.0 / 1_000)
            }
            None => println!("{shown}: no speech"),
        }
    }
    Ok(0)
}

fn list() {
    println!("scenarios (call --script NAME, or all of them: scenarios):");
    for (name, _) in library::SCENARIOS {
        let Ok(script) = script::load(name) else { continue };
        let informs = script.informs.map(|subject| format!(" [only informs: {subject}]")).unwrap_or_default();
        let needs = script.needs.map(|needs| format!(" [needs: {needs}]")).unwrap_or_default();
        println!("  {name:<24}{}{informs}{needs}", script.about);
    }
    println!("clips (and made ones: {}):", made::NAMES);
    for clip in clips::catalogue() {
        println!("  {:<28}{} ({})", clip.name, clip.text, clip.speaker);
    }
}

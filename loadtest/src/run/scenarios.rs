//! Plays the built-in scenarios, a few at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::target::{account_sid, auth_token, next_number, where_to};
use super::terminal::say;
use super::{FAILED, MISSED, finished, runtime};
use crate::call::course::{Course, Reports};
use crate::call::model::{Call, CallPlan};
use crate::caller::library::SCENARIOS;
use crate::caller::script::{self, Script};
use crate::cli::{ScenariosArgs, place};
use crate::report::scenarios::{Row, Scenarios};
use crate::report::verdict;
use crate::rng::Rng;
use crate::shell::clock::{self, Clock};
use crate::shell::drive;
use crate::shell::route::Route;
use crate::time::Micros;
use crate::twilio::executor::First;
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{Direction, Parties};

/// As many calls at once as one thread carries in time.
const MAX_AT_ONCE: usize = 50;
/// What is played once more at the end: whatever went wrong before, the server still answers.
const AFTERWARDS: &str = "greeting";

pub(super) fn scenarios(args: &ScenariosArgs) -> Result<u8, String> {
    if args.at_once == 0 || args.at_once > MAX_AT_ONCE {
        return Err(format!("--at-once {}: from 1 to {MAX_AT_ONCE}", args.at_once));
    }
    let (scripts, left_out) = choose(args)?;
    let (plans, route) = plan(args, scripts)?;
    let calls = runtime(play(plans, route, args.at_once))?;
    let rows = calls.iter().map(|(name, call)| Row::of(name, call)).collect();
    let mut report = Scenarios { rows, left_out, void: None };
    let own: Vec<Call> = calls.into_iter().map(|(_, call)| call).collect();
    report.check_own(verdict::lateness(&own), Micros::from_ms(args.void_above_ms));
    match args.json {
        true => say(serde_json::json!(report)),
        false => say(report.lines()),
    }
    Ok(match (report.all_failed(), report.any_missed() || report.void.is_some()) {
        (true, _) => FAILED,
        (_, true) => MISSED,
        _ => 0,
    })
}

type Chosen = (Vec<(String, Script)>, Vec<(String, String)>);

/// Which scenarios are played, and which are left out because of what they need.
fn choose(args: &ScenariosArgs) -> Result<Chosen, String> {
    let unknown = args.only.iter().find(|name| SCENARIOS.iter().all(|(known, _)| known != name));
    if let Some(name) = unknown {
        return Err(format!("--only {name}: no such scenario; loadtest list shows them"));
    }
    let (mut scripts, mut left_out) = (Vec::new(), Vec::new());
    for (name, _) in SCENARIOS {
        let wanted = args.only.iter().any(|only| only == name);
        if !args.only.is_empty() && !wanted {
            continue;
        }
        let script = script::load(name).map_err(|e| e.to_string())?;
        match &script.needs {
            Some(needs) if !args.menu && !wanted => left_out.push(((*name).to_owned(), needs.clone())),
            _ => scripts.push(((*name).to_owned(), script)),
        }
    }
    if args.only.is_empty() {
        scripts.push((format!("{AFTERWARDS} (afterwards)"), script::load(AFTERWARDS).map_err(|e| e.to_string())?));
    }
    Ok((scripts, left_out))
}

fn plan(args: &ScenariosArgs, scripts: Vec<(String, Script)>) -> Result<(Vec<(String, CallPlan)>, Route), String> {
    let (url, route) = where_to(&args.target)?;
    let mut rng = Rng::new(args.seed.unwrap_or_else(clock::fresh_seed));
    let account = account_sid(&args.target, &mut rng)?;
    let unix_s = clock::unix_s();
    let told = place("--status-callback", args.status_callback.as_deref())?;
    let plan = |(index, (name, script)): (u32, (String, Script))| {
        let plan = CallPlan {
            first: First::Ask(url.clone(), false),
            direction: Direction::Inbound,
            sids: Sids { account: account.clone(), call: ids::sid("CA", &mut rng) },
            parties: Parties { from: next_number(&args.target.from, index), to: args.target.to.clone() },
            auth_token: auth_token(&args.target),
            script: Arc::new(script),
            seed: rng.next_u64() >> 24,
            course: Course { reports: told.clone().map(Reports::at_the_end), ..Course::default() },
            unix_s,
            keep_sound: false,
        };
        (name, plan)
    };
    Ok(((0..).zip(scripts).map(plan).collect(), route))
}

/// In order, `at_once` at a time; the last one by itself, when all others are over.
async fn play(plans: Vec<(String, CallPlan)>, route: Route, at_once: usize) -> Vec<(String, Call)> {
    let clock = Clock::start();
    let places = Arc::new(Semaphore::new(at_once));
    let last = plans.len().saturating_sub(1);
    let mut running = Vec::new();
    for (index, (name, plan)) in plans.into_iter().enumerate() {
        let alone = if index == last { at_once } else { 1 };
        let wanted = u32::try_from(alone).unwrap_or(1);
        // The semaphore is never closed, so the place is always given.
        let Ok(place) = Arc::clone(&places).acquire_many_owned(wanted).await else { break };
        let route = route.clone();
        running.push(tokio::spawn(async move {
            let call = drive::run(plan, clock, route).await;
            drop(place);
            (name, call)
        }));
    }
    finished(running).await
}

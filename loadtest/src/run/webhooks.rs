//! Runs the webhooks: checks the arguments, sends, reports.

use super::fleet::{print, seconds};
use super::target::{account_sid, auth_token, where_to};
use super::{FAILED, MISSED, VOID};
use crate::cli::WebhooksArgs;
use crate::report::webhooks::{Report, Settings};
use crate::rng::Rng;
use crate::shell::clock;
use crate::shell::fleet::machine::{self, Machine};
use crate::shell::fleet::process;
use crate::shell::webhooks::{self as shell, Plan};
use crate::webhooks::{Numbers, Requests};

/// More would measure the kernel.
const CONNECTIONS_MAX: usize = 10_000;

/// Sends the webhooks and prints the report.
pub(super) fn webhooks(args: &WebhooksArgs) -> Result<u8, String> {
    let seed = args.seed.unwrap_or_else(clock::fresh_seed);
    let plan = plan(args, seed)?;
    let machine = Machine::look();
    machine::raise_descriptor_limit(2 * plan.connections as u64 + 100)?;
    if let Some(core) = args.core {
        machine::pin(core)?;
    }
    machine::wake_exactly();
    let settings = Settings::new(args, plan.requests.to, seed, machine);
    let outcome = shell::run(plan)?;
    let report = Report::new(settings, &outcome, args.void_above_ms, &args.limits);
    print(&report, &report.lines(), args.json.as_deref())?;
    Ok(if report.latency.count == 0 {
        FAILED
    } else if report.void.is_some() {
        VOID
    } else if report.missed.is_empty() {
        0
    } else {
        MISSED
    })
}

fn plan(args: &WebhooksArgs, seed: u64) -> Result<Plan, String> {
    if args.connections == 0 || args.connections > CONNECTIONS_MAX {
        return Err(format!("--connections {}: from 1 to {CONNECTIONS_MAX}", args.connections));
    }
    if args.duration == 0 {
        return Err("--duration 0: at least one second".into());
    }
    if let Some(pid) = args.pid {
        process::look(pid)?;
    }
    let (url, route) = where_to(&args.target)?;
    let number = |name: &str, text: &str| text.parse::<Numbers>().map_err(|_| format!("{name} {text}: + and digits"));
    let requests = Requests {
        account: account_sid(&args.target, &mut Rng::new(seed))?,
        auth_token: auth_token(&args.target),
        to: args.to_range.map_or_else(|| number("--to", &args.target.to), Ok)?,
        // As many callers as a town has.
        from: number("--from", &format!("{}:9000", args.target.from))?,
        reports: args.reports,
        seed,
        url: url.clone(),
    };
    Ok(Plan {
        requests,
        place: route.place(&url)?,
        rate: args.rate,
        connections: args.connections,
        warm_up: seconds("--warm-up", args.warm_up as f64)?,
        length: seconds("--duration", args.duration as f64)?,
        pid: args.pid,
    })
}

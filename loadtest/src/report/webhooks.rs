//! What the webhooks measured, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::fleet::stolen;
use crate::cli::{WebhookLimitArgs, WebhooksArgs};
use crate::fleet::spread::Figures;
use crate::shell::fleet::machine::Machine;
use crate::shell::fleet::process::Sample;
use crate::shell::webhooks::{Edge, Outcome};
use crate::webhooks::{Numbers, Rate};

/// With less to spare, this program and not the server may be what was measured.
const SATURATED_PERCENT: f64 = 90.0;

/// What was asked for, and where.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// The voice webhook.
    pub url: String,
    /// Numbers called.
    pub to: String,
    /// Requests per second, or `max`.
    pub rate: Rate,
    /// At most so many at once.
    pub connections: usize,
    /// Seconds asked for.
    pub duration_s: u64,
    /// Repeats the run.
    pub seed: u64,
    /// On what it ran.
    pub machine: Machine,
}

impl Settings {
    /// As asked for.
    #[must_use]
    pub fn new(args: &WebhooksArgs, to: Numbers, seed: u64, machine: Machine) -> Self {
        Self {
            url: args.target.url.clone(),
            to: to.to_string(),
            rate: args.rate,
            connections: args.connections,
            duration_s: args.duration,
            seed,
            machine,
        }
    }
}

/// What a process took in the measured time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Taken {
    /// Processor time per answer, µs.
    pub cpu_us_per_answer: f64,
    /// Answers per second of processor time: what one core gives.
    pub answers_per_core: f64,
    /// Share of one core, percent.
    pub core_percent: f64,
    /// Memory at the end, KiB.
    pub rss_kib: u64,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was asked for.
    pub settings: Settings,
    /// Seconds that were measured.
    pub seconds: f64,
    /// Answers per second in them.
    pub answers_per_second: f64,
    /// From due to answered.
    pub latency: Figures,
    /// How late this program sent.
    pub own_lateness: Figures,
    /// How often each kind of answer came: the first verb of its TwiML, or what it was instead.
    pub answers: BTreeMap<String, u64>,
    /// Requests that were not answered with TwiML.
    pub failed: u64,
    /// Requests that were due and found no free connection before the end.
    pub unsent: u64,
    /// Connections that the server closed and that were opened again.
    pub reconnected: u64,
    /// The server.
    pub server: Option<Taken>,
    /// This program.
    pub own: Taken,
    /// Processor time that the hypervisor gave to others, percent.
    pub stolen_percent: f64,
    /// This program may have been the slower side.
    pub note: Option<String>,
    /// Why the figures mean nothing.
    pub void: Option<String>,
    /// Thresholds that were missed.
    pub missed: Vec<String>,
}

impl Report {
    /// Adds everything up.
    #[must_use]
    pub fn new(settings: Settings, outcome: &Outcome, void_above_ms: f64, limits: &WebhookLimitArgs) -> Self {
        let [begin, end] = &outcome.edges;
        let seconds = end.at.since(begin.at).as_ms() / 1_000.0;
        let taken = |of: fn(&Edge) -> Option<&Sample>| Taken::new(begin, end, of);
        let own = taken(|edge| Some(&edge.own)).unwrap_or_default();
        let own_lateness = outcome.tally.lateness.figures();
        let mut report = Self {
            seconds,
            answers_per_second: (end.answers - begin.answers) as f64 / seconds.max(0.001),
            latency: outcome.tally.latency.figures(),
            own_lateness,
            answers: outcome.tally.kinds.clone(),
            failed: outcome.tally.failed,
            unsent: outcome.unsent,
            reconnected: outcome.tally.reconnected,
            server: taken(|edge| edge.server.as_ref()),
            note: note(settings.rate, &own),
            own,
            stolen_percent: stolen(begin.ticks, end.ticks),
            void: void(own_lateness, void_above_ms),
            missed: Vec::new(),
            settings,
        };
        report.missed = missed(&report, limits);
        report
    }

    /// As a table for people.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Settings { rate, connections, machine, seed, to, .. } = &self.settings;
        let commit = machine.commit.as_deref().unwrap_or("unknown");
        writeln!(
            text,
            "{rate} requests/s asked for on {connections} connections, {:.1} s measured, seed {seed}, to {to}",
            self.seconds
        )?;
        writeln!(text, "{} × {}, Linux {}, commit {commit}", machine.cores, machine.cpu, machine.kernel)?;
        writeln!(text, "\n{:<24}{:>9}{:>9}{:>9}{:>9}{:>9}", "ms", "count", "p50", "p95", "p99", "max")?;
        for (name, figures) in [("due → answered", self.latency), ("own lateness", self.own_lateness)] {
            let Figures { count, p50_ms, p95_ms, p99_ms, max_ms } = figures;
            writeln!(text, "{name:<24}{count:>9}{p50_ms:>9.2}{p95_ms:>9.2}{p99_ms:>9.2}{max_ms:>9.2}")?;
        }
        writeln!(
            text,
            "\nanswers/s {:.0}   failed {}   unsent {}   reconnected {}",
            self.answers_per_second, self.failed, self.unsent, self.reconnected
        )?;
        for (kind, count) in &self.answers {
            writeln!(text, "  {count} × {kind}")?;
        }
        if let Some(server) = &self.server {
            server.write(text, "server")?;
        }
        self.own.write(text, "this program")?;
        if self.stolen_percent >= 1.0 {
            writeln!(text, "the hypervisor gave {:.1} % of the processors to others", self.stolen_percent)?;
        }
        self.note.iter().chain(&self.void).chain(&self.missed).try_for_each(|line| writeln!(text, "{line}"))
    }
}

impl Taken {
    fn new(begin: &Edge, end: &Edge, of: fn(&Edge) -> Option<&Sample>) -> Option<Self> {
        let (before, after) = (of(begin)?, of(end)?);
        let cpu_ms = after.cpu_ms.saturating_sub(before.cpu_ms) as f64;
        let answers = (end.answers - begin.answers) as f64;
        Some(Self {
            cpu_us_per_answer: cpu_ms * 1_000.0 / answers.max(1.0),
            answers_per_core: if cpu_ms > 0.0 { answers * 1_000.0 / cpu_ms } else { 0.0 },
            core_percent: cpu_ms * 100.0 / end.at.since(begin.at).as_ms().max(1.0),
            rss_kib: after.rss_kib,
        })
    }

    fn write(&self, text: &mut String, name: &str) -> std::fmt::Result {
        writeln!(
            text,
            "{name}: {:.1} µs CPU per answer ({:.0} answers per core and second), {:.1} % of a core, {} KiB",
            self.cpu_us_per_answer, self.answers_per_core, self.core_percent, self.rss_kib
        )
    }
}

fn note(rate: Rate, own: &Taken) -> Option<String> {
    let limited = rate == Rate::Max && own.core_percent > SATURATED_PERCENT;
    limited.then(|| {
        format!(
            "NOTE: this program used {:.0} % of a core: answers/s may be its own limit; the CPU per answer holds",
            own.core_percent
        )
    })
}

fn void(own: Figures, above_ms: f64) -> Option<String> {
    let late = own.p99_ms;
    (late > above_ms).then(|| {
        format!(
            "VOID: this program's own requests were late (p99 {late:.2} ms > {above_ms} ms); give it a core of its own"
        )
    })
}

/// One line for each threshold that is not kept.
fn missed(report: &Report, limits: &WebhookLimitArgs) -> Vec<String> {
    let latency = |value: f64| (report.latency.count > 0).then_some(value);
    let failed = (report.failed + report.unsent) as f64;
    let at_most = [
        ("due → answered p50, ms", limits.p50_ms, latency(report.latency.p50_ms)),
        ("due → answered p95, ms", limits.p95_ms, latency(report.latency.p95_ms)),
        ("due → answered p99, ms", limits.p99_ms, latency(report.latency.p99_ms)),
        ("failed or unsent", limits.failed_max.map(|limit| limit as f64), Some(failed)),
    ];
    let at_least = [
        ("answers per second", limits.rate_min, Some(report.answers_per_second)),
        ("answers per core", limits.per_core_min, report.server.as_ref().map(|server| server.answers_per_core)),
    ];
    let over = at_most.into_iter().map(|(name, limit, value)| (name, limit, value, ">"));
    let under = at_least.into_iter().map(|(name, limit, value)| (name, limit, value, "<"));
    over.chain(under)
        .filter_map(|(name, limit, value, sign)| match (limit?, value) {
            (limit, None) => Some(format!("MISSED: {name}: nothing was measured, the limit is {limit}")),
            (limit, Some(value)) if (sign == ">" && value > limit) || (sign == "<" && value < limit) => {
                Some(format!("MISSED: {name}: {value:.2} {sign} {limit}"))
            }
            _ => None,
        })
        .collect()
}

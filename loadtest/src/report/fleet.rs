//! What a fleet measured, for people and for machines.

mod limits;
mod lines;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::capacity::budget::{Budgets, Measured};
use crate::cli::{FleetArgs, LimitArgs};
use crate::fleet::measures::{Counts, Measures, Minute};
use crate::fleet::prometheus::Told;
use crate::fleet::spread::{Figures, Spread};
use crate::shell::fleet::driver::Plan;
use crate::shell::fleet::machine::Machine;
use crate::shell::fleet::observer::{Edge, Seen};
use crate::shell::fleet::process::Sample;

/// What was asked for, and where.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Settings {
    /// The voice webhook.
    pub url: String,
    /// Calls at once.
    pub calls: usize,
    /// Seconds asked for.
    pub duration_s: u64,
    /// Seconds over which calls began.
    pub ramp_s: f64,
    /// Mean length of a call.
    pub churn_s: Option<f64>,
    /// When sending stopped.
    pub stall_at_s: Option<f64>,
    /// For how long.
    pub stall_ms: Option<u64>,
    /// Repeats the run.
    pub seed: u64,
    /// On what it ran.
    pub machine: Machine,
}

/// What a process took in the measured window.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Taken {
    /// Processor time per second of a call, ms: the figure to compare.
    pub cpu_ms_per_call_second: f64,
    /// Calls that one core would carry at that price.
    pub calls_per_core: f64,
    /// Share of one core, percent.
    pub core_percent: f64,
    /// The first figure per thread name, ms.
    pub threads: BTreeMap<String, f64>,
    /// Memory before the first call, KiB.
    pub rss_idle_kib: u64,
    /// Memory at the end of the window, KiB.
    pub rss_kib: u64,
    /// The difference per call, KiB.
    pub rss_kib_per_call: f64,
    /// Memory when all had hung up, KiB.
    pub rss_after_kib: u64,
    /// Descriptors before the first call, at the end of the window, when all had hung up.
    pub descriptors: [usize; 3],
}

/// 100 ms behind a stall.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Recovery {
    /// From so many ms behind its end.
    pub from_ms: usize,
    /// Last frame sent to `clear`.
    pub share: Figures,
    /// Socket round trip.
    pub ping: Figures,
}

/// The report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was asked for.
    pub settings: Settings,
    /// Seconds that were measured.
    pub seconds: f64,
    /// Seconds of call in them: frames sent, 20 ms each.
    pub call_seconds: f64,
    /// Onset of speech to `clear`.
    pub clear: Figures,
    /// Last frame sent to `clear`.
    pub share: Figures,
    /// `start` to the first sound, ramp included.
    pub first_audio: Figures,
    /// Socket round trip, ping to pong.
    pub ping: Figures,
    /// Length of gaps in what the bot said.
    pub gap: Figures,
    /// Own lateness of frames.
    pub own_lateness: Figures,
    /// What was counted.
    pub counts: Counts,
    /// Why calls were lost, ramp included.
    pub lost: BTreeMap<String, u64>,
    /// The first refused message.
    pub first_refused: Option<String>,
    /// Onset of speech to `clear`, per clip.
    pub clips: BTreeMap<String, Figures>,
    /// The server.
    pub server: Option<Taken>,
    /// What the server's own metrics say.
    pub metrics: Option<Told>,
    /// This program.
    pub own: Taken,
    /// Processor time that the hypervisor gave to others, percent.
    pub stolen_percent: f64,
    /// Minute by minute.
    pub minutes: Vec<Minute>,
    /// Behind the stall.
    pub recovery: Vec<Recovery>,
    /// Why the figures mean nothing.
    pub void: Option<String>,
    /// Thresholds that were exceeded.
    pub exceeded: Vec<String>,
}

impl Settings {
    /// As asked for.
    #[must_use]
    pub fn new(args: &FleetArgs, plan: Plan, machine: Machine) -> Self {
        Self {
            url: args.target.url.clone(),
            calls: plan.calls,
            duration_s: args.duration,
            ramp_s: plan.ramp.as_ms() / 1_000.0,
            churn_s: args.churn,
            stall_at_s: args.stall_at,
            stall_ms: args.stall_at.map(|_| args.stall_ms),
            seed: plan.seed,
            machine,
        }
    }
}

impl Report {
    /// Adds everything up.
    #[must_use]
    pub fn new(
        settings: Settings,
        measures: &Measures,
        clips: &[String],
        seen: &Seen,
        void_above_ms: f64,
        limits: &LimitArgs,
    ) -> Self {
        let call_seconds = seen.end.frames.saturating_sub(seen.begin.frames) as f64 * 0.02;
        let own_lateness = measures.lateness.figures();
        let taken = |of: fn(&Edge) -> Option<&Sample>| Taken::new(seen, of, settings.calls, call_seconds);
        let mut report = Self {
            seconds: seen.end.at.since(seen.begin.at).as_ms() / 1_000.0,
            call_seconds,
            clear: measures.clear.figures(),
            share: measures.share.figures(),
            first_audio: measures.first_audio.figures(),
            ping: measures.ping.figures(),
            gap: measures.gap.figures(),
            own_lateness,
            counts: measures.counts,
            lost: measures.lost.clone(),
            first_refused: measures.first_refused.clone(),
            clips: clips.iter().cloned().zip(measures.clips.iter().map(Spread::figures)).collect(),
            server: taken(|edge| edge.server.as_ref()),
            metrics: told(seen),
            own: taken(|edge| Some(&edge.own)).unwrap_or_default(),
            stolen_percent: stolen(seen.begin.ticks, seen.end.ticks),
            minutes: measures.minutes.clone(),
            recovery: recovery(measures),
            void: void(own_lateness, void_above_ms),
            exceeded: Vec::new(),
            settings,
        };
        report.exceeded = limits::exceeded(&report, limits);
        report
    }

    /// Calls lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.values().sum()
    }

    /// Interruptions without a `clear`, percent.
    #[must_use]
    pub fn missed_percent(&self) -> f64 {
        self.counts.missed as f64 * 100.0 / (self.counts.interruptions as f64).max(1.0)
    }
}

impl Taken {
    fn new(seen: &Seen, of: fn(&Edge) -> Option<&Sample>, calls: usize, call_seconds: f64) -> Option<Self> {
        let [idle, begin, end] = [of(&seen.idle)?, of(&seen.begin)?, of(&seen.end)?];
        let after = of(&seen.after).cloned().unwrap_or_default();
        let wall_ms = seen.end.at.since(seen.begin.at).as_ms().max(1.0);
        let per_call_second = |ms: u64| ms as f64 / call_seconds.max(0.02);
        let cpu_ms = end.cpu_ms.saturating_sub(begin.cpu_ms);
        let before = |name: &str| begin.threads.get(name).copied().unwrap_or_default();
        let threads =
            end.threads.iter().map(|(name, ms)| (name.clone(), per_call_second(ms.saturating_sub(before(name)))));
        let per_call = per_call_second(cpu_ms);
        Some(Self {
            cpu_ms_per_call_second: per_call,
            calls_per_core: if per_call > 0.0 { 1_000.0 / per_call } else { 0.0 },
            core_percent: cpu_ms as f64 * 100.0 / wall_ms,
            threads: threads.filter(|(_, ms)| *ms >= 0.001).collect(),
            rss_idle_kib: idle.rss_kib,
            rss_kib: end.rss_kib,
            rss_kib_per_call: (end.rss_kib as f64 - idle.rss_kib as f64) / calls as f64,
            rss_after_kib: after.rss_kib,
            descriptors: [idle.descriptors, end.descriptors, after.descriptors],
        })
    }
}

/// What each budget of a search for capacity is about.
impl From<&Report> for Measured {
    fn from(report: &Report) -> Self {
        let counts = report.counts;
        let of = |figures: Figures, value: f64| (figures.count > 0).then_some(value);
        let percent = |part: u64, whole: u64| (whole > 0).then_some(part as f64 * 100.0 / whole as f64);
        let server = report.server.as_ref();
        Self(Budgets {
            clear_p95_ms: of(report.clear, report.clear.p95_ms),
            clear_p99_ms: of(report.clear, report.clear.p99_ms),
            first_audio_p95_ms: of(report.first_audio, report.first_audio.p95_ms),
            lost_percent: percent(report.lost(), report.settings.calls as u64),
            missed_percent: percent(counts.missed, counts.interruptions),
            false_percent: percent(counts.false_clears, counts.interruptions),
            blocked_percent: percent(counts.frames_blocked, counts.frames),
            gaps_per_hour: (report.call_seconds > 0.0).then(|| counts.gaps as f64 * 3_600.0 / report.call_seconds),
            server_lost: report.metrics.as_ref().map(Told::frames_lost),
            cpu_ms: server.map(|server| server.cpu_ms_per_call_second),
            memory_kib: server.map(|server| server.rss_kib_per_call),
        })
    }
}

fn told(seen: &Seen) -> Option<Told> {
    let [idle, begin, end, after] = [&seen.idle, &seen.begin, &seen.end, &seen.after].map(|edge| edge.metrics.as_ref());
    Some(Told::new(idle?, begin?, end?, after?))
}

pub(super) fn stolen(begin: [u64; 3], end: [u64; 3]) -> f64 {
    let all = end[2].saturating_sub(begin[2]).max(1);
    end[0].saturating_sub(begin[0]) as f64 * 100.0 / all as f64
}

fn recovery(measures: &Measures) -> Vec<Recovery> {
    let rows = measures.behind.iter().enumerate();
    rows.map(|(row, seen)| Recovery { from_ms: row * 100, share: seen.share.figures(), ping: seen.ping.figures() })
        .collect()
}

fn void(own: Figures, above_ms: f64) -> Option<String> {
    let late = own.p99_ms;
    (late > above_ms).then(|| {
        format!(
            "VOID: this program's own frames were late (p99 {late:.2} ms > {above_ms} ms); give it a core of its own"
        )
    })
}

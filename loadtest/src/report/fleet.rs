//! What a fleet measured, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::{FleetArgs, LimitArgs};
use crate::fleet::measures::{Counts, Measures, Minute};
use crate::fleet::spread::{Figures, Spread};
use crate::shell::fleet::driver::Plan;
use crate::shell::fleet::machine::Machine;
use crate::shell::fleet::observer::{Edge, Seen};
use crate::shell::fleet::process::Sample;

/// What was asked for, and where.
#[derive(Clone, Debug, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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
            own: taken(|edge| Some(&edge.own)).unwrap_or_default(),
            stolen_percent: stolen(seen.begin.ticks, seen.end.ticks),
            minutes: measures.minutes.clone(),
            recovery: recovery(measures),
            void: void(own_lateness, void_above_ms),
            exceeded: Vec::new(),
            settings,
        };
        report.exceeded = exceeded(&report, limits);
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

    /// As a table for people.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Settings { calls, machine, seed, .. } = &self.settings;
        let commit = machine.commit.as_deref().unwrap_or("unknown");
        writeln!(text, "{calls} calls, {:.1} s measured, seed {seed}", self.seconds)?;
        writeln!(text, "{} × {}, Linux {}, commit {commit}", machine.cores, machine.cpu, machine.kernel)?;
        writeln!(text, "\n{:<30}{:>9}{:>9}{:>9}{:>9}{:>9}", "ms", "count", "p50", "p95", "p99", "max")?;
        for (name, figures) in [
            ("onset of speech → clear", self.clear),
            ("last frame sent → clear", self.share),
            ("first audio after start", self.first_audio),
            ("socket round trip (ping)", self.ping),
            ("gaps in the bot's speech", self.gap),
            ("own lateness of frames", self.own_lateness),
        ] {
            row(text, name, figures)?;
        }
        let counts = self.counts;
        writeln!(
            text,
            "\ninterruptions {}   missed {} ({:.2} %)   moot {}   false clears {}   keys {}",
            counts.interruptions,
            counts.missed,
            self.missed_percent(),
            counts.moot,
            counts.false_clears,
            counts.digits
        )?;
        writeln!(
            text,
            "frames {}   blocked {}   media {}   marks played {}, cleared {}   refused {}   pings lost {}",
            counts.frames,
            counts.frames_blocked,
            counts.media,
            counts.marks_played,
            counts.marks_cleared,
            counts.refused,
            counts.pings_lost
        )?;
        if let Some(refused) = &self.first_refused {
            writeln!(text, "first refused: {refused}")?;
        }
        writeln!(text, "calls lost {}", self.lost())?;
        for (why, count) in &self.lost {
            writeln!(text, "  {count} × {why}")?;
        }
        if let Some(server) = &self.server {
            server.write(text, "server")?;
        }
        self.own.write(text, "this program")?;
        if self.stolen_percent >= 1.0 {
            writeln!(text, "the hypervisor gave {:.1} % of the processors to others", self.stolen_percent)?;
        }
        self.write_clips(text)?;
        self.write_minutes(text)?;
        self.write_recovery(text)?;
        for line in self.void.iter().chain(&self.exceeded) {
            writeln!(text, "{line}")?;
        }
        Ok(())
    }

    fn write_clips(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n{:<30}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "onset → clear per clip", "count", "p50", "p95", "p99", "max"
        )?;
        self.clips.iter().try_for_each(|(name, figures)| row(text, name, *figures))
    }

    fn write_minutes(&self, text: &mut String) -> std::fmt::Result {
        if self.minutes.len() < 2 {
            return Ok(());
        }
        writeln!(
            text,
            "\n{:<8}{:>10}{:>9}{:>9}{:>10}{:>10}{:>9}{:>8}{:>8}",
            "minute", "clear p50", "p95", "p99", "share p99", "ping p99", "own p99", "missed", "gaps"
        )?;
        for m in &self.minutes {
            writeln!(
                text,
                "{:<8}{:>10.1}{:>9.1}{:>9.1}{:>10.2}{:>10.2}{:>9.2}{:>8}{:>8}",
                m.minute,
                m.clear.p50_ms,
                m.clear.p95_ms,
                m.clear.p99_ms,
                m.share.p99_ms,
                m.ping.p99_ms,
                m.lateness.p99_ms,
                m.counts.missed,
                m.counts.gaps
            )?;
        }
        Ok(())
    }

    fn write_recovery(&self, text: &mut String) -> std::fmt::Result {
        if self.recovery.is_empty() {
            return Ok(());
        }
        writeln!(
            text,
            "\n{:<22}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "ms behind the stall", "clears", "share p50", "max", "pings", "ping p50", "max"
        )?;
        for r in &self.recovery {
            writeln!(
                text,
                "{:<22}{:>8}{:>10.2}{:>10.2}{:>10}{:>10.2}{:>10.2}",
                r.from_ms, r.share.count, r.share.p50_ms, r.share.max_ms, r.ping.count, r.ping.p50_ms, r.ping.max_ms
            )?;
        }
        Ok(())
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

    fn write(&self, text: &mut String, name: &str) -> std::fmt::Result {
        let [idle, load, after] = self.descriptors;
        writeln!(
            text,
            "{name}: {:.3} ms CPU per call-second ({:.0} calls per core; {:.1} % of a core), {:.1} KiB per call \
             (idle {} KiB, load {}, after {}), descriptors {idle} → {load} → {after}",
            self.cpu_ms_per_call_second,
            self.calls_per_core,
            self.core_percent,
            self.rss_kib_per_call,
            self.rss_idle_kib,
            self.rss_kib,
            self.rss_after_kib
        )?;
        let threads: Vec<String> = self.threads.iter().map(|(name, ms)| format!("{name} {ms:.3}")).collect();
        writeln!(text, "  by thread: {}", threads.join(", "))
    }
}

fn row(text: &mut String, name: &str, figures: Figures) -> std::fmt::Result {
    let Figures { count, p50_ms, p95_ms, p99_ms, max_ms } = figures;
    writeln!(text, "{name:<30}{count:>9}{p50_ms:>9.2}{p95_ms:>9.2}{p99_ms:>9.2}{max_ms:>9.2}")
}

fn stolen(begin: [u64; 3], end: [u64; 3]) -> f64 {
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

fn exceeded(report: &Report, limits: &LimitArgs) -> Vec<String> {
    let server = report.server.as_ref();
    let left = server.map(|s| s.descriptors[2].saturating_sub(s.descriptors[0]) as f64);
    let measured = |figures: Figures, value: f64| (figures.count > 0).then_some(value);
    let whole = |limit: Option<u64>| limit.map(|limit| limit as f64);
    let interruptions = report.counts.interruptions > 0;
    [
        ("onset → clear p50, ms", limits.clear_p50_ms, measured(report.clear, report.clear.p50_ms)),
        ("onset → clear p95, ms", limits.clear_p95_ms, measured(report.clear, report.clear.p95_ms)),
        ("onset → clear p99, ms", limits.clear_p99_ms, measured(report.clear, report.clear.p99_ms)),
        ("last frame → clear p99, ms", limits.share_p99_ms, measured(report.share, report.share.p99_ms)),
        ("first audio p95, ms", limits.first_audio_p95_ms, measured(report.first_audio, report.first_audio.p95_ms)),
        ("socket round trip p99, ms", limits.ping_p99_ms, measured(report.ping, report.ping.p99_ms)),
        ("calls lost", whole(limits.lost_max), Some(report.lost() as f64)),
        ("missed, %", limits.missed_max_percent, interruptions.then(|| report.missed_percent())),
        ("false clears", whole(limits.false_max), Some(report.counts.false_clears as f64)),
        ("gaps", whole(limits.gaps_max), Some(report.counts.gaps as f64)),
        ("refused messages", whole(limits.refused_max), Some(report.counts.refused as f64)),
        ("server CPU per call-second, ms", limits.cpu_per_call_max_ms, server.map(|s| s.cpu_ms_per_call_second)),
        ("server memory per call, KiB", limits.memory_per_call_max_kib, server.map(|s| s.rss_kib_per_call)),
        ("descriptors left", whole(limits.descriptors_left_max), left),
    ]
    .into_iter()
    .filter_map(|(name, limit, value)| match (limit, value) {
        (Some(limit), Some(value)) if value > limit => Some(format!("EXCEEDED: {name}: {value:.2} > {limit}")),
        (Some(limit), None) => Some(format!("EXCEEDED: {name}: nothing was measured, the limit is {limit}")),
        _ => None,
    })
    .collect()
}

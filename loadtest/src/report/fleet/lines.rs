//! The report as a table for people.

use std::fmt::Write as _;

use super::{Report, Settings, Taken};
use crate::fleet::spread::Figures;

impl Report {
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
        self.write_metrics(text)?;
        self.write_clips(text)?;
        self.write_minutes(text)?;
        self.write_recovery(text)?;
        for line in self.void.iter().chain(&self.exceeded) {
            writeln!(text, "{line}")?;
        }
        Ok(())
    }

    fn write_metrics(&self, text: &mut String) -> std::fmt::Result {
        let Some(told) = &self.metrics else { return Ok(()) };
        for (name, by) in told.bad() {
            writeln!(text, "server counted {name} +{by}")?;
        }
        for (name, [before, after]) in &told.gauges_left {
            writeln!(text, "server's gauge {name} was {before} and is {after}")?;
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

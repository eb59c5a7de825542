//! The report as text.

use std::fmt::Write as _;

use super::{Aside, Features, Plateau, Report};
use crate::capacity::search::Verdict;

impl Report {
    /// As text for people.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.says, HEAD);
        for plateau in &self.plateaus {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", plateau.line());
        }
        for Aside { name, about, plateau } in &self.scenes {
            let _ = writeln!(text, "{}   ({name}: {about})", plateau.line());
        }
        if let Some(features) = &self.features {
            let _ = features.write(&mut text);
        }
        for line in self.missed.iter().map(|missed| format!("MISSED: {missed}")).chain(self.void.clone()) {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

impl Features {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Some(plain) = self.plain_cpu_ms() else { return Ok(()) };
        writeln!(text, "\nCPU per call-second at {} calls: {plain:.3} ms as started", self.plain[0].calls)?;
        for Aside { name, plateau, .. } in &self.each {
            let Some(cpu) = plateau.cpu_ms() else { continue };
            let difference = cpu - plain;
            writeln!(text, "{name:>24}: {cpu:.3} ms, {difference:+.3} ms ({:+.0} %)", difference * 100.0 / plain)?;
        }
        Ok(())
    }
}

/// The names of the columns of [`Plateau::line`].
const HEAD: &str = "   calls    barge-in p50    p95    p99   first p95   lost  missed  false  CPU ms/call-s   verdict";

impl Plateau {
    /// One row of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let (f, counts) = (&self.figures, &self.figures.counts);
        let cpu = f.server.as_ref().map_or("–".into(), |server| format!("{:.3}", server.cpu_ms_per_call_second));
        format!(
            "{:>8}{:>16.1}{:>7.1}{:>7.1}{:>12.1}{:>7}{:>8}{:>7}{:>15}   {}",
            self.calls,
            f.clear.p50_ms,
            f.clear.p95_ms,
            f.clear.p99_ms,
            f.first_audio.p95_ms,
            f.lost(),
            counts.missed,
            counts.false_clears,
            cpu,
            self.word()
        )
    }

    /// What it came to, in words.
    #[must_use]
    pub fn word(&self) -> String {
        let proof = if self.is_proof { ", proved" } else { "" };
        match self.verdict {
            Verdict::Held => format!("held{proof}"),
            Verdict::Missed { .. } => {
                format!("missed: {}", self.tightest().map(ToString::to_string).unwrap_or_default())
            }
            Verdict::Void => format!("void: own frames late, p99 {:.2} ms", self.figures.own_lateness.p99_ms),
        }
    }
}

//! Budgets: what a server must keep for a number of calls to count as held, and what became of each.

use serde::Serialize;

use super::search::Verdict;

/// A miss by so many times the budget is no chance …
const GROSS_TIMES: f64 = 1.5;
/// … and, as a budget may be nothing at all, by at least so much in its unit.
const GROSS_LEAST: f64 = 0.5;

/// What must be kept, as somebody wants it; `None`: whatever it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Budgets {
    /// Onset of speech to `clear`, 95 of 100, ms.
    pub clear_p95_ms: Option<f64>,
    /// The same, 99 of 100, ms.
    pub clear_p99_ms: Option<f64>,
    /// `start` to the first sound, 95 of 100, ms.
    pub first_audio_p95_ms: Option<f64>,
    /// Calls refused, broken or ended by the server, percent.
    pub lost_percent: Option<f64>,
    /// Interruptions without a `clear`, percent.
    pub missed_percent: Option<f64>,
    /// Stops that nobody caused, per hundred interruptions.
    pub false_percent: Option<f64>,
    /// Frames that the server's socket did not take at once, percent.
    pub blocked_percent: Option<f64>,
    /// Gaps in what the bot says, per hour of call.
    pub gaps_per_hour: Option<f64>,
    /// Frames that the server says it has lost, by its metrics.
    pub server_lost: Option<f64>,
    /// Processor time per second of a call, ms.
    pub cpu_ms: Option<f64>,
    /// Memory per call, KiB.
    pub memory_kib: Option<f64>,
}

/// What was measured of each; `None` where it could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured(pub Budgets);

/// One budget and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// What is counted.
    pub name: &'static str,
    /// In what.
    pub unit: &'static str,
    /// The budget.
    pub budget: f64,
    /// What was measured; `None`: nothing.
    pub measured: Option<f64>,
    /// Whether it was kept. What could not be measured was not.
    pub kept: bool,
}

impl Checked {
    /// How much of the budget was used: 1 is all of it.
    #[must_use]
    pub fn used(&self) -> f64 {
        match self.measured {
            None => f64::INFINITY,
            Some(measured) if self.budget > 0.0 => measured / self.budget,
            Some(measured) if measured > 0.0 => f64::INFINITY,
            Some(_) => 0.0,
        }
    }
}

impl std::fmt::Display for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, unit, budget, .. } = self;
        let sign = if self.kept { "≤" } else { ">" };
        match self.measured {
            Some(measured) => write!(f, "{name} {} {sign} {budget} {unit}", short(measured)),
            None => write!(f, "{name}: nothing was measured, the budget is {budget} {unit}"),
        }
    }
}

/// A figure with as many digits as it deserves.
#[must_use]
pub fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Each budget that somebody wants kept.
#[must_use]
pub fn check(budgets: &Budgets, measured: &Measured) -> Vec<Checked> {
    let Measured(m) = measured;
    [
        ("barge-in p95", "ms", budgets.clear_p95_ms, m.clear_p95_ms),
        ("barge-in p99", "ms", budgets.clear_p99_ms, m.clear_p99_ms),
        ("first audio p95", "ms", budgets.first_audio_p95_ms, m.first_audio_p95_ms),
        ("calls lost or refused", "%", budgets.lost_percent, m.lost_percent),
        ("interruptions missed", "%", budgets.missed_percent, m.missed_percent),
        ("false stops", "per 100 interruptions", budgets.false_percent, m.false_percent),
        ("frames not taken at once", "%", budgets.blocked_percent, m.blocked_percent),
        ("gaps in the bot's speech", "per hour of call", budgets.gaps_per_hour, m.gaps_per_hour),
        ("frames lost by the server", "frames", budgets.server_lost, m.server_lost),
        ("CPU per call-second", "ms", budgets.cpu_ms, m.cpu_ms),
        ("memory per call", "KiB", budgets.memory_kib, m.memory_kib),
    ]
    .into_iter()
    .filter_map(|(name, unit, budget, measured)| {
        let budget = budget?;
        let kept = measured.is_some_and(|measured| measured <= budget);
        Some(Checked { name, unit, budget, measured, kept })
    })
    .collect()
}

/// What a plateau came to, by its budgets; `void` when our own frames were late.
#[must_use]
pub fn verdict(checked: &[Checked], void: bool) -> Verdict {
    let missed: Vec<&Checked> = checked.iter().filter(|checked| !checked.kept).collect();
    let gross = |missed: &&Checked| missed.used() >= GROSS_TIMES && missed.measured.is_none_or(|m| m >= GROSS_LEAST);
    let gross = missed.iter().any(gross);
    if void {
        Verdict::Void
    } else if missed.is_empty() {
        Verdict::Held
    } else {
        Verdict::Missed { gross }
    }
}

/// The budget that was missed by most, or, where all were kept, of which most was used.
#[must_use]
pub fn tightest(checked: &[Checked]) -> Option<&Checked> {
    checked.iter().max_by(|a, b| a.used().total_cmp(&b.used()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(p95: Option<f64>, missed: f64) -> Vec<Checked> {
        let budgets = Budgets { clear_p95_ms: Some(100.0), missed_percent: Some(0.1), ..Budgets::default() };
        let measured = Budgets { clear_p95_ms: p95, missed_percent: Some(missed), cpu_ms: Some(9.0), ..budgets };
        check(&budgets, &Measured(measured))
    }

    #[test]
    fn what_is_wanted_is_checked_and_nothing_else() {
        let all = checked(Some(100.0), 0.0);
        assert_eq!(
            all.iter().map(|c| (c.name, c.kept)).collect::<Vec<_>>(),
            [("barge-in p95", true), ("interruptions missed", true)]
        );
        assert_eq!(all[0].to_string(), "barge-in p95 100 ≤ 100 ms");
        assert_eq!(tightest(&all).unwrap().name, "barge-in p95");
    }

    #[test]
    fn a_miss_by_little_may_be_chance_and_one_by_much_is_not() {
        assert_eq!(verdict(&checked(Some(90.0), 0.0), false), Verdict::Held);
        assert_eq!(verdict(&checked(Some(101.0), 0.0), false), Verdict::Missed { gross: false });
        assert_eq!(verdict(&checked(Some(90.0), 5.0), false), Verdict::Missed { gross: true });
        assert_eq!(verdict(&checked(None, 0.0), false), Verdict::Missed { gross: true }, "nothing was measured");
        assert_eq!(verdict(&checked(Some(1_000.0), 5.0), true), Verdict::Void);
        assert_eq!(tightest(&checked(Some(101.0), 5.0)).unwrap().to_string(), "interruptions missed 5.00 > 0.1 %");
        assert!(checked(None, 0.0)[0].to_string().contains("nothing was measured"));
    }
}

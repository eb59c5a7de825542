//! Several servers side by side: medians of their runs, and ratios to the first.

mod html;
mod lines;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::capacity::Plateau;
use crate::report::page::number::thousands;
use crate::shell::fleet::machine::Machine;

/// One server and its runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Contender {
    /// What it is called.
    pub name: String,
    /// How it was started.
    pub command: String,
    /// Its voice webhook.
    pub url: String,
    /// What its program says it is.
    pub version: Option<String>,
    /// In the order in which they were played.
    pub runs: Vec<Plateau>,
}

/// One figure of all servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub name: &'static str,
    /// In what.
    pub unit: &'static str,
    /// The median of each server's runs that are not void; `None` where nothing was measured.
    pub medians: Vec<Option<f64>>,
    /// Each median by the first server's.
    pub ratios: Vec<Option<f64>>,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// All of it in a sentence.
    pub says: String,
    /// Why it means nothing.
    pub void: Option<String>,
    /// What was missed, for the exit code.
    pub missed: Vec<String>,
    /// Calls at once.
    pub calls: usize,
    /// Names in the order in which they ran.
    pub order: Vec<String>,
    /// The figures side by side.
    pub rows: Vec<Row>,
    /// The servers.
    pub contenders: Vec<Contender>,
    /// On what.
    pub machine: Machine,
    /// The one core that each server was kept on.
    pub core: Option<usize>,
    /// This program's version.
    pub program: String,
    /// When it ended, seconds since 1970.
    pub ended_unix_s: u64,
}

type Figure = (&'static str, &'static str, fn(&Plateau) -> Option<f64>);

const CPU: Figure = ("CPU per call-second", "ms", Plateau::cpu_ms);

/// What is set side by side.
const FIGURES: &[Figure] = &[
    CPU,
    ("calls per core at that price", "calls", |run| Some(run.figures.server.as_ref()?.calls_per_core)),
    ("memory per call", "KiB", |run| Some(run.figures.server.as_ref()?.rss_kib_per_call)),
    ("barge-in p50", "ms", |run| measured(run.figures.clear, run.figures.clear.p50_ms)),
    ("barge-in p95", "ms", |run| measured(run.figures.clear, run.figures.clear.p95_ms)),
    ("barge-in p99", "ms", |run| measured(run.figures.clear, run.figures.clear.p99_ms)),
    ("last frame sent → clear, p99", "ms", |run| measured(run.figures.share, run.figures.share.p99_ms)),
    ("first audio p95", "ms", |run| measured(run.figures.first_audio, run.figures.first_audio.p95_ms)),
    ("calls lost", "calls", |run| Some(run.figures.lost() as f64)),
    ("interruptions missed", "", |run| Some(run.figures.counts.missed as f64)),
    ("false stops", "", |run| Some(run.figures.counts.false_clears as f64)),
    ("gaps in the bot's speech", "", |run| Some(run.figures.counts.gaps as f64)),
];

fn measured(figures: crate::fleet::spread::Figures, value: f64) -> Option<f64> {
    (figures.count > 0).then_some(value)
}

impl Contender {
    /// Runs that say something.
    pub fn good(&self) -> impl Iterator<Item = &Plateau> {
        self.runs.iter().filter(|run| run.figures.void.is_none())
    }

    fn median(&self, of: fn(&Plateau) -> Option<f64>) -> Option<f64> {
        median(self.good().filter_map(of).collect())
    }

    /// The run in the middle, by processor time: what the drawings are of.
    #[must_use]
    pub fn typical(&self) -> Option<&Plateau> {
        let mut good: Vec<&Plateau> = self.good().collect();
        good.sort_by(|a, b| a.cpu_ms().unwrap_or(0.0).total_cmp(&b.cpu_ms().unwrap_or(0.0)));
        good.get(good.len().saturating_sub(1) / 2).copied()
    }
}

/// The value in the middle, or the mean of the two there.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().saturating_sub(1) / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

impl Report {
    /// Draws the conclusions; the first server may take `cpu_ratio_max` times the processor time of each other.
    #[must_use]
    pub fn new(
        calls: usize,
        order: Vec<String>,
        contenders: Vec<Contender>,
        machine: Machine,
        core: Option<usize>,
        ended_unix_s: u64,
        cpu_ratio_max: Option<f64>,
    ) -> Self {
        let rows = FIGURES.iter().map(|figure| row(figure, &contenders)).collect();
        let without = contenders.iter().find(|contender| contender.good().next().is_none());
        let void = without
            .map(|contender| format!("VOID: {}: this program's own frames were late in every run", contender.name));
        let mut report = Self {
            says: String::new(),
            void,
            missed: Vec::new(),
            calls,
            order,
            rows,
            contenders,
            machine,
            core,
            program: env!("CARGO_PKG_VERSION").into(),
            ended_unix_s,
        };
        report.missed = cpu_ratio_max.map(|most| report.misses(most)).unwrap_or_default();
        report.says = report.sentence();
        report
    }

    fn cpu(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == CPU.0)
    }

    fn misses(&self, most: f64) -> Vec<String> {
        let first = &self.contenders[0].name;
        let ratios = self.cpu().map(|row| row.ratios.as_slice()).unwrap_or_default();
        let each = ratios.iter().zip(&self.contenders).skip(1);
        each.filter_map(|(ratio, other)| match ratio {
            Some(ratio) if 1.0 / ratio <= most => None,
            Some(ratio) => {
                Some(format!("{first} takes {:.2} × the CPU of {}, at most {most}", 1.0 / ratio, other.name))
            }
            None => Some(format!("{first} and {} cannot be compared: nothing was measured", other.name)),
        })
        .collect()
    }

    fn sentence(&self) -> String {
        let calls = thousands(self.calls);
        let Some(row) = self.cpu() else { return String::new() };
        let (first, own) = (&self.contenders[0].name, row.medians[0]);
        let others = self.contenders.iter().zip(row.medians.iter().zip(&row.ratios)).skip(1);
        let each: Vec<String> = others
            .filter_map(|(other, (median, ratio))| {
                let (median, ratio) = ((*median)?, (*ratio)?);
                Some(format!("{} {median:.3} ms ({ratio:.2} ×)", other.name))
            })
            .collect();
        match own {
            Some(own) if !each.is_empty() => format!(
                "With {calls} calls at once, a second of a call costs {first} {own:.3} ms of processor time, {}.",
                each.join(", ")
            ),
            _ => format!("With {calls} calls at once, nothing could be compared."),
        }
    }
}

fn row((name, unit, of): &Figure, contenders: &[Contender]) -> Row {
    let medians: Vec<Option<f64>> = contenders.iter().map(|contender| contender.median(*of)).collect();
    let ratio = |median: &Option<f64>| {
        let (median, first) = ((*median)?, medians.first().copied().flatten()?);
        (first > 0.0).then(|| median / first)
    };
    let ratios = medians.iter().map(ratio).collect();
    Row { name, unit, medians, ratios }
}

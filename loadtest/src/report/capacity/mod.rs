//! How many calls a server holds: what was found, for programs; as text in `lines`, as a page in `html`.

mod html;
mod lines;

use serde::Serialize;

use super::fleet::Report as Figures;
use crate::capacity::budget::{self, Budgets, Checked};
use crate::capacity::search::{Found, Verdict};
use crate::shell::fleet::machine::Machine;
use crate::shell::fleet::observer::Second;

/// Who answered.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Server {
    /// What it is called.
    pub name: String,
    /// Its version, where it is known.
    pub version: Option<String>,
    /// Its voice webhook.
    pub url: String,
    /// How it was started, if by us.
    pub command: Option<String>,
    /// The one core that it was kept on.
    pub core: Option<usize>,
    /// Whether it was started afresh for each number of calls.
    pub afresh: bool,
}

/// One number of calls, held for a while.
#[derive(Clone, Debug, Serialize)]
pub struct Plateau {
    /// So many.
    pub calls: usize,
    /// Played at length, as the proof of the answer.
    pub is_proof: bool,
    /// When it began, s since the search did.
    pub begins_s: f64,
    /// What it came to.
    pub verdict: Verdict,
    /// Each budget.
    pub budgets: Vec<Checked>,
    /// The figures.
    pub figures: Figures,
    /// Second by second.
    pub seconds: Vec<Second>,
}

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// All of it in a sentence.
    pub says: String,
    /// Why the answer means nothing.
    pub void: Option<String>,
    /// What was missed, for the exit code.
    pub missed: Vec<String>,
    /// What was found.
    pub found: Found,
    /// The most calls that were carried without losing one, budgets aside.
    pub carried: usize,
    /// The budget that ended the search, as it was missed.
    pub limiting: Option<Checked>,
    /// Who answered.
    pub server: Server,
    /// On what.
    pub machine: Machine,
    /// This program's version.
    pub program: String,
    /// When it ended, seconds since 1970.
    pub ended_unix_s: u64,
    /// The budgets.
    pub budgets: Budgets,
    /// All that was played, in order.
    pub plateaus: Vec<Plateau>,
}

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// See [`Report`].
    pub found: Found,
    /// See [`Report`].
    pub server: Server,
    /// See [`Report`].
    pub machine: Machine,
    /// See [`Report`].
    pub ended_unix_s: u64,
    /// See [`Report`].
    pub budgets: Budgets,
    /// See [`Report`].
    pub plateaus: Vec<Plateau>,
    /// Fewer calls than this are a miss.
    pub calls_min: usize,
}

impl Plateau {
    /// The budget that was missed by most, or of which most was used.
    #[must_use]
    pub fn tightest(&self) -> Option<&Checked> {
        budget::tightest(&self.budgets)
    }
}

impl Report {
    /// Draws the conclusions.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { found, server, machine, ended_unix_s, budgets, plateaus, calls_min } = parts;
        let whole = |plateau: &&Plateau| plateau.verdict != Verdict::Void && plateau.figures.lost() == 0;
        let carried = plateaus.iter().filter(whole).map(|plateau| plateau.calls).max().unwrap_or_default();
        let mut report = Self {
            says: String::new(),
            void: void(&found, &plateaus),
            missed: Vec::new(),
            carried,
            limiting: limiting(&found, &plateaus),
            found,
            server,
            machine,
            program: env!("CARGO_PKG_VERSION").into(),
            ended_unix_s,
            budgets,
            plateaus,
        };
        report.missed = report.misses(calls_min);
        report.says = report.sentence();
        report
    }

    /// The plateau that the answer rests on.
    #[must_use]
    pub fn proof(&self) -> Option<&Plateau> {
        self.plateaus.iter().rev().find(|plateau| plateau.is_proof && plateau.calls == self.found.held)
    }

    /// The plateau that shows most: the proof, or where there is none the last that says anything.
    #[must_use]
    pub fn shown(&self) -> Option<&Plateau> {
        self.proof().or_else(|| self.plateaus.iter().rev().find(|plateau| plateau.figures.counts.frames > 0))
    }

    fn misses(&self, calls_min: usize) -> Vec<String> {
        if self.found.held >= calls_min.max(1) {
            return Vec::new();
        }
        let why = self.limiting.as_ref().map(|limiting| format!(": {limiting}")).unwrap_or_default();
        vec![format!("{} calls are held, at least {} were wanted{why}", self.found.held, calls_min.max(1))]
    }

    fn sentence(&self) -> String {
        let Self { found, server, .. } = self;
        let who = [
            Some(server.name.clone()),
            server.version.as_ref().map(|version| format!("version {version}")),
            self.machine.commit.as_ref().map(|commit| format!("commit {commit}")),
        ];
        let who = who.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if let Some(void) = self.void.as_ref().filter(|_| found.held == 0) {
            return format!("Nothing can be said about {who}: {void}");
        }
        let per_core = if server.core.is_some() { " per core" } else { "" };
        let held = thousands(found.held);
        if found.held == 0 {
            let why = self.limiting.as_ref().map(|limiting| format!(": {limiting}")).unwrap_or_default();
            return format!("This machine holds no call within budget (server {who}){why}");
        }
        let most =
            if self.carried > found.held { format!(", {} at most", thousands(self.carried)) } else { String::new() };
        let end = match (&self.limiting, found.void_at) {
            (Some(limiting), _) => format!("the limiting budget was {limiting}"),
            (None, Some(at)) => format!("more than {} could not be played in time by this program", thousands(at)),
            (None, None) => "more was not tried".into(),
        };
        format!("This machine holds {held} calls{per_core} within budget (server {who}){most}; {end}.")
    }
}

/// Why the answer means nothing: what it rests on was measured by a program that was late itself.
fn void(found: &Found, plateaus: &[Plateau]) -> Option<String> {
    let nothing = found.held == 0 && plateaus.iter().any(|plateau| plateau.verdict == Verdict::Void);
    let last = plateaus.iter().rev().find_map(|plateau| plateau.figures.void.clone());
    nothing.then_some(last).flatten()
}

/// The budget that was missed by most where the least number of calls was missed.
fn limiting(found: &Found, plateaus: &[Plateau]) -> Option<Checked> {
    let missed = |plateau: &&Plateau| matches!(plateau.verdict, Verdict::Missed { .. });
    let at = plateaus.iter().rev().filter(missed).find(|plateau| Some(plateau.calls) == found.missed)?;
    at.tightest().cloned()
}

/// A number with its thousands apart.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = (0..digits.len().div_ceil(3))
        .rev()
        .map(|part| &digits[digits.len().saturating_sub(3 * part + 3)..digits.len() - 3 * part])
        .collect();
    parts.join(",")
}

//! How many calls a server holds: what was found, for programs; as text in `lines`, as a page in `html`.

mod html;
mod lines;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::fleet::Report as Figures;
use crate::capacity::budget::{self, Budgets, Checked, Measured};
use crate::capacity::search::{Found, Verdict};
use crate::fleet::measures::Measures;
use crate::fleet::spread::Bins;
use crate::fleet::worst::Story;
use crate::report::page::number::thousands;
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

/// What came of playing a fleet.
#[derive(Debug)]
pub struct Played {
    /// When it began, s.
    pub begins_s: f64,
    /// The figures.
    pub report: Figures,
    /// Second by second.
    pub seconds: Vec<Second>,
    /// What else was seen.
    pub measures: Measures,
}

/// One number of calls, held for a while.
#[derive(Clone, Debug, Default, Serialize)]
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
    /// How the times are spread.
    pub histograms: Histograms,
    /// The worst calls, the very worst first.
    pub worst: Vec<Story>,
}

/// Times of a plateau as histograms.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Histograms {
    /// Onset of speech to `clear`.
    pub clear: Bins,
    /// Last frame sent to `clear`.
    pub share: Bins,
    /// `start` to the first sound.
    pub first_audio: Bins,
    /// Own frames behind their schedule.
    pub own_lateness: Bins,
}

impl From<&Measures> for Histograms {
    fn from(measures: &Measures) -> Self {
        Self {
            clear: measures.clear.bins(),
            share: measures.share.bins(),
            first_audio: measures.first_audio.bins(),
            own_lateness: measures.lateness.bins(),
        }
    }
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
    /// What else was played, with four fifths of the calls that are held.
    pub scenes: Vec<Aside>,
    /// What features cost.
    pub features: Option<Features>,
}

/// What was played beside the search.
#[derive(Clone, Debug, Serialize)]
pub struct Aside {
    /// What it is called.
    pub name: String,
    /// What is different.
    pub about: String,
    /// What came of it.
    pub plateau: Plateau,
}

/// What features cost: the same calls again and again, one thing different each time.
#[derive(Clone, Debug, Serialize)]
pub struct Features {
    /// Nothing different, before and behind all others.
    pub plain: [Plateau; 2],
    /// Each feature; `about` is the command.
    pub each: Vec<Aside>,
}

impl Features {
    /// Processor time per call-second without any of them, ms: the mean of both.
    #[must_use]
    pub fn plain_cpu_ms(&self) -> Option<f64> {
        let [before, behind] = self.plain.each_ref().map(Plateau::cpu_ms);
        Some((before? + behind?) / 2.0)
    }
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
    /// See [`Report`].
    pub scenes: Vec<Aside>,
    /// See [`Report`].
    pub features: Option<Features>,
    /// Fewer calls than this are a miss.
    pub calls_min: usize,
}

impl Plateau {
    /// What was played, judged by `budgets`.
    #[must_use]
    pub fn judged(played: Played, wanted: &Budgets) -> Self {
        let Played { begins_s, report: figures, seconds, measures } = played;
        let budgets = budget::check(wanted, &Measured::from(&figures));
        Self {
            calls: figures.settings.calls,
            is_proof: false,
            begins_s,
            verdict: budget::verdict(&budgets, figures.void.is_some()),
            budgets,
            figures,
            seconds,
            histograms: Histograms::from(&measures),
            worst: measures.worst.into_stories(),
        }
    }

    /// Processor time of the server per call-second, ms, where its process is known.
    #[must_use]
    pub fn cpu_ms(&self) -> Option<f64> {
        self.figures.server.as_ref().map(|server| server.cpu_ms_per_call_second)
    }

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
        let Parts { found, server, machine, ended_unix_s, budgets, plateaus, scenes, features, calls_min } = parts;
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
            scenes,
            features,
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
        let wanted = calls_min.max(1);
        let why = self.limiting.as_ref().map(|limiting| format!(": {limiting}")).unwrap_or_default();
        let few = format!("{} calls are held, at least {wanted} were wanted{why}", self.found.held);
        let few = (self.found.held < wanted).then_some(few);
        let scenes = self.scenes.iter().filter(|scene| matches!(scene.plateau.verdict, Verdict::Missed { .. }));
        few.into_iter().chain(scenes.map(|scene| format!("{}: {}", scene.name, scene.plateau.word()))).collect()
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

//! The scenarios of a run as a table, for people and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::figures::Spread;
use super::verdict::{self, Outcome};
use crate::call::event::What;
use crate::call::model::Call;
use crate::time::Micros;

/// One scenario.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its sentence.
    pub about: String,
    /// How it came out.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What it only informs about.
    pub informs: Option<String>,
    /// From `start` to the first media message.
    pub first_audio_ms: Option<Micros>,
    /// From the onset of speech to `clear`, the slowest.
    pub clear_ms: Option<Micros>,
    /// `clear` messages, and those that nobody provoked.
    pub clears: u64,
    /// See above.
    pub false_clears: u64,
    /// Gaps in what the bot said.
    pub gaps: u64,
    /// What Twilio's debugger would have shown: codes, each once.
    pub warnings: Vec<u32>,
    /// How long the call took.
    pub took_ms: Micros,
    /// The seed that repeats it.
    pub seed: u64,
}

/// All scenarios of a run.
#[derive(Debug, Serialize)]
pub struct Scenarios {
    /// In the order in which they are listed.
    pub rows: Vec<Row>,
    /// Those that were left out, and what they need.
    pub left_out: Vec<(String, String)>,
    /// Set when our own frames were too late for the figures to mean anything.
    pub void: Option<String>,
}

impl Row {
    /// What a call by this name comes to.
    #[must_use]
    pub fn of(name: &str, call: &Call) -> Self {
        let (script, measures) = (&call.plan().script, &call.measures);
        let mut warnings: Vec<u32> = call
            .events
            .iter()
            .filter_map(|event| if let What::Warning(w) = &event.what { Some(w.code.number()) } else { None })
            .filter(|&code| code != 0)
            .collect();
        warnings.sort_unstable();
        warnings.dedup();
        let first = call.events.first().map_or(Micros::ZERO, |event| event.at);
        let last = call.events.iter().map(|event| event.at).max().unwrap_or_default();
        Self {
            name: name.to_owned(),
            about: script.about.clone(),
            outcome: verdict::judge(call),
            informs: script.informs.clone(),
            first_audio_ms: measures.first_audio,
            clear_ms: measures.barges.iter().filter_map(|barge| barge.clear_after).max(),
            clears: measures.clears,
            false_clears: measures.false_clears,
            gaps: measures.gaps,
            warnings,
            took_ms: last - first,
            seed: call.plan().seed,
        }
    }

    fn line(&self, text: &mut String) {
        let ms = |time: Option<Micros>| time.map_or("–".to_owned(), |t| format!("{:.0}", t.as_ms()));
        let (word, causes): (&str, &[String]) = match &self.outcome {
            Outcome::Good => ("ok", &[]),
            Outcome::Informed(causes) => ("info", causes),
            Outcome::Missed(causes) => ("MISSED", causes),
            Outcome::Failed(cause) => ("FAILED", std::slice::from_ref(cause)),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{word:<8}{:<24}{:>7.1}{:>10}{:>10}{:>8}{:>7}{:>6}",
            self.name,
            self.took_ms.as_ms() / 1_000.0,
            ms(self.first_audio_ms),
            ms(self.clear_ms),
            self.clears,
            self.false_clears,
            self.gaps
        );
        let subject = self.informs.as_ref().map(|subject| format!("for information ({subject}): ")).unwrap_or_default();
        for cause in causes {
            let _ = writeln!(text, "        {subject}{cause}");
        }
        if !self.warnings.is_empty() {
            let _ = writeln!(text, "        Twilio {:?}", self.warnings);
        }
    }
}

impl Scenarios {
    /// How many came out like this.
    #[must_use]
    pub fn count(&self, wanted: fn(&Outcome) -> bool) -> usize {
        self.rows.iter().filter(|row| wanted(&row.outcome)).count()
    }

    /// Whether every call that was made came to nothing.
    #[must_use]
    pub fn all_failed(&self) -> bool {
        self.count(|o| matches!(o, Outcome::Failed(_))) == self.rows.len()
    }

    /// Whether any scenario was missed or failed.
    #[must_use]
    pub fn any_missed(&self) -> bool {
        self.count(|o| matches!(o, Outcome::Failed(_) | Outcome::Missed(_))) > 0
    }

    /// Sets [`Self::void`] if our own frames were later than `above` (p99).
    pub fn check_own(&mut self, own: Spread, above: Micros) {
        let late = own.p99_ms;
        self.void = (late > above)
            .then(|| format!("VOID: this program's own frames were late (p99 {late} > {above}); try --at-once 1"));
    }

    /// As text.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = format!(
            "{:<8}{:<24}{:>7}{:>10}{:>10}{:>8}{:>7}{:>6}\n",
            "", "scenario", "s", "audio ms", "clear ms", "clears", "false", "gaps"
        );
        self.rows.iter().for_each(|row| row.line(&mut text));
        for (name, needs) in &self.left_out {
            let _ = writeln!(text, "–       {name:<24} left out: needs {needs} (--{needs})");
        }
        let _ = writeln!(
            text,
            "{} ok, {} for information, {} missed, {} failed; one as a timeline: call --script NAME",
            self.count(|o| matches!(o, Outcome::Good)),
            self.count(|o| matches!(o, Outcome::Informed(_))),
            self.count(|o| matches!(o, Outcome::Missed(_))),
            self.count(|o| matches!(o, Outcome::Failed(_))),
        );
        if let Some(void) = &self.void {
            let _ = writeln!(text, "{void}");
        }
        text
    }
}

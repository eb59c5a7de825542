//! Many calls as one table, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::figures::Spread;
use super::verdict::{self, Outcome};
use crate::call::event::{Event, What};
use crate::call::measure::Measures;
use crate::call::model::Call;
use crate::time::Micros;

/// What a set of calls comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// Calls made.
    pub calls: usize,
    /// Calls as their script wants them, or whose script only informs.
    pub good: usize,
    /// Calls that took place but missed something.
    pub missed: usize,
    /// Calls without a stream.
    pub failed: usize,
    /// From the onset of speech to `clear`, where the caller meant to interrupt.
    pub clear: Spread,
    /// From `start` to the first media message.
    pub first_audio: Spread,
    /// Interruptions meant.
    pub interruptions: usize,
    /// Interruptions that no `clear` answered.
    pub missed_interruptions: usize,
    /// `clear` messages.
    pub clears: u64,
    /// `clear` messages that nobody provoked and that cut off sound.
    pub false_clears: u64,
    /// Coughs, clicks, bouts of typing.
    pub disturbances: u64,
    /// How often Twilio's debugger would have shown each code.
    pub warnings: BTreeMap<u32, u64>,
    /// Minutes of all streams together.
    pub call_minutes: f64,
    /// How late the calls' own frames were.
    pub own_lateness: Spread,
    /// Set when that is too late (p99) for the figures to mean anything.
    pub void: Option<String>,
    /// Why calls missed or failed, and how often.
    pub causes: BTreeMap<String, u64>,
}

/// One call, for machines.
#[derive(Debug, Serialize)]
pub struct CallReport<'a> {
    call_sid: &'a str,
    script: &'a str,
    seed: u64,
    #[serde(flatten)]
    outcome: Outcome,
    measures: &'a Measures,
    own_lateness: Spread,
    /// On the run's own time axis; `measures.start_ms` is the zero of the timeline that people read.
    events: &'a [Event],
}

impl<'a> CallReport<'a> {
    /// Everything about one call.
    #[must_use]
    pub fn new(call: &'a Call) -> Self {
        let plan = call.plan();
        Self {
            call_sid: &plan.sids.call,
            script: &plan.script.name,
            seed: plan.seed,
            outcome: verdict::judge(call),
            measures: &call.measures,
            own_lateness: Spread::of(call.measures.lateness.clone()),
            events: &call.events,
        }
    }
}

impl Table {
    /// Adds up calls that have ended; own frames later than `void_above` (p99) make the run void.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "frames of a run are far below 2^52")]
    pub fn of(calls: &[Call], void_above: Micros) -> Self {
        let outcomes: Vec<Outcome> = calls.iter().map(verdict::judge).collect();
        let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
        let meant: Vec<_> = calls.iter().flat_map(|c| &c.measures.barges).filter(|b| b.meant).collect();
        let sum = |field: fn(&Measures) -> u64| calls.iter().map(|c| field(&c.measures)).sum::<u64>();
        let own_lateness = verdict::lateness(calls);
        let mut causes = BTreeMap::new();
        for cause in outcomes.iter().flat_map(causes_of) {
            *causes.entry(cause).or_default() += 1;
        }
        let mut warnings = BTreeMap::new();
        for event in calls.iter().flat_map(|c| &c.events) {
            if let What::Warning(warning) = &event.what {
                *warnings.entry(warning.code.number()).or_default() += 1;
            }
        }
        Self {
            calls: calls.len(),
            good: count(|o| matches!(o, Outcome::Good | Outcome::Informed(_))),
            missed: count(|o| matches!(o, Outcome::Missed(_))),
            failed: count(|o| matches!(o, Outcome::Failed(_))),
            clear: Spread::of(meant.iter().filter_map(|b| b.clear_after).collect()),
            first_audio: Spread::of(calls.iter().filter_map(|c| c.measures.first_audio).collect()),
            interruptions: meant.len(),
            missed_interruptions: meant.iter().filter(|b| b.clear_after.is_none()).count(),
            clears: sum(|m| m.clears),
            false_clears: sum(|m| m.false_clears),
            disturbances: sum(|m| m.disturbances),
            warnings,
            call_minutes: sum(|m| m.frames_sent) as f64 / 3_000.0,
            own_lateness,
            void: void(own_lateness, void_above),
            causes,
        }
    }

    /// As text.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "calls {}   good {}   missed {}   failed {}   minutes {:.1}",
            self.calls, self.good, self.missed, self.failed, self.call_minutes
        );
        let _ = writeln!(text, "{:<28}{:>7}{:>10}{:>10}{:>10}{:>10}", "ms", "count", "p50", "p95", "p99", "max");
        for (name, spread) in [
            ("onset of speech → clear", self.clear),
            ("first audio after start", self.first_audio),
            ("own lateness of frames", self.own_lateness),
        ] {
            let ms = |time: Micros| format!("{:10.1}", time.as_ms());
            let Spread { count, p50_ms, p95_ms, p99_ms, max_ms } = spread;
            let _ = writeln!(text, "{name:<28}{count:>7}{}{}{}{}", ms(p50_ms), ms(p95_ms), ms(p99_ms), ms(max_ms));
        }
        let _ = writeln!(
            text,
            "interruptions {}   missed {}   clears {}   false stops {}   disturbances {}",
            self.interruptions, self.missed_interruptions, self.clears, self.false_clears, self.disturbances
        );
        for (code, count) in &self.warnings {
            let _ = writeln!(text, "Twilio {code}: {count} ×");
        }
        for (cause, count) in &self.causes {
            let _ = writeln!(text, "{count} × {cause}");
        }
        if let Some(void) = &self.void {
            let _ = writeln!(text, "{void}");
        }
        text
    }
}

fn void(own: Spread, above: Micros) -> Option<String> {
    let late = own.p99_ms;
    (late > above)
        .then(|| format!("VOID: this program's own frames were late (p99 {late} > {above}); give it more processor"))
}

fn causes_of(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Good => Vec::new(),
        Outcome::Missed(causes) => causes.clone(),
        Outcome::Informed(causes) => causes.iter().map(|cause| format!("for information: {cause}")).collect(),
        Outcome::Failed(cause) => vec![format!("failed: {cause}")],
    }
}

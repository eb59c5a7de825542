//! Whether a call was good, and if not, in one line why.

use serde::Serialize;

use super::figures::Spread;
use crate::call::course::Pickup;
use crate::call::event::What;
use crate::call::model::Call;
use crate::caller::script::Forbidden;
use crate::time::Micros;
use crate::twilio::params::Direction;

/// How a call came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "causes", rename_all = "snake_case")]
pub enum Outcome {
    /// As the script wants it.
    Good,
    /// The call took place, but an expectation was missed.
    Missed(Vec<String>),
    /// The same, in a script that only informs: nobody has failed.
    Informed(Vec<String>),
    /// No stream that the TwiML asked for ever started, or nothing ever answered.
    Failed(String),
}

/// Judges a call that has ended.
#[must_use]
pub fn judge(call: &Call) -> Outcome {
    if is_not_taken(call) {
        return Outcome::Good;
    }
    if call.measures.start.is_none() && !is_spoken(call) {
        return Outcome::Failed(cause(call));
    }
    let mut missed: Vec<String> = call
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Verdict(verdict) if !verdict.ok && !verdict.optional => {
                Some(format!("{}: {}", verdict.what, verdict.cause.as_deref().unwrap_or("it did not happen")))
            }
            _ => None,
        })
        .collect();
    for forbidden in &call.plan().script.forbid {
        missed.extend(violated(call, *forbidden));
    }
    missed.extend(over_budget(call));
    match (missed.is_empty(), &call.plan().script.informs) {
        (true, _) => Outcome::Good,
        (false, None) => Outcome::Missed(missed),
        (false, Some(_)) => Outcome::Informed(missed),
    }
}

fn over_budget(call: &Call) -> Vec<String> {
    let (budget, measures) = (&call.plan().script.budget, &call.measures);
    let slowest = measures.barges.iter().filter_map(|barge| barge.clear_after).max();
    // Nothing to hear is worse than late.
    let first_audio = Some(measures.first_audio.unwrap_or(Micros::MAX));
    let checks = [
        ("first audio", budget.first_audio_ms, first_audio),
        ("a gap in the bot's speech", budget.gap_ms, Some(measures.longest_gap)),
        ("onset of speech → clear", budget.clear_ms, slowest),
    ];
    let over = |(what, budget, measured): (&str, Option<u64>, Option<Micros>)| {
        let (budget, measured) = (Micros::from_ms(budget?), measured?);
        let took = if measured == Micros::MAX { "never".to_owned() } else { measured.to_string() };
        (measured > budget).then(|| format!("{what}: {took}, not within {budget}"))
    };
    checks.into_iter().filter_map(over).collect()
}

/// Whether the call was placed and not taken, by who was not to take it.
fn is_not_taken(call: &Call) -> bool {
    let takes = matches!(call.plan().course.pickup, Pickup::Person(_) | Pickup::Machine { .. } | Pickup::Fax(_));
    call.plan().direction == Direction::OutboundApi && !takes && !call.was_answered() && call.ended.is_some()
}

/// Whether the TwiML alone made up the call: it spoke or listened, asked for no stream that was refused, and never
/// failed.
fn is_spoken(call: &Call) -> bool {
    let count = |wanted: fn(&What) -> bool| call.events.iter().filter(|event| wanted(&event.what)).count();
    let asked = count(|what| matches!(what, What::StreamOpening { .. }));
    let started = count(|what| matches!(what, What::StreamStarted { .. }));
    let failed = count(|what| matches!(what, What::Warning(warning) if warning.code.is_error()));
    call.was_answered() && asked == started && failed == 0
}

/// What Twilio's debugger would have shown.
#[must_use]
pub fn warnings(call: &Call) -> usize {
    let shown = |what: &What| matches!(what, What::Warning(warning) if warning.code.number() != 0);
    call.events.iter().filter(|event| shown(&event.what)).count()
}

/// How late the call's own frames were.
#[must_use]
pub fn lateness(calls: &[Call]) -> Spread {
    Spread::of(calls.iter().flat_map(|call| call.measures.lateness.iter().copied()).collect())
}

fn violated(call: &Call, forbidden: Forbidden) -> Option<String> {
    let (count, what) = match forbidden {
        Forbidden::FalseClears => (call.measures.false_clears, "clear although nobody spoke"),
        Forbidden::Clears => (call.measures.clears, "clear in a call without any"),
        Forbidden::Warnings => (warnings(call) as u64, "warning of Twilio's"),
    };
    (count > 0).then(|| format!("{count} × {what}"))
}

fn cause(call: &Call) -> String {
    let error = call.events.iter().find_map(|event| match &event.what {
        What::Warning(warning) if warning.code.is_error() => Some(&warning.text),
        _ => None,
    });
    match (error, &call.ended) {
        (Some(text), _) => text.clone(),
        (None, Some(why)) => format!("the TwiML opened no stream ({why})"),
        (None, None) => "the TwiML opened no stream".into(),
    }
}

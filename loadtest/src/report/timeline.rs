//! One call as a timeline that a person reads.

use std::fmt::Write as _;

use super::figures::Spread;
use super::verdict::{self, Outcome};
use crate::call::model::Call;
use crate::time::Micros;

/// The whole timeline, times in seconds since `start` was sent.
#[must_use]
pub fn lines(call: &Call) -> String {
    let origin = call.measures.start.or(call.events.first().map(|e| e.at)).unwrap_or_default();
    let mut events: Vec<_> = call.events.iter().collect();
    // Some things are known a little later than they happened.
    events.sort_by_key(|event| event.at);
    let mut text = String::new();
    for event in events {
        let seconds = event.at.relative_ms(origin) / 1_000.0;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{seconds:9.3}  {}", event.what);
    }
    text
}

/// What the caller is about to do, and over which line.
#[must_use]
pub fn title(call: &Call) -> String {
    let script = &call.plan().script;
    let informs = script.informs.as_ref().map(|subject| format!(" (only informs: {subject})")).unwrap_or_default();
    let mut line = script.noise.describe();
    line.extend(script.echo.map(|echo| format!("echo {} dB after {} ms", echo.db, echo.after_ms)));
    line.extend(script.faults.iter().map(|fault| fault.kind.describe(fault.lasts)));
    let line = if line.is_empty() { String::new() } else { format!("line: {}\n", line.join("; ")) };
    format!("{}: {}{informs}\n{line}", script.name, script.about)
}

/// What it comes to.
#[must_use]
pub fn summary(call: &Call) -> String {
    let measures = &call.measures;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<26}{value}");
    };
    let shown = |time: Option<Micros>| time.map_or("none".to_owned(), |t| t.to_string());
    line("first audio after start", shown(measures.first_audio));
    line("first audible sound", shown(measures.first_audible));
    for barge in measures.barges.iter().filter(|b| b.meant || b.clear_after.is_some()) {
        line("onset of speech → clear", format!("{}   {}", shown(barge.clear_after), barge.clip));
    }
    line("false stops", format!("{} (of {} clears)", measures.false_clears, measures.clears));
    line("gaps in the bot's speech", format!("{} (longest {})", measures.gaps, measures.longest_gap));
    line("marks", format!("{} played, {} cleared", measures.marks_played, measures.marks_cleared));
    let kinds: Vec<&str> = measures.refusals.iter().map(|refusal| refusal.kind).collect();
    let why = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    line(
        "messages",
        format!(
            "{} frames sent, {} media received, {} refused{why}",
            measures.frames_sent, measures.media_received, measures.messages_refused
        ),
    );
    let own = Spread::of(measures.lateness.clone());
    line("own lateness", format!("p50 {}, p99 {}, max {}", own.p50_ms, own.p99_ms, own.max_ms));
    line("seed", call.plan().seed.to_string());
    text + &outcome(&verdict::judge(call), call.plan().script.informs.as_deref())
}

/// The last line: good, or why not.
#[must_use]
pub fn outcome(outcome: &Outcome, informs: Option<&str>) -> String {
    match outcome {
        Outcome::Good => "OK\n".to_owned(),
        Outcome::Missed(causes) => format!("MISSED: {}\n", causes.join("; ")),
        Outcome::Informed(causes) => {
            format!("FOR INFORMATION ({}): {}\n", informs.unwrap_or_default(), causes.join("; "))
        }
        Outcome::Failed(cause) => format!("FAILED: {cause}\n"),
    }
}

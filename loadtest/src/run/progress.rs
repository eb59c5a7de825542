//! What is seen while a long measurement runs: one line that is rewritten on a terminal, plain lines otherwise.

use std::io::{IsTerminal as _, Write as _, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fleet::timeline::Stage;
use crate::shell::fleet::observer::{Live, Second};
use crate::time::Micros;

/// Seconds between two plain lines.
const PLAIN_EVERY: usize = 5;

/// The line.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    seconds: usize,
}

impl Progress {
    /// Nothing is shown yet.
    pub(super) fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, seconds: 0 }
    }

    /// A line that stays.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // If nobody reads it, there is nobody to tell.
            None => drop(writeln!(stderr().lock(), "{text}")),
        }
    }

    /// What is being done, as it goes on: `calls` are wanted for `length`.
    pub(super) fn show(&mut self, what: &str, calls: usize, length: Micros, live: &Live) {
        if !live.is_new && (self.bar.is_none() || live.stage == Stage::Done) {
            return;
        }
        self.seconds += usize::from(live.is_new);
        let text = line(what, calls, length, live);
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None if self.seconds.is_multiple_of(PLAIN_EVERY) => self.note(&text),
            None => {}
        }
    }

    /// The rewritten line goes.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn line(what: &str, wanted: usize, length: Micros, live: &Live) -> String {
    let Second { calls, lost, clear_p95_ms, late_max_ms, core_percent, .. } = live.second;
    let of = match live.stage {
        Stage::Measure => format!(" {:.0} of {:.0} s", live.measured.as_ms() / 1_000.0, length.as_ms() / 1_000.0),
        _ => String::new(),
    };
    let clear = if clear_p95_ms > 0.0 { format!(", barge-in p95 {clear_p95_ms:.0} ms") } else { String::new() };
    let server = core_percent.map(|percent| format!(", server {percent:.0} % of a core")).unwrap_or_default();
    format!(
        "{what}: {}{of}, {calls} of {wanted} calls, {lost} lost, {} missed{clear}{server}, own lateness {late_max_ms:.1} ms",
        live.stage, live.missed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_one_wants_to_know() {
        let second = Second { calls: 390, lost: 2, clear_p95_ms: 93.4, core_percent: Some(17.6), ..Second::default() };
        let mut live =
            Live { stage: Stage::Measure, is_new: true, second, missed: 1, measured: Micros::from_ms(3_000) };
        let length = Micros::from_ms(10_000);
        assert_eq!(
            line("400 calls", 400, length, &live),
            "400 calls: measuring 3 of 10 s, 390 of 400 calls, 2 lost, 1 missed, barge-in p95 93 ms, \
             server 18 % of a core, own lateness 0.0 ms"
        );
        live.stage = Stage::Ramp;
        assert!(line("400 calls", 400, length, &live).starts_with("400 calls: calling, 390 of"));
    }
}

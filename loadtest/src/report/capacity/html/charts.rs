//! The charts of the page: over time, and over the number of calls.

use crate::capacity::search::Verdict;
use crate::report::capacity::{Plateau, Report};
use crate::report::page::chart::{self, Band, HALF, Line, WIDE};
use crate::report::page::element::Element;
use crate::report::page::frame::Frame;
use crate::report::page::number::thousands;
use crate::shell::fleet::observer::Second;

/// A lower wide chart: it stands below another with the same axis.
const LOW: (f64, f64) = (WIDE.0, 170.0);

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "good",
        Verdict::Missed { .. } => "bad",
        Verdict::Void => "dull",
    }
}

impl Report {
    pub(super) fn calls_over_time(&self) -> Option<Element> {
        let lines = [self.over_time("main", "calls", |second| Some(second.calls as f64))];
        let mut frame = self.time_frame("Calls", WIDE, ("calls", chart::top(&lines, None)))?;
        let bands = self.plateaus.iter().filter_map(|plateau| {
            let (first, last) = (plateau.seconds.first()?, plateau.seconds.last()?);
            let (from, to) = (plateau.begins_s + first.at_s - 1.0, plateau.begins_s + last.at_s);
            Some(Band { from, to, class: class(plateau.verdict), name: thousands(plateau.calls) })
        });
        chart::bands(&mut frame, &bands.collect::<Vec<_>>());
        chart::lines(&mut frame, &lines);
        Some(frame.figure())
    }

    pub(super) fn clear_over_time(&self) -> Option<Element> {
        let shown = |second: &Second| (second.clear_p95_ms > 0.0).then_some(second.clear_p95_ms);
        let lines = [self.over_time("second", "p95", shown)];
        let top = chart::top(&lines, self.budgets.clear_p95_ms);
        let mut frame = self.time_frame("Barge-in, p95 of each second", LOW, ("ms", top))?;
        chart::lines(&mut frame, &lines);
        self.level(&mut frame);
        Some(frame.figure())
    }

    pub(super) fn core_over_time(&self) -> Option<Element> {
        let lines = [self.over_time("third", "server", |second| second.core_percent)];
        if lines[0].points.is_empty() {
            return None;
        }
        let mut frame =
            self.time_frame("Server, share of one core", LOW, ("%", chart::top(&lines, None).max(100.0)))?;
        chart::lines(&mut frame, &lines);
        Some(frame.figure())
    }

    pub(super) fn clear_by_calls(&self) -> Option<Element> {
        let lines = [
            self.by_calls("main", "p50", |plateau| Some(plateau.figures.clear.p50_ms)),
            self.by_calls("second", "p95", |plateau| Some(plateau.figures.clear.p95_ms)),
            self.by_calls("third", "p99", |plateau| Some(plateau.figures.clear.p99_ms)),
        ];
        let top = chart::top(&lines, self.budgets.clear_p95_ms);
        let mut frame = self.calls_frame("Barge-in", ("ms", top))?;
        chart::lines(&mut frame, &lines);
        self.level(&mut frame);
        Some(frame.figure())
    }

    pub(super) fn cpu_by_calls(&self) -> Option<Element> {
        let lines = [self.by_calls("main", "CPU per call-second", Plateau::cpu_ms)];
        if lines[0].points.is_empty() {
            return None;
        }
        let mut frame = self.calls_frame("Server, CPU per call-second", ("ms", chart::top(&lines, None)))?;
        chart::lines(&mut frame, &lines);
        Some(frame.figure())
    }

    fn level(&self, frame: &mut Frame) {
        if let Some(budget) = self.budgets.clear_p95_ms {
            frame.level(budget, &format!("budget of p95, {budget} ms"));
        }
    }

    fn time_frame(&self, title: &str, size: (f64, f64), y: (&str, f64)) -> Option<Frame> {
        let last = self.plateaus.last()?;
        let ends = last.begins_s + last.seconds.last().map_or(1.0, |second| second.at_s);
        Some(Frame::new(title, size, ("seconds since the search began", ends), y))
    }

    fn calls_frame(&self, title: &str, y: (&str, f64)) -> Option<Frame> {
        let most = self.plateaus.iter().map(|plateau| plateau.calls).max()?;
        Some(Frame::new(title, HALF, ("calls at once", most as f64 * 1.04), y))
    }

    fn over_time(&self, class: &'static str, name: &'static str, of: impl Fn(&Second) -> Option<f64>) -> Line {
        let each = self.plateaus.iter().flat_map(|plateau| {
            let at = |second: &Second| plateau.begins_s + second.at_s;
            let seen = plateau.seconds.iter().filter_map(|second| Some((at(second), of(second)?)));
            // Nothing is known of the time between two plateaus.
            seen.collect::<Vec<_>>().into_iter().chain([(plateau.begins_s, f64::NAN)])
        });
        let points: Vec<(f64, f64)> = each.collect();
        let points = if points.iter().any(|(_, y)| y.is_finite()) { points } else { Vec::new() };
        Line { class, name, points, dots: Vec::new() }
    }

    fn by_calls(&self, name_class: &'static str, name: &'static str, of: impl Fn(&Plateau) -> Option<f64>) -> Line {
        let mut each: Vec<(&Plateau, f64)> = self.plateaus.iter().filter_map(|p| Some((p, of(p)?))).collect();
        each.sort_by_key(|(plateau, _)| plateau.calls);
        Line {
            class: name_class,
            name,
            points: each.iter().map(|(plateau, value)| (plateau.calls as f64, *value)).collect(),
            dots: each.iter().map(|(plateau, _)| class(plateau.verdict)).collect(),
        }
    }
}

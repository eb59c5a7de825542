//! A histogram with its percentiles.

use super::chart::HALF;
use super::element::Element;
use super::frame::{Frame, line, rect, text};
use crate::fleet::spread::{Bins, Figures};

/// Draws `bins`, with lines at the percentiles and, where there is one, at the budget of the 95th.
#[must_use]
pub fn histogram(title: &str, what: &str, bins: &Bins, figures: &Figures, budget: Option<f64>) -> Element {
    let most = bins.counts.iter().copied().max().unwrap_or_default();
    let ends = bins.counts.len() as f64 * bins.step_ms;
    let about = about(what, bins, figures);
    let mut frame =
        Frame::new(title, HALF, ("ms", ends.max(figures.p99_ms)), ("count", most as f64 * 1.1)).about(about);
    for (index, count) in bins.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (from, to) = (index as f64 * bins.step_ms, (index + 1) as f64 * bins.step_ms);
        let (left, right) = (frame.x.at(from), frame.x.at(to));
        let gap = if right - left > 3.0 { 1.0 } else { 0.0 };
        frame.draw(rect((left, frame.y.at(*count as f64)), (right - gap, frame.y.at(0.0))).class("bar"));
    }
    let mut free_from = 0.0;
    for (name, at) in [("p50", figures.p50_ms), ("p95", figures.p95_ms), ("p99", figures.p99_ms)] {
        free_from = upright(&mut frame, name, at, "percentile", free_from);
    }
    if let Some(budget) = budget.filter(|budget| *budget <= frame.x.max) {
        upright(&mut frame, "budget of p95", budget, "level", free_from);
    }
    frame.figure()
}

fn upright(frame: &mut Frame, name: &str, at: f64, class: &'static str, free_from: f64) -> f64 {
    let ((top, bottom), x) = (frame.field(), frame.x.at(at));
    frame.draw(line((x, top), (x, bottom)).class(class));
    let half = name.chars().count() as f64 * 3.4;
    let middle = x.max(free_from + half);
    frame.draw(text((middle, top - 5.0), name).with("text-anchor", "middle").class("strong"));
    middle + half + 5.0
}

fn about(what: &str, bins: &Bins, figures: &Figures) -> String {
    let Figures { count, p50_ms, p95_ms, p99_ms, max_ms } = figures;
    if *count == 0 {
        return format!("{what}: nothing was measured");
    }
    let above = if bins.above > 0 { format!("; {} longer ones are not drawn", bins.above) } else { String::new() };
    format!("{what}: {count}, p50 {p50_ms:.1}, p95 {p95_ms:.1}, p99 {p99_ms:.1}, longest {max_ms:.1} ms{above}")
}

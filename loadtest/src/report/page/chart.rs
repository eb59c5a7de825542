//! Lines over an axis: what changes with time, or with the number of calls.

use super::element::{Element, element};
use super::frame::{Frame, rect, text};

/// A wide chart and one of a pair, in units of the drawing.
pub const WIDE: (f64, f64) = (1_000.0, 220.0);
/// See [`WIDE`].
pub const HALF: (f64, f64) = (500.0, 240.0);

/// A line through points.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its colour: `main`, `second` or `third`.
    pub class: &'static str,
    /// What it is.
    pub name: &'static str,
    /// Where it goes; a value that is no number lifts the pen.
    pub points: Vec<(f64, f64)>,
    /// Whether each point is shown, with its verdict as a class.
    pub dots: Vec<&'static str>,
}

/// A stretch of the axis that is marked.
#[derive(Clone, Debug)]
pub struct Band {
    /// From here.
    pub from: f64,
    /// To here.
    pub to: f64,
    /// Its colour: `good`, `bad` or `dull`.
    pub class: &'static str,
    /// What is written above it.
    pub name: String,
}

/// Marks stretches of the axis, behind the lines that are drawn later.
pub fn bands(frame: &mut Frame, bands: &[Band]) {
    let (top, bottom) = frame.field();
    let mut free_from = 0.0;
    for Band { from, to, class, name } in bands {
        let (left, right) = (frame.x.at(*from), frame.x.at(*to));
        frame.draw(rect((left, top), (right, bottom)).class(format!("band {class}")));
        // A name takes about seven units a letter; one that would cover another is left out.
        let (middle, half) = ((left + right) / 2.0, name.chars().count() as f64 * 3.5);
        if middle - half >= free_from {
            frame.draw(text((middle, top - 5.0), name).with("text-anchor", "middle").class("strong"));
            free_from = middle + half + 4.0;
        }
    }
}

/// Draws lines, and explains their colours where there are several.
pub fn lines(frame: &mut Frame, lines: &[Line]) {
    for Line { class, name, points, dots } in lines {
        let place = |(x, y): &(f64, f64)| y.is_finite().then(|| (frame.x.at(*x), frame.y.at(*y)));
        let places: Vec<Option<(f64, f64)>> = points.iter().map(place).collect();
        frame.draw(element("path").with("d", path(&places)).class(format!("line {class}")));
        for (place, verdict) in places.iter().zip(dots) {
            if let Some((x, y)) = place {
                frame.draw(dot(*x, *y, class, verdict));
            }
        }
        if lines.len() > 1 {
            frame.key(class, name);
        }
    }
}

fn dot(x: f64, y: f64, class: &str, verdict: &str) -> Element {
    let radius = if verdict == "good" { 3.0 } else { 4.0 };
    element("circle").at("cx", x).at("cy", y).at("r", radius).class(format!("dot {class} {verdict}"))
}

fn path(places: &[Option<(f64, f64)>]) -> String {
    let mut text = String::new();
    let mut pen_is_down = false;
    for place in places {
        if let Some((x, y)) = place {
            text.push_str(&format!("{}{x:.1} {y:.1}", if pen_is_down { "L" } else { "M" }));
        }
        pen_is_down = place.is_some();
    }
    text
}

/// The greatest value of lines, and what is to be shown of an axis that has a `budget`: not so much more than that, as
/// what is far beyond tells nothing.
#[must_use]
pub fn top(lines: &[Line], budget: Option<f64>) -> f64 {
    let values = lines.iter().flat_map(|line| line.points.iter().map(|(_, y)| *y)).filter(|y| y.is_finite());
    let most = values.fold(0.0, f64::max).max(budget.unwrap_or(0.0) * 1.15);
    budget.map_or(most * 1.08, |budget| (most * 1.08).min(budget * 2.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_lifted_where_nothing_is_known() {
        let places = [Some((1.0, 2.0)), Some((3.0, 4.0)), None, Some((5.0, 6.0)), Some((7.0, 8.25))];
        assert_eq!(path(&places), "M1.0 2.0L3.0 4.0M5.0 6.0L7.0 8.2");
    }

    #[test]
    fn what_is_far_beyond_a_budget_is_not_shown_to_its_end() {
        let line = |y| Line { class: "main", name: "", points: vec![(0.0, y), (1.0, f64::NAN)], dots: Vec::new() };
        assert!((top(&[line(5_000.0)], Some(100.0)) - 250.0).abs() < 0.1);
        assert!((top(&[line(50.0)], Some(100.0)) - 124.2).abs() < 0.1);
        assert!((top(&[line(50.0)], None) - 54.0).abs() < 0.1);
    }
}

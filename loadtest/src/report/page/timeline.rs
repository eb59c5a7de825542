//! A stretch of one call: the bot above, the caller below, what happened between them.

use super::element::{Element, element};
use super::frame::{line, rect, text};
use super::scale::Scale;
use crate::fleet::diary::Entry;
use crate::fleet::worst::Story;
use crate::time::Micros;

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 106.0;
const LEFT: f64 = 46.0;
/// What is shown at most of what led to it, ms, and what is left free behind it.
const BEFORE_MS: f64 = 7_000.0;
const BEHIND_MS: f64 = 400.0;
const BOT: (f64, f64) = (24.0, 46.0);
const CALLER: (f64, f64) = (54.0, 76.0);

/// Draws what led to what was bad.
#[must_use]
pub fn timeline(story: &Story) -> Element {
    let begins_ms = story.at.relative_ms(story.started).clamp(0.0, BEFORE_MS);
    let lane = Lane { scale: Scale::new(begins_ms + BEHIND_MS, LEFT, WIDTH - 10.0), story, begins_ms };
    let since_start = story.at.since(story.started).as_ms() / 1_000.0;
    let title = format!("{} {}", story.call, story.bad);
    let caption = element("figcaption")
        .child(element("b").text(story.bad))
        .text(format!(" – call {}, {since_start:.1} s after it began", story.call));
    let drawing = element("svg")
        .with("viewBox", format!("0 0 {WIDTH} {HEIGHT}"))
        .with("role", "img")
        .with("aria-label", title)
        .child(text((4.0, 39.0), "bot"))
        .child(text((4.0, 69.0), "caller"))
        .children(lane.seconds())
        .children(story.entries.iter().flat_map(|entry| lane.entry(*entry)));
    element("figure").child(caption).child(drawing)
}

struct Lane<'a> {
    scale: Scale,
    story: &'a Story,
    /// How long before what was bad the drawing begins.
    begins_ms: f64,
}

impl Lane<'_> {
    /// Where a moment is; `None` before the drawing begins.
    fn at(&self, moment: Micros) -> Option<f64> {
        let ms = moment.relative_ms(self.story.at) + self.begins_ms;
        (ms >= 0.0).then(|| self.scale.at(ms))
    }

    fn bar(&self, from: Micros, to: Micros, lane: (f64, f64), class: &'static str) -> Vec<Element> {
        let to = to.min(self.story.at + Micros::from_ms(BEHIND_MS as u64));
        let Some(right) = self.at(to) else { return Vec::new() };
        let left = self.at(from).unwrap_or(LEFT);
        vec![rect((left, lane.0), (right.max(left + 1.0), lane.1)).class(class).with("rx", "2")]
    }

    fn moment(&self, at: Micros, class: &'static str, words: &str) -> Vec<Element> {
        let Some(x) = self.at(at) else { return Vec::new() };
        let anchor = if x > WIDTH - 160.0 { "end" } else { "start" };
        let beside = if anchor == "end" { x - 4.0 } else { x + 4.0 };
        vec![
            line((x, 16.0), (x, 82.0)).class(class),
            text((beside, 14.0), words).with("text-anchor", anchor).class("strong"),
        ]
    }

    fn entry(&self, entry: Entry) -> Vec<Element> {
        match entry {
            Entry::Bot { from, to } => self.bar(from, to, BOT, "bot"),
            Entry::Caller { from, to } => self.bar(from, to, CALLER, "caller"),
            Entry::Gap { from, to } => self.bar(from, to, BOT, "gap"),
            Entry::Clear { at, took: Some(took), .. } => self.moment(at, "clear", &format!("clear, {took}")),
            Entry::Clear { at, provoked: true, .. } => self.moment(at, "clear", "clear"),
            Entry::Clear { at, .. } => self.moment(at, "wrong", "clear, nobody spoke"),
            Entry::Missed { at } => self.moment(at, "wrong", "no clear for 1 s"),
            Entry::Key { at } => self.moment(at, "press", "key"),
        }
    }

    fn seconds(&self) -> Vec<Element> {
        let whole = (self.begins_ms / 1_000.0).floor() as u32;
        let each = (0..=whole).map(|second| {
            let x = self.scale.at(self.begins_ms - f64::from(second) * 1_000.0);
            let name = if second == 0 { "0 s".to_owned() } else { format!("−{second} s") };
            [line((x, 82.0), (x, 87.0)).class("axis"), text((x, 100.0), &name).with("text-anchor", "middle")]
        });
        each.flatten().collect()
    }
}

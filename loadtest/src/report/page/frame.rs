//! The frame of a drawing: a figure with its caption, axes with round values, grid lines.

use super::element::{Element, element};
use super::number::written;
use super::scale::Scale;

/// Room for what is written beside the axes.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 34.0;

/// A drawing with two axes.
#[derive(Clone, Debug)]
pub struct Frame {
    title: String,
    about: String,
    names: (String, String),
    keys: Vec<(&'static str, String)>,
    width: f64,
    height: f64,
    /// Along.
    pub x: Scale,
    /// Up.
    pub y: Scale,
    drawn: Vec<Element>,
}

impl Frame {
    /// An empty drawing whose axes end at these values.
    #[must_use]
    pub fn new(title: &str, size: (f64, f64), x: (&str, f64), y: (&str, f64)) -> Self {
        let (width, height) = size;
        Self {
            title: title.into(),
            about: String::new(),
            names: (x.0.into(), y.0.into()),
            keys: Vec::new(),
            width,
            height,
            x: Scale::new(x.1, LEFT, width - RIGHT),
            y: Scale::new(y.1, height - BOTTOM, TOP),
            drawn: Vec::new(),
        }
    }

    /// With words below its title, which are also what is read aloud.
    #[must_use]
    pub fn about(mut self, words: impl std::fmt::Display) -> Self {
        self.about = words.to_string();
        self
    }

    /// With a colour explained.
    pub fn key(&mut self, class: &'static str, name: impl std::fmt::Display) {
        self.keys.push((class, name.to_string()));
    }

    /// Draws something more, above all else.
    pub fn draw(&mut self, part: Element) {
        self.drawn.push(part);
    }

    /// Top and bottom of the field.
    #[must_use]
    pub fn field(&self) -> (f64, f64) {
        (TOP, self.height - BOTTOM)
    }

    /// A dashed line across at `value`, with a name at its end.
    pub fn level(&mut self, value: f64, name: &str) {
        let y = self.y.at(value);
        self.draw(line((LEFT, y), (self.width - RIGHT, y)).class("level"));
        self.draw(text((self.width - RIGHT, y - 4.0), name).with("text-anchor", "end").class("strong"));
    }

    /// The figure.
    #[must_use]
    pub fn figure(self) -> Element {
        let keys = self.keys.iter().map(|(class, name)| {
            element("span").class("key").child(element("i").class(format!("{class} swatch"))).text(name)
        });
        let caption = element("figcaption").child(element("b").text(&self.title)).text(if self.about.is_empty() {
            String::new()
        } else {
            format!(" {}", self.about)
        });
        let label = format!("{}. {}", self.title, self.about);
        let drawing = element("svg")
            .with("viewBox", format!("0 0 {} {}", self.width, self.height))
            .with("role", "img")
            .with("aria-label", label)
            .children(self.axes())
            .children(self.drawn);
        let caption = caption.children((!self.keys.is_empty()).then(|| element("span").class("keys").children(keys)));
        element("figure").child(caption).child(drawing)
    }

    fn axes(&self) -> Vec<Element> {
        let (top, bottom) = self.field();
        let mut parts = Vec::new();
        for tick in self.y.ticks(4) {
            let y = self.y.at(tick);
            parts.push(line((LEFT, y), (self.width - RIGHT, y)).class("grid"));
            parts.push(text((LEFT - 6.0, y + 4.0), &written(tick)).with("text-anchor", "end"));
        }
        for tick in self.x.ticks(if self.width > 700.0 { 10 } else { 6 }) {
            let x = self.x.at(tick);
            parts.push(line((x, bottom), (x, bottom + 4.0)).class("axis"));
            parts.push(text((x, bottom + 16.0), &written(tick)).with("text-anchor", "middle"));
        }
        parts.push(line((LEFT, bottom), (self.width - RIGHT, bottom)).class("axis"));
        let (x, y) = &self.names;
        parts.push(text((self.width - RIGHT, bottom + 30.0), x).with("text-anchor", "end"));
        parts.push(text((4.0, top - 7.0), y));
        parts
    }
}

/// A straight line.
#[must_use]
pub fn line(from: (f64, f64), to: (f64, f64)) -> Element {
    element("line").at("x1", from.0).at("y1", from.1).at("x2", to.0).at("y2", to.1)
}

/// A rectangle between two corners.
#[must_use]
pub fn rect(from: (f64, f64), to: (f64, f64)) -> Element {
    element("rect")
        .at("x", from.0.min(to.0))
        .at("y", from.1.min(to.1))
        .at("width", (to.0 - from.0).abs())
        .at("height", (to.1 - from.1).abs())
}

/// Words at a place.
#[must_use]
pub fn text(at: (f64, f64), words: &str) -> Element {
    element("text").at("x", at.0).at("y", at.1).text(words)
}

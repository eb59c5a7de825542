//! A table: a head, rows, numbers to the right, and a frame in which a wide one scrolls.

use super::element::{Element, element};

/// A table that grows row by row.
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    head: Vec<String>,
    rows: Vec<Element>,
}

/// What stands in a cell.
#[derive(Clone, Debug)]
pub struct Cell(Element);

impl Cell {
    /// Words.
    #[must_use]
    pub fn words(text: impl std::fmt::Display) -> Self {
        Self(element("td").text(text))
    }

    /// A figure.
    #[must_use]
    pub fn figure(text: impl std::fmt::Display) -> Self {
        Self(element("td").class("figure").text(text))
    }

    /// A verdict: good, bad or void, in a word and a colour.
    #[must_use]
    pub fn verdict(kind: &'static str, text: impl std::fmt::Display) -> Self {
        Self(element("td").child(element("span").class(format!("verdict {kind}")).text(text)))
    }
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new<'a>(caption: &str, head: impl IntoIterator<Item = &'a str>) -> Self {
        Self { caption: caption.into(), head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// With a row more; the first cell names it.
    pub fn row(&mut self, name: impl std::fmt::Display, cells: impl IntoIterator<Item = Cell>) {
        let name = element("th").with("scope", "row").text(name);
        self.rows.push(element("tr").child(name).children(cells.into_iter().map(|cell| cell.0)));
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As an element.
    #[must_use]
    pub fn draw(self) -> Element {
        let head = self.head.iter().map(|name| element("th").with("scope", "col").text(name));
        let table = element("table")
            .child(element("caption").text(&self.caption))
            .child(element("thead").child(element("tr").children(head)))
            .child(element("tbody").children(self.rows));
        // Reachable by the keyboard, or nobody without a mouse can scroll it.
        element("div")
            .class("wide")
            .with("role", "region")
            .with("aria-label", self.caption)
            .with("tabindex", "0")
            .child(table)
    }
}

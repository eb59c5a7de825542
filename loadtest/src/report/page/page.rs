//! The page itself: head, style, sections, foot.

use super::element::{Element, element};

/// Everything that is ours to say how it looks; light, dark, on paper.
const STYLE: &str = include_str!("style.css");
/// Nothing may be loaded from anywhere, whatever got into the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page in the making.
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    main: Element,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(title: &str) -> Self {
        Self { title: title.to_owned(), main: element("main") }
    }

    /// With these at its end.
    pub fn add(&mut self, parts: impl IntoIterator<Item = Element>) {
        self.main = std::mem::replace(&mut self.main, element("main")).children(parts);
    }

    /// With a section at its end: a heading, a word about it, and what is in it.
    pub fn section(&mut self, heading: &str, about: &str, parts: impl IntoIterator<Item = Element>) {
        let about = (!about.is_empty()).then(|| element("p").class("soft").text(about));
        self.add([element("section").child(element("h2").text(heading)).children(about).children(parts)]);
    }

    /// The whole file.
    #[must_use]
    pub fn html(self) -> String {
        let viewport = element("meta").with("name", "viewport").with("content", "width=device-width, initial-scale=1");
        let head = element("head")
            .child(element("meta").with("charset", "utf-8"))
            .child(element("meta").with("http-equiv", "Content-Security-Policy").with("content", POLICY))
            .child(viewport)
            .child(element("title").text(self.title))
            .child(element("style").style(STYLE));
        let body = element("body").child(self.main);
        format!("<!DOCTYPE html>\n{}\n", element("html").with("lang", "en").child(head).child(body))
    }
}

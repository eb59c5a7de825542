//! A tag with its attributes and what stands in it. All text is escaped here and nowhere else.

use std::fmt::{self, Display, Write as _};

/// Tags that never have an end of their own in HTML.
const VOID: &[&str] = &["meta", "br", "col"];

/// One element.
#[derive(Clone, Debug)]
pub struct Element {
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    inside: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Element(Element),
    Text(String),
    /// The style sheet: ours, and not escaped.
    Style(&'static str),
}

/// An element with this tag.
#[must_use]
pub const fn element(tag: &'static str) -> Element {
    Element { tag, attributes: Vec::new(), inside: Vec::new() }
}

impl Element {
    /// With an attribute more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// With a class.
    #[must_use]
    pub fn class(self, name: impl Display) -> Self {
        self.with("class", name)
    }

    /// With a length or place of a drawing, to a tenth of a unit.
    #[must_use]
    pub fn at(self, name: &'static str, value: f64) -> Self {
        self.with(name, tenth(value))
    }

    /// With text behind what is in it.
    #[must_use]
    pub fn text(mut self, text: impl Display) -> Self {
        self.inside.push(Node::Text(text.to_string()));
        self
    }

    /// With an element behind what is in it.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.inside.push(Node::Element(child));
        self
    }

    /// With elements behind what is in it.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.inside.extend(children.into_iter().map(Node::Element));
        self
    }

    /// With a style sheet in it, as it stands.
    #[must_use]
    pub fn style(mut self, sheet: &'static str) -> Self {
        self.inside.push(Node::Style(sheet));
        self
    }
}

/// A number of a drawing, without needless digits.
#[must_use]
pub fn tenth(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

impl Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.tag)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"")?;
            escape(f, value)?;
            f.write_char('"')?;
        }
        if VOID.contains(&self.tag) {
            return f.write_str("/>");
        }
        f.write_char('>')?;
        for node in &self.inside {
            match node {
                Node::Element(element) => element.fmt(f)?,
                Node::Text(text) => escape(f, text)?,
                Node::Style(sheet) => f.write_str(sheet)?,
            }
        }
        write!(f, "</{}>", self.tag)
    }
}

/// Characters that mean something are named, and those that no page may hold are shown as what they are not.
fn escape(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars() {
        match c {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            '\n' | '\t' => f.write_char(c)?,
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => f.write_char('\u{FFFD}')?,
            c => f.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    #[test]
    fn it_is_written_as_it_was_put_together() {
        let cell = element("td").class("n").text("a<b").child(element("br"));
        assert_eq!(cell.to_string(), r#"<td class="n">a&lt;b<br/></td>"#);
        assert_eq!(element("rect").at("x", 3.0).at("y", 0.25).to_string(), r#"<rect x="3" y="0.2"></rect>"#);
    }

    proptest! {
        /// Whatever a server calls itself, it cannot leave the place where it stands.
        #[test]
        fn no_text_gets_out_of_its_element(text in any::<String>(), value in any::<String>()) {
            let page = element("p").with("title", &value).text(&text).to_string();
            let mut reader = Reader::from_str(&page);
            let (mut depth, mut tags) = (0, 0);
            loop {
                match reader.read_event().unwrap() {
                    Event::Start(start) => {
                        prop_assert!(start.name().as_ref() == "p");
                        prop_assert_eq!(start.attributes().map(Result::unwrap).count(), 1);
                        (depth, tags) = (depth + 1, tags + 1);
                    }
                    Event::End(_) => depth -= 1,
                    Event::Eof => break,
                    Event::Text(_) | Event::GeneralRef(_) => {}
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            prop_assert_eq!((depth, tags), (0, 1));
        }
    }
}

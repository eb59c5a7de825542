//! Reads a TwiML document into verbs. What TwiML does not have is left out, with Twilio's warning.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

use super::rules;
use super::warning::Warning;

/// One element of the document, still as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name; case matters.
    pub name: String,
    /// Its attributes, unescaped.
    pub attributes: Vec<(String, String)>,
    /// Its text, unescaped and trimmed; that of a `<Say>` with what its SSML makes of it, as it is spoken.
    pub text: String,
    /// The elements inside it.
    pub children: Vec<Element>,
}

impl Element {
    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// An attribute that is a number, or `default` when absent or unreadable.
    #[must_use]
    pub fn number(&self, name: &str, default: u64) -> u64 {
        self.attribute(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default)
    }
}

/// Why a document cannot be executed at all: Twilio's error 12100.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadTwiml {
    /// Not well-formed.
    #[error("not well-formed XML: {0}")]
    Xml(String),
    /// Something stands before the XML declaration or the root.
    #[error("nothing may stand before the XML declaration or <Response>")]
    LeadingText,
    /// Another root than `<Response>`.
    #[error("the root is <{0}>, not <Response>")]
    Root(String),
    /// The document nests too deep to be TwiML.
    #[error("elements nest deeper than {MAX_DEPTH}")]
    Depth,
}

/// TwiML nests three or four deep; this bounds what a hostile answer can make us hold.
const MAX_DEPTH: usize = 16;

/// The verbs of a document, and what was wrong with it without stopping it.
///
/// # Errors
/// [`BadTwiml`] when nothing of it can be executed.
pub fn parse(document: &str) -> Result<(Vec<Element>, Vec<Warning>), BadTwiml> {
    let root = tree(document)?;
    if root.name != "Response" {
        return Err(BadTwiml::Root(root.name));
    }
    let mut warnings = Vec::new();
    let verbs = rules::check(root.children, &mut warnings);
    Ok((verbs, warnings))
}

fn tree(document: &str) -> Result<Element, BadTwiml> {
    let mut reader = Reader::from_str(document);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|e| BadTwiml::Xml(e.to_string()))?;
        match event {
            Event::Decl(_) if reader.buffer_position() > 0 && !document.starts_with("<?xml") => {
                return Err(BadTwiml::LeadingText);
            }
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(BadTwiml::Depth);
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => close(element(&start)?, &mut open, &mut root)?,
            Event::End(_) => {
                if let Some(done) = open.pop() {
                    close(done, &mut open, &mut root)?;
                }
            }
            Event::Text(text) => add_text(&text.xml10_content(), &mut open)?,
            Event::CData(data) => add_text(&data.xml10_content(), &mut open)?,
            Event::GeneralRef(entity) => {
                let name = entity.xml10_content();
                let character = entity.resolve_char_ref().map_err(|e| BadTwiml::Xml(e.to_string()))?;
                let text = match character {
                    Some(character) => character.to_string(),
                    None => resolve_predefined_entity(&name)
                        .ok_or_else(|| BadTwiml::Xml(format!("unknown entity &{name};")))?
                        .to_owned(),
                };
                add_text(&text, &mut open)?;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if let Some(unclosed) = open.pop() {
        return Err(BadTwiml::Xml(format!("<{}> is never closed", unclosed.name)));
    }
    root.ok_or_else(|| BadTwiml::Xml("the document is empty".into()))
}

fn element(start: &BytesStart<'_>) -> Result<Element, BadTwiml> {
    let xml = |e: &dyn std::fmt::Display| BadTwiml::Xml(e.to_string());
    let name = start.name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| xml(&e))?;
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|e| xml(&e))?.into_owned();
        attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

fn close(mut done: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), BadTwiml> {
    let in_say = open.iter().any(|element| element.name == "Say");
    done.text = if in_say || done.name == "Say" {
        done.text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        done.text.trim().to_owned()
    };
    match (open.last_mut(), root.is_some()) {
        (Some(parent), _) => {
            if in_say {
                let spoken = done.attribute("alias").unwrap_or(&done.text);
                parent.text.push_str(&format!(" {spoken} "));
            }
            parent.children.push(done);
        }
        (None, false) => *root = Some(done),
        (None, true) => return Err(BadTwiml::Xml(format!("<{}> stands after the root", done.name))),
    }
    Ok(())
}

fn add_text(text: &str, open: &mut [Element]) -> Result<(), BadTwiml> {
    match open.last_mut() {
        Some(parent) => parent.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(BadTwiml::LeadingText),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_with_parameters_is_read() {
        let (verbs, warnings) = parse(
            r#"<?xml version="1.0" encoding="UTF-8"?>
            <Response><!-- hello --><Connect><Stream url="wss://h/a?x=1&amp;y=2"><Parameter name="t" value="&quot;1&quot;"/></Stream></Connect>
            <Redirect method="POST">/resume?a=1&amp;b=2</Redirect></Response>"#,
        )
        .unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let stream = &verbs[0].children[0];
        assert_eq!(stream.attribute("url"), Some("wss://h/a?x=1&y=2"));
        assert_eq!(stream.children[0].attribute("value"), Some("\"1\""));
        assert_eq!((verbs[1].name.as_str(), verbs[1].text.as_str()), ("Redirect", "/resume?a=1&b=2"));
    }

    #[test]
    fn what_is_no_twiml_is_refused() {
        for bad in [
            "",
            "hello",
            "<Response>",
            "<Response></Say>",
            "<Respond/>",
            "<Response/><Response/>",
            " <?xml version=\"1.0\"?><Response/>",
            "x<Response/>",
            "<Response><Redirect>/a?b&c</Redirect></Response>",
            "<Response><Say>&nbsp;</Say></Response>",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "<Response>".repeat(100), "</Response>".repeat(100));
        assert_eq!(parse(&deep), Err(BadTwiml::Depth));
    }

    #[test]
    fn unknown_verbs_are_left_out_and_unknown_attributes_ignored_with_a_warning() {
        use crate::twilio::warning::Code;
        let (verbs, warnings) =
            parse("<Response><say>no</say><Pause len=\"2\"/><Gather><Dial>1</Dial></Gather></Response>").unwrap();
        let names: Vec<&str> = verbs.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["Pause", "Gather"]);
        assert!(verbs[1].children.is_empty());
        assert_eq!(warnings.len(), 3);
        let codes: Vec<Code> = warnings.iter().map(|w| w.code).collect();
        assert_eq!(codes, [Code::TwimlSchema, Code::TwimlSchema, Code::GatherNested]);
    }

    #[test]
    fn the_text_of_say_is_what_is_spoken() {
        let say =
            "<Say>Call\n  <say-as interpret-as=\"digits\">12</say-as> or <sub alias=\"the police\">911</sub>.</Say>";
        let (verbs, warnings) = parse(&format!("<Response>{say}</Response>")).unwrap();
        assert_eq!((verbs[0].text.as_str(), warnings.len()), ("Call 12 or the police .", 0));
    }
}

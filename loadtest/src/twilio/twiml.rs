//! Reads a TwiML document into verbs. What TwiML does not have is left out, with Twilio's warning.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

use super::warning::{Code, Warning};

/// One element of the document, still as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name; case matters.
    pub name: String,
    /// Its attributes, unescaped.
    pub attributes: Vec<(String, String)>,
    /// Its text, unescaped and trimmed.
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
    let verbs = check_children(root.children, "Response", &mut warnings);
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
    done.text = done.text.trim().to_owned();
    match (open.last_mut(), root.is_some()) {
        (Some(parent), _) => parent.children.push(done),
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

/// What may stand inside what, and with which attributes.
struct Rule {
    parent: &'static str,
    name: &'static str,
    attributes: &'static [&'static str],
}

const fn rule(parent: &'static str, name: &'static str, attributes: &'static [&'static str]) -> Rule {
    Rule { parent, name, attributes }
}

/// The part of the language that a bidirectional stream lives in; `*` as parent means any of Response and Gather.
/// Elements that exist but are not modelled have the attribute list `["*"]`: nothing inside them is checked.
const RULES: &[Rule] = &[
    rule("*", "Say", &["voice", "language", "loop"]),
    rule("*", "Play", &["loop", "digits"]),
    rule("*", "Pause", &["length"]),
    rule("Response", "Redirect", &["method"]),
    rule("Response", "Hangup", &[]),
    rule("Response", "Reject", &["reason"]),
    rule("Response", "Gather", GATHER),
    rule("Response", "Dial", DIAL),
    rule("Response", "Connect", &["action", "method"]),
    rule("Connect", "Stream", STREAM),
    rule("Stream", "Parameter", &["name", "value"]),
    rule("Dial", "Number", &["*"]),
    rule("Dial", "Client", &["*"]),
    rule("Dial", "Sip", &["*"]),
    rule("Dial", "Conference", &["*"]),
    rule("Dial", "Queue", &["*"]),
    rule("Dial", "Sim", &["*"]),
    rule("Dial", "Application", &["*"]),
    rule("Dial", "WhatsApp", &["*"]),
    rule("Connect", "ConversationRelay", &["*"]),
    rule("Connect", "ConversationRelaySession", &["*"]),
    rule("Connect", "AiSession", &["*"]),
    rule("Connect", "VirtualAgent", &["*"]),
    rule("Connect", "Room", &["*"]),
    rule("Connect", "Conversation", &["*"]),
    rule("Response", "Record", &["*"]),
    rule("Response", "Enqueue", &["*"]),
    rule("Response", "Leave", &["*"]),
    rule("Response", "Echo", &["*"]),
    rule("Response", "Refer", &["*"]),
    rule("Response", "Start", &["*"]),
    rule("Response", "Stop", &["*"]),
    rule("Response", "Pay", &["*"]),
    rule("Reject", "Parameter", &["name", "value"]),
    rule("Hangup", "Parameter", &["name", "value"]),
];

const GATHER: &[&str] = &[
    "input",
    "action",
    "method",
    "timeout",
    "speechTimeout",
    "maxSpeechTime",
    "numDigits",
    "finishOnKey",
    "actionOnEmptyResult",
    "language",
    "hints",
    "speechModel",
    "enhanced",
    "profanityFilter",
    "partialResultCallback",
    "partialResultCallbackMethod",
    "bargeIn",
    "debug",
];
const DIAL: &[&str] = &[
    "action",
    "method",
    "timeout",
    "hangupOnStar",
    "timeLimit",
    "callerId",
    "callReason",
    "record",
    "trim",
    "recordingStatusCallback",
    "recordingStatusCallbackMethod",
    "recordingStatusCallbackEvent",
    "recordingTrack",
    "recordingConfigurationId",
    "answerOnBridge",
    "ringTone",
    "sequential",
    "referUrl",
    "referMethod",
    "events",
    "passports",
];
const STREAM: &[&str] =
    &["url", "name", "track", "statusCallback", "statusCallbackMethod", "connectorName", "audioFormat", "sampleRate"];

fn check_children(children: Vec<Element>, parent: &str, warnings: &mut Vec<Warning>) -> Vec<Element> {
    let allowed = |r: &&Rule| r.parent == parent || (r.parent == "*" && matches!(parent, "Response" | "Gather"));
    let mut kept = Vec::new();
    for mut child in children {
        let Some(rule) = RULES.iter().filter(allowed).find(|r| r.name == child.name) else {
            let text = format!("<{}> does not belong in <{parent}>: refused", child.name);
            warnings.push(Warning::new(Code::TwimlSchema, text));
            continue;
        };
        if rule.attributes != ["*"] {
            for (name, _) in &child.attributes {
                if !rule.attributes.contains(&name.as_str()) {
                    let text = format!("<{}> has no attribute {name:?}: ignored", child.name);
                    warnings.push(Warning::new(Code::TwimlSchema, text));
                }
            }
            // Say holds SSML, which only a synthesiser reads.
            if child.name != "Say" {
                child.children = check_children(child.children, &child.name.clone(), warnings);
            }
        }
        kept.push(child);
    }
    kept
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
        let (verbs, warnings) =
            parse("<Response><say>no</say><Pause len=\"2\"/><Gather><Dial>1</Dial></Gather></Response>").unwrap();
        let names: Vec<&str> = verbs.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["Pause", "Gather"]);
        assert!(verbs[1].children.is_empty());
        assert_eq!(warnings.len(), 3);
        assert!(warnings.iter().all(|w| w.code == Code::TwimlSchema));
    }
}

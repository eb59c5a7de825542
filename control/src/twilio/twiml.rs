//! TwiML: what the carrier is told to do next. Escaping is the writer's; the order of verbs is the order of events.

use std::io::{self, Cursor};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// The content type of TwiML.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Speak with the carrier's voice.
    Say(&'static str),
    /// The same, somebody's own words in their language (BCP 47).
    SayIn {
        /// What; no control characters, which XML cannot write.
        text: String,
        /// In which language.
        language: String,
    },
    /// Stream the call both ways until the socket closes.
    Connect {
        /// The socket's URL; its query would be dropped by Twilio, so it has none.
        stream: String,
        /// Where Twilio reports what became of the stream.
        status: String,
    },
    /// Ask this URL what comes next.
    Redirect(String),
    /// Speak and wait for one key.
    Gather {
        /// Where the key goes.
        action: String,
        /// What is said meanwhile.
        say: &'static str,
    },
    /// Connect the caller with a number.
    Dial {
        /// Whom.
        number: String,
        /// Where the outcome goes; without it the next verb is what comes after.
        action: Option<String>,
    },
    /// End the call.
    Hangup,
    /// Do not take the call; it costs nothing. Only as the first answer to an incoming call.
    RejectBusy,
}

/// A whole document.
pub fn document(verbs: &[Verb]) -> String {
    let mut writer = Writer::new(Cursor::new(Vec::with_capacity(512)));
    // Writing into memory cannot fail.
    let _ = write(&mut writer, verbs);
    String::from_utf8(writer.into_inner().into_inner()).unwrap_or_default()
}

type Xml = Writer<Cursor<Vec<u8>>>;

fn write(xml: &mut Xml, verbs: &[Verb]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    if verbs.is_empty() {
        xml.create_element("Response").write_empty()?;
        return Ok(());
    }
    xml.create_element("Response")
        .write_inner_content(|xml| verbs.iter().try_for_each(|verb| write_verb(xml, verb)))?;
    Ok(())
}

fn write_verb(xml: &mut Xml, verb: &Verb) -> io::Result<()> {
    match verb {
        Verb::Say(text) => text_element(xml, "Say", text),
        Verb::SayIn { text, language } => {
            xml.create_element("Say")
                .with_attribute(("language", language.as_str()))
                .write_text_content(BytesText::new(text))?;
            Ok(())
        }
        Verb::Connect { stream, status } => {
            xml.create_element("Connect").write_inner_content(|xml| {
                xml.create_element("Stream")
                    .with_attribute(("statusCallback", status.as_str()))
                    .with_attribute(("url", stream.as_str()))
                    .write_empty()?;
                Ok(())
            })?;
            Ok(())
        }
        Verb::Redirect(url) => text_element(xml, "Redirect", url),
        Verb::Gather { action, say } => {
            xml.create_element("Gather")
                .with_attribute(("action", action.as_str()))
                .with_attribute(("numDigits", "1"))
                .with_attribute(("timeout", "6"))
                .write_inner_content(|xml| text_element(xml, "Say", say))?;
            Ok(())
        }
        Verb::Dial { number, action } => {
            let action = action.as_deref().map(|action| ("action", action));
            xml.create_element("Dial")
                .with_attributes(action)
                .with_attribute(("timeout", "25"))
                .write_inner_content(|xml| text_element(xml, "Number", number))?;
            Ok(())
        }
        Verb::Hangup => empty_element(xml, "Hangup"),
        Verb::RejectBusy => {
            xml.create_element("Reject").with_attribute(("reason", "busy")).write_empty()?;
            Ok(())
        }
    }
}

fn text_element(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text))?;
    Ok(())
}

fn empty_element(xml: &mut Xml, name: &str) -> io::Result<()> {
    xml.create_element(name).write_empty()?;
    Ok(())
}

#[cfg(test)]
#[path = "../../tests/support/xml.rs"]
#[allow(unreachable_pub, clippy::unwrap_used, reason = "shared with the integration tests")]
mod xml;

#[cfg(test)]
mod tests {
    use super::xml::outline;
    use super::*;

    #[test]
    fn a_stream_is_followed_by_its_redirect() {
        let xml = document(&[
            Verb::Connect { stream: "wss://h/s/t".into(), status: "https://h/status".into() },
            Verb::Redirect("https://h/resume?n=0&m=1".into()),
        ]);
        assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>"), "{xml}");
        assert_eq!(
            outline(&xml),
            [
                "Response",
                "Connect",
                "Stream statusCallback=https://h/status url=wss://h/s/t",
                "Redirect",
                "\"https://h/resume?n=0&m=1\""
            ]
        );
    }

    #[test]
    fn what_would_break_xml_is_escaped() {
        let xml = document(&[
            Verb::Dial { number: "<Hangup/>&\"'".into(), action: Some("https://h/?a=\"><Hangup/>&b='".into()) },
            Verb::Say("a < b & c"),
        ]);
        assert!(!xml.contains("<Hangup"), "{xml}");
        assert_eq!(
            outline(&xml),
            [
                "Response",
                "Dial action=https://h/?a=\"><Hangup/>&b=' timeout=25",
                "Number",
                "\"<Hangup/>&\"'\"",
                "Say",
                "\"a < b & c\""
            ]
        );
    }

    #[test]
    fn an_answer_without_instructions_is_an_empty_response() {
        assert_eq!(outline(&document(&[])), ["Response"]);
    }

    #[test]
    fn refusal_costs_nothing() {
        assert_eq!(outline(&document(&[Verb::RejectBusy])), ["Response", "Reject reason=busy"]);
    }
}

//! Reads XML into an outline: one line per element with its attributes, one per text, all unescaped.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;

/// The outline of a document; panics where it is not well-formed.
pub fn outline(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut lines, mut text) = (Vec::new(), String::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(e) | Event::Empty(e) => {
                let mut line = e.name().as_ref().to_owned();
                for attribute in e.attributes() {
                    let attribute = attribute.unwrap();
                    line += &format!(" {}={}", attribute.key.as_ref(), unescape(&attribute.value).unwrap());
                }
                lines.push(line);
            }
            Event::Text(part) => text += part.as_ref(),
            Event::GeneralRef(name) => text += &format!("&{};", name.as_ref() as &str),
            Event::End(_) if !text.is_empty() => {
                lines.push(format!("\"{}\"", unescape(&std::mem::take(&mut text)).unwrap()));
            }
            Event::Eof => return lines,
            _ => {}
        }
    }
}

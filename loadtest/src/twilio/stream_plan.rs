//! What Twilio checks of a `<Stream>` before it connects: scheme, query, track, parameters.

use super::executor::StreamPlan;
use super::twiml::Element;
use super::url::Url;
use super::warning::{Code, Warning};

/// Name and value of one `<Parameter>` together stay below this many characters.
pub const MAX_PARAMETER_CHARS: usize = 500;

/// Where to connect to, and a warning that does not stop it.
///
/// # Errors
/// The [`Warning`] with which Twilio refuses the stream.
pub fn plan(document: Option<&Url>, stream: &Element) -> Result<(StreamPlan, Option<Warning>), Warning> {
    let written = stream.attribute("url").unwrap_or_default();
    if written.is_empty() {
        return Err(Warning::new(Code::StreamUrl, "<Stream> has no url"));
    }
    let mut url = resolve(document, written)?;
    let local = url.scheme == "ws" && url.is_loopback();
    if url.scheme != "wss" && !local {
        let text = format!("{url}: a stream needs wss:// (ws:// only on this machine)");
        return Err(Warning::new(Code::StreamScheme, text));
    }
    let track = stream.attribute("track").unwrap_or("inbound_track");
    if track != "inbound_track" {
        let text = format!("track={track:?}: <Connect><Stream> has only inbound_track");
        return Err(Warning::new(Code::StreamTrack, text));
    }
    let warning = url.query.take().map(|query| {
        Warning::new(Code::Silent, format!("query string ?{query} of the stream URL is dropped; use <Parameter>"))
    });
    Ok((StreamPlan { url, parameters: parameters(stream)? }, warning))
}

/// A relative stream URL keeps the document's host and gets the WebSocket scheme.
fn resolve(document: Option<&Url>, written: &str) -> Result<Url, Warning> {
    let joined = document.map_or_else(|| Url::parse(written), |document| document.join(written));
    let mut url = joined.map_err(|bad| Warning::new(Code::StreamUrl, bad.to_string()))?;
    if !written.contains("://") {
        url.scheme = if url.is_tls() { "wss" } else { "ws" }.to_owned();
    }
    Ok(url)
}

fn parameters(stream: &Element) -> Result<Vec<(String, String)>, Warning> {
    let mut parameters = Vec::new();
    for parameter in stream.children.iter().filter(|c| c.name == "Parameter") {
        let name = parameter.attribute("name").unwrap_or_default().to_owned();
        let value = parameter.attribute("value").unwrap_or_default().to_owned();
        if name.chars().count() + value.chars().count() >= MAX_PARAMETER_CHARS {
            let text = format!("<Parameter name={name:?}>: name and value must stay below 500 characters");
            return Err(Warning::new(Code::TwimlSchema, text));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(attributes: &[(&str, &str)]) -> Element {
        let attributes = attributes.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Element { name: "Stream".into(), attributes, ..Element::default() }
    }

    fn code(attributes: &[(&str, &str)]) -> Result<String, Code> {
        let document = Url::parse("http://127.0.0.1:8080/twilio/voice?x=1").unwrap();
        plan(Some(&document), &stream(attributes)).map(|(plan, _)| plan.url.to_string()).map_err(|w| w.code)
    }

    #[test]
    fn schemes_tracks_and_urls_are_checked() {
        assert_eq!(code(&[("url", "ws://127.0.0.1:8080/a")]).as_deref(), Ok("ws://127.0.0.1:8080/a"));
        assert_eq!(code(&[("url", "wss://h/a")]).as_deref(), Ok("wss://h/a"));
        assert_eq!(code(&[("url", "/ws/t")]).as_deref(), Ok("ws://127.0.0.1:8080/ws/t"));
        assert_eq!(code(&[("url", "ws://example.com/a")]), Err(Code::StreamScheme));
        assert_eq!(code(&[("url", "https://example.com/a")]), Err(Code::StreamScheme));
        assert_eq!(code(&[("url", "nonsense://x")]), Err(Code::StreamUrl));
        assert_eq!(code(&[]), Err(Code::StreamUrl));
        assert_eq!(code(&[("url", "wss://h/a"), ("track", "both_tracks")]), Err(Code::StreamTrack));
        assert_eq!(code(&[("url", "wss://h/a"), ("track", "inbound_track")]).as_deref(), Ok("wss://h/a"));
    }

    #[test]
    fn a_query_is_dropped_with_a_warning() {
        let document = Url::parse("http://127.0.0.1/").unwrap();
        let (plan, warning) = plan(Some(&document), &stream(&[("url", "wss://h/a?token=1")])).unwrap();
        assert_eq!(plan.url.to_string(), "wss://h/a");
        assert!(warning.unwrap().text.contains("token=1"));
    }
}

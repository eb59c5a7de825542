//! What Twilio checks of a `<Stream>` before it connects: scheme, query, track, parameters.

use super::executor::Callback;
use super::twiml::Element;
use super::url::Url;
use super::warning::{Code, Warning};

/// Name and value of one `<Parameter>` together stay below this many characters.
pub const MAX_PARAMETER_CHARS: usize = 500;

/// Tracks of one call that one-way streams may take, together.
pub const MAX_TRACKS: usize = 4;

/// Which verb opens the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `<Connect>`: the server hears and speaks.
    TwoWay,
    /// `<Start>`: the server only hears.
    OneWay,
}

/// A stream that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPlan {
    /// `MZ…`
    pub sid: String,
    /// Its name, or its identifier.
    pub name: String,
    /// Where to, query already dropped.
    pub url: Url,
    /// The `<Parameter>`s.
    pub parameters: Vec<(String, String)>,
    /// Such as `inbound_track`.
    pub track: String,
    /// Who is told when it starts and stops.
    pub callback: Option<Callback>,
}

impl StreamPlan {
    /// The tracks, as `start` lists them.
    #[must_use]
    pub fn tracks(&self) -> &'static [&'static str] {
        match self.track.as_str() {
            "both_tracks" => &["inbound", "outbound"],
            "outbound_track" => &["outbound"],
            _ => &["inbound"],
        }
    }
}

/// Where to connect to, or what is known of a stream that Twilio refuses; and what its debugger shows. When it is
/// refused, the last warning says why.
pub fn plan(
    document: Option<&Url>,
    stream: &Element,
    sid: String,
    kind: Kind,
) -> (Result<StreamPlan, StreamPlan>, Vec<Warning>) {
    let callback = stream.attribute("statusCallback").and_then(|url| Url::parse(url).ok());
    let get = stream.attribute("statusCallbackMethod").is_some_and(|method| method.eq_ignore_ascii_case("GET"));
    let mut plan = StreamPlan {
        name: stream.attribute("name").unwrap_or(&sid).to_owned(),
        sid,
        url: Url {
            scheme: String::new(),
            host: String::new(),
            port: None,
            path: String::new(),
            query: None,
            user: None,
            fragment: None,
        },
        parameters: Vec::new(),
        track: stream.attribute("track").unwrap_or("inbound_track").to_owned(),
        callback: callback.map(|url| Callback { url, get }),
    };
    match check(document, stream, &plan.track, kind) {
        Ok((url, parameters)) => (plan.url, plan.parameters) = (url, parameters),
        Err(refused) => return (Err(plan), vec![refused]),
    }
    let dropped = plan.url.query.take().map(|query| {
        Warning::new(Code::Silent, format!("query string ?{query} of the stream URL is dropped; use <Parameter>"))
    });
    (Ok(plan), dropped.into_iter().collect())
}

fn check(
    document: Option<&Url>,
    stream: &Element,
    track: &str,
    kind: Kind,
) -> Result<(Url, Vec<(String, String)>), Warning> {
    let written = stream.attribute("url").unwrap_or_default();
    if written.is_empty() {
        return Err(Warning::new(Code::StreamUrl, "<Stream> has no url"));
    }
    let url = resolve(document, written)?;
    let local = url.scheme == "ws" && url.is_loopback();
    if url.scheme != "wss" && !local {
        let text = format!("{url}: a stream needs wss:// (ws:// only on this machine)");
        return Err(Warning::new(Code::StreamScheme, text));
    }
    let text = match (kind, track) {
        (_, "inbound_track") | (Kind::OneWay, "outbound_track" | "both_tracks") => None,
        (Kind::TwoWay, _) => Some(format!("track={track:?}: <Connect><Stream> has only inbound_track")),
        (Kind::OneWay, _) => Some(format!("track={track:?}: use inbound_track, outbound_track or both_tracks")),
    };
    match text {
        Some(text) => Err(Warning::new(Code::StreamTrack, text)),
        None => Ok((url, parameters(stream)?)),
    }
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

    fn planned(attributes: &[(&str, &str)], kind: Kind) -> (Result<StreamPlan, StreamPlan>, Vec<Warning>) {
        let document = Url::parse("http://127.0.0.1:8080/twilio/voice?x=1").unwrap();
        plan(Some(&document), &stream(attributes), "MZ1".into(), kind)
    }

    fn code(attributes: &[(&str, &str)]) -> Result<String, Code> {
        let (plan, warnings) = planned(attributes, Kind::TwoWay);
        plan.map(|plan| plan.url.to_string()).map_err(|_| warnings[0].code)
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
        let (plan, warnings) = planned(&[("url", "wss://h/a?token=1")], Kind::TwoWay);
        assert_eq!(plan.unwrap().url.to_string(), "wss://h/a");
        assert!(warnings[0].text.contains("token=1"));
    }

    #[test]
    fn a_one_way_stream_may_have_both_tracks_and_a_name() {
        let both = [("url", "wss://h/a"), ("track", "both_tracks"), ("name", "n"), ("statusCallback", "https://h/s")];
        let plan = planned(&both, Kind::OneWay).0.unwrap();
        assert_eq!((plan.tracks(), plan.name.as_str()), (&["inbound", "outbound"][..], "n"));
        let refused =
            planned(&[("url", "wss://h/a"), ("track", "left"), ("statusCallback", "https://h/s")], Kind::OneWay);
        assert_eq!(refused.1[0].code, Code::StreamTrack);
        assert!(refused.0.unwrap_err().callback.is_some(), "the callback hears of it");
    }

    #[test]
    fn parameters_are_short() {
        let mut long = stream(&[("url", "wss://h/a")]);
        let value = "v".repeat(499);
        let attributes = vec![("name".to_owned(), "n".to_owned()), ("value".to_owned(), value)];
        long.children = vec![Element { name: "Parameter".into(), attributes, ..Element::default() }];
        let (plan, warnings) = plan(None, &long, "MZ1".into(), Kind::TwoWay);
        assert!(plan.is_err() && warnings[0].text.contains("below 500"));
    }
}

//! Twilio Media Streams: its JSON text messages in, our exact minimal objects out.
//!
//! Liberal in what is read: unknown events and extra fields pass, counters may be strings or numbers, a missing track
//! is the caller's. Exact in what is written: one extra field and Twilio drops the message, warning once per stream.
//! Facts: <https://www.twilio.com/docs/voice/media-streams/websocket-messages>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::error::Category;

use super::lenient::{Entries, List, Object, Scalar};
use super::payload::write_base64;
use super::scan;
use super::{
    Dtmf, Error, Header, Inbound, MESSAGE_BYTES_MAX, Mark, Media, MediaFormat, Outbound, Parameters, Payload, Sid,
    StartInfo, Stop, Track,
};

/// Reads one message. Never panics; allocates for `start`, and for text that was written with JSON escapes.
pub fn parse(message: &[u8]) -> Result<Inbound<'_>, Error> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(Error::TooLarge { bytes: message.len(), bytes_max: MESSAGE_BYTES_MAX });
    }
    if let Some(media) = scan::media(message) {
        return Ok(Inbound::Media(media));
    }
    parse_any(message)
}

/// Reads one message by the parser alone: what the short cut in `scan` is compared with.
#[doc(hidden)]
pub fn parse_any(message: &[u8]) -> Result<Inbound<'_>, Error> {
    // Checking UTF-8 first and parsing a str is faster than serde_json::from_slice, which checks every string.
    let text = std::str::from_utf8(message).map_err(|_| Error::NotText)?;
    match serde_json::from_str(text).map_err(json_error)? {
        Object::Fields(envelope) => inbound(envelope),
        Object::Absent | Object::Other => Err(Error::NotAnObject),
    }
}

/// Appends one message to `out`, which keeps its room from one message to the next. No frames, no media message.
pub fn encode(out: &mut Vec<u8>, stream_sid: &Sid, message: Outbound<'_>) {
    match message {
        Outbound::Media(frames) if frames.iter().all(|f| f.is_empty()) => {}
        Outbound::Media(frames) => {
            open(out, "media", stream_sid);
            out.extend_from_slice(br#","media":{"payload":""#);
            write_base64(out, frames);
            out.extend_from_slice(br#""}}"#);
        }
        Outbound::Mark(name) => {
            open(out, "mark", stream_sid);
            out.extend_from_slice(br#","mark":{"name":""#);
            name.write_to(out);
            out.extend_from_slice(br#""}}"#);
        }
        Outbound::Clear => {
            open(out, "clear", stream_sid);
            out.push(b'}');
        }
    }
}

fn open(out: &mut Vec<u8>, event: &str, stream_sid: &Sid) {
    out.extend_from_slice(br#"{"event":""#);
    out.extend_from_slice(event.as_bytes());
    out.extend_from_slice(br#"","streamSid":""#);
    out.extend_from_slice(stream_sid.as_bytes());
    out.push(b'"');
}

/// All fields of all messages: one pass over the text. An internally tagged enum would buffer the message first, at
/// more than twice the time.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Scalar<'a>,
    sequence_number: Scalar<'a>,
    stream_sid: Scalar<'a>,
    media: Object<MediaFields<'a>>,
    dtmf: Object<DtmfFields<'a>>,
    mark: Object<MarkFields<'a>>,
    start: Object<StartFields<'a>>,
    stop: Object<StopFields<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MediaFields<'a> {
    #[serde(borrow)]
    track: Scalar<'a>,
    chunk: Scalar<'a>,
    timestamp: Scalar<'a>,
    payload: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DtmfFields<'a> {
    #[serde(borrow)]
    digit: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MarkFields<'a> {
    #[serde(borrow)]
    name: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StartFields<'a> {
    #[serde(borrow)]
    account_sid: Scalar<'a>,
    call_sid: Scalar<'a>,
    stream_sid: Scalar<'a>,
    tracks: List<'a>,
    custom_parameters: Object<Entries<'a>>,
    media_format: Object<FormatFields<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct FormatFields<'a> {
    #[serde(borrow)]
    encoding: Scalar<'a>,
    sample_rate: Scalar<'a>,
    channels: Scalar<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct StopFields<'a> {
    #[serde(borrow)]
    call_sid: Scalar<'a>,
}

fn json_error(error: serde_json::Error) -> Error {
    match error.classify() {
        // Every field takes every type, so this is the only thing left that serde can say about data.
        Category::Data => Error::DuplicateField,
        Category::Io | Category::Syntax | Category::Eof => Error::NotJson,
    }
}

fn inbound(envelope: Envelope<'_>) -> Result<Inbound<'_>, Error> {
    let event = envelope.event.required("event")?;
    // `connected` has neither a stream nor a number, and what we do not know is not looked into.
    match &*event {
        "connected" => return Ok(Inbound::Connected),
        "media" | "dtmf" | "mark" | "start" | "stop" => {}
        _ => return Ok(Inbound::Unknown(event)),
    }
    let header = Header {
        stream_sid: envelope.stream_sid.text("streamSid")?,
        sequence: envelope.sequence_number.counter("sequenceNumber")?,
    };
    match &*event {
        "media" => media(header, envelope.media.required("media")?),
        "dtmf" => dtmf(header, envelope.dtmf.required("dtmf")?),
        "mark" => mark(header, envelope.mark.required("mark")?),
        "start" => start(header, envelope.start.required("start")?),
        _ => stop(header, envelope.stop.optional("stop")?),
    }
}

fn media<'a>(header: Header<'a>, fields: MediaFields<'a>) -> Result<Inbound<'a>, Error> {
    Ok(Inbound::Media(Media {
        header,
        track: fields.track.text("media.track")?.map_or(Track::Inbound, |name| track(&name)),
        chunk: fields.chunk.counter("media.chunk")?,
        timestamp_ms: fields.timestamp.counter("media.timestamp")?,
        payload: Payload(fields.payload.required("media.payload")?),
    }))
}

/// `inbound` in `media` and `start`, `inbound_track` in `dtmf` and in TwiML.
fn track(name: &str) -> Track {
    match name {
        "inbound" | "inbound_track" => Track::Inbound,
        "outbound" | "outbound_track" => Track::Outbound,
        _ => Track::Other,
    }
}

fn dtmf<'a>(header: Header<'a>, fields: DtmfFields<'a>) -> Result<Inbound<'a>, Error> {
    let digit = match fields.digit {
        Scalar::Number(number @ 0..=9) => char::from(b'0' + number as u8),
        other => single_digit(&other.required("dtmf.digit")?)?,
    };
    Ok(Inbound::Dtmf(Dtmf { header, digit }))
}

fn single_digit(text: &str) -> Result<char, Error> {
    match text.as_bytes() {
        [key @ (b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D')] => Ok(char::from(*key)),
        _ => Err(Error::InvalidValue("dtmf.digit")),
    }
}

fn mark<'a>(header: Header<'a>, fields: MarkFields<'a>) -> Result<Inbound<'a>, Error> {
    let name = fields.name.required("mark.name")?;
    Ok(Inbound::Mark(Mark { header, name }))
}

fn stop<'a>(header: Header<'a>, fields: Option<StopFields<'a>>) -> Result<Inbound<'a>, Error> {
    let call_sid = fields.unwrap_or_default().call_sid.text("stop.callSid")?;
    Ok(Inbound::Stop(Stop { header, call_sid }))
}

fn start<'a>(header: Header<'a>, fields: StartFields<'a>) -> Result<Inbound<'a>, Error> {
    let inner_sid = fields.stream_sid.text("start.streamSid")?;
    if let (Some(inner), Some(outer)) = (&inner_sid, &header.stream_sid)
        && inner != outer
    {
        return Err(Error::InvalidValue("start.streamSid"));
    }
    let stream_sid = header.stream_sid.or(inner_sid);
    Ok(Inbound::Start(Box::new(StartInfo {
        account_sid: sid(fields.account_sid.text("start.accountSid")?, "start.accountSid")?,
        call_sid: sid(fields.call_sid.text("start.callSid")?, "start.callSid")?,
        stream_sid: sid(stream_sid, "streamSid")?,
        tracks: tracks(fields.tracks)?,
        custom_parameters: parameters(fields.custom_parameters)?,
        media_format: media_format(fields.media_format)?,
    })))
}

fn sid(text: Option<Cow<'_, str>>, name: &'static str) -> Result<Sid, Error> {
    let text = text.ok_or(Error::MissingField(name))?;
    Sid::parse(&text).ok_or(Error::InvalidValue(name))
}

fn tracks(list: List<'_>) -> Result<Vec<Track>, Error> {
    const NAME: &str = "start.tracks";
    match list {
        List::Absent => Ok(vec![Track::Inbound]),
        List::Items(items) => items.into_iter().map(|item| Ok(track(&item.required(NAME)?))).collect(),
        List::Other => Err(Error::WrongType(NAME)),
    }
}

fn parameters(fields: Object<Entries<'_>>) -> Result<Parameters, Error> {
    const NAME: &str = "start.customParameters";
    let entries = fields.optional(NAME)?.unwrap_or_default().0;
    let mut parameters = BTreeMap::new();
    for (name, value) in entries {
        let value = match value {
            Scalar::Text(text) => text.into_owned(),
            Scalar::Number(number) => number.to_string(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Absent => String::new(),
            Scalar::Other => return Err(Error::WrongType(NAME)),
        };
        parameters.insert(name.into_owned(), value);
    }
    Ok(Parameters(parameters))
}

fn media_format(fields: Object<FormatFields<'_>>) -> Result<MediaFormat, Error> {
    let usual = MediaFormat::default();
    let fields = fields.optional("start.mediaFormat")?.unwrap_or_default();
    let encoding = fields.encoding.text("start.mediaFormat.encoding")?;
    Ok(MediaFormat {
        encoding: encoding.map_or(usual.encoding, Cow::into_owned),
        sample_rate_hz: number(fields.sample_rate, "start.mediaFormat.sampleRate", usual.sample_rate_hz)?,
        channels: number(fields.channels, "start.mediaFormat.channels", usual.channels)?,
    })
}

fn number(field: Scalar<'_>, name: &'static str, usual: u32) -> Result<u32, Error> {
    match field.counter(name)? {
        None => Ok(usual),
        Some(number) => u32::try_from(number).map_err(|_| Error::InvalidValue(name)),
    }
}

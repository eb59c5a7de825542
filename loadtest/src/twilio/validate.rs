//! Twilio's check of each message from the server: exact objects, or the message is dropped.

use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::message::BASE64;

/// What a valid message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Play these µ-law bytes after what is already queued.
    Media(Vec<u8>),
    /// Echo this name when everything before it has played.
    Mark(String),
    /// Throw away what has not been played.
    Clear,
}

/// Why a message was dropped; every case is Twilio's warning 31951.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Invalid {
    /// The text is no JSON object.
    #[error("not a JSON object: {0}")]
    NotJson(String),
    /// `event` is none of media, mark, clear.
    #[error("unknown event {0:?}; a server may send media, mark and clear")]
    UnknownEvent(String),
    /// A field that must be there is not.
    #[error("field {0:?} is missing or has the wrong type")]
    Missing(&'static str),
    /// A field that must not be there is.
    #[error("field {0:?} does not belong here; objects must be exact")]
    Extra(String),
    /// The message names another stream.
    #[error("streamSid {0:?} is not this stream")]
    WrongStream(String),
    /// The payload is not standard, padded base64.
    #[error("media.payload is not standard base64: {0}")]
    NotBase64(String),
}

impl Invalid {
    /// Its place in a list of what can be wrong: two of one kind are one mistake of the server's.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotJson(_) => "not JSON",
            Self::UnknownEvent(_) => "unknown event",
            Self::Missing(_) => "missing field",
            Self::Extra(_) => "extra field",
            Self::WrongStream(_) => "wrong streamSid",
            Self::NotBase64(_) => "payload not base64",
        }
    }
}

/// The beginning of a message, for somebody who has to find where it was sent.
#[must_use]
pub fn shorten(message: &str) -> String {
    const SHOWN: usize = 120;
    match message.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} characters)", &message[..end], message.chars().count()),
        None => message.to_owned(),
    }
}

/// Reads one text message from the server of stream `stream_sid`.
///
/// # Errors
/// [`Invalid`] says what Twilio would object to.
pub fn parse(text: &str, stream_sid: &str) -> Result<Command, Invalid> {
    if let Some(sound) = sound(text, stream_sid) {
        return Ok(Command::Media(sound));
    }
    let value: Value = serde_json::from_str(text).map_err(|e| Invalid::NotJson(e.to_string()))?;
    let Value::Object(mut fields) = value else { return Err(Invalid::NotJson("some other JSON value".into())) };
    let event = take_string(&mut fields, "event", "event")?;
    let command = match event.as_str() {
        "media" => media(&mut fields)?,
        "mark" => {
            let mut mark = take_object(&mut fields, "mark")?;
            let name = take_string(&mut mark, "name", "mark.name")?;
            nothing_left(&mark, "mark.")?;
            Command::Mark(name)
        }
        "clear" => Command::Clear,
        _ => return Err(Invalid::UnknownEvent(event)),
    };
    let sid = take_string(&mut fields, "streamSid", "streamSid")?;
    nothing_left(&fields, "")?;
    if sid == stream_sid { Ok(command) } else { Err(Invalid::WrongStream(sid)) }
}

/// A media message in which all is as it should be. Most are, and need no tree of values to say so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Sound<'a> {
    event: &'a str,
    stream_sid: &'a str,
    #[serde(borrow)]
    media: Payload<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    payload: &'a str,
}

fn sound(text: &str, stream_sid: &str) -> Option<Vec<u8>> {
    let Sound { event, stream_sid: of, media } = serde_json::from_str(text).ok()?;
    (event == "media" && of == stream_sid).then(|| BASE64.decode(media.payload).ok())?
}

fn media(fields: &mut Map<String, Value>) -> Result<Command, Invalid> {
    let mut media = take_object(fields, "media")?;
    let payload = take_string(&mut media, "payload", "media.payload")?;
    nothing_left(&media, "media.")?;
    BASE64.decode(payload).map(Command::Media).map_err(|e| Invalid::NotBase64(e.to_string()))
}

fn take_string(map: &mut Map<String, Value>, key: &str, path: &'static str) -> Result<String, Invalid> {
    match map.remove(key) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Invalid::Missing(path)),
    }
}

fn take_object(map: &mut Map<String, Value>, key: &'static str) -> Result<Map<String, Value>, Invalid> {
    match map.remove(key) {
        Some(Value::Object(inner)) => Ok(inner),
        _ => Err(Invalid::Missing(key)),
    }
}

fn nothing_left(map: &Map<String, Value>, prefix: &str) -> Result<(), Invalid> {
    map.keys().next().map_or(Ok(()), |key| Err(Invalid::Extra(format!("{prefix}{key}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "MZ18ad3ab5a668481ce02b83e7395059f0";

    fn check(template: &str) -> Result<Command, Invalid> {
        parse(&template.replace("SID", &format!("\"streamSid\":\"{SID}\"")), SID)
    }

    #[test]
    fn the_three_exact_objects_pass() {
        assert_eq!(check(r#"{"event":"media",SID,"media":{"payload":"AP8="}}"#), Ok(Command::Media(vec![0, 255])));
        assert_eq!(check(r#"{"event":"mark",SID,"mark":{"name":"my label"}}"#), Ok(Command::Mark("my label".into())));
        assert_eq!(check(r#"{"event":"clear",SID}"#), Ok(Command::Clear));
    }

    #[test]
    fn order_of_fields_and_spaces_do_not_matter() {
        assert_eq!(check(r#" { SID , "event" : "clear" } "#), Ok(Command::Clear));
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(check(r#"{"event":"clear"}"#), Err(Invalid::Missing("streamSid")));
        assert_eq!(check(r#"{SID}"#), Err(Invalid::Missing("event")));
        assert_eq!(check(r#"{"event":"mark",SID}"#), Err(Invalid::Missing("mark")));
        assert_eq!(check(r#"{"event":"mark",SID,"mark":{}}"#), Err(Invalid::Missing("mark.name")));
        assert_eq!(check(r#"{"event":"media",SID,"media":{"payload":1}}"#), Err(Invalid::Missing("media.payload")));
    }

    #[test]
    fn an_extra_field_is_named_at_every_depth() {
        assert_eq!(check(r#"{"event":"clear",SID,"x":1}"#), Err(Invalid::Extra("x".into())));
        assert_eq!(
            check(r#"{"event":"media",SID,"media":{"payload":"AA==","track":"outbound"}}"#),
            Err(Invalid::Extra("media.track".into()))
        );
        assert_eq!(
            check(r#"{"event":"clear",SID,"sequenceNumber":"1"}"#),
            Err(Invalid::Extra("sequenceNumber".into()))
        );
    }

    #[test]
    fn other_streams_events_and_encodings_are_refused() {
        let other = r#"{"event":"clear","streamSid":"MZ0"}"#;
        assert_eq!(parse(other, SID), Err(Invalid::WrongStream("MZ0".into())));
        assert_eq!(check(r#"{"event":"dtmf",SID}"#), Err(Invalid::UnknownEvent("dtmf".into())));
        for bad in ["AP8", "AP-_", "A P8=", "*"] {
            let text = format!(r#"{{"event":"media",SID,"media":{{"payload":"{bad}"}}}}"#);
            assert!(matches!(check(&text), Err(Invalid::NotBase64(_))), "{bad}");
        }
        for bad in ["", "clear", "[]", "null", "{"] {
            assert!(matches!(parse(bad, SID), Err(Invalid::NotJson(_))), "{bad}");
        }
    }
}

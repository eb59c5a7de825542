//! A short cut for the one message that comes fifty times a second: `media`, as the carrier writes it.
//!
//! Twilio writes the fields in one order and nothing between them. A message of exactly that form is read in one pass
//! without a parser; anything else goes to the parser, which is also the oracle that the tests compare with.

use std::borrow::Cow;

use super::{Header, Media, Payload, Track};

/// Reads a `media` message of the usual form; `None` for everything else.
pub(super) fn media(message: &[u8]) -> Option<Media<'_>> {
    let mut rest = Rest(message);
    rest.literal(br#"{"event":"media","sequenceNumber":""#)?;
    let sequence = rest.number()?;
    rest.literal(br#"","media":{"track":"inbound","chunk":""#)?;
    let chunk = rest.number()?;
    rest.literal(br#"","timestamp":""#)?;
    let timestamp_ms = rest.number()?;
    rest.literal(br#"","payload":""#)?;
    let payload = rest.text()?;
    rest.literal(br#""},"streamSid":""#)?;
    let stream_sid = rest.text()?;
    rest.literal(br#""}"#)?;
    rest.0.is_empty().then_some(Media {
        header: Header { stream_sid: Some(Cow::Borrowed(stream_sid)), sequence: Some(sequence) },
        track: Track::Inbound,
        chunk: Some(chunk),
        timestamp_ms: Some(timestamp_ms),
        payload: Payload(Cow::Borrowed(payload)),
    })
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// Up to nine digits, so that it cannot overflow; what is longer is left to the parser.
    fn number(&mut self) -> Option<u64> {
        let digits = self.0.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let (digits, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// A string without escapes, up to its closing quote.
    fn text(&mut self) -> Option<&'a str> {
        let end = memchr::memchr2(b'"', b'\\', self.0)?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        // JSON allows no bare control characters; a backslash fails at the next literal.
        if text.iter().any(|byte| *byte < b' ') {
            return None;
        }
        std::str::from_utf8(text).ok()
    }
}

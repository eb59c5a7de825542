//! Wire: bytes ↔ messages, one file per carrier. Decides nothing and keeps no state but a [`chop`]ped remainder.
//!
//! In the order a message passes them: [`twilio`] parses it into an [`Inbound`]; [`payload`] and [`chop`] turn its
//! base64 into frames; [`start`] is what the first message says; [`mark`] names our marks; [`twilio`] writes
//! [`Outbound`]. `lenient` is how fields are read, [`sid`] what an identifier may look like, [`error`] what can be
//! wrong.

pub mod chop;
pub mod error;
mod lenient;
pub mod mark;
pub mod payload;
mod scan;
pub mod sid;
pub mod start;
pub mod twilio;

use std::borrow::Cow;

pub use chop::Chop;
pub use error::Error;
pub use mark::{MarkKind, MarkName};
pub use payload::Payload;
pub use sid::Sid;
pub use start::{MediaFormat, Parameters, StartInfo};

use crate::audio::frame::Frame;

/// Longest inbound message in bytes, all fragments together. A 20 ms frame takes 370; 64 KiB is six seconds of sound.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// What a carrier tells us. Text is borrowed from the message unless it was written with JSON escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// The first message of a stream. It says nothing that we need.
    Connected,
    /// The stream begins: who calls and in what format.
    Start(Box<StartInfo>),
    /// Sound of the caller.
    Media(Media<'a>),
    /// A key was pressed.
    Dtmf(Dtmf<'a>),
    /// A mark of ours came back: played, or cleared.
    Mark(Mark<'a>),
    /// The stream or the call is over.
    Stop(Stop<'a>),
    /// A message of a kind that we do not know, by its `event`. Count it and go on.
    Unknown(Cow<'a, str>),
}

/// Fields that every message after `connected` carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The stream that is spoken of, to be compared with the one that was started; `None` if the carrier left it out.
    pub stream_sid: Option<Cow<'a, str>>,
    /// Counts all messages of the stream from 1. Good for statistics only: the carrier's own examples disagree.
    pub sequence: Option<u64>,
}

/// Sound: any number of bytes, from any moment of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media<'a> {
    /// Stream and sequence number.
    pub header: Header<'a>,
    /// Whose voice.
    pub track: Track,
    /// Counts the media messages of this track from 1.
    pub chunk: Option<u64>,
    /// When the first sample was said, in ms from the start of the stream.
    pub timestamp_ms: Option<u64>,
    /// The sound itself, still in base64.
    pub payload: Payload<'a>,
}

/// A pressed key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dtmf<'a> {
    /// Stream and sequence number.
    pub header: Header<'a>,
    /// `0`–`9`, `*`, `#` or `A`–`D`.
    pub digit: char,
}

/// A returned mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Stream and sequence number.
    pub header: Header<'a>,
    /// The name under which it was sent; [`MarkName::parse`] tells whether it is one of ours.
    pub name: Cow<'a, str>,
}

/// The end of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop<'a> {
    /// Stream and sequence number.
    pub header: Header<'a>,
    /// The call, if it was named.
    pub call_sid: Option<Cow<'a, str>>,
}

/// Whose voice a media message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// The caller's. Also when the carrier does not say.
    Inbound,
    /// What is played to the caller.
    Outbound,
    /// A track of a name that we do not know.
    Other,
}

/// What we tell a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// Play these frames, in order, after what is already buffered.
    Media(&'a [Frame]),
    /// Send this name back when everything before it has been played or cleared.
    Mark(MarkName),
    /// Forget what is buffered. All pending marks come back.
    Clear,
}

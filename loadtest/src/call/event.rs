//! The timeline of a call: what happened, when, in words and as data.

use std::fmt;

use serde::Serialize;

use crate::caller::runner::Verdict;
use crate::time::Micros;
use crate::twilio::warning::Warning;

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// When, on the call's own time axis.
    #[serde(rename = "at_ms")]
    pub at: Micros,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A webhook was requested.
    Request {
        /// `GET` or `POST`.
        method: &'static str,
        /// Where.
        url: String,
    },
    /// A request was made beside the call.
    Notice {
        /// What it is.
        what: &'static str,
        /// Where.
        url: String,
    },
    /// It was answered.
    Answer {
        /// HTTP status.
        status: u16,
        /// How long it took.
        took_ms: Micros,
    },
    /// Somebody answered.
    Answered {
        /// Who.
        by: &'static str,
    },
    /// A verb of the TwiML began.
    Verb {
        /// In words.
        text: String,
    },
    /// The media socket is being opened.
    StreamOpening {
        /// Where.
        url: String,
    },
    /// The `start` message was sent.
    StreamStarted {
        /// `MZ…`
        stream_sid: String,
    },
    /// The first media message came.
    FirstAudio {
        /// How long after `start`.
        after_ms: Micros,
    },
    /// The bot became audible.
    BotSpeaks,
    /// The bot fell silent.
    BotStops,
    /// The caller's speech begins (the labelled onset).
    CallerSpeaks {
        /// Which clip.
        clip: String,
        /// Its words.
        text: String,
    },
    /// The buffer was emptied by the server.
    Clear {
        /// How long after the onset of the speech that provoked it.
        after_onset_ms: Option<Micros>,
        /// Sound that was waiting and will never be heard.
        unheard_ms: Micros,
        /// Nobody had spoken or pressed a key, and sound was lost.
        #[serde(rename = "false_stop")]
        unprovoked: bool,
    },
    /// The caller pressed a key.
    Digit {
        /// Which.
        digit: char,
        /// Whether anybody was listening.
        heard: bool,
    },
    /// A fault of the script begins or ends.
    Fault {
        /// In words.
        text: String,
    },
    /// A cough, click or typing.
    Disturbance {
        /// Which.
        kind: String,
    },
    /// The TwiML dials somebody.
    Transfer {
        /// Whom.
        to: String,
    },
    /// A recording is finished.
    Recorded {
        /// Where it is fetched.
        url: String,
        /// How long it is.
        length_ms: Micros,
    },
    /// The media socket is over.
    StreamEnded {
        /// Who ended it, and how.
        why: String,
        /// Sound that was waiting and will never be heard.
        unheard_ms: Micros,
    },
    /// Twilio's debugger shows this.
    Warning(Warning),
    /// An expectation was met or missed.
    Verdict(Verdict),
    /// The call is over.
    Ended {
        /// Why.
        why: String,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, url } => write!(f, "{method} {url}"),
            Self::Notice { what, url } => write!(f, "{what} to {url}"),
            Self::Answer { status, took_ms } => write!(f, "answered {status} after {took_ms}"),
            Self::Answered { by } => write!(f, "{by} answers"),
            Self::Verb { text } => f.write_str(text),
            Self::StreamOpening { url } => write!(f, "stream opening {url}"),
            Self::StreamStarted { stream_sid } => write!(f, "stream started {stream_sid}"),
            Self::FirstAudio { after_ms } => write!(f, "first audio from the server ({after_ms} after start)"),
            Self::BotSpeaks => f.write_str("bot speaks"),
            Self::BotStops => f.write_str("bot is silent"),
            Self::CallerSpeaks { clip, text } => write!(f, "caller speaks: {clip} {text:?} (onset)"),
            Self::Clear { after_onset_ms: Some(after), unheard_ms, .. } => {
                write!(f, "clear received: {after} after the onset of speech ({unheard_ms} of sound never heard)")
            }
            Self::Clear { unheard_ms, unprovoked: true, .. } => {
                write!(f, "clear received although nobody spoke: FALSE STOP ({unheard_ms} of sound never heard)")
            }
            Self::Clear { unheard_ms, .. } => write!(f, "clear received ({unheard_ms} of sound never heard)"),
            Self::Digit { digit, heard: true } => write!(f, "caller presses {digit}"),
            Self::Digit { digit, heard: false } => write!(f, "caller presses {digit}; nobody listens"),
            Self::Disturbance { kind } => write!(f, "noise: {kind}"),
            Self::Fault { text } => write!(f, "fault: {text}"),
            Self::Recorded { url, length_ms } => write!(f, "recorded {length_ms}: {url}"),
            Self::Transfer { to } => write!(f, "transfer asked: <Dial> {to}"),
            Self::StreamEnded { why, unheard_ms } if unheard_ms.0 == 0 => write!(f, "stream ended: {why}"),
            Self::StreamEnded { why, unheard_ms } => {
                write!(f, "stream ended: {why} ({unheard_ms} of sound never heard)")
            }
            Self::Warning(Warning { code, text }) if code.number() == 0 => write!(f, "note: {text}"),
            Self::Warning(Warning { code, text }) => write!(f, "Twilio {}: {text}", code.number()),
            Self::Verdict(Verdict { what, ok: true, after, .. }) => write!(f, "ok: {what} (after {after})"),
            Self::Verdict(Verdict { what, cause, optional: true, .. }) => {
                write!(f, "not seen, and not required: {what}: {}", cause.as_deref().unwrap_or_default())
            }
            Self::Verdict(Verdict { what, cause, .. }) => {
                write!(f, "MISSED: {what}: {}", cause.as_deref().unwrap_or("it did not happen"))
            }
            Self::Ended { why } => write!(f, "call ended: {why}"),
        }
    }
}

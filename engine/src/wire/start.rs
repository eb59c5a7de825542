//! What the first message of a stream says: who calls, and in what format.

use std::collections::BTreeMap;
use std::fmt;

use super::{Sid, Track};

/// The beginning of a stream. Owned: it outlives its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartInfo {
    /// The account that the call belongs to.
    pub account_sid: Sid,
    /// The call.
    pub call_sid: Sid,
    /// The stream: every message we send must name it.
    pub stream_sid: Sid,
    /// The tracks that will come. Inbound only, on a bidirectional stream.
    pub tracks: Vec<Track>,
    /// What the TwiML's `<Parameter>`s said.
    pub custom_parameters: Parameters,
    /// How the sound is written.
    pub media_format: MediaFormat,
}

/// Names and values that came with the start of a stream.
///
/// Debug shows the names only: a value may be a token or a person's.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Parameters(pub(super) BTreeMap<String, String>);

impl Parameters {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How the sound of a stream is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFormat {
    /// As the carrier calls it, e.g. `audio/x-mulaw`.
    pub encoding: String,
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// 1 is mono.
    pub channels: u32,
}

impl MediaFormat {
    /// True for the one format that frames hold: µ-law, 8 kHz, mono.
    pub fn is_ulaw_8k_mono(&self) -> bool {
        let ulaw = ["audio/x-mulaw", "audio/mulaw", "audio/pcmu", "pcmu", "mulaw"];
        ulaw.iter().any(|name| self.encoding.eq_ignore_ascii_case(name))
            && self.sample_rate_hz == crate::audio::frame::SAMPLE_RATE
            && self.channels == 1
    }
}

/// What Twilio has always sent; used where a `start` does not say.
impl Default for MediaFormat {
    fn default() -> MediaFormat {
        MediaFormat {
            encoding: "audio/x-mulaw".to_owned(),
            sample_rate_hz: crate::audio::frame::SAMPLE_RATE,
            channels: 1,
        }
    }
}

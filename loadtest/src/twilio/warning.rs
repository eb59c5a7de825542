//! Twilio's error and warning codes, as its debugger would show them.

use serde::Serialize;

/// One entry of the debugger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Twilio's number.
    pub code: Code,
    /// What was wrong, and how to mend it.
    pub text: String,
}

/// The codes that this model can raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Code {
    /// Twilio stays silent about it; we do not.
    Silent = 0,
    /// A URL in the TwiML is malformed, or a redirect goes nowhere.
    BadUrl = 11_100,
    /// The webhook answered with an error status.
    HttpRetrieval = 11_200,
    /// The webhook could not be connected to, or timed out.
    HttpConnection = 11_205,
    /// More than ten redirects.
    TooManyRedirects = 11_215,
    /// The webhook's body exceeds 64 kB.
    BodyTooBig = 11_750,
    /// The document is no XML, or its root is not `<Response>`.
    TwimlParse = 12_100,
    /// A verb, noun or attribute that TwiML does not have.
    TwimlSchema = 12_200,
    /// The answer's content type is missing or is none that Twilio reads.
    ContentType = 12_300,
    /// The stream's server did not answer in time.
    StreamTimeout = 31_901,
    /// The stream's server refused the connection.
    StreamRefused = 31_902,
    /// The WebSocket handshake was answered with something else than 101.
    StreamHandshake = 31_920,
    /// The server closed the WebSocket abnormally.
    StreamClosed = 31_921,
    /// The stream's URL is not `wss` (or `ws` on this machine).
    StreamScheme = 31_922,
    /// The stream's URL is malformed.
    StreamUrl = 31_923,
    /// The server broke the WebSocket protocol.
    StreamProtocol = 31_924,
    /// More than ten minutes of sound were buffered; the rest was discarded.
    MediaDiscarded = 31_931,
    /// A `<Connect><Stream>` asked for another track than the inbound one.
    StreamTrack = 31_941,
    /// A binary message came; only text is understood.
    BinaryMessage = 31_950,
    /// A message was not exactly what Twilio accepts.
    InvalidMessage = 31_951,
}

impl Code {
    /// The number that Twilio's documentation lists.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Whether the call or stream cannot go on (Twilio's "error"), rather than only being noted ("warning").
    #[must_use]
    pub const fn is_error(self) -> bool {
        !matches!(
            self,
            Self::Silent | Self::TwimlSchema | Self::MediaDiscarded | Self::BinaryMessage | Self::InvalidMessage
        )
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u32(self.number())
    }
}

impl Warning {
    /// An entry with this code and text.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

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
    /// The account has as many calls at once as it may have.
    TooManyCalls = 10_004,
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
    /// `<Dial>`: `method` is neither GET nor POST.
    DialMethod = 13_210,
    /// `<Dial>`: `timeout` is out of range.
    DialTimeout = 13_212,
    /// `<Dial>`: `hangupOnStar` is neither true nor false.
    DialHangupOnStar = 13_213,
    /// `<Dial>`: another noun than it takes, or none.
    DialNested = 13_215,
    /// `<Dial>`: `timeLimit` is out of range.
    DialTimeLimit = 13_216,
    /// `<Dial>`: `record` is none of its words.
    DialRecord = 13_217,
    /// `<Number>`: `method`.
    NumberMethod = 13_221,
    /// `<Number>`: `sendDigits`.
    NumberSendDigits = 13_222,
    /// `<Dial>`: what is called is no telephone number.
    DialNumber = 13_223,
    /// There is no such number, or none that Twilio calls.
    NumberUnsupported = 13_224,
    /// The number may not be called.
    NumberForbidden = 13_225,
    /// `<Conference>`: `muted`.
    ConferenceMuted = 13_230,
    /// `<Conference>`: `endConferenceOnExit`.
    ConferenceEnd = 13_231,
    /// `<Conference>`: `startConferenceOnEnter`.
    ConferenceStart = 13_232,
    /// `<Conference>`: `waitMethod`.
    ConferenceWaitMethod = 13_234,
    /// `<Conference>`: `beep`.
    ConferenceBeep = 13_235,
    /// `<Sip>`: `method`.
    SipMethod = 13_241,
    /// `<Sip>`: what is called is no SIP URI.
    SipUri = 13_243,
    /// `<Gather>`: `finishOnKey`.
    GatherFinishOnKey = 13_310,
    /// `<Gather>`: `method`.
    GatherMethod = 13_312,
    /// `<Gather>`: `timeout`.
    GatherTimeout = 13_313,
    /// `<Gather>`: `numDigits`.
    GatherNumDigits = 13_314,
    /// `<Gather>`: another verb than Say, Play and Pause.
    GatherNested = 13_320,
    /// `<Gather>`: `loop` of a `<Say>` in it.
    GatherSayLoop = 13_322,
    /// `<Gather>`: what a `<Play>` in it fetched is no sound.
    GatherPlayType = 13_325,
    /// `<Play>`: `loop`.
    PlayLoop = 13_410,
    /// `<Play>`: what it fetched is no sound.
    PlayType = 13_420,
    /// `<Say>`: `loop`.
    SayLoop = 13_510,
    /// `<Say>`: no text.
    SayText = 13_520,
    /// `<Say>`: more text than is spoken.
    SayTooLong = 13_521,
    /// `<Record>`: `method`.
    RecordMethod = 13_610,
    /// `<Record>`: `timeout`.
    RecordTimeout = 13_611,
    /// `<Record>`: `maxLength`.
    RecordMaxLength = 13_612,
    /// `<Record>`: `finishOnKey`.
    RecordFinishOnKey = 13_613,
    /// `<Record>`: `transcribe`.
    RecordTranscribe = 13_614,
    /// `<Record>`: `playBeep`.
    RecordPlayBeep = 13_616,
    /// The recording is too short or too long to be transcribed.
    RecordTranscribeLength = 13_617,
    /// `<Redirect>`: `method`.
    RedirectMethod = 13_710,
    /// `<Pause>`: `length`.
    PauseLength = 13_910,
    /// `<Enqueue>`: `method`.
    EnqueueMethod = 14_201,
    /// `<Enqueue>`: `waitUrlMethod`.
    EnqueueWaitMethod = 14_206,
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
    /// Nobody is registered under this SIP address.
    SipNotRegistered = 32_009,
    /// The SIP server cannot be talked to.
    SipUnreachable = 32_011,
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
        let of_a_verb = self.number() >= 13_000 && self.number() < 15_000;
        let noted = matches!(
            self,
            Self::Silent | Self::TwimlSchema | Self::MediaDiscarded | Self::BinaryMessage | Self::InvalidMessage
        );
        !of_a_verb && !noted
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u32(self.number())
    }
}

impl Warning {
    /// What a call fails with when the account has no place for it.
    #[must_use]
    pub fn too_many_calls() -> Self {
        Self::new(Code::TooManyCalls, "the account has as many calls at once as it may have")
    }

    /// An entry with this code and text.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

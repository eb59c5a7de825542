//! The table of TwiML: elements, where they stand, their attributes. The order is that of Twilio's documentation.

use super::{Attribute, Rule, Value};
use crate::twilio::warning::Code;
use Value::{Absolute, Any, Bool, Chars, Key, Keys, Method, OneOf, Tones, Whole, WholeOrAuto, Words};

const fn rule(name: &'static str, inside: &'static [&'static str], attributes: &'static [Attribute]) -> Rule {
    Rule { name, inside, attributes: Some(attributes) }
}

/// An element that exists and is not modelled: nothing inside it is checked.
const fn other(name: &'static str, inside: &'static [&'static str]) -> Rule {
    Rule { name, inside, attributes: None }
}

const fn a(name: &'static str, value: Value) -> Attribute {
    Attribute { name, value, code: Code::TwimlSchema }
}

impl Attribute {
    /// Another value has this number in the debugger.
    const fn or(mut self, code: Code) -> Self {
        self.code = code;
        self
    }
}

const RESPONSE: &[&str] = &["Response"];
const PROMPT: &[&str] = &["Response", "Gather"];
const DIAL: &[&str] = &["Dial"];
const CONNECT: &[&str] = &["Connect"];
/// A day, in seconds.
const DAY: u64 = 86_400;

const TRIM: Value = OneOf(&["trim-silence", "do-not-trim"]);
const TRACK: Value = OneOf(&["inbound", "outbound", "both"]);
const RECORDING_EVENT: Value = Words(&["in-progress", "completed", "absent", "failed"]);
const CALL_EVENT: Value = Words(&["initiated", "ringing", "answered", "completed"]);
const DIAL_RECORD: Value = OneOf(&[
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
    "true",
    "false",
]);

/// What may stand inside `<Say>`, and its attributes.
pub(super) const SSML: &[(&str, &[&str])] = &[
    ("break", &["strength", "time"]),
    ("emphasis", &["level"]),
    ("lang", &["xml:lang"]),
    ("p", &[]),
    ("phoneme", &["alphabet", "ph"]),
    ("prosody", &["volume", "rate", "pitch"]),
    ("s", &[]),
    ("say-as", &["interpret-as", "format"]),
    ("sub", &["alias"]),
    ("w", &["role"]),
];

/// All of TwiML that voice calls know.
pub(super) const RULES: &[Rule] = &[
    rule("Say", PROMPT, &[a("voice", Any), a("language", Any), a("loop", Whole(0, 1_000)).or(Code::SayLoop)]),
    rule("Play", PROMPT, &[a("loop", Whole(0, 1_000)).or(Code::PlayLoop), a("digits", Tones)]),
    rule("Pause", PROMPT, &[a("length", Whole(1, DAY)).or(Code::PauseLength)]),
    rule("Gather", RESPONSE, GATHER),
    rule("Record", RESPONSE, RECORD),
    rule("Dial", RESPONSE, DIAL_ATTRIBUTES),
    rule("Redirect", RESPONSE, &[a("method", Method).or(Code::RedirectMethod)]),
    rule("Reject", RESPONSE, &[a("reason", OneOf(&["rejected", "busy"]))]),
    rule("Hangup", RESPONSE, &[]),
    rule("Enqueue", RESPONSE, ENQUEUE),
    rule("Leave", RESPONSE, &[]),
    rule("Connect", RESPONSE, &[a("action", Any), a("method", Method)]),
    rule("Start", RESPONSE, &[a("action", Any), a("method", Method)]),
    rule("Stop", RESPONSE, &[]),
    other("Echo", RESPONSE),
    other("Refer", RESPONSE),
    other("Pay", RESPONSE),
    rule("Number", DIAL, NUMBER),
    rule("Client", DIAL, CLIENT),
    rule("Identity", &["Client"], &[]),
    rule("Sip", DIAL, SIP),
    rule("Conference", DIAL, CONFERENCE),
    rule("Queue", DIAL, QUEUE),
    other("Sim", DIAL),
    other("Application", DIAL),
    other("WhatsApp", DIAL),
    other("Task", &["Enqueue"]),
    rule("Stream", &["Connect", "Start", "Stop"], STREAM),
    rule("Recording", &["Start"], RECORDING),
    rule("Transcription", &["Start", "Stop"], TRANSCRIPTION),
    other("Siprec", &["Start", "Stop"]),
    rule("Parameter", &["Stream", "Client", "Reject", "Hangup"], &[a("name", Any), a("value", Any)]),
    other("ConversationRelay", CONNECT),
    other("ConversationRelaySession", CONNECT),
    other("AiSession", CONNECT),
    other("VirtualAgent", CONNECT),
    other("Room", CONNECT),
    other("Conversation", CONNECT),
];

const GATHER: &[Attribute] = &[
    a("input", OneOf(&["dtmf", "speech", "dtmf speech", "speech dtmf"])),
    a("action", Any),
    a("method", Method).or(Code::GatherMethod),
    a("timeout", Whole(1, 3_600)).or(Code::GatherTimeout),
    a("speechTimeout", WholeOrAuto(1, 3_600)),
    a("maxSpeechTime", Whole(1, 60)),
    a("numDigits", Whole(1, 255)).or(Code::GatherNumDigits),
    a("finishOnKey", Key).or(Code::GatherFinishOnKey),
    a("actionOnEmptyResult", Bool),
    a("language", Any),
    a("hints", Any),
    a("speechModel", Any),
    a("enhanced", Bool),
    a("profanityFilter", Bool),
    a("partialResultCallback", Any),
    a("partialResultCallbackMethod", Method),
    a("bargeIn", Bool),
    a("debug", Bool),
];

const RECORD: &[Attribute] = &[
    a("action", Any),
    a("method", Method).or(Code::RecordMethod),
    a("timeout", Whole(0, DAY)).or(Code::RecordTimeout),
    a("finishOnKey", Keys).or(Code::RecordFinishOnKey),
    a("maxLength", Whole(1, DAY)).or(Code::RecordMaxLength),
    a("playBeep", Bool).or(Code::RecordPlayBeep),
    a("trim", TRIM),
    a("recordingStatusCallback", Any),
    a("recordingStatusCallbackMethod", Method),
    a("recordingStatusCallbackEvent", RECORDING_EVENT),
    a("transcribe", Bool).or(Code::RecordTranscribe),
    a("transcribeCallback", Any),
    a("recordingConfigurationId", Any),
];

const DIAL_ATTRIBUTES: &[Attribute] = &[
    a("number", Any),
    a("action", Any),
    a("method", Method).or(Code::DialMethod),
    a("timeout", Whole(1, 600)).or(Code::DialTimeout),
    a("hangupOnStar", Bool).or(Code::DialHangupOnStar),
    a("timeLimit", Whole(1, DAY)).or(Code::DialTimeLimit),
    a("callerId", Any),
    a("callReason", Chars(50)),
    a("record", DIAL_RECORD).or(Code::DialRecord),
    a("trim", TRIM),
    a("recordingStatusCallback", Any),
    a("recordingStatusCallbackMethod", Method),
    a("recordingStatusCallbackEvent", RECORDING_EVENT),
    a("recordingTrack", TRACK),
    a("recordingConfigurationId", Any),
    a("answerOnBridge", Bool),
    a("ringTone", Any),
    a("sequential", Bool),
    a("referUrl", Any),
    a("referMethod", Method),
    a("events", Words(&["call-progress-event"])),
    a("passports", Any),
];

const NUMBER: &[Attribute] = &[
    a("sendDigits", Tones).or(Code::NumberSendDigits),
    a("url", Any),
    a("method", Method).or(Code::NumberMethod),
    a("statusCallbackEvent", CALL_EVENT),
    a("statusCallback", Any),
    a("statusCallbackMethod", Method),
    a("byoc", Any),
    a("machineDetection", OneOf(&["Enable", "DetectMessageEnd"])),
    a("amdStatusCallback", Any),
    a("amdStatusCallbackMethod", Method),
    a("machineDetectionTimeout", Whole(3, 59)),
    a("machineDetectionSpeechThreshold", Whole(1_000, 6_000)),
    a("machineDetectionSpeechEndThreshold", Whole(500, 5_000)),
    a("machineDetectionSilenceTimeout", Whole(2_000, 10_000)),
];

const CLIENT: &[Attribute] = &[
    a("url", Any),
    a("method", Method),
    a("statusCallbackEvent", CALL_EVENT),
    a("statusCallback", Any),
    a("statusCallbackMethod", Method),
];

const SIP: &[Attribute] = &[
    a("username", Any),
    a("password", Any),
    a("url", Any),
    a("method", Method).or(Code::SipMethod),
    a("statusCallbackEvent", CALL_EVENT),
    a("statusCallback", Any),
    a("statusCallbackMethod", Method),
    a("machineDetection", OneOf(&["Enable", "DetectMessageEnd"])),
    a("amdStatusCallback", Any),
    a("amdStatusCallbackMethod", Method),
    a("machineDetectionTimeout", Whole(3, 59)),
    a("machineDetectionSpeechThreshold", Whole(1_000, 6_000)),
    a("machineDetectionSpeechEndThreshold", Whole(500, 5_000)),
    a("machineDetectionSilenceTimeout", Whole(2_000, 10_000)),
];

const CONFERENCE: &[Attribute] = &[
    a("muted", Bool).or(Code::ConferenceMuted),
    a("beep", OneOf(&["true", "false", "onEnter", "onExit"])).or(Code::ConferenceBeep),
    a("startConferenceOnEnter", Bool).or(Code::ConferenceStart),
    a("endConferenceOnExit", Bool).or(Code::ConferenceEnd),
    a("waitUrl", Any),
    a("waitMethod", Method).or(Code::ConferenceWaitMethod),
    a("maxParticipants", Whole(2, 250)),
    a("record", OneOf(&["do-not-record", "record-from-start"])),
    a("region", OneOf(&["us1", "us2", "ie1", "sg1", "br1", "au1", "jp1", "de1"])),
    a("coach", Any),
    a("trim", TRIM),
    a(
        "statusCallbackEvent",
        Words(&["start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"]),
    ),
    a("statusCallback", Any),
    a("statusCallbackMethod", Method),
    a("recordingStatusCallback", Any),
    a("recordingStatusCallbackMethod", Method),
    a("recordingStatusCallbackEvent", RECORDING_EVENT),
    a("eventCallbackUrl", Any),
    a("jitterBufferSize", OneOf(&["large", "medium", "small", "off"])),
    a("participantLabel", Any),
];

const QUEUE: &[Attribute] =
    &[a("url", Any), a("method", Method), a("reservationSid", Any), a("postWorkActivitySid", Any)];

const ENQUEUE: &[Attribute] = &[
    a("action", Any),
    a("method", Method).or(Code::EnqueueMethod),
    a("maxQueueSize", Whole(1, 5_000)),
    a("waitUrl", Any),
    a("waitUrlMethod", Method).or(Code::EnqueueWaitMethod),
    a("workflowSid", Any),
];

/// `url` and `track` have numbers of their own and are checked where the stream is planned.
const STREAM: &[Attribute] = &[
    a("url", Any),
    a("name", Any),
    a("track", Any),
    a("statusCallback", Absolute),
    a("statusCallbackMethod", Method),
    a("connectorName", Any),
    a("audioFormat", Any),
    a("sampleRate", Any),
];

const RECORDING: &[Attribute] = &[
    a("recordingStatusCallback", Any),
    a("recordingStatusCallbackMethod", Method),
    a("recordingStatusCallbackEvent", RECORDING_EVENT),
    a("trim", TRIM),
    a("track", TRACK),
    a("channels", OneOf(&["mono", "dual"])),
    a("recordingConfigurationId", Any),
];

const TRANSCRIPTION: &[Attribute] = &[
    a("name", Any),
    a("track", OneOf(&["inbound_track", "outbound_track", "both_tracks"])),
    a("statusCallbackUrl", Any),
    a("statusCallbackMethod", Method),
    a("inboundTrackLabel", Any),
    a("outboundTrackLabel", Any),
    a("partialResults", Bool),
    a("languageCode", Any),
    a("transcriptionEngine", Any),
    a("profanityFilter", Bool),
    a("speechModel", Any),
    a("hints", Any),
    a("enableAutomaticPunctuation", Bool),
    a("intelligenceService", Any),
    a("conversationConfiguration", Any),
    a("conversationId", Any),
    a("enableProviderData", Bool),
];

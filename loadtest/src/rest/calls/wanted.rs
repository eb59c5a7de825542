//! What a request to create a call asks for, every parameter read and checked.
//!
//! Codes follow Twilio's dictionary; where it has none for a parameter, 20001. In which order Twilio looks when several
//! things are wrong is not published: here it is To, From, what to do, then the rest.

use crate::call::detection::Detection;
use crate::call::model::Settings;
use crate::rest::answer::Refusal;
use crate::rest::given::Given;
use crate::rest::phone;
use crate::time::Micros;
use crate::twilio::executor::First;
use crate::twilio::ids;
use crate::twilio::params::Parties;
use crate::twilio::url::Url;

/// The longest TwiML that is taken in a parameter.
const MAX_TWIML_CHARS: usize = 4_000;
/// What `StatusCallbackEvent` may name.
const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Who calls whom.
    pub parties: Parties,
    /// Where the TwiML comes from.
    pub first: First,
    /// Asked when that fails; by GET if true.
    pub fallback: Option<(Url, bool)>,
    /// Told how the call goes; by GET if true.
    pub status_callback: Option<(Url, bool)>,
    /// Of what it is told.
    pub events: Vec<&'static str>,
    /// How long it rings, s.
    pub timeout_s: u64,
    /// Keys that are pressed when somebody answers.
    pub send_digits: Option<String>,
    /// Who answers is looked into.
    pub detection: Option<Detection>,
    /// The call goes on meanwhile, and the result is told there; by GET if true.
    pub detection_callback: Option<(Url, bool)>,
    /// Whether the call is recorded.
    pub record: bool,
    /// In two channels.
    pub record_dual: bool,
    /// `inbound`, `outbound` or `both`.
    pub record_track: &'static str,
    /// Told of the recording; by GET if true.
    pub record_callback: Option<(Url, bool)>,
    /// Of what it is told.
    pub record_events: Vec<&'static str>,
    /// The call ends so long after it was answered.
    pub time_limit: Option<Micros>,
    /// Codes of the debugger for what is wrong and accepted all the same.
    pub notes: Vec<(u32, String)>,
}

impl Wanted {
    /// Reads the form of a new call. `may_call_from` knows the account's numbers.
    ///
    /// # Errors
    /// The code of the first parameter that is wrong.
    pub fn read(form: &Given, may_call_from: impl Fn(&str) -> bool) -> Result<Self, Refusal> {
        let parties = parties(form, may_call_from)?;
        let first = first(form)?;
        let (events, notes) = events(form);
        let wanted = Self {
            parties,
            first,
            fallback: place(form, "FallbackUrl", "FallbackMethod", 21_205)?,
            status_callback: place(form, "StatusCallback", "StatusCallbackMethod", 21_609)?,
            events,
            timeout_s: number(form, "Timeout", 1..=600, 21_208)?.unwrap_or(60),
            send_digits: send_digits(form)?,
            detection: detection(form)?,
            detection_callback: detection_callback(form)?,
            record: boolean(form, "Record")?,
            record_dual: word(form, "RecordingChannels", &["mono", "dual"])? == Some("dual"),
            record_track: word(form, "RecordingTrack", &["inbound", "outbound", "both"])?.unwrap_or("both"),
            record_callback: place(form, "RecordingStatusCallback", "RecordingStatusCallbackMethod", 20_001)?,
            record_events: words(form, "RecordingStatusCallbackEvent", &["in-progress", "completed", "absent"])?,
            time_limit: number(form, "TimeLimit", 1..=14_400, 20_001)?.map(|s| Micros::from_ms(s * 1_000)),
            notes,
        };
        word(form, "Trim", &["trim-silence", "do-not-trim"])?;
        if form.get("CallReason").is_some_and(|reason| reason.chars().count() > 50) {
            return Err(Refusal::parameter("CallReason has more than 50 letters"));
        }
        Ok(wanted)
    }

    /// Takes over what a change gives.
    pub fn set(&mut self, settings: Settings) {
        let Settings { fallback, status_callback, time_limit } = settings;
        self.fallback = fallback.or(self.fallback.take());
        self.status_callback = status_callback.or(self.status_callback.take());
        self.time_limit = time_limit.or(self.time_limit);
    }
}

fn parties(form: &Given, may_call_from: impl Fn(&str) -> bool) -> Result<Parties, Refusal> {
    let Some(to) = form.filled("To") else { return Err(Refusal::bad(21_201, "No 'To' number is specified")) };
    let Some(from) = form.filled("From") else { return Err(Refusal::bad(21_213, "No 'From' number is specified")) };
    let Some(called) = phone::party(to) else {
        let text = format!("The phone number you are attempting to call, {to}, is not valid.");
        return Err(Refusal::bad(21_211, text));
    };
    // SIP and client calls may come from any name.
    let is_number = called.starts_with('+');
    let caller = phone::number(from).or_else(|| (!is_number).then(|| from.to_owned()));
    let Some(caller) = caller else {
        return Err(Refusal::bad(21_212, format!("From is not a valid phone number: {from}")));
    };
    if is_number && !may_call_from(&caller) {
        let text = format!(
            "The source phone number provided, {caller}, is not yet verified for your account. You may only make calls \
             from phone numbers that you've verified or purchased from Twilio."
        );
        return Err(Refusal::bad(21_210, text));
    }
    let caller_id = form.filled("CallerId").filter(|_| !is_number);
    Ok(Parties { from: caller_id.map_or(caller, str::to_owned), to: called })
}

/// What the call does. A URL goes before TwiML, and that before an application.
fn first(form: &Given) -> Result<First, Refusal> {
    if let Some((url, get)) = place(form, "Url", "Method", 21_205)? {
        return Ok(First::Ask(url, get));
    }
    if let Some(twiml) = form.filled("Twiml") {
        return inline(twiml).map(First::Inline);
    }
    match form.filled("ApplicationSid") {
        Some(sid) if ids::is_sid("AP", sid) => Err(Refusal::bad(
            21_218,
            format!("ApplicationSid {sid} is unknown: applications are not modelled; give Url"),
        )),
        Some(sid) => Err(Refusal::bad(21_218, format!("ApplicationSid is not valid: {sid}"))),
        None => Err(Refusal::bad(21_205, "Url parameter is required.")),
    }
}

/// TwiML in a parameter.
pub(super) fn inline(twiml: &str) -> Result<String, Refusal> {
    let length = twiml.chars().count();
    if length > MAX_TWIML_CHARS {
        let text = format!("Twiml has {length} letters; at most {MAX_TWIML_CHARS} are taken, a longer one needs Url");
        return Err(Refusal::bad(32_018, text));
    }
    Ok(twiml.to_owned())
}

/// A URL and its method; POST unless said.
pub(crate) fn place(form: &Given, url: &str, method: &str, code: u32) -> Result<Option<(Url, bool)>, Refusal> {
    let get = match form.filled(method).map(str::to_ascii_uppercase).as_deref() {
        None | Some("POST") => false,
        Some("GET") => true,
        Some(other) => return Err(Refusal::bad(21_209, format!("{method} is not a valid method: {other}"))),
    };
    let Some(text) = form.filled(url) else { return Ok(None) };
    let good = Url::parse(text).ok().filter(|url| url.scheme.starts_with("http"));
    // Twilio takes no underscore in the host of a status callback.
    let good = good.filter(|found| url != "StatusCallback" || !found.host.contains('_'));
    good.map(|found| Some((found, get))).ok_or_else(|| Refusal::bad(code, format!("{url} is not a valid URL: {text}")))
}

/// Of what the status callback is told. Twilio creates the call even if an event is unknown, and then tells nothing.
fn events(form: &Given) -> (Vec<&'static str>, Vec<(u32, String)>) {
    let given = form.all("StatusCallbackEvent");
    let known = |word: &&str| EVENTS.into_iter().find(|event| event == word);
    if given.is_empty() {
        return (vec!["completed"], Vec::new());
    }
    match given.iter().find(|word| known(word).is_none()) {
        Some(word) => {
            let text =
                format!("StatusCallbackEvent {word:?} is unknown, so nothing is called back; one event a parameter");
            (Vec::new(), vec![(21_626, text)])
        }
        None => (EVENTS.into_iter().filter(|event| given.contains(event)).collect(), Vec::new()),
    }
}

fn send_digits(form: &Given) -> Result<Option<String>, Refusal> {
    let Some(digits) = form.filled("SendDigits") else { return Ok(None) };
    let known = digits.chars().all(|c| c.is_ascii_digit() || "ABCD#*wW".contains(c));
    if !known || digits.len() > 32 {
        let text = format!("SendDigits is not valid: {digits}; at most 32 of 0-9 A-D # * w W");
        return Err(Refusal::bad(21_206, text));
    }
    Ok(Some(digits.to_owned()))
}

fn detection(form: &Given) -> Result<Option<Detection>, Refusal> {
    let kind = word(form, "MachineDetection", &["Enable", "DetectMessageEnd"])?;
    let figure = |name: &str, range, default| Ok(number(form, name, range, 20_001)?.unwrap_or(default));
    let detection = Detection {
        message_end: kind == Some("DetectMessageEnd"),
        timeout: Micros::from_ms(figure("MachineDetectionTimeout", 3..=59, 30)? * 1_000),
        speech: Micros::from_ms(figure("MachineDetectionSpeechThreshold", 1_000..=6_000, 2_400)?),
        speech_end: Micros::from_ms(figure("MachineDetectionSpeechEndThreshold", 500..=5_000, 1_200)?),
        silence: Micros::from_ms(figure("MachineDetectionSilenceTimeout", 2_000..=10_000, 5_000)?),
    };
    Ok(kind.map(|_| detection))
}

fn detection_callback(form: &Given) -> Result<Option<(Url, bool)>, Refusal> {
    let place = place(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", 20_001)?;
    Ok(place.filter(|_| form.get("AsyncAmd").is_some_and(|word| word.eq_ignore_ascii_case("true"))))
}

/// A whole number within a range.
pub(super) fn number(
    form: &Given,
    name: &str,
    range: std::ops::RangeInclusive<u64>,
    code: u32,
) -> Result<Option<u64>, Refusal> {
    let Some(text) = form.filled(name) else { return Ok(None) };
    let good = text.parse().ok().filter(|value| range.contains(value));
    let bad = || Refusal::bad(code, format!("{name} is not valid: {text}; from {} to {}", range.start(), range.end()));
    good.map(Some).ok_or_else(bad)
}

fn boolean(form: &Given, name: &str) -> Result<bool, Refusal> {
    match form.filled(name).map(str::to_ascii_lowercase).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Refusal::parameter(format!("{name} is not valid: {other}; true or false"))),
    }
}

pub(crate) fn word(form: &Given, name: &str, known: &[&'static str]) -> Result<Option<&'static str>, Refusal> {
    let Some(text) = form.filled(name) else { return Ok(None) };
    let found = known.iter().find(|word| **word == text);
    let bad = || Refusal::parameter(format!("{name} is not valid: {text}; one of {}", known.join(", ")));
    found.map(|word| Some(*word)).ok_or_else(bad)
}

pub(crate) fn words(form: &Given, name: &str, known: &[&'static str]) -> Result<Vec<&'static str>, Refusal> {
    let given = form.all(name);
    if given.is_empty() {
        return Ok(vec!["completed"]);
    }
    if let Some(other) = given.iter().find(|word| !known.contains(word)) {
        return Err(Refusal::parameter(format!("{name} is not valid: {other}; one of {}", known.join(", "))));
    }
    Ok(known.iter().filter(|word| given.contains(word)).copied().collect())
}

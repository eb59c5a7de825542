//! `<Dial>`: rings others, together or one after the other; the first who answers talks.
//!
//! ```text
//! initiated, ringing ── ring ──► answered ── talk, timeLimit, * ──► completed
//!                     └─ busy, fails, or timeout ─► the next one, or over
//! ```

use super::{After, Callback, Dropped, Executor, Output, State, after};
use crate::time::Micros;
use crate::twilio::callee::{Callee, Reply};
use crate::twilio::date;
use crate::twilio::form::Fields;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::recording::{Source, Track};
use crate::twilio::rules::MAX_PARALLEL;
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

/// One party that is rung.
#[derive(Debug)]
struct Leg {
    sid: String,
    to: String,
    callee: Callee,
    conference: bool,
    callback: Option<Callback>,
    events: Vec<String>,
    sequence: u64,
    /// When it began to ring; `None` while it waits for its turn.
    rings: Option<Micros>,
    /// `DialCallStatus` once it is decided that it will not talk.
    failed: Option<&'static str>,
}

/// A `<Dial>` being carried out.
#[derive(Debug)]
pub(super) struct Dialing {
    verb: Element,
    legs: Vec<Leg>,
    timeout: Micros,
    sequential: bool,
    /// Who talks, since when, until when.
    talking: Option<(usize, Micros, Micros)>,
    tape: Option<String>,
}

impl Leg {
    /// When it is decided, and how: `None` is an answer.
    fn decided(&self, timeout: Micros) -> Option<(Micros, Option<&'static str>)> {
        let rings = self.rings.filter(|_| self.failed.is_none())?;
        let (at, status) = match self.callee.reply {
            Reply::Answers => (self.callee.ring, None),
            Reply::Busy => (self.callee.ring, Some("busy")),
            Reply::Fails => (self.callee.ring, Some("failed")),
            Reply::NoAnswer => (Micros::MAX, None),
        };
        Some(if at < timeout { (rings + at, status) } else { (rings + timeout, Some("no-answer")) })
    }
}

impl Dialing {
    pub(super) fn deadline(&self) -> Option<Micros> {
        if let Some((_, _, until)) = self.talking {
            return Some(until);
        }
        self.legs.iter().filter_map(|leg| leg.decided(self.timeout)).map(|(at, _)| at).min()
    }

    /// What Twilio reports when nobody answered.
    fn outcome(&self) -> &'static str {
        let any = |status| self.legs.iter().any(|leg| leg.failed == Some(status));
        ["no-answer", "busy", "failed"].into_iter().find(|status| any(status)).unwrap_or("failed")
    }
}

impl Executor {
    pub(super) fn dial(&mut self, now: Micros, verb: &Element) -> bool {
        let mut legs: Vec<Leg> = Vec::new();
        if verb.children.is_empty() {
            let to = verb.attribute("number").unwrap_or(&verb.text).to_owned();
            legs.push(self.leg(&Element { name: "Number".into(), text: to, ..Element::default() }));
        }
        for noun in verb.children.iter().take(MAX_PARALLEL) {
            if matches!(noun.name.as_str(), "Number" | "Client" | "Sip" | "Conference" | "Queue") {
                legs.push(self.leg(noun));
            } else {
                self.not_modelled(&noun.name);
            }
        }
        if legs.is_empty() {
            return false;
        }
        self.answered = true;
        let seconds = |name, default| Micros::from_ms(verb.number(name, default).saturating_mul(1_000));
        let mut dialing = Dialing {
            verb: verb.clone(),
            timeout: seconds("timeout", 30),
            sequential: verb.attribute("sequential") == Some("true"),
            legs,
            talking: None,
            tape: None,
        };
        let first = if dialing.sequential { 1 } else { dialing.legs.len() };
        for leg in dialing.legs.iter_mut().take(first) {
            self.ring(now, leg);
        }
        if verb.attribute("record").is_some_and(|record| record.starts_with("record-from-ringing")) {
            dialing.tape = self.dial_tape(now, verb);
        }
        self.state = State::Dialing(Box::new(dialing));
        self.advance_dial(now);
        true
    }

    fn leg(&mut self, noun: &Element) -> Leg {
        let identity = noun.children.iter().find(|child| child.name == "Identity");
        let to = identity.map_or(noun.text.as_str(), |identity| identity.text.as_str()).to_owned();
        let mut callee = self.facts.callees.of(&to);
        if let Some(warning) = unreachable(&noun.name, &to) {
            self.out.push_back(Output::Warning(warning));
            callee = Callee { reply: Reply::Fails, ring: Micros::ZERO, ..callee };
        }
        if noun.attribute("url").is_some() {
            let text = format!("<{}> url: what the called party hears is not modelled", noun.name);
            self.out.push_back(Output::Warning(Warning::new(Code::Silent, text)));
        }
        let conference = noun.name == "Conference";
        // Conferences and queues are joined rather than rung.
        let callback = if conference || noun.name == "Queue" {
            None
        } else {
            self.callback(noun, "statusCallback", "statusCallbackMethod")
        };
        let events = noun.attribute("statusCallbackEvent").unwrap_or("completed");
        Leg {
            sid: ids::sid("CA", &mut self.rng),
            to: if noun.name == "Client" { format!("client:{to}") } else { to },
            callee,
            conference,
            callback,
            events: events.split_whitespace().map(str::to_owned).collect(),
            sequence: 0,
            rings: None,
            failed: None,
        }
    }

    fn ring(&mut self, now: Micros, leg: &mut Leg) {
        self.out.push_back(Output::Dial(leg.to.strip_prefix("client:").unwrap_or(&leg.to).to_owned()));
        leg.rings = Some(now);
        self.tell_leg(now, leg, "initiated", "initiated", None);
        self.tell_leg(now, leg, "ringing", "ringing", None);
    }

    pub(super) fn advance_dial(&mut self, now: Micros) {
        let State::Dialing(mut dialing) = std::mem::replace(&mut self.state, State::Speaking) else { return };
        if let Some((index, since, until)) = dialing.talking {
            if now < until {
                self.state = State::Dialing(dialing);
            } else {
                self.talked(until, *dialing, index, until.since(since));
            }
            return;
        }
        // The earliest decision first: the one who answers first cancels the others.
        while let Some((at, index, status)) = earliest(&dialing).filter(|(at, ..)| *at <= now) {
            match status {
                None => return self.connected(at, now, dialing, index),
                Some(status) => {
                    dialing.legs[index].failed = Some(status);
                    self.tell_leg(at, &mut dialing.legs[index], "completed", status, Some(Micros::ZERO));
                    let next = dialing.legs.iter_mut().find(|leg| leg.rings.is_none() && leg.failed.is_none());
                    if let Some(next) = next.filter(|_| dialing.sequential) {
                        self.ring(at, next);
                    }
                }
            }
        }
        if dialing.deadline().is_some() {
            self.state = State::Dialing(dialing);
        } else {
            self.nobody_answered(now, *dialing);
        }
    }

    fn connected(&mut self, at: Micros, now: Micros, mut dialing: Box<Dialing>, index: usize) {
        for (other, leg) in dialing.legs.iter_mut().enumerate() {
            if other != index && leg.failed.is_none() && leg.rings.is_some() {
                leg.failed = Some("canceled");
                self.tell_leg(at, leg, "completed", "canceled", Some(Micros::ZERO));
            }
        }
        self.tell_leg(at, &mut dialing.legs[index], "answered", "in-progress", None);
        let limit = Micros::from_ms(dialing.verb.number("timeLimit", 14_400).saturating_mul(1_000));
        dialing.talking = Some((index, at, at + dialing.legs[index].callee.talk.min(limit)));
        let record = dialing.verb.attribute("record").unwrap_or("do-not-record");
        if dialing.tape.is_none() && matches!(record, "true" | "record-from-answer" | "record-from-answer-dual") {
            dialing.tape = self.dial_tape(at, &dialing.verb.clone());
        }
        self.state = State::Dialing(dialing);
        self.advance_dial(now);
    }

    /// `*` ends the talk, if the verb says so.
    pub(super) fn dial_digit(&mut self, now: Micros, digit: char) -> bool {
        let State::Dialing(dialing) = &mut self.state else { return false };
        let Some((_, _, until)) = &mut dialing.talking else { return false };
        let ends = digit == '*' && dialing.verb.attribute("hangupOnStar") == Some("true");
        if ends {
            *until = now;
            self.advance_dial(now);
        }
        ends
    }

    fn talked(&mut self, now: Micros, mut dialing: Dialing, index: usize, talked: Micros) {
        let recording = dialing.tape.take().and_then(|sid| self.stop_recording(now, &sid));
        let leg = &mut dialing.legs[index];
        self.tell_leg(now, leg, "completed", "completed", Some(talked));
        let mut fields: Fields = Vec::new();
        if leg.conference {
            fields.push(("DialCallStatus".into(), "answered".into()));
        } else {
            fields.push(("DialCallStatus".into(), "completed".into()));
            fields.push(("DialCallSid".into(), leg.sid.clone()));
            fields.push(("DialCallDuration".into(), seconds(talked).to_string()));
            fields.push(("DialBridged".into(), "true".into()));
        }
        fields.extend(recording.map(|recording| ("RecordingUrl".into(), recording.url)));
        self.dialed(now, &dialing.verb, fields);
    }

    fn nobody_answered(&mut self, now: Micros, mut dialing: Dialing) {
        let recording = dialing.tape.take().and_then(|sid| self.stop_recording(now, &sid));
        let mut fields: Fields = vec![("DialCallStatus".into(), dialing.outcome().into())];
        fields.extend(dialing.legs.last().map(|leg| ("DialCallSid".into(), leg.sid.clone())));
        fields.push(("DialBridged".into(), "false".into()));
        fields.extend(recording.map(|recording| ("RecordingUrl".into(), recording.url)));
        self.dialed(now, &dialing.verb, fields);
    }

    fn dialed(&mut self, now: Micros, verb: &Element, fields: Fields) {
        let after: After = after(verb);
        self.go_on(now, after, fields);
    }

    pub(super) fn drop_dialing(&mut self, now: Micros, mut dialing: Dialing, why: Dropped) {
        let recording = dialing.tape.take().and_then(|sid| self.stop_recording(now, &sid));
        let talking = dialing.talking;
        let status = if talking.is_some() { "completed" } else { "canceled" };
        for leg in dialing.legs.iter_mut().filter(|leg| leg.rings.is_some() && leg.failed.is_none()) {
            let talked = talking.map_or(Micros::ZERO, |(_, since, _)| now.since(since));
            self.tell_leg(now, leg, "completed", status, Some(talked));
        }
        let action = dialing.verb.attribute("action").filter(|_| why == Dropped::HungUp);
        let Some(Ok(url)) = action.map(|action| self.resolve(action)) else { return };
        let to = Callback { url, get: after(&dialing.verb).get };
        let mut fields: Fields = vec![("DialCallStatus".into(), status.into())];
        let leg = talking.map_or(dialing.legs.last(), |(index, ..)| dialing.legs.get(index));
        fields.extend(leg.map(|leg| ("DialCallSid".into(), leg.sid.clone())));
        fields.push(("DialBridged".into(), talking.is_some().to_string()));
        fields.extend(talking.map(|(_, since, _)| ("DialCallDuration".into(), seconds(now - since).to_string())));
        fields.extend(recording.map(|recording| ("RecordingUrl".into(), recording.url)));
        self.tell("Dial action", Carries::Call, &to, fields);
    }

    fn dial_tape(&mut self, now: Micros, verb: &Element) -> Option<String> {
        let dual = verb.attribute("record").is_some_and(|record| record.ends_with("-dual"));
        let track = Track::read(verb.attribute("recordingTrack"));
        Some(self.record_for(now, verb, Source::DialVerb, track, dual))
    }

    /// A call status callback of the called party's leg.
    fn tell_leg(&mut self, at: Micros, leg: &mut Leg, event: &str, status: &str, talked: Option<Micros>) {
        let Some(callback) = leg.callback.clone().filter(|_| leg.events.iter().any(|e| e == event)) else { return };
        let (unix_s, _) = self.facts.unix(at);
        let facts = &self.facts;
        let mut fields: Fields = vec![
            ("AccountSid".into(), facts.sids.account.clone()),
            ("ApiVersion".into(), "2010-04-01".into()),
            ("CallSid".into(), leg.sid.clone()),
            ("ParentCallSid".into(), facts.sids.call.clone()),
            ("CallStatus".into(), status.into()),
            ("Called".into(), leg.to.clone()),
            ("Caller".into(), facts.parties.from.clone()),
            ("From".into(), facts.parties.from.clone()),
            ("To".into(), leg.to.clone()),
            ("Direction".into(), "outbound-dial".into()),
            ("CallbackSource".into(), "call-progress-events".into()),
            ("SequenceNumber".into(), leg.sequence.to_string()),
            ("Timestamp".into(), date::rfc2822(unix_s)),
        ];
        leg.sequence += 1;
        if let Some(talked) = talked {
            fields.push(("CallDuration".into(), seconds(talked).to_string()));
            fields.push(("Duration".into(), seconds(talked).div_ceil(60).to_string()));
        }
        self.tell("status callback of a dialled call", Carries::Own, &callback, fields);
    }
}

fn earliest(dialing: &Dialing) -> Option<(Micros, usize, Option<&'static str>)> {
    let decided = dialing.legs.iter().enumerate().filter_map(|(index, leg)| {
        let (at, status) = leg.decided(dialing.timeout)?;
        Some((at, index, status))
    });
    decided.min_by_key(|(at, index, _)| (*at, *index))
}

/// Begun seconds count.
const fn seconds(time: Micros) -> u64 {
    time.0.div_ceil(1_000_000)
}

/// What is no telephone number or SIP URI is not called.
fn unreachable(noun: &str, to: &str) -> Option<Warning> {
    match noun {
        "Number" => {
            let digits = to.chars().filter(char::is_ascii_digit).count();
            let written = to.chars().all(|c| c.is_ascii_digit() || "+-.() ".contains(c));
            let text = format!("<Dial> {to:?} is no telephone number; write E.164, such as +14155550123");
            (!written || !(3..=15).contains(&digits)).then(|| Warning::new(Code::DialNumber, text))
        }
        "Sip" => {
            let good = ["sip:", "sips:"].iter().any(|scheme| to.starts_with(scheme)) && to.contains('@');
            (!good).then(|| Warning::new(Code::SipUri, format!("<Sip> {to:?}: write sip:user@host")))
        }
        _ => to.is_empty().then(|| Warning::new(Code::TwimlSchema, format!("<{noun}> names nobody"))),
    }
}

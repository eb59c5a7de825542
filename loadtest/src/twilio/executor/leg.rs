//! One party that `<Dial>` rings: to the API a call of its own, with its own identifier and status callbacks.

use super::{Callback, Executor, Fetch, Output};
use crate::time::Micros;
use crate::twilio::callee::{Callee, Reply};
use crate::twilio::date;
use crate::twilio::form::Fields;
use crate::twilio::ids::{self, Sids};
use crate::twilio::notice::{Carries, Notice};
use crate::twilio::params::{self, CallStatus, Direction, Parties};
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

/// How a dialled call stands from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegNews {
    /// `CA…`, its own.
    pub sid: String,
    /// Who calls whom.
    pub parties: Parties,
    /// How it stands.
    pub status: CallStatus,
    /// Since when.
    pub at: Micros,
}

/// One party that is rung.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) sid: String,
    pub(super) parties: Parties,
    pub(super) callee: Callee,
    pub(super) conference: bool,
    /// Conferences and queues are joined rather than rung: no call of their own.
    joined: bool,
    callback: Option<Callback>,
    events: Vec<String>,
    sequence: u64,
    /// When it began to ring; `None` while it waits for its turn.
    pub(super) rings: Option<Micros>,
    /// `DialCallStatus` once it is decided that it will not talk.
    pub(super) failed: Option<CallStatus>,
    /// It was ended by REST.
    pub(super) called_off: Option<Micros>,
}

impl Leg {
    /// When it is decided, and how: `None` is an answer.
    pub(super) fn decided(&self, timeout: Micros) -> Option<(Micros, Option<CallStatus>)> {
        let rings = self.rings.filter(|_| self.failed.is_none())?;
        if let Some(at) = self.called_off {
            return Some((at, Some(CallStatus::Canceled)));
        }
        let (at, status) = match self.callee.reply {
            Reply::Answers => (self.callee.ring, None),
            Reply::Busy => (self.callee.ring, Some(CallStatus::Busy)),
            Reply::Fails => (self.callee.ring, Some(CallStatus::Failed)),
            Reply::NoAnswer => (Micros::MAX, None),
        };
        Some(if at < timeout { (rings + at, status) } else { (rings + timeout, Some(CallStatus::NoAnswer)) })
    }
}

impl Executor {
    /// A party that `noun` names, as `from` calls it.
    pub(super) fn leg(&mut self, noun: &Element, from: &str) -> Leg {
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
        let joined = conference || noun.name == "Queue";
        let callback = if joined { None } else { self.callback(noun, "statusCallback", "statusCallbackMethod") };
        let events = noun.attribute("statusCallbackEvent").unwrap_or("completed");
        let to = if noun.name == "Client" { format!("client:{to}") } else { to };
        Leg {
            sid: ids::sid("CA", &mut self.rng),
            parties: Parties { from: from.to_owned(), to },
            callee,
            conference,
            joined,
            callback,
            events: events.split_whitespace().map(str::to_owned).collect(),
            sequence: 0,
            rings: None,
            failed: None,
            called_off: None,
        }
    }

    pub(super) fn ring(&mut self, now: Micros, leg: &mut Leg) {
        let to = &leg.parties.to;
        self.out.push_back(Output::Dial(to.strip_prefix("client:").unwrap_or(to).to_owned()));
        leg.rings = Some(now);
        self.tell_leg(now, leg, "initiated", "initiated", None);
        self.leg_stands(now, leg, CallStatus::Ringing, Micros::ZERO);
    }

    /// The leg stands so from `at` on: the API sees it, and whoever wants to is told.
    pub(super) fn leg_stands(&mut self, at: Micros, leg: &mut Leg, status: CallStatus, talked: Micros) {
        if !leg.joined {
            let news = LegNews { sid: leg.sid.clone(), parties: leg.parties.clone(), status, at };
            self.out.push_back(Output::Leg(news));
        }
        let (event, talked) = match status {
            // What cannot be reached never rings.
            CallStatus::Ringing if leg.callee.reply == Reply::Fails => return,
            CallStatus::Ringing => ("ringing", None),
            CallStatus::InProgress => ("answered", None),
            _ => ("completed", Some(talked)),
        };
        self.tell_leg(at, leg, event, status.as_str(), talked);
    }

    /// A status callback of the leg's own.
    fn tell_leg(&mut self, at: Micros, leg: &mut Leg, event: &str, status: &str, talked: Option<Micros>) {
        let Some(callback) = leg.callback.clone().filter(|_| leg.events.iter().any(|e| e == event)) else { return };
        let (unix_s, _) = self.facts.unix(at);
        let sids = Sids { account: self.facts.sids.account.clone(), call: leg.sid.clone() };
        let mut fields: Fields = params::voice(&sids, &leg.parties, Direction::OutboundDial, CallStatus::Ringing, "");
        let shown = fields.iter_mut().find(|(name, _)| name == "CallStatus");
        shown.into_iter().for_each(|(_, value)| *value = status.into());
        fields.extend([
            ("ParentCallSid".into(), self.facts.sids.call.clone()),
            ("CallbackSource".into(), "call-progress-events".into()),
            ("SequenceNumber".into(), leg.sequence.to_string()),
            ("Timestamp".into(), date::rfc2822(unix_s)),
        ]);
        leg.sequence += 1;
        if let Some(talked) = talked {
            fields.push(("CallDuration".into(), seconds(talked).to_string()));
            fields.push(("SipResponseCode".into(), sip_of(status).to_string()));
        }
        if status == CallStatus::Completed.as_str() {
            let minutes = seconds(talked.unwrap_or_default()).div_ceil(60);
            fields.push(("Duration".into(), minutes.to_string()));
        }
        let (what, carries) = ("status callback of a dialled call", Carries::Own);
        let fetch = Fetch { url: callback.url, get: callback.get, extra: fields };
        self.out.push_back(Output::Report(Notice { what, carries, fetch }));
    }
}

/// Begun seconds count.
pub(super) const fn seconds(time: Micros) -> u64 {
    time.0.div_ceil(1_000_000)
}

/// What SIP answered, as it is for calls by REST.
fn sip_of(status: &str) -> u16 {
    match status {
        "completed" => 200,
        "busy" => 486,
        "failed" => 404,
        _ => 487,
    }
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

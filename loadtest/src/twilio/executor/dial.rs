//! `<Dial>`: rings others, together or one after the other; the first who answers talks.
//!
//! ```text
//! initiated, ringing ── ring ──► answered ── talk, timeLimit, * ──► completed
//!                     └─ busy, fails, or timeout ─► the next one, or over
//! ```

use super::leg::{Leg, seconds};
use super::{After, Callback, Dropped, Executor, State, after};
use crate::time::Micros;
use crate::twilio::form::Fields;
use crate::twilio::notice::Carries;
use crate::twilio::params::CallStatus;
use crate::twilio::recording::{Source, Track};
use crate::twilio::rules::MAX_PARALLEL;
use crate::twilio::twiml::Element;

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

impl Dialing {
    pub(super) fn deadline(&self) -> Option<Micros> {
        if let Some((_, _, until)) = self.talking {
            return Some(until);
        }
        self.legs.iter().filter_map(|leg| leg.decided(self.timeout)).map(|(at, _)| at).min()
    }

    /// What Twilio reports when nobody answered.
    fn outcome(&self) -> CallStatus {
        let any = |status| self.legs.iter().any(|leg| leg.failed == Some(status));
        let order = [CallStatus::NoAnswer, CallStatus::Busy, CallStatus::Failed, CallStatus::Canceled];
        order.into_iter().find(|status| any(*status)).unwrap_or(CallStatus::Failed)
    }
}

impl Executor {
    pub(super) fn dial(&mut self, now: Micros, verb: &Element) -> bool {
        let from = verb.attribute("callerId").unwrap_or(&self.facts.parties.from).to_owned();
        let mut legs: Vec<Leg> = Vec::new();
        if verb.children.is_empty() {
            let to = verb.attribute("number").unwrap_or(&verb.text).to_owned();
            legs.push(self.leg(&Element { name: "Number".into(), text: to, ..Element::default() }, &from));
        }
        for noun in verb.children.iter().take(MAX_PARALLEL) {
            if matches!(noun.name.as_str(), "Number" | "Client" | "Sip" | "Conference" | "Queue") {
                legs.push(self.leg(noun, &from));
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
                    self.leg_stands(at, &mut dialing.legs[index], status, Micros::ZERO);
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
                leg.failed = Some(CallStatus::Canceled);
                self.leg_stands(at, leg, CallStatus::Canceled, Micros::ZERO);
            }
        }
        self.leg_stands(at, &mut dialing.legs[index], CallStatus::InProgress, Micros::ZERO);
        let limit = Micros::from_ms(dialing.verb.number("timeLimit", 14_400).saturating_mul(1_000));
        dialing.talking = Some((index, at, at + dialing.legs[index].callee.talk.min(limit)));
        let record = dialing.verb.attribute("record").unwrap_or("do-not-record");
        if dialing.tape.is_none() && matches!(record, "true" | "record-from-answer" | "record-from-answer-dual") {
            dialing.tape = self.dial_tape(at, &dialing.verb.clone());
        }
        self.state = State::Dialing(dialing);
        self.advance_dial(now);
    }

    /// A leg is ended by REST: who talks hangs up, unless `ringing` spares him; who rings is called off.
    pub fn end_leg(&mut self, now: Micros, sid: &str, ringing: bool) {
        let State::Dialing(dialing) = &mut self.state else { return };
        let Some(index) = dialing.legs.iter().position(|leg| leg.sid == sid) else { return };
        match &mut dialing.talking {
            Some((talks, _, until)) if *talks == index && !ringing => *until = now,
            Some(_) => return,
            None => dialing.legs[index].called_off = Some(now),
        }
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
        self.leg_stands(now, leg, CallStatus::Completed, talked);
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
        let mut fields: Fields = vec![("DialCallStatus".into(), dialing.outcome().as_str().into())];
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
        let status = if talking.is_some() { CallStatus::Completed } else { CallStatus::Canceled };
        for leg in dialing.legs.iter_mut().filter(|leg| leg.rings.is_some() && leg.failed.is_none()) {
            let talked = talking.map_or(Micros::ZERO, |(_, since, _)| now.since(since));
            self.leg_stands(now, leg, status, talked);
        }
        let action = dialing.verb.attribute("action").filter(|_| why == Dropped::HungUp);
        let Some(Ok(url)) = action.map(|action| self.resolve(action)) else { return };
        let to = Callback { url, get: after(&dialing.verb).get };
        let mut fields: Fields = vec![("DialCallStatus".into(), status.as_str().into())];
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
}

fn earliest(dialing: &Dialing) -> Option<(Micros, usize, Option<CallStatus>)> {
    let decided = dialing.legs.iter().enumerate().filter_map(|(index, leg)| {
        let (at, status) = leg.decided(dialing.timeout)?;
        Some((at, index, status))
    });
    decided.min_by_key(|(at, index, _)| (*at, *index))
}

//! The life of a call that reaches nobody: what happens when, told the time.
//!
//! ```text
//! placed     0.5 s        2 s                  4 s            12 s
//! initiated ─ ringing ─┬─ in progress ──────── who answered ── completed
//!                      ├─ busy
//!                      └─ (has rung long enough) no answer
//!           └─ failed
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::super::{CallInitiationRequest, CallReport, CallStatus, HangUp, MachineDetection};
use crate::clock::Moment;
use crate::model::Timestamp;

const RINGS_AFTER: Duration = Duration::from_millis(500);
/// From the first ring.
const ANSWERS_AFTER: Duration = Duration::from_millis(1_500);
/// From the answer.
const KNOWN_AFTER: Duration = Duration::from_secs(2);
/// From the answer.
const TALKS_FOR: Duration = Duration::from_secs(10);

/// What comes of a call to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// A person answers, and hangs up 10 s later.
    Answers,
    /// It is busy. `…91`
    Busy,
    /// Nobody answers. `…92`
    NoAnswer,
    /// It cannot be connected. `…93`
    Fails,
    /// A machine answers. `…94`
    Machine,
    /// The call is refused. `…95`
    Refuses,
    /// The call is taken, and whoever placed it does not hear so; somebody answers. `…96`
    InDoubt,
}

impl Party {
    /// By the last two digits of a number.
    #[must_use]
    pub fn of(number: &str) -> Self {
        match number.get(number.len().saturating_sub(2)..).unwrap_or_default() {
            "91" => Self::Busy,
            "92" => Self::NoAnswer,
            "93" => Self::Fails,
            "94" => Self::Machine,
            "95" => Self::Refuses,
            "96" => Self::InDoubt,
            _ => Self::Answers,
        }
    }
}

/// Something that happens, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    at: Moment,
    status: CallStatus,
    sip: Option<u16>,
    answered_by: Option<&'static str>,
    /// Who answered may be told beside the course of the call.
    is_counted: bool,
}

/// A call's past and future.
#[derive(Debug)]
pub(super) struct Life {
    /// When it was placed, by either clock.
    placed: Moment,
    pub(super) begun: Timestamp,
    ahead: VecDeque<Step>,
    reported: u64,
    pub(super) status: CallStatus,
    answered: Option<Moment>,
    pub(super) answered_by: Option<&'static str>,
    pub(super) duration: Option<Duration>,
}

impl Life {
    /// The life that `party` gives to a call that was placed `now`.
    pub(super) fn new(party: Party, request: &CallInitiationRequest, now: Moment, wall: Timestamp) -> Self {
        Self {
            placed: now,
            begun: wall,
            ahead: course(party, request, now),
            reported: 0,
            status: CallStatus::Queued,
            answered: None,
            answered_by: None,
            duration: None,
        }
    }

    /// When something happens next; none: it is over.
    pub(super) fn next(&self) -> Option<Moment> {
        self.ahead.front().map(|step| step.at)
    }

    /// Lives on until `now`: what is to be reported of it, in order.
    pub(super) fn live(&mut self, sid: &str, now: Moment) -> Vec<CallReport> {
        let mut reports = Vec::new();
        while self.ahead.front().is_some_and(|step| step.at <= now) {
            let Some(step) = self.ahead.pop_front() else { break };
            reports.push(self.happen(sid, &step));
        }
        reports
    }

    /// Somebody ends it. A call that is over, or that was answered and should only be taken back, goes on as it does.
    pub(super) fn end(&mut self, now: Moment, how: HangUp) {
        let status = match (self.status, how) {
            (status, _) if status.is_final() => return,
            (CallStatus::InProgress, HangUp::Cancel) => return,
            (CallStatus::InProgress, HangUp::Complete) => CallStatus::Completed,
            _ => CallStatus::Canceled,
        };
        self.ahead = VecDeque::from([step(now, status)]);
    }

    fn happen(&mut self, sid: &str, step: &Step) -> CallReport {
        self.status = step.status;
        self.answered_by = step.answered_by.or(self.answered_by);
        if step.status == CallStatus::InProgress {
            self.answered.get_or_insert(step.at);
        }
        let talked = self.answered.map_or(Duration::ZERO, |answered| step.at.saturating_sub(answered));
        self.duration = step.status.is_final().then(|| Duration::from_secs(talked.as_secs_f64().ceil() as u64));
        let since = i64::try_from(step.at.saturating_sub(self.placed).as_millis()).unwrap_or(i64::MAX);
        let sequence = step.is_counted.then_some(self.reported);
        self.reported += u64::from(step.is_counted);
        CallReport {
            carrier_call_id: sid.to_owned(),
            status: step.status,
            sequence,
            at: Some(Timestamp(self.begun.0.saturating_add(since))),
            duration: self.duration,
            answered_by: step.answered_by.map(str::to_owned),
            error: None,
            sip: step.sip,
        }
    }
}

fn step(at: Moment, status: CallStatus) -> Step {
    Step { at, status, sip: None, answered_by: None, is_counted: true }
}

fn course(party: Party, request: &CallInitiationRequest, now: Moment) -> VecDeque<Step> {
    let rings = now + RINGS_AFTER;
    let initiated = step(now, CallStatus::Initiated);
    if party == Party::Fails {
        return VecDeque::from([initiated, Step { sip: Some(404), ..step(rings, CallStatus::Failed) }]);
    }
    let mut course = VecDeque::from([initiated, step(rings, CallStatus::Ringing)]);
    let picks_up = rings + ANSWERS_AFTER;
    match party {
        Party::NoAnswer => course.push_back(unanswered(rings, request)),
        _ if ANSWERS_AFTER > request.ring_max => course.push_back(unanswered(rings, request)),
        Party::Busy => course.push_back(Step { sip: Some(486), ..step(picks_up, CallStatus::Busy) }),
        _ => course.extend(answered(party, request, picks_up)),
    }
    course
}

fn unanswered(rings: Moment, request: &CallInitiationRequest) -> Step {
    Step { sip: Some(487), ..step(rings + request.ring_max, CallStatus::NoAnswer) }
}

fn answered(party: Party, request: &CallInitiationRequest, at: Moment) -> Vec<Step> {
    let is_sought = request.machine_detection != MachineDetection::Off;
    let who = is_sought.then_some(if party == Party::Machine { "machine_start" } else { "human" });
    let over = step(at + TALKS_FOR.min(request.duration_max), CallStatus::Completed);
    match &request.machine_url {
        // Told beside the call, which goes on.
        Some(_) if is_sought && KNOWN_AFTER < request.duration_max => {
            let told = Step { answered_by: who, is_counted: false, ..step(at + KNOWN_AFTER, CallStatus::InProgress) };
            vec![step(at, CallStatus::InProgress), told, over]
        }
        _ => vec![Step { answered_by: who, ..step(at, CallStatus::InProgress) }, Step { sip: Some(200), ..over }],
    }
}

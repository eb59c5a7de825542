//! The life of a call: dialled, rings, answered, over. Time is handed in.
//!
//! ```text
//! outbound   queued ─ initiated ─► ringing ─┬─► in-progress ─► completed
//!                          │                ├─► busy, no-answer
//!                          └─► failed       └─► canceled (by REST)
//! inbound                          ringing ─┬─► in-progress ─► completed
//!                                           └─► busy, no-answer, failed (as the TwiML wants)
//! ```
//! A final state is final.

use std::collections::VecDeque;

use super::course::{Course, Pickup};
use crate::time::Micros;
use crate::twilio::params::CallStatus;

/// From dialling to the first ring.
const SET_UP: Micros = Micros::from_ms(200);
/// What Twilio adds to `Timeout`.
const SLACK: Micros = Micros::from_ms(5_000);

/// Why a call ended as it did, in SIP's numbers.
pub mod sip {
    /// All went well.
    pub const OK: u16 = 200;
    /// The called party is busy.
    pub const BUSY: u16 = 486;
    /// It was called off, or rang too long.
    pub const TERMINATED: u16 = 487;
    /// There is no way to make it at the moment.
    pub const UNAVAILABLE: u16 = 503;
    /// The called party does not want it.
    pub const DECLINED: u16 = 603;
}

/// What happens in a call's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is dialled.
    Initiated,
    /// It rings.
    Ringing,
    /// Somebody answers.
    Answered,
    /// The caller will not wait any longer for an answer.
    GaveUp,
    /// It ended before anybody answered.
    Over(CallStatus, u16),
}

/// Where a call stands.
#[derive(Debug)]
pub struct Life {
    status: CallStatus,
    ahead: VecDeque<(Micros, Step)>,
    answered: Option<Micros>,
    ended: Option<Micros>,
    sip: u16,
}

impl Life {
    /// A call that rings at the account's number since `now`.
    #[must_use]
    pub fn inbound(now: Micros, course: &Course) -> Self {
        let ahead = match course.pickup {
            Pickup::GivesUp(after) => VecDeque::from([(now + after, Step::GaveUp)]),
            _ => VecDeque::new(),
        };
        Self::standing(CallStatus::Ringing, ahead)
    }

    const fn standing(status: CallStatus, ahead: VecDeque<(Micros, Step)>) -> Self {
        Self { status, ahead, answered: None, ended: None, sip: sip::OK }
    }

    /// A call that is dialled at `now`, or ends then.
    #[must_use]
    pub fn outbound(now: Micros, course: &Course) -> Self {
        if let Some((status, code)) = course.undialled {
            let ahead = VecDeque::from([(now, Step::Over(status, code))]);
            return Self::standing(CallStatus::Queued, ahead);
        }
        let rings = now + SET_UP;
        let patience = rings + course.timeout + SLACK;
        let no_answer = (patience, Step::Over(CallStatus::NoAnswer, sip::TERMINATED));
        let end = match course.pickup {
            Pickup::Person(after) | Pickup::Machine { after, .. } | Pickup::Fax(after) => {
                (rings + after, Step::Answered)
            }
            Pickup::Busy(after) => (rings + after, Step::Over(CallStatus::Busy, sip::BUSY)),
            Pickup::Nobody | Pickup::GivesUp(_) => no_answer,
            Pickup::Fails(code) => (rings, Step::Over(CallStatus::Failed, code)),
        };
        let end = if end.0 > patience { no_answer } else { end };
        let mut ahead = VecDeque::from([(now, Step::Initiated), (rings, Step::Ringing), end]);
        if matches!(course.pickup, Pickup::Fails(_)) {
            ahead.remove(1);
        }
        Self::standing(CallStatus::Queued, ahead)
    }

    /// When [`Self::step`] next has something.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.ahead.front().map(|(at, _)| *at)
    }

    /// The next thing that has happened by `now`.
    pub fn step(&mut self, now: Micros) -> Option<Step> {
        let (at, step) = self.ahead.pop_front_if(|(at, _)| *at <= now)?;
        match step {
            Step::Initiated | Step::GaveUp => {}
            Step::Ringing => self.status = CallStatus::Ringing,
            Step::Answered => self.answer(at),
            Step::Over(status, code) => self.end(at, status, code),
        }
        Some(step)
    }

    /// Somebody answered.
    pub fn answer(&mut self, now: Micros) {
        if self.answered.is_none() && !self.status.is_final() {
            self.ahead.clear();
            (self.answered, self.status) = (Some(now), CallStatus::InProgress);
        }
    }

    /// It is over. Only the first word about that counts.
    pub fn end(&mut self, now: Micros, status: CallStatus, sip: u16) {
        if self.status.is_final() {
            return;
        }
        self.ahead.clear();
        (self.status, self.sip, self.ended) = (status, sip, Some(now));
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> CallStatus {
        self.status
    }

    /// When somebody answered.
    #[must_use]
    pub const fn answered(&self) -> Option<Micros> {
        self.answered
    }

    /// Why it ended, in SIP's numbers.
    #[must_use]
    pub const fn sip(&self) -> u16 {
        self.sip
    }

    /// How long it was talked, in seconds, begun ones included.
    #[must_use]
    pub fn talked_s(&self) -> u64 {
        match (self.answered, self.ended) {
            (Some(from), Some(to)) => to.since(from).0.div_ceil(1_000_000),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    fn story(pickup: Pickup) -> Vec<(u64, Step)> {
        let course = Course { pickup, timeout: ms(10_000), ..Course::default() };
        let mut life = Life::outbound(ms(1_000), &course);
        let mut story = Vec::new();
        while let Some(at) = life.next_deadline() {
            while let Some(step) = life.step(at) {
                story.push((at.0 / 1_000, step));
            }
        }
        story
    }

    #[test]
    fn a_call_is_dialled_rings_and_ends_as_the_other_side_wants() {
        let begins = [(1_000, Step::Initiated), (1_200, Step::Ringing)];
        let ends = |pickup, at, step| assert_eq!(story(pickup), [&begins[..], &[(at, step)]].concat());
        ends(Pickup::Person(ms(3_000)), 4_200, Step::Answered);
        ends(Pickup::Busy(ms(500)), 1_700, Step::Over(CallStatus::Busy, 486));
        ends(Pickup::Nobody, 16_200, Step::Over(CallStatus::NoAnswer, 487));
        ends(Pickup::Person(ms(20_000)), 16_200, Step::Over(CallStatus::NoAnswer, 487));
        let failed = Step::Over(CallStatus::Failed, 404);
        assert_eq!(story(Pickup::Fails(404)), [(1_000, Step::Initiated), (1_200, failed)], "it never rings");
    }

    #[test]
    fn a_final_state_is_final() {
        let mut life = Life::inbound(ms(0), &Course::default());
        life.answer(ms(1_000));
        life.end(ms(3_500), CallStatus::Completed, sip::OK);
        life.end(ms(9_000), CallStatus::Failed, 500);
        life.answer(ms(9_000));
        assert_eq!((life.status(), life.sip(), life.talked_s()), (CallStatus::Completed, 200, 3));
    }
}

//! How a call goes from dialling to its end.

use super::Call;
use crate::call::course::{Pickup, Taping};
use crate::call::detection::Verdict;
use crate::call::event::What;
use crate::call::life::{Step, sip};
use crate::time::Micros;
use crate::twilio::ending::Ending;
use crate::twilio::executor::{Callback, Fetch};
use crate::twilio::form::Fields;
use crate::twilio::ids;
use crate::twilio::notice::{Carries, Notice};
use crate::twilio::params::{CallStatus, Direction};
use crate::twilio::recording::{self, Source};
use crate::twilio::warning::Warning;

/// The TwiML of an outbound call, until it may begin.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// When the TwiML is asked for, where that is settled and still ahead.
    begins: Option<Micros>,
    /// When an asynchronous verdict is told.
    verdict_at: Option<Micros>,
    /// Who answered, once it is known.
    verdict: Option<Verdict>,
    /// The call is over then.
    limit: Option<Micros>,
    /// The recording of the whole call.
    pub(super) tape: Option<String>,
    /// Why the call failed, where Twilio has a number for it.
    pub(super) failure: Option<Warning>,
    /// Of status callbacks so far.
    pub(super) sequence: u64,
}

impl Call {
    pub(super) fn progress_deadline(&self) -> Option<Micros> {
        let Progress { begins, verdict_at, limit, .. } = self.progress;
        let limit = limit.filter(|_| self.ended.is_none());
        [self.life.next_deadline(), begins, verdict_at, limit].into_iter().flatten().min()
    }

    /// What has happened by now.
    pub(super) fn advance_progress(&mut self) {
        while let Some(step) = self.life.step(self.now) {
            match step {
                Step::Initiated => self.report("initiated"),
                Step::Ringing => self.report("ringing"),
                Step::Answered => self.picked_up(),
                Step::GaveUp if self.executor.is_answered() => {}
                Step::GaveUp => self.hang_up("before anybody had answered"),
                Step::Over(status, _) => self.executor.end(self.now, Ending::NobodyTalks(status)),
            }
        }
        if self.progress.verdict_at.take_if(|at| *at <= self.now).is_some() {
            self.tell_verdict();
        }
        if self.progress.begins.take_if(|at| *at <= self.now).is_some() {
            self.executor.redirect(self.now, self.plan.first.clone());
        }
        if self.ended.is_none() && self.progress.limit.is_some_and(|at| at <= self.now) {
            self.executor.end(self.now, Ending::TimeLimit);
        }
    }

    /// An inbound call is answered by its TwiML.
    pub(super) fn follow_answer(&mut self) {
        if self.life.answered().is_none() && self.executor.is_answered() && self.ended.is_none() {
            self.life.answer(self.now);
            self.answered();
        }
    }

    fn picked_up(&mut self) {
        self.answered();
        let course = &self.plan.course;
        let verdict = course.detection.map(|detection| detection.verdict(course.pickup));
        let at = self.now + verdict.map_or(Micros::ZERO, |verdict| verdict.after);
        if course.detected.is_some() {
            (self.progress.verdict_at, self.progress.begins) = (verdict.map(|_| at), Some(self.now));
        } else {
            (self.progress.verdict, self.progress.begins) = (verdict, Some(at));
        }
    }

    fn answered(&mut self) {
        let by = match self.plan.course.pickup {
            _ if self.plan.direction == Direction::Inbound => "the TwiML",
            Pickup::Machine { .. } => "a machine",
            Pickup::Fax(_) => "a fax",
            _ => "a person",
        };
        self.note(What::Answered { by });
        self.limit_time();
        if let Some(keys) = &self.plan.course.send_digits {
            // The called party is a script, which hears no keys.
            let text = format!("keys sent to who answered: {keys}");
            self.note(What::Verb { text });
        }
        if let Some(taping) = self.plan.course.taping.clone() {
            self.begin_tape(taping);
        }
        self.report("answered");
    }

    /// The time limit counts from the answer.
    pub(super) fn limit_time(&mut self) {
        let answered = self.life.answered();
        self.progress.limit = self.plan.course.time_limit.and_then(|limit| Some(answered? + limit));
    }

    fn begin_tape(&mut self, taping: Taping) {
        let sid = ids::sid("RE", &mut self.rng);
        self.progress.tape = Some(sid.clone());
        let plan = recording::Plan {
            sid,
            source: Source::OutboundApi,
            track: taping.track,
            dual: taping.dual,
            trim: false,
            callback: taping.to.map(|(url, get)| Callback { url, get }),
            events: taping.events.into_iter().map(str::to_owned).collect(),
        };
        self.executor.start_recording(self.now, plan);
    }

    fn tell_verdict(&mut self) {
        let course = &self.plan.course;
        let Some(verdict) = course.detection.map(|detection| detection.verdict(course.pickup)) else { return };
        self.progress.verdict = Some(verdict);
        let Some((url, get)) = course.detected.clone() else { return };
        let sids = &self.plan.sids;
        let mut extra: Fields =
            vec![("AccountSid".into(), sids.account.clone()), ("CallSid".into(), sids.call.clone())];
        extra.extend(self.verdict_fields());
        self.notify(Notice { what: "AMD status callback", carries: Carries::Own, fetch: Fetch { url, get, extra } });
    }

    /// Who answered, once that is found out: Twilio's word.
    #[must_use]
    pub fn answered_by(&self) -> Option<&'static str> {
        self.progress.verdict.map(|verdict| verdict.answered_by)
    }

    /// `AnsweredBy` and how long that took, once it is known.
    pub(super) fn verdict_fields(&self) -> Fields {
        let Some(Verdict { answered_by, after }) = self.progress.verdict else { return Vec::new() };
        vec![
            ("AnsweredBy".into(), answered_by.into()),
            ("MachineDetectionDuration".into(), (after.0 / 1_000).to_string()),
        ]
    }

    /// The call is over.
    pub(super) fn settle(&mut self, why: &Ending) {
        let answered = self.life.answered().is_some() || self.executor.is_answered();
        self.progress.failure = self.failure(why).filter(|_| !answered);
        let (status, code) = match why {
            _ if answered => (CallStatus::Completed, sip::OK),
            Ending::Rejected { busy: true } => (CallStatus::Busy, sip::BUSY),
            Ending::Rejected { busy: false } => (CallStatus::NoAnswer, sip::DECLINED),
            Ending::Caller(_) => (CallStatus::NoAnswer, sip::TERMINATED),
            Ending::Completed | Ending::Canceled => (CallStatus::Canceled, sip::TERMINATED),
            Ending::ApplicationError(_) => (CallStatus::Failed, sip::OK),
            // Told by its life already.
            Ending::NobodyTalks(status) => (*status, self.life.sip()),
            // A call that is hung up by its first verb was answered all the same.
            Ending::Finished | Ending::Hangup | Ending::TimeLimit => (CallStatus::Completed, sip::OK),
        };
        self.life.end(self.now, status, code);
        (self.progress.begins, self.progress.verdict_at) = (None, None);
        self.report("completed");
    }
}

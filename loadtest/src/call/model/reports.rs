//! Who is told how a call goes, and what goes wrong on that way.

use super::Call;
use crate::call::course::{Mishaps, Steps};
use crate::call::event::What;
use crate::rng::Rng;
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::ending::Ending;
use crate::twilio::executor::Fetch;
use crate::twilio::form::Fields;
use crate::twilio::notice::{Carries, Notice};
use crate::twilio::params::{self, CallStatus, Direction};
use crate::twilio::warning::{Code, Warning};

impl Call {
    /// Twilio's number for a call that failed, where it has one; the debugger shows it too.
    pub(super) fn failure(&mut self, why: &Ending) -> Option<Warning> {
        match why {
            Ending::ApplicationError(warning) => Some(warning.clone()),
            // Whoever refused to dial it has shown it.
            Ending::NobodyTalks(CallStatus::Failed) if self.plan.course.undialled.is_some() => {
                Some(Warning::too_many_calls())
            }
            Ending::NobodyTalks(CallStatus::Failed) => {
                let (sip, to) = (self.life.sip(), &self.plan.parties.to);
                let code = unreachable(sip, to)?;
                let warning = Warning::new(code, format!("{to} cannot be called: SIP {sip}"));
                self.note(What::Warning(warning.clone()));
                Some(warning)
            }
            _ => None,
        }
    }

    /// Tells of a step, where that is wanted.
    pub(super) fn report(&mut self, step: &'static str) {
        let Some(reports) = self.plan.course.reports.clone() else { return };
        // A number's callback hears of the end alone.
        let steps = if self.plan.direction == Direction::Inbound { Steps::COMPLETED } else { reports.steps };
        let wanted = match step {
            "initiated" => steps.initiated,
            "ringing" => steps.ringing,
            "answered" => steps.answered,
            _ => steps.completed,
        };
        if wanted {
            let fields = self.report_fields(step);
            self.progress.sequence += 1;
            let (url, get) = reports.to;
            let (what, carries) = ("status callback", Carries::Own);
            self.send_report(Notice { what, carries, fetch: Fetch { url, get, extra: fields } });
        }
    }

    fn report_fields(&self, step: &'static str) -> Fields {
        let super::CallPlan { sids, parties, direction, unix_s, .. } = &self.plan;
        let mut fields = params::voice(sids, parties, *direction, self.life.status(), &self.call_token);
        if step == "initiated" {
            // No state of the API, but what the callback says.
            let status = fields.iter_mut().find(|(name, _)| name == "CallStatus");
            status.into_iter().for_each(|(_, value)| *value = "initiated".into());
        }
        fields.extend([
            ("CallbackSource".into(), "call-progress-events".into()),
            ("SequenceNumber".into(), self.progress.sequence.to_string()),
            ("Timestamp".into(), date::rfc2822(unix_s + self.now.0 / 1_000_000)),
        ]);
        fields.extend(self.verdict_fields());
        let status = self.life.status();
        if status.is_final() {
            let seconds = self.life.talked_s();
            fields.push(("CallDuration".into(), seconds.to_string()));
            fields.push(("SipResponseCode".into(), self.life.sip().to_string()));
            if let Some(Warning { code, text }) = self.progress.failure.clone() {
                fields.push(("ErrorCode".into(), code.number().to_string()));
                fields.push(("ErrorMessage".into(), text));
            }
            if status == CallStatus::Completed {
                fields.push(("Duration".into(), seconds.div_ceil(60).to_string()));
                if let Some(sid) = &self.progress.tape {
                    fields.push(("RecordingSid".into(), sid.clone()));
                    fields.push(("RecordingUrl".into(), self.executor.recording_url(sid)));
                    fields.push(("RecordingDuration".into(), seconds.to_string()));
                }
            }
        }
        fields
    }

    /// On its way, with what goes wrong there.
    pub(super) fn send_report(&mut self, notice: Notice) {
        let mishaps = self.plan.course.mishaps;
        if mishaps == Mishaps::default() {
            return self.notify(notice);
        }
        // Drawn for every callback, so that one mishap does not change the next.
        let [lost, repeated] = [mishaps.lose, mishaps.repeat].map(|often| chance(&mut self.rng, often));
        let late = [0, 1].map(|_| Micros(self.rng.below(mishaps.delay.0 + 1)));
        if lost {
            let number = notice.fetch.extra.iter().find(|(name, _)| name == "SequenceNumber");
            let number = number.map_or("", |(_, number)| number);
            let text = format!("{} {number} is lost, as asked", notice.what);
            return self.note(What::Verb { text });
        }
        let copies = if repeated { 2 } else { 1 };
        let due: Vec<Micros> = late.into_iter().take(copies).map(|late| self.now + late).collect();
        self.notify_at(notice, &due, mishaps.reorder);
    }
}

/// Twilio's number for a party that SIP cannot reach. Which answers lead to which is not published: a guess.
fn unreachable(sip: u16, to: &str) -> Option<Code> {
    let is_number = to.starts_with('+');
    match sip {
        403 | 603 if is_number => Some(Code::NumberForbidden),
        404 | 410 | 484 | 604 if is_number => Some(Code::NumberUnsupported),
        404 | 410 | 480 | 604 => Some(Code::SipNotRegistered),
        500..=599 if !is_number => Some(Code::SipUnreachable),
        _ => None,
    }
}

fn chance(rng: &mut Rng, often: f64) -> bool {
    const WHOLE: u64 = 1_000_000;
    (rng.below(WHOLE) as f64) < often * WHOLE as f64
}

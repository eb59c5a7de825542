//! Calls that begin, and what they tell.

use std::sync::Arc;

use super::{Exchange, Live, Output};
use crate::call::course::{Course, Mishaps, Reports, Steps, Taping};
use crate::call::life::sip;
use crate::call::model::CallPlan;
use crate::caller::script::Script;
use crate::rest::calls::Wanted;
use crate::rest::debugger;
use crate::rest::news::News;
use crate::rest::number::NumberPlan;
use crate::rest::queue::Turn;
use crate::rest::streams::Streams;
use crate::time::Micros;
use crate::twilio::executor::First;
use crate::twilio::ids::Sids;
use crate::twilio::params::{CallStatus, Direction};
use crate::twilio::recording::Track;
use crate::twilio::url::Url;
use crate::twilio::warning::Warning;

impl Exchange {
    /// Dials whoever's turn has come.
    pub(super) fn dial(&mut self) {
        let accounts: Vec<String> = self.accounts.keys().cloned().collect();
        for sid in accounts {
            while let Some(turn) = self.accounts.get_mut(&sid).and_then(|account| account.queue.next(self.now)) {
                match turn {
                    Turn::Dial(call) => self.dial_one(&sid, &call),
                    Turn::GiveUp(call) => self.never_dialled(&sid, &call, CallStatus::Canceled, sip::TERMINATED),
                }
            }
        }
    }

    fn dial_one(&mut self, sid: &str, call: &str) {
        let now = self.now;
        let Some(entry) = self.accounts.get_mut(sid).and_then(|account| account.calls.get_mut(call)) else { return };
        entry.queue_time = now - entry.created;
        let Some(wanted) = entry.wanted.clone() else { return };
        let script = self.script(&wanted.parties.to);
        self.begin(sid, call, script, outbound(&wanted));
    }

    /// A number of the account's rings.
    pub(super) fn ring(&mut self, sid: &str, call: &str, script: Option<&str>) {
        let Some(account) = self.accounts.get(sid) else { return };
        let Some(entry) = account.calls.get(call) else { return };
        let number = account.number(&entry.parties.to).map(|number| number.plan.clone()).unwrap_or_default();
        let named = script.and_then(|name| self.plan.scripts.get(name)).cloned();
        let script = named.unwrap_or_else(|| self.script(&entry.parties.from));
        match inbound(&number) {
            Some(how) => self.begin(sid, call, script, how),
            // Without a webhook it fails without a word, as at Twilio.
            None => self.stands(sid, call, CallStatus::Failed),
        }
    }

    /// Begins a call, unless the account has too many.
    fn begin(&mut self, sid: &str, call: &str, script: Arc<Script>, how: How) {
        let (now, unix_s) = (self.now, self.unix_s());
        let Some(account) = self.accounts.get_mut(sid) else { return };
        let full = account.plan.concurrent_calls.is_some_and(|most| account.calls.alive() >= most);
        let Some(entry) = account.calls.get_mut(call) else { return };
        if full {
            let inbound = entry.direction == Direction::Inbound;
            account.debugger.note(debugger::Entry::of(unix_s, call, Warning::too_many_calls()));
            return match inbound {
                // A caller hears the busy tone.
                true => self.stands(sid, call, CallStatus::Busy),
                false => self.never_dialled(sid, call, CallStatus::Failed, sip::UNAVAILABLE),
            };
        }
        entry.started = Some(now);
        account.calls.stands(now, call, CallStatus::Ringing);
        self.play(sid, call, script, how);
    }

    /// A call of the account's ends before it was dialled; who wanted to be told of its end is told.
    pub(super) fn never_dialled(&mut self, sid: &str, call: &str, status: CallStatus, code: u16) {
        self.stands(sid, call, status);
        let entry = self.accounts.get(sid).and_then(|account| account.calls.get(call));
        let Some(wanted) = entry.and_then(|entry| entry.wanted.clone()) else { return };
        let script = self.script(&wanted.parties.to);
        let mut how = outbound(&wanted);
        if how.course.reports.as_ref().is_none_or(|reports| !reports.steps.completed) {
            return;
        }
        how.course.undialled = Some((status, code));
        self.play(sid, call, script, how);
    }

    fn play(&mut self, sid: &str, call: &str, script: Arc<Script>, how: How) {
        let seed = self.rng.next_u64();
        let Some(account) = self.accounts.get(sid) else { return };
        let Some(entry) = account.calls.get(call) else { return };
        // What the called party's script says counts for him alone.
        let own = script.mishaps != Mishaps::default();
        let mishaps = if own { script.mishaps } else { account.mishaps };
        let plan = CallPlan {
            first: how.first,
            direction: entry.direction,
            sids: Sids { account: sid.to_owned(), call: call.to_owned() },
            parties: entry.parties.clone(),
            auth_token: account.plan.auth_token.clone(),
            seed,
            course: Course { pickup: script.pickup, mishaps, api: Some(self.plan.api.clone()), ..how.course },
            script,
            unix_s: self.plan.unix_s,
            keep_sound: false,
        };
        let live = Live { account: sid.to_owned(), legs: Vec::new(), streams: Streams::default(), orders: 0 };
        self.live.insert(call.to_owned(), live);
        self.out.push_back(Output::Begin(Box::new(plan)));
    }

    /// Something happened on a live call.
    pub(super) fn news(&mut self, call: &str, news: News) {
        let Some(sid) = self.live.get(call).map(|live| live.account.clone()) else { return };
        match news {
            // It is being dialled, which the API calls ringing.
            News::Status(CallStatus::Queued) => {}
            News::Status(status) => self.stands(&sid, call, status),
            News::AnsweredBy(who) => {
                let account = self.accounts.get_mut(&sid);
                if let Some(entry) = account.and_then(|account| account.calls.get_mut(call)) {
                    entry.answered_by = Some(who);
                }
            }
            News::Over => {
                self.stands(&sid, call, CallStatus::Failed);
                self.end_legs(call);
                self.live.remove(call);
                let unix_s = self.unix_s();
                if let Some(account) = self.accounts.get_mut(&sid) {
                    account.recordings.over(call, unix_s);
                }
            }
            News::Obeyed(count) => {
                if let Some(live) = self.live.get_mut(call) {
                    live.orders = live.orders.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
                }
            }
            News::Stream(news) => self.streamed(call, news),
            News::Leg(news) => self.leg(&sid, call, news),
            News::Recorded(recording) => self.recorded(&sid, call, *recording),
            News::Warning(warning) => {
                let unix_s = self.unix_s();
                if let Some(account) = self.accounts.get_mut(&sid) {
                    account.debugger.note(debugger::Entry::of(unix_s, call, warning));
                }
            }
        }
    }

    pub(super) fn stands(&mut self, sid: &str, call: &str, status: CallStatus) {
        if let Some(account) = self.accounts.get_mut(sid) {
            account.calls.stands(self.now, call, status);
        }
    }

    /// The person under this number.
    fn script(&self, party: &str) -> Arc<Script> {
        Arc::clone(self.plan.parties.get(party).unwrap_or(&self.plan.anybody))
    }
}

/// How a call begins.
struct How {
    first: First,
    course: Course,
}

fn outbound(wanted: &Wanted) -> How {
    let steps = Steps::named(wanted.events.iter().copied());
    let told = wanted.status_callback.clone().filter(|_| !wanted.events.is_empty());
    let reports = told.map(|to| Reports { steps, ..Reports::at_the_end(to) });
    let taping = wanted.record.then(|| Taping {
        track: Track::read(Some(wanted.record_track)),
        dual: wanted.record_dual,
        to: wanted.record_callback.clone(),
        events: wanted.record_events.clone(),
    });
    let course = Course {
        timeout: Micros::from_ms(wanted.timeout_s * 1_000),
        time_limit: wanted.time_limit,
        reports,
        fallback: wanted.fallback.clone(),
        detection: wanted.detection,
        detected: wanted.detection_callback.clone(),
        taping,
        send_digits: wanted.send_digits.clone(),
        ..Course::default()
    };
    How { first: wanted.first.clone(), course }
}

fn inbound(number: &NumberPlan) -> Option<How> {
    let elsewhere = !number.voice_application_sid.is_empty() || !number.trunk_sid.is_empty();
    let url = Url::parse(&number.voice_url).ok().filter(|_| !elsewhere)?;
    let place = |url: &str, get| Url::parse(url).ok().map(|url| (url, get));
    let told = place(&number.status_callback, number.status_callback_get);
    let course = Course {
        reports: told.map(Reports::at_the_end),
        fallback: place(&number.voice_fallback_url, number.voice_fallback_get),
        ..Course::default()
    };
    Some(How { first: First::Ask(url, number.voice_get), course })
}

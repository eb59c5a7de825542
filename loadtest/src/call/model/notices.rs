//! Requests beside the call: one at a time per URL, in order, so that a server sees them as they happened, unless a
//! mishap is wanted.
//!
//! Full ([`MAX_WAITING`]): the newest is not sent, and the timeline says so. Empty: nothing happens. Late: when the
//! call has been over for [`PATIENCE`], and nothing is due any more, what is still waiting is given up.

use std::collections::{BTreeMap, VecDeque};

use super::{Call, Output};
use crate::call::event::What;
use crate::call::request::Request;
use crate::time::Micros;
use crate::twilio::delivery::Policy;
use crate::twilio::executor::Answer;
use crate::twilio::ids;
use crate::twilio::notice::{self, Carries, Notice};
use crate::twilio::url::Url;
use crate::twilio::warning::{Code, Warning};

/// Notices of one call that wait or are under way, at most.
const MAX_WAITING: usize = 1_000;
/// Different fragments of URLs that one call looks at; what is wrong with further ones is not told.
const MAX_OVERRIDES: usize = 100;
/// How long a call that has ended waits for the answers to its notices.
const PATIENCE: Micros = Micros::from_ms(30_000);

/// A notice that has not been sent yet.
#[derive(Debug)]
struct Waiting {
    number: u64,
    what: &'static str,
    request: Request,
    /// Not sent before.
    due: Micros,
    /// Waits for no other.
    free: bool,
}

/// The notices of one call.
#[derive(Debug, Default)]
pub(super) struct Notices {
    waiting: VecDeque<Waiting>,
    /// Number → what it is, where it went, and when.
    under_way: BTreeMap<u64, (&'static str, String, Micros)>,
    next: u64,
    given_up_at: Option<Micros>,
}

impl Notices {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// When one of them is due, or the end of the call stops waiting for them.
    pub(super) fn deadline(&self, now: Micros) -> Option<Micros> {
        let due = self.waiting.iter().map(|waiting| waiting.due).filter(|due| *due > now).min();
        [due, self.given_up_at].into_iter().flatten().min()
    }
}

impl Call {
    /// Sends a notice as soon as the one before it to the same place has been answered.
    pub(super) fn notify(&mut self, notice: Notice) {
        let now = self.now;
        self.notify_at(notice, &[now], false);
    }

    /// Sends a notice at each of these times, as one and the same; where `free`, without waiting for others.
    pub(super) fn notify_at(&mut self, notice: Notice, due: &[Micros], free: bool) {
        let what = notice.what;
        if self.notices.waiting.len() + self.notices.under_way.len() >= MAX_WAITING {
            let text = format!("{what} not sent: {MAX_WAITING} requests are waiting");
            return self.note(What::Warning(Warning::new(Code::Silent, text)));
        }
        self.note_overrides(&notice.fetch.url);
        let fields = match notice.carries {
            Carries::Call => self.fields(),
            Carries::Own => Vec::new(),
        };
        let token = ids::token(&mut self.rng);
        let request = Request::new(&notice.fetch, fields, &self.plan.auth_token, token);
        for &due in due {
            let number = self.notices.next;
            self.notices.next += 1;
            self.notices.waiting.push_back(Waiting { number, what, request: request.clone(), due, free });
        }
        self.send_notices();
    }

    /// What behind the `#` of a URL has no effect; told once.
    pub(super) fn note_overrides(&mut self, url: &Url) {
        let Some(fragment) = url.fragment.as_ref().filter(|fragment| !self.overrides.contains(*fragment)) else {
            return;
        };
        if self.overrides.len() >= MAX_OVERRIDES {
            return;
        }
        self.overrides.insert(fragment.clone());
        for fault in Policy::faults(fragment) {
            let text = format!("{url}: connection override {fault} has no effect");
            self.note(What::Warning(Warning::new(Code::Silent, text)));
        }
    }

    /// The answer to notice `number`, or why there is none.
    pub(super) fn notified(&mut self, number: u64, answer: &Result<Answer, String>) {
        let Some((what, _, since)) = self.notices.under_way.remove(&number) else { return };
        if let Ok(answer) = answer {
            self.note(What::Answer { status: answer.status, took_ms: self.now - since });
        }
        if let Some(warning) = notice::judge(what, answer) {
            self.note(What::Warning(warning));
        }
        self.send_notices();
    }

    /// The call has ended: its last notices have so long to be answered.
    pub(super) fn last_notices(&mut self) {
        let last_due = self.notices.waiting.iter().map(|waiting| waiting.due).max();
        let from = last_due.map_or(self.now, |due| due.max(self.now));
        self.notices.given_up_at.get_or_insert(from + PATIENCE);
    }

    /// Gives up on what has waited too long behind the end.
    pub(super) fn expire_notices(&mut self) {
        if self.notices.given_up_at.is_none_or(|at| self.now < at) || self.notices.is_empty() {
            return;
        }
        let count = self.notices.waiting.len() + self.notices.under_way.len();
        let text = format!("{count} callbacks were not answered within {PATIENCE} of the end of the call");
        self.note(What::Warning(Warning::new(Code::HttpConnection, text)));
        self.notices.waiting.clear();
        self.notices.under_way.clear();
    }

    pub(super) fn send_notices(&mut self) {
        let mut held: VecDeque<Waiting> = VecDeque::new();
        while let Some(waiting) = self.notices.waiting.pop_front() {
            let place = place(&waiting.request);
            let is_busy = || {
                let mut under_way = self.notices.under_way.values().map(|(_, to, _)| to);
                under_way.any(|to| *to == place) || held.iter().any(|other| self::place(&other.request) == place)
            };
            if waiting.due > self.now || (!waiting.free && is_busy()) {
                held.push_back(waiting);
                continue;
            }
            let Waiting { number, what, request, .. } = waiting;
            self.note(What::Notice { what, url: request.url.to_string() });
            self.notices.under_way.insert(number, (what, place, self.now));
            self.out.push_back(Output::Notify { number, request: Box::new(request) });
        }
        self.notices.waiting = held;
    }
}

/// Requests to the same place keep their order; the fields of a GET do not make it another place.
fn place(request: &Request) -> String {
    format!("{}{}", request.url.authority(), request.url.path)
}

//! `<Enqueue>` and `<Leave>`: the caller waits, hears what `waitUrl` answers, until an agent takes the call.
//!
//! Who waits before the caller is scripted: the agent takes the first of them as long after the caller came as it
//! rings, and the next whenever a talk is over.

use std::collections::VecDeque;

use super::speaker::Prompt;
use super::{After, Callback, Dropped, Executor, Fetch, Output, State, after};
use crate::time::Micros;
use crate::twilio::callee::Reply;
use crate::twilio::form::Fields;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::sound;
use crate::twilio::twiml::Element;
use crate::twilio::url::Url;
use crate::twilio::warning::{Code, Warning};

/// Verbs that a `waitUrl` may answer.
const WAITING: [&str; 7] = ["Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"];
/// Without a `maxQueueSize`.
const MAX_SIZE: u32 = 1_000;
/// A `waitUrl` is asked again when its document is over, but not more often.
const AGAIN: Micros = Micros::from_ms(1_000);

/// A caller in a queue.
#[derive(Debug)]
pub(super) struct Queued {
    sid: String,
    since: Micros,
    after: After,
    /// What stands behind `<Enqueue>`.
    rest: VecDeque<Element>,
    document: Option<Url>,
    wait: Option<Callback>,
    asked: Micros,
    line: Waiting,
    /// When an agent takes the call, and how long they talk.
    agent: Option<(Micros, Micros)>,
    bridged: bool,
}

/// Those who came before the caller.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    count: u32,
    /// When the first of them is taken, if an agent comes at all.
    first: Option<Micros>,
    /// A talk, which is also how far apart they came and are taken.
    apart: Micros,
}

impl Waiting {
    /// How many are still there at `now`.
    fn left(&self, now: Micros) -> u32 {
        let Some(waited) = self.first.filter(|first| *first <= now).map(|first| now - first) else { return self.count };
        let taken = waited.0.checked_div(self.apart.0).map_or(self.count, |n| u32::try_from(n).unwrap_or(u32::MAX));
        self.count.saturating_sub(taken.saturating_add(1))
    }

    /// When the caller's own turn is.
    fn turn(&self) -> Option<Micros> {
        self.first.map(|first| first + Micros(self.apart.0.saturating_mul(u64::from(self.count))))
    }

    /// How long those who are there have waited on average, `own` being the caller's time.
    fn average(&self, now: Micros, own: Micros) -> Micros {
        // The last of them came one talk before the caller, the one before him two.
        let left = u64::from(self.left(now));
        let before = self.apart.0.saturating_mul(left).saturating_mul(left + 1) / 2;
        Micros(own.0 + before / (left + 1))
    }
}

impl Queued {
    pub(super) fn agent_at(&self) -> Option<Micros> {
        self.agent.map(|(at, _)| at)
    }

    fn fields(&self, now: Micros) -> Fields {
        let (own, seconds) = (now.since(self.since), |time: Micros| (time.0 / 1_000_000).to_string());
        // Nobody comes behind him.
        let position = (self.line.left(now) + 1).to_string();
        vec![
            ("QueueSid".into(), self.sid.clone()),
            ("QueuePosition".into(), position.clone()),
            ("QueueTime".into(), seconds(own)),
            ("AvgQueueTime".into(), seconds(self.line.average(now, own))),
            ("CurrentQueueSize".into(), position),
        ]
    }

    fn result(&self, now: Micros, result: &str) -> Fields {
        vec![
            ("QueueResult".into(), result.into()),
            ("QueueSid".into(), self.sid.clone()),
            ("QueueTime".into(), (now.since(self.since).0 / 1_000_000).to_string()),
        ]
    }
}

impl Executor {
    pub(super) fn enqueue(&mut self, now: Micros, verb: &Element) -> bool {
        if self.queued.is_some() || verb.attribute("workflowSid").is_some() || !verb.children.is_empty() {
            return self.not_modelled(if self.queued.is_some() { "Enqueue> inside a queue<" } else { "Task" });
        }
        self.answered = true;
        self.out.push_back(Output::Verb(format!("<Enqueue> {:?}", verb.text)));
        let callee = self.facts.callees.of(&verb.text);
        let wait = self.callback(verb, "waitUrl", "waitUrlMethod");
        let comes = callee.reply == Reply::Answers;
        let count = self.facts.callees.waiting(&verb.text);
        let line = Waiting { count, first: comes.then_some(now + callee.ring), apart: callee.talk };
        let most = verb.attribute("maxQueueSize").and_then(|most| most.parse().ok()).unwrap_or(MAX_SIZE);
        let queued = Queued {
            sid: ids::sid("QU", &mut self.rng),
            since: now,
            after: after(verb),
            rest: std::mem::take(&mut self.verbs),
            document: self.document.clone(),
            wait,
            asked: now,
            agent: line.turn().map(|turn| (turn, callee.talk)),
            line,
            bridged: false,
        };
        self.queued = Some(Box::new(queued));
        match callee.reply {
            _ if count >= most => self.leave_queue(now, "queue-full"),
            Reply::Busy => self.leave_queue(now, "queue-full"),
            Reply::Fails => self.leave_queue(now, "system-error"),
            Reply::Answers | Reply::NoAnswer => self.wait_on(now),
        }
        true
    }

    pub(super) fn leave(&mut self, now: Micros) -> bool {
        if self.queued.is_none() {
            let text = "<Leave> although the caller is in no queue: skipped";
            self.out.push_back(Output::Warning(Warning::new(Code::Silent, text)));
            return false;
        }
        self.leave_queue(now, "leave");
        true
    }

    /// The document of the `waitUrl` is over.
    pub(super) fn wait_again(&mut self, now: Micros) {
        let again = self.queued.as_ref().map(|queued| queued.asked + AGAIN);
        match again {
            Some(at) if at > now => self.state = State::Holding(Some(at)),
            _ => self.wait_on(now),
        }
    }

    /// Asks the `waitUrl` what the caller is to hear; without one there is music, as at Twilio.
    pub(super) fn wait_on(&mut self, now: Micros) {
        let Some(queued) = &mut self.queued else { return };
        if queued.bridged {
            self.state = State::Holding(None);
            return;
        }
        let Some(Callback { url, get }) = queued.wait.clone() else {
            self.begin_to_speak(now, [Prompt::Sound { sound: sound::hold_music(), loops: 0 }]);
            self.state = State::Speaking;
            return;
        };
        queued.asked = now;
        let extra = queued.fields(now);
        // Waiting is no redirect, however often it is asked.
        self.redirects = 0;
        self.request(now, Fetch { url, get, extra });
    }

    /// The agent comes, and goes.
    pub(super) fn advance_queue(&mut self, now: Micros) {
        let Some(queued) = &mut self.queued else { return };
        let Some((at, talk)) = queued.agent.filter(|(at, _)| *at <= now) else { return };
        if queued.bridged {
            self.leave_queue(now, "bridged");
            return;
        }
        queued.bridged = true;
        queued.agent = Some((at + talk, talk));
        self.verbs.clear();
        self.hush(now);
        self.state = State::Holding(None);
        self.out.push_back(Output::Verb("an agent takes the call".into()));
        self.advance_queue(now);
    }

    fn leave_queue(&mut self, now: Micros, result: &str) {
        let Some(queued) = self.queued.take() else { return };
        self.hush(now);
        let fields = queued.result(now, result);
        self.document = queued.document;
        self.verbs = queued.rest;
        self.verb_began = queued.since;
        self.go_on(now, queued.after, fields);
    }

    pub(super) fn drop_queued(&mut self, now: Micros, queued: Queued, why: Dropped) {
        self.document.clone_from(&queued.document);
        let result = match why {
            _ if queued.bridged => "bridged",
            Dropped::HungUp => "hangup",
            Dropped::Redirected => "redirected",
        };
        let fields = queued.result(now, result);
        let Some(Ok(url)) = queued.after.action.as_deref().map(|action| self.resolve(action)) else { return };
        self.tell("Enqueue action", Carries::Call, &Callback { url, get: queued.after.get }, fields);
    }

    /// What a `waitUrl` may not answer is left out.
    pub(super) fn fit_for_queue(&mut self, verbs: Vec<Element>) -> Vec<Element> {
        if self.queued.is_none() {
            return verbs;
        }
        let (kept, out): (Vec<_>, Vec<_>) = verbs.into_iter().partition(|verb| WAITING.contains(&verb.name.as_str()));
        for verb in out {
            let text = format!("<{}> may not be answered by a waitUrl: left out", verb.name);
            self.out.push_back(Output::Warning(Warning::new(Code::TwimlSchema, text)));
        }
        kept
    }
}

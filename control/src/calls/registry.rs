//! Which calls live, and who may open a socket for them. One owner of that state; everything else is a view of it.
//!
//! ```text
//! webhook          socket            stream ends            webhook
//! admit ─► Reserved ─► redeem ─► Joining ─► Streaming ─► Between ─► resume (Reserved again) or forget
//!            └ 60 s, then forgotten  └ 15 s                └ 30 s (5 s after the carrier's stop), then forgotten
//! ```
//! *Stopped:* the carrier's `stop` means that the caller hung up, or that somebody moved the call by REST. Of the first
//! no further word need come; after the second the carrier runs other instructions, and where they lead back here it
//! asks at once. A question that comes too late is still answered: the call is reserved anew, and how often it was
//! resumed stands in its URL.
//! *Full:* a call more is refused at its webhook; a call has at most one token, so tokens need no bound of their own.
//! *Late:* every state but Streaming ends by itself; [`sweep`](Registry::sweep) forgets what ended.
//! *Twice:* a repeated webhook replaces the call's token and keeps its place; a token works once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use agent::{Desk, Intent, Wish};
use engine::CallView;
use engine::port::EndCause;
use engine::wire::Sid;
use tokio::sync::mpsc;

pub(crate) use super::admission::NoPlace;
use super::admission::{INBOUND_UNTIL, OUTBOUND_UNTIL};
use super::facts::Facts;
use super::token::Token;
use crate::clock::Moment;
use crate::directory::{Line, Place};
use crate::model::{CallId, TenantId};

/// How often a call's stream may be taken up again (DESIGN: the life of a call).
pub(crate) const RESUMES_MAX: u32 = 3;
/// The least time between two of them.
pub(crate) const RESUME_PAUSE: Duration = Duration::from_secs(5);
/// From an accepted socket to the carrier's `start`, which comes at once.
const JOIN_TIME: Duration = Duration::from_secs(15);
/// From the end of a stream to the carrier asking what comes next, which it does within seconds.
const BETWEEN_TIME: Duration = Duration::from_secs(30);
/// The same after its `stop`, when most likely there is nobody left to ask for; and as long as anybody waits who wants
/// to end.
const STOPPED_TIME: Duration = Duration::from_secs(5);

/// Which webhook issued a token: the answer to a new call, or to a stream that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamKind {
    /// A call's first stream.
    Answer,
    /// A stream that takes up a call again.
    Resume,
}

/// What a redeemed token stands for. The stream's `start` must name the same account and call.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    /// Who answers.
    pub(crate) line: Line,
    /// The call.
    pub(crate) call: Sid,
    /// Its account.
    pub(crate) account: Sid,
    /// Which webhook issued it.
    pub(crate) kind: StreamKind,
    /// When the call came, through all its streams.
    pub(crate) since: Moment,
    /// Counts the call's streams, so that a late word about an old one is known as such.
    pub(crate) stream: u32,
    /// Where the stream's agent leaves word of what comes after.
    pub(crate) desk: Desk,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// Never issued, already used, replaced, or swept after its time.
    Unknown,
    /// Known, but its time has passed.
    Expired,
}

/// Why a stream is not taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoResume {
    /// [`RESUMES_MAX`] is used up.
    TooOften,
    /// The last one is less than [`RESUME_PAUSE`] ago.
    TooSoon,
    /// The call is unknown here and there is no place for it.
    NoPlace,
}

/// What a call is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its webhook was answered; the socket has until then.
    Reserved(Moment),
    /// Its socket stands; `start` has until then.
    Joining(Moment),
    /// Its stream runs.
    Streaming,
    /// Its stream ended; the carrier's question has until then.
    Between {
        /// When it ended.
        since: Moment,
        /// When the call is forgotten.
        until: Moment,
    },
}

/// One live call.
#[derive(Debug)]
pub(crate) struct Call {
    /// Who calls whom.
    pub(crate) facts: Facts,
    /// What it is doing.
    pub(crate) state: State,
    /// How often its stream was taken up again.
    pub(crate) resumes: u32,
    /// When it came.
    pub(crate) since: Moment,
    last_resume: Option<Moment>,
    pending: Option<Pending>,
    stream: u32,
    /// How its last stream goes, once its agent has begun.
    view: Option<CallView>,
    /// Where that agent is told what somebody wants.
    wishes: Option<mpsc::Sender<Wish>>,
    /// Among its tenant's calls; held, not read.
    _place: Place,
    desk: Desk,
    /// The carrier said that the call is over while its stream still ran.
    over: bool,
    /// Its agent was stopped because the call had lasted long enough.
    time_up: bool,
}

impl Call {
    /// How its stream goes; `None` where it has none.
    pub(crate) fn view(&self) -> Option<&CallView> {
        self.view.as_ref().filter(|_| self.state == State::Streaming)
    }
}

#[derive(Debug)]
struct Pending {
    token: Token,
    issued: Moment,
    until: Moment,
    kind: StreamKind,
}

/// The live calls.
pub(crate) struct Registry {
    calls: HashMap<Sid, Call>,
    /// Calls that we place: each holds its place from the wish until it is answered, and then has it as a live call.
    placed: HashMap<CallId, (TenantId, Place)>,
    tokens: HashMap<Token, Sid>,
    calls_max: usize,
    /// How late the engine is, in percent of what it may be.
    strain: u32,
    token_lifetime: Duration,
    stream_timeout: Duration,
}

impl Registry {
    /// An empty registry with places for `calls_max` calls. A call that we placed has `stream_timeout`, from its answer,
    /// for its stream to begin.
    pub(crate) fn new(calls_max: usize, token_lifetime: Duration, stream_timeout: Duration) -> Self {
        Self {
            calls: HashMap::new(),
            placed: HashMap::new(),
            tokens: HashMap::new(),
            calls_max,
            strain: 0,
            token_lifetime,
            stream_timeout,
        }
    }

    /// Reserves a place for a call and lets `token` open its socket. A call that is known keeps its place.
    ///
    /// # Errors
    /// [`NoPlace`] where there is none.
    pub(crate) fn admit(&mut self, now: Moment, call: &Sid, facts: Facts, token: Token) -> Result<(), NoPlace> {
        if !self.calls.contains_key(call) && !self.placed.contains_key(&facts.id) {
            self.room(now, INBOUND_UNTIL)?;
        }
        self.reserve(now, call, facts)?;
        self.issue(now, call, token, StreamKind::Answer);
        Ok(())
    }

    /// Keeps a place for a call that is to be placed; until it is answered, or [`give_back`](Self::give_back).
    /// `carrier_max` is how many calls may be placed at once over the tenant's own account.
    ///
    /// # Errors
    /// [`NoPlace`] where there is none.
    pub(crate) fn keep_place(
        &mut self,
        now: Moment,
        id: CallId,
        line: &Line,
        carrier_max: Option<u32>,
    ) -> Result<(), NoPlace> {
        self.room(now, OUTBOUND_UNTIL)?;
        let tenant = line.tenant();
        if carrier_max.is_some_and(|max| self.outbound(tenant) >= max as usize) {
            return Err(NoPlace::TenantAtOnce);
        }
        self.placed.insert(id, (tenant, line.served.place(now)?));
        Ok(())
    }

    /// How many calls of the tenant's hold a place that we placed.
    fn outbound(&self, tenant: TenantId) -> usize {
        let is_its = |call: &&Call| call.facts.outbound && call.facts.line.tenant() == tenant;
        self.calls.values().filter(is_its).count() + self.placed.values().filter(|(of, _)| *of == tenant).count()
    }

    /// The call that was to be placed is over, or never was.
    pub(crate) fn give_back(&mut self, id: CallId) {
        self.placed.remove(&id);
    }

    /// Lets `token` open another socket for a call whose stream ended. `counted` is the number of resumes that the
    /// carrier's own URL remembers, so that the bound holds across a restart of ours.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn resume(
        &mut self,
        now: Moment,
        call: &Sid,
        facts: Facts,
        counted: u32,
        token: Token,
    ) -> Result<u32, NoResume> {
        if counted >= RESUMES_MAX {
            return Err(NoResume::TooOften);
        }
        let known = self.reserve(now, call, facts).map_err(|_| NoResume::NoPlace)?;
        let resumes = known.resumes.max(counted);
        if resumes >= RESUMES_MAX {
            return Err(NoResume::TooOften);
        }
        if known.last_resume.is_some_and(|last| now < last + RESUME_PAUSE) {
            return Err(NoResume::TooSoon);
        }
        known.resumes = resumes + 1;
        known.last_resume = Some(now);
        self.issue(now, call, token, StreamKind::Resume);
        Ok(resumes + 1)
    }

    /// Whose account's call a token is for.
    pub(crate) fn account(&self, token: &Token) -> Option<Sid> {
        Some(self.calls.get(self.tokens.get(token)?)?.facts.account)
    }

    /// Uses a token up.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub(crate) fn redeem(&mut self, now: Moment, token: &Token) -> Result<Ticket, TokenFault> {
        let sid = self.tokens.remove(token).ok_or(TokenFault::Unknown)?;
        let call = self.calls.get_mut(&sid).ok_or(TokenFault::Unknown)?;
        let pending = call.pending.take().ok_or(TokenFault::Unknown)?;
        if now >= pending.until {
            return Err(TokenFault::Expired);
        }
        call.stream += 1;
        (call.desk, call.view, call.wishes) = (Desk::new(), None, None);
        call.state = State::Joining(now + JOIN_TIME);
        Ok(Ticket {
            line: call.facts.line.clone(),
            call: sid,
            account: call.facts.account,
            kind: pending.kind,
            since: call.since,
            stream: call.stream,
            desk: call.desk.clone(),
        })
    }

    /// The stream of `ticket` has begun. False where the call is gone or has a newer stream.
    pub(crate) fn started(&mut self, ticket: &Ticket) -> bool {
        let Some(call) = self.calls.get_mut(&ticket.call).filter(|call| call.stream == ticket.stream) else {
            return false;
        };
        call.state = State::Streaming;
        true
    }

    /// Lets others look at the stream of `ticket` while it runs, and say what they want of it.
    pub(crate) fn show(&mut self, ticket: &Ticket, view: CallView, wishes: mpsc::Sender<Wish>) {
        if let Some(call) = self.calls.get_mut(&ticket.call).filter(|call| call.stream == ticket.stream) {
            (call.view, call.wishes) = (Some(view), Some(wishes));
        }
    }

    /// A call of this tenant whose stream runs, and where its agent is told what somebody wants.
    pub(crate) fn reach(&self, tenant: TenantId, id: CallId) -> Option<(Facts, mpsc::Sender<Wish>)> {
        let call = self.calls.values().find(|call| call.facts.id == id && call.facts.line.tenant() == tenant)?;
        let wishes = call.wishes.as_ref().filter(|_| call.state == State::Streaming)?;
        Some((call.facts.clone(), wishes.clone()))
    }

    /// Whether the call has a place.
    pub(crate) fn has(&self, call: &Sid) -> bool {
        self.calls.contains_key(call)
    }

    /// The stream of `ticket` has ended, or never began (no `cause`). A word about an older stream than the call's last changes
    /// nothing, and so does one that comes after the carrier's question was already answered with a new token.
    pub(crate) fn ended(&mut self, now: Moment, ticket: &Ticket, cause: Option<EndCause>) {
        let Some(call) = self.calls.get_mut(&ticket.call).filter(|call| call.stream == ticket.stream) else { return };
        if call.over {
            self.forget(&ticket.call);
        } else if matches!(call.state, State::Streaming | State::Joining(_)) {
            let stopped = cause == Some(EndCause::CarrierStopped);
            let patience = if stopped { STOPPED_TIME } else { BETWEEN_TIME };
            call.state = State::Between { since: now, until: now + patience };
        }
    }

    /// The call of `ticket` has lasted as long as it may.
    pub(crate) fn time_up(&mut self, ticket: &Ticket) {
        if let Some(call) = self.calls.get_mut(&ticket.call).filter(|call| call.stream == ticket.stream) {
            call.time_up = true;
        }
    }

    /// Whether the call has lasted as long as it may.
    pub(crate) fn is_time_up(&self, call: &Sid) -> bool {
        self.calls.get(call).is_some_and(|call| call.time_up)
    }

    /// The carrier says that the call is over. Its running stream is still given the time to end by itself.
    pub(crate) fn over(&mut self, call: &Sid) {
        match self.calls.get_mut(call) {
            Some(live) if live.state == State::Streaming => live.over = true,
            _ => self.forget(call),
        }
    }

    /// Gives the call's place back.
    pub(crate) fn forget(&mut self, call: &Sid) {
        if let Some(pending) = self.calls.remove(call).and_then(|call| call.pending) {
            self.tokens.remove(&pending.token);
        }
    }

    /// What the call's last agent wanted to come next; to resume where nobody said anything.
    pub(crate) fn intent(&self, call: &Sid) -> Intent {
        self.calls.get(call).map_or(Intent::Resume, |call| call.desk.intent())
    }

    /// Forgets every call whose time has passed.
    pub(crate) fn sweep(&mut self, now: Moment) {
        let tokens = &mut self.tokens;
        self.calls.retain(|_, call| {
            let lives = match call.state {
                State::Reserved(until) | State::Joining(until) | State::Between { until, .. } => now < until,
                State::Streaming => true,
            };
            if !lives && let Some(pending) = &call.pending {
                tokens.remove(&pending.token);
            }
            lives
        });
    }

    /// How many calls may have one, and how long a socket may take to arrive.
    pub(crate) fn limits(&self) -> (usize, Duration) {
        (self.calls_max, self.token_lifetime)
    }

    /// Takes no more calls than so many from now on; those that live go on.
    pub(crate) fn set_calls_max(&mut self, max: usize) {
        self.calls_max = max;
    }

    /// Gives the sockets of calls to come so long to arrive.
    pub(crate) fn set_token_lifetime(&mut self, lifetime: Duration) {
        self.token_lifetime = lifetime;
    }

    /// How late the engine is, in percent of what it may be.
    pub(crate) fn set_strain(&mut self, percent: u32) {
        self.strain = percent;
    }

    /// How full and how late the service is: the larger of both, in percent.
    pub(crate) fn load(&self) -> u32 {
        self.share().max(self.strain)
    }

    /// Of all places, how many are taken, in percent.
    pub(crate) fn share(&self) -> u32 {
        u32::try_from(self.len() * 100 / self.calls_max.max(1)).unwrap_or(u32::MAX)
    }

    /// Whether a call that is new here finds less than so much of the service taken.
    fn room(&mut self, now: Moment, until: u32) -> Result<(), NoPlace> {
        if self.strain >= until {
            return Err(NoPlace::Strained);
        }
        if self.share() >= until {
            self.sweep(now);
            if self.share() >= until {
                return Err(NoPlace::Full);
            }
        }
        Ok(())
    }

    /// How many calls have a place.
    pub(crate) fn len(&self) -> usize {
        self.calls.len() + self.placed.len()
    }

    /// How many calls somebody who wants to end should wait for: not those whose stream ended some seconds ago without
    /// a question from the carrier, nor those that it does not open a socket for although it speaks no greeting first.
    pub(crate) fn unfinished(&self, now: Moment) -> usize {
        let is_waited_for = |call: &&Call| match call.state {
            State::Between { since, .. } => now < since + STOPPED_TIME,
            State::Reserved(_) => call.pending.as_ref().is_none_or(|pending| {
                let greets = pending.kind == StreamKind::Answer && call.facts.line.plan.preface.is_some();
                greets || now < pending.issued + STOPPED_TIME
            }),
            _ => true,
        };
        self.calls.values().filter(is_waited_for).count()
    }

    /// Every live call, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Sid, &Call)> {
        self.calls.iter()
    }

    fn reserve(&mut self, now: Moment, call: &Sid, facts: Facts) -> Result<&mut Call, NoPlace> {
        let kept = self.placed.remove(&facts.id).map(|(_, place)| place);
        if kept.is_none() && self.len() >= self.calls_max && !self.calls.contains_key(call) {
            self.sweep(now);
            if self.len() >= self.calls_max {
                return Err(NoPlace::Full);
            }
        }
        match self.calls.entry(*call) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(vacant) => Ok(vacant.insert(Call {
                _place: kept.map_or_else(|| facts.line.served.place(now), Ok)?,
                facts: facts.bounded(),
                // Until its token is issued, at once.
                state: State::Reserved(now + self.token_lifetime),
                resumes: 0,
                since: now,
                last_resume: None,
                pending: None,
                stream: 0,
                view: None,
                wishes: None,
                desk: Desk::new(),
                over: false,
                time_up: false,
            })),
        }
    }

    fn issue(&mut self, now: Moment, sid: &Sid, token: Token, kind: StreamKind) {
        let Some(call) = self.calls.get_mut(sid) else { return };
        let is_placed = call.facts.outbound && kind == StreamKind::Answer;
        let longest = if is_placed { self.stream_timeout } else { self.token_lifetime };
        let until = now + longest.min(self.token_lifetime);
        // A running stream is not interrupted by a webhook that came twice.
        if kind == StreamKind::Resume || call.state != State::Streaming {
            call.state = State::Reserved(until);
        }
        if let Some(old) = call.pending.replace(Pending { token, issued: now, until, kind }) {
            self.tokens.remove(&old.token);
        }
        self.tokens.insert(token, *sid);
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("calls", &self.calls.len()).field("tokens", &self.tokens.len()).finish()
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;

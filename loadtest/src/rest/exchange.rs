//! The exchange: all accounts, their calls, and what is asked of them. One state machine, told the time.

mod asked;
mod legs;
mod live;
mod recorded;
mod streaming;
mod taping;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::account::{Account, AccountPlan};
use super::answer::{Answer, Refusal};
use super::news::News;
use super::request::Request;
use super::route::Resource;
use super::streams::Streams;
use super::{auth, route};
use crate::call::model::{CallPlan, Order};
use crate::caller::script::Script;
use crate::rng::Rng;
use crate::time::Micros;

/// What the exchange needs to know.
#[derive(Clone, Debug)]
pub struct ExchangePlan {
    /// Its accounts; their SIDs differ.
    pub accounts: Vec<AccountPlan>,
    /// Who answers under which number, and who calls from it.
    pub parties: BTreeMap<String, Arc<Script>>,
    /// Who answers under all others.
    pub anybody: Arc<Script>,
    /// Scripts that an inbound call may name, besides.
    pub scripts: BTreeMap<String, Arc<Script>>,
    /// How long an answer takes. Requests that wait for theirs are under way at once.
    pub answers_after: Micros,
    /// Under which URL recordings are fetched: where this API is served.
    pub api: String,
    /// Everything random comes from it.
    pub seed: u64,
    /// Seconds since 1970 at time zero.
    pub unix_s: u64,
}

/// What happens to the exchange.
#[derive(Debug)]
pub enum Input {
    /// Somebody asks; answered with [`Output::Answer`].
    Request {
        /// To be handed back.
        number: u64,
        /// What.
        request: Box<Request>,
    },
    /// Something happened on a call that [`Output::Begin`] began.
    News {
        /// Which.
        call: String,
        /// What.
        news: News,
    },
    /// Time has passed.
    Tick,
}

/// What the exchange wants done.
#[derive(Debug)]
pub enum Output {
    /// Answer this request.
    Answer {
        /// Its number.
        number: u64,
        /// With this.
        answer: Answer,
    },
    /// Play this call, and tell its news.
    Begin(Box<CallPlan>),
    /// Tell this live call.
    Order {
        /// Which.
        call: String,
        /// What.
        order: Order,
    },
}

/// A call under way.
#[derive(Debug)]
struct Live {
    /// Whose it is.
    account: String,
    /// The calls that its TwiML dialled.
    legs: Vec<String>,
    /// Its one-way streams.
    streams: Streams,
    /// Orders that it has not taken yet.
    orders: usize,
}

/// All accounts and their calls.
#[derive(Debug)]
pub struct Exchange {
    plan: ExchangePlan,
    accounts: BTreeMap<String, Account>,
    /// Calls that have begun and are not over.
    live: BTreeMap<String, Live>,
    /// Answers that are ready, and when they leave.
    answers: VecDeque<(Micros, String, u64, Answer)>,
    rng: Rng,
    now: Micros,
    out: VecDeque<Output>,
}

impl Exchange {
    /// An exchange on which nobody has called yet.
    #[must_use]
    pub fn new(mut plan: ExchangePlan) -> Self {
        let mut rng = Rng::new(plan.seed);
        let accounts = std::mem::take(&mut plan.accounts).into_iter();
        let mut open = |account| Account::new(account, plan.unix_s, &mut rng);
        let accounts = accounts.map(|account| (account.sid.clone(), open(account))).collect();
        Self {
            accounts,
            live: BTreeMap::new(),
            answers: VecDeque::new(),
            rng,
            now: Micros::ZERO,
            out: VecDeque::new(),
            plan,
        }
    }

    /// Something happened at `at`.
    pub fn handle(&mut self, at: Micros, input: Input) {
        self.now = self.now.max(at);
        // What was due by now comes before what happens now.
        self.dial();
        match input {
            Input::Request { number, request } => self.request(number, &request),
            Input::News { call, news } => self.news(&call, news),
            Input::Tick => {}
        }
        self.dial();
        self.release();
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        let queues = self.accounts.values().filter_map(|account| account.queue.next_deadline());
        queues.chain(self.answers.front().map(|(at, ..)| *at)).min()
    }

    fn request(&mut self, number: u64, request: &Request) {
        let (account, answer) = match self.open(request) {
            Ok(sid) => {
                let answer = self.ask(&sid, request).unwrap_or_else(|refusal| refusal.answer());
                (sid, answer)
            }
            Err(refusal) => (String::new(), refusal.answer()),
        };
        if let Some(account) = self.accounts.get_mut(&account) {
            account.requests += 1;
        }
        self.answers.push_back((self.now + self.plan.answers_after, account, number, answer));
    }

    /// Whose request it is: who has no right to know is told 401, whatever the path.
    fn open(&self, request: &Request) -> Result<String, Refusal> {
        let sid = route::find(&request.path).map(|(sid, _)| sid);
        let sid = sid.or_else(|| request.path.split('/').nth(3)).unwrap_or_default();
        let account = self.accounts.get(sid.strip_suffix(".json").unwrap_or(sid)).ok_or_else(Refusal::authenticate)?;
        let authorization = request.authorization.as_deref();
        let is_open = match route::find(&request.path) {
            Some((_, Resource::Sound(_))) => true,
            Some((_, Resource::Account)) => auth::opens_account(&account.plan, authorization),
            _ => auth::opens(&account.plan, authorization),
        };
        if !is_open {
            return Err(Refusal::authenticate());
        }
        if account.requests >= account.plan.concurrent_requests {
            return Err(Refusal::too_many());
        }
        Ok(account.plan.sid.clone())
    }

    /// Lets the answers go whose time has come.
    fn release(&mut self) {
        while let Some((_, account, number, answer)) = self.answers.pop_front_if(|(at, ..)| *at <= self.now) {
            if let Some(account) = self.accounts.get_mut(&account) {
                account.requests = account.requests.saturating_sub(1);
            }
            self.out.push_back(Output::Answer { number, answer });
        }
    }

    fn unix_s(&self) -> u64 {
        self.plan.unix_s + self.now.0 / 1_000_000
    }
}

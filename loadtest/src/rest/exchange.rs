//! The exchange: all accounts, their calls, and what is asked of them. One state machine, told the time.

mod asked;
mod legs;
mod live;
mod mishaps;
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
use crate::twilio::ids;

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
    /// Close this request's connection without an answer.
    Cut {
        /// Its number.
        number: u64,
    },
    /// Close all connections and take none until then.
    Unreachable {
        /// When there are connections again.
        until: Micros,
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

/// An answer that is ready.
#[derive(Debug)]
struct Waiting {
    leaves: Micros,
    /// Whose request it is; empty where it counts for nobody.
    account: String,
    number: u64,
    /// `None` where there is to be none.
    answer: Option<Answer>,
}

/// All accounts and their calls.
#[derive(Debug)]
pub struct Exchange {
    plan: ExchangePlan,
    accounts: BTreeMap<String, Account>,
    /// Calls that have begun and are not over.
    live: BTreeMap<String, Live>,
    /// Answers that are ready, in the order in which they leave.
    answers: VecDeque<Waiting>,
    /// The request that is being carried out does not see calls that are younger.
    unseen: Micros,
    /// From when to when nobody is to be reached.
    unreachable: Option<(Micros, Micros)>,
    rng: Rng,
    /// Apart, so that requests change nothing about calls.
    request_ids: Rng,
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
            unseen: Micros::ZERO,
            unreachable: None,
            request_ids: Rng::new(!plan.seed),
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
        self.shut();
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Tick`] is next needed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        let queues = self.accounts.values().filter_map(|account| account.queue.next_deadline());
        let door = self.unreachable.map(|(from, _)| from);
        queues.chain(self.answers.front().map(|waiting| waiting.leaves)).chain(door).min()
    }

    fn request(&mut self, number: u64, request: &Request) {
        let (account, later, answer) = match self.open(request) {
            Ok(sid) if is_ours(request) => {
                let answer = self.ask(&sid, request).unwrap_or_else(|refusal| refusal.answer());
                (String::new(), Micros::ZERO, Some(answer))
            }
            Ok(sid) => {
                let requests = self.accounts.get_mut(&sid).map_or(0, |account| {
                    account.requests += 1;
                    account.requests
                });
                let (later, answer) = self.carry_out(&sid, request);
                let takes = self.plan.answers_after + later;
                (sid, later, answer.map(|answer| self.with_headers(answer, requests, takes)))
            }
            Err(refusal) => {
                let requests = self.accounts.get(account_of(request)).map_or(0, |account| account.requests);
                let answer = self.with_headers(refusal.answer(), requests, self.plan.answers_after);
                (String::new(), Micros::ZERO, Some(answer))
            }
        };
        let leaves = self.now + self.plan.answers_after + later;
        let place = self.answers.partition_point(|waiting| waiting.leaves <= leaves);
        self.answers.insert(place, Waiting { leaves, account, number, answer });
    }

    /// What Twilio tells of a request in its answer's headers.
    fn with_headers(&mut self, mut answer: Answer, requests: usize, takes: Micros) -> Answer {
        answer.headers.extend([
            ("Twilio-Concurrent-Requests", requests.to_string()),
            ("Twilio-Request-Id", ids::sid("RQ", &mut self.request_ids)),
            ("Twilio-Request-Duration", format!("{}.{:03}", takes.0 / 1_000_000, takes.0 / 1_000 % 1_000)),
        ]);
        answer
    }

    /// Whose request it is: who has no right to know is told 401, whatever the path.
    fn open(&self, request: &Request) -> Result<String, Refusal> {
        let account = self.accounts.get(account_of(request)).ok_or_else(Refusal::authenticate)?;
        let authorization = request.authorization.as_deref();
        let is_open = match route::find(&request.path) {
            Some((_, Resource::Sound(_))) => true,
            Some((_, Resource::Account)) => auth::opens_account(&account.plan, authorization),
            _ => auth::opens(&account.plan, authorization),
        };
        if !is_open {
            return Err(Refusal::authenticate());
        }
        // What is ours stays within reach however busy the API is.
        if account.requests >= account.plan.concurrent_requests && !is_ours(request) {
            return Err(Refusal::too_many());
        }
        Ok(account.plan.sid.clone())
    }

    /// Lets the answers go whose time has come.
    fn release(&mut self) {
        while let Some(waiting) = self.answers.pop_front_if(|waiting| waiting.leaves <= self.now) {
            let Waiting { account, number, answer, .. } = waiting;
            if let Some(account) = self.accounts.get_mut(&account) {
                account.requests = account.requests.saturating_sub(1);
            }
            self.out.push_back(match answer {
                Some(answer) => Output::Answer { number, answer },
                None => Output::Cut { number },
            });
        }
    }

    fn unix_s(&self) -> u64 {
        self.plan.unix_s + self.now.0 / 1_000_000
    }
}

/// The account that a path names, whether there is such a path or not.
fn account_of(request: &Request) -> &str {
    let sid = route::find(&request.path).map(|(sid, _)| sid);
    let sid = sid.or_else(|| request.path.split('/').nth(3)).unwrap_or_default();
    sid.strip_suffix(".json").unwrap_or(sid)
}

fn is_ours(request: &Request) -> bool {
    route::find(&request.path).is_some_and(|(_, resource)| resource.is_ours())
}

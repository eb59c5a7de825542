//! Sends the webhooks of a timetable over connections that stay open, all on this thread.
//!
//! A connection takes the next turn as soon as it is free, makes the request, waits until it is due, and sends. While
//! the server keeps up most connections wait; when it does not, turns wait for a connection, and that counts.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::task::LocalSet;

use super::alarm::Alarm;
use super::clock::Clock;
use super::fleet::process::{self, Sample};
use super::route::Place;
use super::webhook;
use crate::call::request::Request;
use crate::time::Micros;
use crate::twilio::executor::{Answer, MAX_BODY_BYTES};
use crate::webhooks::{Moments, Rate, Requests, Tally, Timetable, Turn};

/// The hard limit of a webhook.
const TOTAL: Duration = Duration::from_secs(15);
/// A server that is not there is not asked again at once.
const BREATH: Micros = Micros::from_ms(100);

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is sent.
    pub requests: Requests,
    /// Where to.
    pub place: Place,
    /// How often.
    pub rate: Rate,
    /// At most so many at once.
    pub connections: usize,
    /// Not measured, first.
    pub warm_up: Micros,
    /// Measured.
    pub length: Micros,
    /// The server's process.
    pub pid: Option<u32>,
}

/// What was seen at one end of the measured time.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    /// When.
    pub at: Micros,
    /// Answers so far.
    pub answers: u64,
    /// The server, where its process is known.
    pub server: Option<Sample>,
    /// Ourselves.
    pub own: Sample,
    /// The machine's stolen, idle and total ticks.
    pub ticks: [u64; 3],
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// All answers.
    pub tally: Tally,
    /// When measuring began and ended.
    pub edges: [Edge; 2],
    /// Requests that were due and found no free connection before the end.
    pub unsent: u64,
}

/// What all connections share.
#[derive(Debug)]
struct Run {
    clock: Clock,
    plan: Plan,
    turns: RefCell<Timetable>,
    tally: RefCell<Tally>,
}

/// Sends everything, and waits for the last answer.
///
/// # Errors
/// When the system gives no runtime.
pub fn run(plan: Plan) -> Result<Outcome, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(|e| format!("cannot start: {e}"))?;
    let clock = Clock::start();
    // Time to open the connections.
    let begins = clock.now() + Micros::from_ms(50);
    let from = begins + plan.warm_up;
    let ends = from + plan.length;
    let turns = RefCell::new(Timetable::new(plan.rate, begins, ends));
    let tally = RefCell::new(Tally { from, reports: plan.requests.reports, ..Tally::default() });
    let run = Rc::new(Run { clock, plan, turns, tally });
    let edges = LocalSet::new().block_on(&runtime, all(Rc::clone(&run), [from, ends]));
    let unsent = run.turns.borrow().unsent();
    let tally = run.tally.take();
    Ok(Outcome { tally, edges, unsent })
}

async fn all(run: Rc<Run>, edges: [Micros; 2]) -> [Edge; 2] {
    let lines: Vec<_> =
        (0..run.plan.connections).map(|_| tokio::task::spawn_local(connection(Rc::clone(&run)))).collect();
    let [begin, end] = edges;
    let seen = [edge(&run, begin).await, edge(&run, end).await];
    for line in lines {
        // A connection that broke took only its own turns with it, which are then missing from the answers.
        let _ = line.await;
    }
    seen
}

/// Looks at `at`, on another thread: reading `/proc` takes longer than an answer.
async fn edge(run: &Run, at: Micros) -> Edge {
    run.clock.sleep_until(at).await;
    let (at, answers, pid) = (run.clock.now(), run.tally.borrow().answers, run.plan.pid);
    let look = move || Edge {
        at,
        answers,
        // A server that is gone has no figures; that it did not answer is said elsewhere.
        server: pid.and_then(|pid| process::look(pid).ok()),
        own: process::look(std::process::id()).unwrap_or_default(),
        ticks: process::machine_ticks(),
    };
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}

async fn connection(run: Rc<Run>) {
    let mut alarm = Alarm::new(run.clock);
    let mut line = Line { place: run.plan.place.clone(), sender: None };
    while let Some(Turn { index, due }) = run.next_turn() {
        let free = run.clock.now();
        let request = run.plan.requests.make(index);
        let due = due.unwrap_or_else(|| run.clock.now());
        alarm.until(due).await;
        let sent = run.clock.now();
        let (answer, reconnected) = line.ask(&request).await;
        let failed = answer.is_err();
        let answered = run.clock.now();
        run.note(Moments { due, free, sent, answered }, answer, reconnected);
        if failed {
            run.clock.sleep_until(answered + BREATH).await;
        }
    }
}

impl Run {
    fn next_turn(&self) -> Option<Turn> {
        self.turns.borrow_mut().next(self.clock.now())
    }

    fn note(&self, moments: Moments, answer: Result<Answer, String>, reconnected: bool) {
        let mut tally = self.tally.borrow_mut();
        tally.reconnected += u64::from(reconnected);
        tally.add(moments, answer);
    }
}

/// One connection, opened when it is needed.
#[derive(Debug)]
struct Line {
    place: Place,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Line {
    /// One request. Where the server has closed the connection meanwhile, as it may, it is sent again on a new one.
    async fn ask(&mut self, request: &Request) -> (Result<Answer, String>, bool) {
        let used = self.sender.is_some();
        match self.attempt(request).await {
            Err(_) if used => (self.attempt(request).await, true),
            answer => (answer, false),
        }
    }

    async fn attempt(&mut self, request: &Request) -> Result<Answer, String> {
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => self.open().await?,
        };
        let answer = tokio::time::timeout(TOTAL, exchange(&mut sender, request)).await;
        let answer = answer.map_err(|_| "no answer within 15 s".to_owned())??;
        self.sender = Some(sender);
        Ok(answer)
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream = webhook::connect(&self.place).await?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the connection; why it did shows at the next request.
        tokio::task::spawn_local(async move { drop(driver.await) });
        Ok(sender)
    }
}

async fn exchange(sender: &mut SendRequest<Full<Bytes>>, request: &Request) -> Result<Answer, String> {
    sender.ready().await.map_err(broken)?;
    let response = sender.send_request(webhook::build(request)?).await.map_err(broken)?;
    webhook::collect(response, MAX_BODY_BYTES).await
}

fn broken(error: hyper::Error) -> String {
    format!("broken HTTP: {error}")
}

//! Sets calls up and reports their end, on a thread of its own and at the lowest priority, so that it never delays a
//! frame of a running call.
//!
//! Errands come over a bounded channel (full: the replacement of an ended call, or its report, is given up, and
//! counted), connected sockets go back over another with room for every call.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, mpsc};

use super::handshake;
use crate::call::request::Request;
use crate::fleet::call::Begin;
use crate::rng::Rng;
use crate::shell::clock::{Clock, unix_s};
use crate::shell::cookies::Cookies;
use crate::shell::route::Route;
use crate::shell::webhook;
use crate::time::Micros;
use crate::twilio::callee::{Callee, Callees, Reply};
use crate::twilio::executor::{Executor, Facts, Fetch, First, Output, TWILIO_API};
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{self, CallStatus, Direction, Parties};
use crate::twilio::signature;
use crate::twilio::stream_plan::StreamPlan;
use crate::twilio::url::Url;

/// Calls that are set up at the same time; more wait their turn.
const AT_ONCE: usize = 64;

/// Whom to call, and as whom.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The voice webhook.
    pub url: Url,
    /// How it is reached.
    pub route: Route,
    /// `AC…`
    pub account: String,
    /// Signs requests and handshakes.
    pub auth_token: String,
    /// The first caller's number, as digits.
    pub first_number: u64,
    /// The number that is called; of calls that the account places, its own.
    pub to: String,
    /// Who has begun the calls.
    pub direction: Direction,
    /// Where the end of a call is reported, as a number's status callback.
    pub status_callback: Option<Url>,
}

/// One call to be set up.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Which, from zero, over the whole run.
    pub index: u64,
    /// When.
    pub at: Micros,
    /// Everything random about it.
    pub seed: u64,
}

/// What there is to do.
#[derive(Debug)]
pub enum Errand {
    /// Set a call up.
    Call(Order),
    /// This call lasted so long.
    Ended(Sids, Micros),
}

/// What became of an order.
#[derive(Debug)]
pub enum Dialed {
    /// The stream is open.
    Connected(Box<(handshake::Open, Begin)>),
    /// It could not be set up.
    Failed(String),
    /// The end of a call could not be reported.
    Unreported(String),
}

/// Starts the thread. It ends when the sender of `errands` is dropped and all are done.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn spawn(
    clock: Clock,
    directory: Directory,
    errands: mpsc::Receiver<Errand>,
    out: SyncSender<Dialed>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    std::thread::Builder::new().name("dial".into()).spawn(move || {
        super::machine::yield_to_others();
        runtime.block_on(all(clock, Arc::new(directory), errands, out));
    })
}

async fn all(clock: Clock, directory: Arc<Directory>, mut errands: mpsc::Receiver<Errand>, out: SyncSender<Dialed>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = tokio::task::JoinSet::new();
    while let Some(errand) = errands.recv().await {
        let (directory, places, out) = (Arc::clone(&directory), Arc::clone(&places), out.clone());
        running.spawn(async move {
            match errand {
                Errand::Call(order) => {
                    clock.sleep_until(order.at).await;
                    let _place = places.acquire().await;
                    begin(clock, &directory, order, &out).await;
                }
                Errand::Ended(sids, length) => {
                    let _place = places.acquire().await;
                    if let Err(why) = report_end(&directory, sids, length).await {
                        let _ = out.try_send(Dialed::Unreported(why));
                    }
                }
            }
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// Webhook, TwiML, handshake. A call that was answered and comes to nothing has ended all the same, and that is told.
async fn begin(clock: Clock, directory: &Directory, order: Order, out: &SyncSender<Dialed>) {
    let mut rng = Rng::new(order.seed);
    let sids = Sids { account: directory.account.clone(), call: ids::sid("CA", &mut rng) };
    let plan = match twiml(clock, directory, order, &sids, &mut rng).await {
        Ok(plan) => plan,
        Err(why) => {
            let _ = out.try_send(Dialed::Failed(why));
            return;
        }
    };
    let dialed = match open(directory, &plan.url, &mut rng).await {
        Ok(open) => {
            let stream_sid = ids::sid("MZ", &mut rng);
            let begin = Begin { sids: sids.clone(), stream_sid, parameters: plan.parameters, seed: rng.next_u64() };
            Dialed::Connected(Box::new((open, begin)))
        }
        Err(why) => Dialed::Failed(why),
    };
    let failed = matches!(dialed, Dialed::Failed(_));
    // Full or gone only when the run is over.
    if out.try_send(dialed).is_err() || failed {
        let _ = report_end(directory, sids, Micros::ZERO).await;
    }
}

async fn open(directory: &Directory, url: &Url, rng: &mut Rng) -> Result<handshake::Open, String> {
    let signature = signature::sign(&directory.auth_token, &url.signed(), &[]);
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&rng.next_u64().to_le_bytes());
    nonce[8..].copy_from_slice(&rng.next_u64().to_le_bytes());
    handshake::open(url, &signature, nonce, &directory.route).await
}

/// Carries the TwiML out until it opens a stream.
async fn twiml(
    clock: Clock,
    directory: &Directory,
    order: Order,
    sids: &Sids,
    rng: &mut Rng,
) -> Result<StreamPlan, String> {
    let nobody = Callee { reply: Reply::NoAnswer, ring: Micros::ZERO, talk: Micros::ZERO };
    let direction = directory.direction;
    let (other, own) = (format!("+{}", directory.first_number + order.index % 9_000), directory.to.clone());
    let parties = match direction {
        Direction::Inbound => Parties { from: other, to: own },
        Direction::OutboundApi | Direction::OutboundDial => Parties { from: own, to: other },
    };
    let facts = Facts {
        sids: sids.clone(),
        parties: parties.clone(),
        callees: Callees::all(nobody),
        unix_s: unix_s(),
        api: TWILIO_API.into(),
        fallback: None,
        seed: rng.next_u64(),
    };
    let mut executor = Executor::new(clock.now(), First::Ask(directory.url.clone(), false), facts);
    let call_token = ids::token(rng);
    // Who is called has answered before anybody is asked what to do.
    let asked = if direction == Direction::Inbound { CallStatus::Ringing } else { CallStatus::InProgress };
    let (mut status, mut why) = (asked, String::new());
    loop {
        match executor.poll() {
            Some(Output::Fetch(fetch)) => {
                let fields = params::voice(sids, &parties, direction, status, &call_token);
                let request = Request::new(&fetch, fields, &directory.auth_token, ids::token(rng));
                match webhook::fetch(request, directory.route.clone(), Cookies::default()).await {
                    Ok(answer) => executor.answer(clock.now(), &answer),
                    Err(error) => executor.no_answer(clock.now(), &error),
                }
                status = CallStatus::InProgress;
            }
            Some(Output::OpenStream(plan)) => return Ok(plan),
            Some(Output::Warning(warning)) => why = warning.text,
            Some(Output::End(end)) => return Err(if why.is_empty() { end.to_string() } else { why }),
            // What happens beside the call is not measured here.
            Some(Output::Prepare { number, .. }) => executor.prepared(clock.now(), number, Ok(None)),
            Some(_) => {}
            None => {
                let now = clock.now();
                let next = executor.next_deadline(now).ok_or("the TwiML waits for somebody who never comes")?;
                clock.sleep_until(next).await;
                executor.tick(clock.now());
            }
        }
    }
}

/// The status callback of a call that has ended.
async fn report_end(directory: &Directory, sids: Sids, length: Micros) -> Result<(), String> {
    let Some(url) = directory.status_callback.clone() else { return Ok(()) };
    let parties = Parties { from: format!("+{}", directory.first_number), to: directory.to.clone() };
    let fields = params::end_of_call(&sids, &parties, length, unix_s());
    let token = ids::token(&mut Rng::new(unix_s() ^ length.0));
    let request = Request::new(&Fetch { url, get: false, extra: Vec::new() }, fields, &directory.auth_token, token);
    match webhook::fetch(request, directory.route.clone(), Cookies::default()).await?.status {
        200 | 204 => Ok(()),
        status => Err(format!("answered {status}")),
    }
}

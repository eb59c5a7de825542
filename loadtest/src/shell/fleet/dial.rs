//! Sets calls up, on a thread of its own and at the lowest priority, so that it never delays a frame of a running call.
//!
//! Orders come over a bounded channel (full: the replacement of an ended call is given up, and counted), connected sockets
//! go back over another with room for every call.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, mpsc};

use super::handshake;
use crate::call::request::Request;
use crate::fleet::call::Begin;
use crate::rng::Rng;
use crate::shell::clock::Clock;
use crate::shell::route::Route;
use crate::shell::webhook;
use crate::time::Micros;
use crate::twilio::executor::{Callee, Executor, Output, StreamPlan};
use crate::twilio::ids::{self, Sids};
use crate::twilio::params::{self, CallStatus, Parties};
use crate::twilio::signature;
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
    /// The number that is called.
    pub to: String,
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

/// What became of an order.
#[derive(Debug)]
pub enum Dialed {
    /// The stream is open.
    Connected(Box<(handshake::Open, Begin)>),
    /// It could not be set up.
    Failed(String),
}

/// Starts the thread. It ends when the sender of `orders` is dropped and all orders are done.
///
/// # Errors
/// When the system gives no thread or no runtime.
pub fn spawn(
    clock: Clock,
    directory: Directory,
    orders: mpsc::Receiver<Order>,
    out: SyncSender<Dialed>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    std::thread::Builder::new().name("dial".into()).spawn(move || {
        super::machine::yield_to_others();
        runtime.block_on(all(clock, Arc::new(directory), orders, out));
    })
}

async fn all(clock: Clock, directory: Arc<Directory>, mut orders: mpsc::Receiver<Order>, out: SyncSender<Dialed>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = tokio::task::JoinSet::new();
    while let Some(order) = orders.recv().await {
        let (directory, places, out) = (Arc::clone(&directory), Arc::clone(&places), out.clone());
        running.spawn(async move {
            clock.sleep_until(order.at).await;
            let _place = places.acquire().await;
            let dialed = match dial(clock, &directory, order).await {
                Ok(connected) => Dialed::Connected(Box::new(connected)),
                Err(why) => Dialed::Failed(why),
            };
            // Full or gone only when the run is over.
            let _ = out.try_send(dialed);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// Webhook, TwiML, handshake.
async fn dial(clock: Clock, directory: &Directory, order: Order) -> Result<(handshake::Open, Begin), String> {
    let mut rng = Rng::new(order.seed);
    let sids = Sids { account: directory.account.clone(), call: ids::sid("CA", &mut rng) };
    let plan = twiml(clock, directory, order, &sids, &mut rng).await?;
    let signature = signature::sign(&directory.auth_token, &plan.url.signed(), &[]);
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&rng.next_u64().to_le_bytes());
    nonce[8..].copy_from_slice(&rng.next_u64().to_le_bytes());
    let open = handshake::open(&plan.url, &signature, nonce, &directory.route).await?;
    let stream_sid = ids::sid("MZ", &mut rng);
    Ok((open, Begin { sids, stream_sid, parameters: plan.parameters, seed: rng.next_u64() }))
}

/// Carries the TwiML out until it opens a stream.
async fn twiml(
    clock: Clock,
    directory: &Directory,
    order: Order,
    sids: &Sids,
    rng: &mut Rng,
) -> Result<StreamPlan, String> {
    let nobody = Callee { answers: false, ring: Micros::ZERO, talk: Micros::ZERO };
    let mut executor = Executor::new(directory.url.clone(), nobody);
    let parties =
        Parties { from: format!("+{}", directory.first_number + order.index % 9_000), to: directory.to.clone() };
    let call_token = ids::token(rng);
    let (mut status, mut why) = (CallStatus::Ringing, String::new());
    loop {
        match executor.poll() {
            Some(Output::Fetch(fetch)) => {
                let fields = params::voice(sids, &parties, status, &call_token);
                let request = Request::new(&fetch, fields, &directory.auth_token, ids::token(rng));
                match webhook::fetch(request, directory.route.clone()).await {
                    Ok(answer) => executor.answer(clock.now(), &answer),
                    Err(error) => executor.no_answer(&error),
                }
                status = CallStatus::InProgress;
            }
            Some(Output::OpenStream(plan)) => return Ok(plan),
            Some(Output::Warning(warning)) => why = warning.text,
            Some(Output::End(end)) => return Err(if why.is_empty() { end } else { why }),
            Some(Output::Verb(_) | Output::Dial(_)) => {}
            None => {
                clock.sleep_until(executor.next_deadline().unwrap_or_else(|| clock.now())).await;
                executor.tick(clock.now());
            }
        }
    }
}

//! Drives one call: does what the model wants, tells it what came back and what time it is.

use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::alarm::Alarm;
use super::clock::Clock;
use super::cookies::Cookies;
use super::probe::{self, Knock};
use super::route::Route;
use super::socket::{Received, Socket};
use super::tap::{Became, Taps};
use super::{voice, webhook};
use crate::call::model::{Call, CallPlan, Input, Order, Output, Prepare};
use crate::doctor::door::Met;
use crate::time::Micros;
use crate::twilio::executor::Answer;
use crate::twilio::sound::MAX_FILE_BYTES;
use crate::twilio::warning::Warning;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A sound that is being made ready, by its number.
type Preparing = Boxed<(u64, Result<Option<Answer>, String>)>;
type Pending<T> = Option<Boxed<T>>;

struct Hands {
    clock: Clock,
    alarm: Alarm,
    route: Route,
    cookies: Cookies,
    request: Pending<Result<Answer, String>>,
    /// Requests beside the call, as many as the model allows.
    notices: FuturesUnordered<Boxed<(u64, Result<Answer, String>)>>,
    /// Sounds that are being made ready; one at a time, unless the TwiML has gone on meanwhile.
    sounds: FuturesUnordered<Preparing>,
    taps: Taps,
    opening: Pending<Result<Socket, Warning>>,
    socket: Option<Socket>,
    second: Pending<(bool, String)>,
    /// None come any more when their sender is gone.
    orders: mpsc::Receiver<Order>,
}

/// Runs a call to its end. It always ends: the model bounds its length, the sockets have time limits.
pub async fn run(plan: CallPlan, clock: Clock, route: Route) -> Call {
    let (_, nobody) = mpsc::channel(1);
    run_ordered(plan, clock, route, nobody, |_| {}).await
}

/// Runs a call to its end, carries out what is ordered meanwhile, and shows the call to `watch` whenever something
/// happened to it.
pub async fn run_ordered(
    plan: CallPlan,
    clock: Clock,
    route: Route,
    orders: mpsc::Receiver<Order>,
    mut watch: impl FnMut(&Call),
) -> Call {
    let mut call = Call::new(plan, clock.now());
    let mut hands = Hands {
        clock,
        alarm: Alarm::new(clock),
        route,
        cookies: Cookies::default(),
        request: None,
        notices: FuturesUnordered::new(),
        sounds: FuturesUnordered::new(),
        taps: Taps::default(),
        opening: None,
        socket: None,
        second: None,
        orders,
    };
    loop {
        while let Some(output) = call.poll() {
            if matches!(output, Output::Done) {
                hands.taps.finish().await;
                watch(&call);
                return call;
            }
            hands.obey(output, &mut call).await;
        }
        watch(&call);
        hands.wait(&mut call).await;
    }
}

impl Hands {
    async fn obey(&mut self, output: Output, call: &mut Call) {
        match output {
            Output::Request(request) => {
                self.request = Some(Box::pin(webhook::fetch(*request, self.route.clone(), self.cookies.clone())));
            }
            Output::Notify { number, request } => {
                let fetch = webhook::fetch(*request, self.route.clone(), self.cookies.clone());
                self.notices.push(Box::pin(async move { (number, fetch.await) }));
            }
            Output::Prepare { number, job: Prepare::Fetch(request) } => {
                let fetch = webhook::fetch_up_to(*request, self.route.clone(), self.cookies.clone(), MAX_FILE_BYTES);
                self.sounds.push(Box::pin(async move { (number, fetch.await.map(Some)) }));
            }
            Output::Prepare { number, job: Prepare::Say { text, language, .. } } => {
                self.sounds.push(Box::pin(async move { (number, voice::say(text, language).await) }));
            }
            Output::OpenTap { sid, url, signature } => {
                self.taps.open(sid, url, signature, self.route.clone(), self.clock);
            }
            Output::SendTap { sid, text } => self.taps.send(&sid, text),
            Output::CloseTap { sid } => self.taps.close(&sid),
            Output::OpenStream { url, signature } => {
                self.opening = Some(Box::pin(Socket::open(url, Some(signature), self.route.clone(), self.clock)));
            }
            Output::Send { text, due } => self.send(text, due, call).await,
            // Only a call without a wire says this, and here is one.
            Output::Tell(_) => {}
            Output::CloseStream => {
                self.opening = None;
                if let Some(socket) = self.socket.take() {
                    socket.close().await;
                }
            }
            Output::ResetStream => {
                if let Some(socket) = self.socket.take() {
                    socket.reset().await;
                }
            }
            Output::Reading(reading) => {
                if let Some(socket) = &mut self.socket {
                    socket.set_reading(reading);
                }
            }
            Output::OpenSecond { url, signature, greeting } => {
                let knock = Knock { url, signature: Some(signature), greeting, patience: probe::PATIENCE };
                self.second = Some(Box::pin(second(probe::knock(knock, self.route.clone(), self.clock))));
            }
            Output::Done => {}
        }
    }

    async fn send(&mut self, text: String, due: Option<Micros>, call: &mut Call) {
        let Some(socket) = &mut self.socket else { return };
        if let Some(due) = due {
            call.measures.lateness.push(self.clock.now().since(due));
        }
        if let Err(warning) = socket.send(text).await {
            if let Some(socket) = self.socket.take() {
                socket.cut();
            }
            call.handle(self.clock.now(), Input::Broken(warning));
        }
    }

    /// Waits for the first thing that concerns the call, messages of the server first.
    async fn wait(&mut self, call: &mut Call) {
        let clock = self.clock;
        tokio::select! {
            biased;
            (at, received) = receive(&mut self.socket) => {
                let input = match &received {
                    Received::Text(text) => Input::Text(text),
                    Received::Binary(bytes) => Input::Binary(*bytes),
                    Received::Pong => Input::Tick,
                    Received::Closed(why) => Input::Closed(why.clone()),
                    Received::Broken(warning) => Input::Broken(warning.clone()),
                };
                call.handle(at, input);
            }
            result = pending(&mut self.request) => {
                self.request = None;
                match result {
                    Ok(answer) => call.handle(clock.now(), Input::Answer(&answer)),
                    Err(why) => call.handle(clock.now(), Input::NoAnswer(why)),
                }
            }
            Some((number, answer)) = self.notices.next() => {
                call.handle(clock.now(), Input::Notified { number, answer });
            }
            Some((number, answer)) = self.sounds.next() => {
                call.handle(clock.now(), Input::Prepared { number, answer });
            }
            (sid, became) = self.taps.next() => match became {
                Became::Open => call.handle(clock.now(), Input::TapOpen(&sid)),
                Became::Closed(warning) => call.handle(clock.now(), Input::TapClosed(&sid, warning)),
            },
            result = pending(&mut self.opening) => {
                self.opening = None;
                match result {
                    Ok(socket) => {
                        self.socket = Some(socket);
                        call.handle(clock.now(), Input::StreamOpen);
                    }
                    Err(warning) => call.handle(clock.now(), Input::StreamRefused(warning)),
                }
            }
            (accepted, said) = pending(&mut self.second) => {
                self.second = None;
                call.handle(clock.now(), Input::SecondSocket { accepted, said });
            }
            Some(order) = self.orders.recv() => call.handle(clock.now(), Input::Order(order)),
            () = self.alarm.until(call.next_deadline()) => call.handle(clock.now(), Input::Tick),
        }
    }
}

/// Whether a socket that ought to be refused is let in, and what was seen.
async fn second(knock: impl Future<Output = Met>) -> (bool, String) {
    let met = knock.await;
    (met.is_let_in(), met.describe())
}

async fn receive(socket: &mut Option<Socket>) -> (Micros, Received) {
    match socket {
        Some(socket) => socket.receive().await,
        None => std::future::pending().await,
    }
}

async fn pending<T>(future: &mut Pending<T>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

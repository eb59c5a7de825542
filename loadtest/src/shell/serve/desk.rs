//! The one task that owns the exchange: takes requests and news, hands out answers, calls and orders.

use std::collections::HashMap;

use tokio::sync::{mpsc, oneshot, watch};

use super::{Asked, Told, live};
use crate::call::model::{MAX_ORDERS, Order};
use crate::rest::answer::Answer;
use crate::rest::exchange::{Exchange, Input, Output};
use crate::rest::news::News;
use crate::shell::clock::Clock;
use crate::shell::route::Route;
use crate::time::Micros;

pub(super) struct Desk {
    exchange: Exchange,
    clock: Clock,
    route: Route,
    replies: HashMap<u64, oneshot::Sender<Option<Answer>>>,
    next: u64,
    calls: HashMap<String, mpsc::Sender<Order>>,
    tell: mpsc::UnboundedSender<Told>,
    told: mpsc::UnboundedReceiver<Told>,
    door: watch::Sender<Option<Micros>>,
}

impl Desk {
    pub(super) fn new(exchange: Exchange, clock: Clock, route: Route, door: watch::Sender<Option<Micros>>) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self { exchange, clock, route, replies: HashMap::new(), next: 0, calls: HashMap::new(), tell, told, door }
    }

    pub(super) async fn run(&mut self, mut asked: mpsc::Receiver<Asked>) {
        loop {
            self.obey();
            let deadline = self.exchange.next_deadline().unwrap_or(Micros::MAX);
            tokio::select! {
                Some(told) = self.told.recv() => self.told(told),
                Some(Asked { request, reply }) = asked.recv() => {
                    let number = self.next;
                    self.next += 1;
                    self.replies.insert(number, reply);
                    self.handle(Input::Request { number, request: Box::new(request) });
                }
                () = self.clock.sleep_until(deadline) => self.handle(Input::Tick),
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.exchange.handle(self.clock.now(), input);
    }

    fn told(&mut self, told: Told) {
        match told {
            Told::News(call, news) => self.handle(Input::News { call, news }),
            Told::Over(call) => {
                self.calls.remove(&call);
                self.handle(Input::News { call, news: News::Over });
            }
        }
    }

    fn obey(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Answer { number, answer } => {
                    // Who has gone meanwhile needs none.
                    let _ = self.replies.remove(&number).map(|reply| reply.send(Some(answer)));
                }
                Output::Cut { number } => {
                    let _ = self.replies.remove(&number).map(|reply| reply.send(None));
                }
                // Nobody listens to it when the program ends.
                Output::Unreachable { until } => {
                    let _ = self.door.send(Some(until));
                }
                Output::Begin(plan) => {
                    let (order, orders) = mpsc::channel(MAX_ORDERS);
                    self.calls.insert(plan.sids.call.clone(), order);
                    live::spawn(*plan, self.clock, self.route.clone(), orders, self.tell.clone());
                }
                Output::Order { call, order } => {
                    if let Some(orders) = self.calls.get(&call) {
                        // Never full: the exchange counts. Closed: the call has just ended.
                        let _ = orders.try_send(order);
                    }
                }
            }
        }
    }
}

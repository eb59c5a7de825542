//! The REST API on a socket: connections ask, one task owns the exchange, every live call is a task of its own.
//!
//! ```text
//! connection ─ request, oneshot ─►┐                ┌─ answer ─► connection
//! connection ─────────────────────┤ desk: Exchange ├─ CallPlan ─► live call
//! live call ── news ─────────────►┘                └─ orders ──► live call
//! ```

mod connection;
mod desk;
mod live;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use self::desk::Desk;
use super::clock::Clock;
use super::route::Route;
use crate::rest::answer::Answer;
use crate::rest::exchange::Exchange;
use crate::rest::news::News;
use crate::rest::request::Request;
use crate::time::Micros;

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1_000;
/// How soon it is tried again to listen, or to accept.
const AGAIN: Duration = Duration::from_millis(10);
/// Requests that wait for the desk; more wait in their connections.
const REQUESTS: usize = 256;

/// A request and where its answer goes.
#[derive(Debug)]
struct Asked {
    request: Request,
    /// `None`: the connection is closed without an answer.
    reply: oneshot::Sender<Option<Answer>>,
}

/// What a live call tells. A call tells a line per event of its bounded timeline at most, and the desk never waits for
/// anything: its channel needs no bound of its own.
#[derive(Debug)]
enum Told {
    News(String, News),
    /// Nothing more will come of this call.
    Over(String),
}

/// Serves until it is dropped.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, exchange: Exchange, clock: Clock, route: Route) -> std::io::Result<()> {
    let (ask, asked) = mpsc::channel(REQUESTS);
    let (shut, door) = watch::channel(None);
    let mut desk = Desk::new(exchange, clock, route, shut);
    tokio::select! {
        result = accept(listener, ask, door, clock) => result,
        () = desk.run(asked) => Ok(()),
    }
}

/// Until when nobody is let in.
type Door = watch::Receiver<Option<Micros>>;

async fn accept(
    mut listener: TcpListener,
    ask: mpsc::Sender<Asked>,
    mut door: Door,
    clock: Clock,
) -> std::io::Result<()> {
    let (room, at) = (Arc::new(Semaphore::new(CONNECTIONS)), listener.local_addr()?);
    loop {
        let next = async { (Arc::clone(&room).acquire_owned().await, listener.accept().await) };
        tokio::select! {
            next = next => match next {
                (Ok(place), Ok((stream, _))) => {
                    let (ask, door) = (ask.clone(), door.clone());
                    tokio::spawn(async move {
                        connection::run(stream, ask, door).await;
                        drop(place);
                    });
                }
                // One connection that broke before it was accepted, or no descriptors for a while: the listener lives
                // on.
                _ => tokio::time::sleep(AGAIN).await,
            },
            // Whoever sends it is gone when the program ends.
            Ok(()) = door.changed() => {
                drop(listener);
                let until = door.borrow_and_update().unwrap_or_default();
                clock.sleep_until(until).await;
                listener = listen_again(at).await;
            }
        }
    }
}

/// The address was ours, and will be again: somebody else may have it for a moment.
async fn listen_again(at: SocketAddr) -> TcpListener {
    loop {
        if let Ok(listener) = TcpListener::bind(at).await {
            return listener;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

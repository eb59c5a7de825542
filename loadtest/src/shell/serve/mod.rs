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

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::desk::Desk;
use super::clock::Clock;
use super::route::Route;
use crate::rest::answer::Answer;
use crate::rest::exchange::Exchange;
use crate::rest::news::News;
use crate::rest::request::Request;

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1_000;
/// Requests that wait for the desk; more wait in their connections.
const REQUESTS: usize = 256;

/// A request and where its answer goes.
#[derive(Debug)]
struct Asked {
    request: Request,
    reply: oneshot::Sender<Answer>,
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
    let mut desk = Desk::new(exchange, clock, route);
    tokio::select! {
        result = accept(listener, ask) => result,
        () = desk.run(asked) => Ok(()),
    }
}

async fn accept(listener: TcpListener, ask: mpsc::Sender<Asked>) -> std::io::Result<()> {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return Ok(()) };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ask = ask.clone();
                tokio::spawn(async move {
                    connection::run(stream, ask).await;
                    drop(place);
                });
            }
            // One connection that broke before it was accepted, or no descriptors for a while: the listener lives on.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

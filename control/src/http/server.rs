//! The accept loop: TCP in, one task per connection.
//!
//! *Full:* a connection too many is answered 503 and closed; so is a client's that has too many open without a request
//! head, or idle connections of one client could shut out everybody's signed requests. *Out of file descriptors:*
//! accepting waits a little longer each time, up to a second, and goes on. *Late:* see [`connection`].

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::client::Peer;
use super::connection::{self, Line, heads_max};
use super::heads::Heads;
use super::refusal::Refusal;
use crate::app::App;

/// How long open requests may take after the listener is closed.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// Serves until `stop` says true, then lets open requests end.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, router: Router, mut stop: watch::Receiver<bool>) {
    let max = app.config.limits.connections_max;
    let places = Arc::new(Semaphore::new(max));
    let (heads, refusal) = (Arc::new(Heads::default()), Refusal::new());
    let mut backoff = Backoff::default();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                backoff = Backoff::default();
                let place = Arc::clone(&places).try_acquire_owned().ok();
                let awaited = heads.wait_for(peer.ip(), heads_max(&app, peer.ip()));
                match place.zip(awaited) {
                    Some((place, awaited)) => {
                        let line = Line::new(Peer(peer), Arc::clone(&app), Arc::clone(&heads), awaited);
                        let open = Open::new(Arc::clone(&app), place);
                        spawn(stream, open, line, router.clone(), stop.clone());
                    }
                    None => {
                        app.metrics.connections_refused.increment(1);
                        // Inside TLS there is nobody yet to whom anything could be said.
                        if app.tls.is_none() {
                            refusal.refuse(stream);
                        }
                    }
                }
            }
            Err(error) => survive(&error, &mut backoff, &app).await,
        }
    }
    drop(listener);
    let all = u32::try_from(max).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(CLOSING_TIME, places.acquire_many(all)).await;
}

fn spawn(socket: TcpStream, open: Open, line: Line, router: Router, stop: watch::Receiver<bool>) {
    // Small answers at once; a socket that cannot be told so works all the same.
    let _ = socket.set_nodelay(true);
    tokio::spawn(async move {
        let _open = open;
        connection::serve(socket, line, router, stop).await;
    });
}

/// An open connection: its place and its count, given back however it ends, a panic of a handler included.
struct Open {
    app: Arc<App>,
    _place: OwnedSemaphorePermit,
}

impl Open {
    fn new(app: Arc<App>, place: OwnedSemaphorePermit) -> Self {
        app.metrics.connections.increment(1.0);
        Self { app, _place: place }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.app.metrics.connections.decrement(1.0);
    }
}

async fn survive(error: &io::Error, backoff: &mut Backoff, app: &App) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
        return; // that one connection's fault, not ours
    }
    app.metrics.accept_errors.increment(1);
    let wait = backoff.next();
    // The first of a row is worth a line; the rest say the same.
    if wait == Backoff::FIRST {
        tracing::error!(%error, "cannot accept connections for the moment; raise the limit of open files if this lasts");
    }
    tokio::time::sleep(wait).await;
}

/// How long to wait before accepting again after a failure.
#[derive(Debug, Default)]
struct Backoff(Option<Duration>);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    fn next(&mut self) -> Duration {
        let wait = self.0.map_or(Self::FIRST, |last| (last * 2).min(Self::LONGEST));
        self.0 = Some(wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_to_accept_wait_longer_each_time_up_to_a_second() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    }
}

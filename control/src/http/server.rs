//! The accept loop: TCP in, one HTTP/1.1 request per connection, upgrades let through.
//!
//! Connections are not kept alive. A webhook is one request from a proxy beside us; an idle connection that we close
//! just as the proxy writes to it costs a call, a new connection costs a tenth of a millisecond.
//!
//! *Full:* a connection too many is answered 503 and closed; so is a client's that has too many open without a request
//! head, or idle connections of one client could shut out everybody's signed requests. *Out of file descriptors:* accepting waits a little
//! longer each time, up to a second, and goes on. *Late:* the head, the body and the whole request have time-outs.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::client::{Peer, is_trusted};
use super::heads::{Awaited, Heads};
use super::refusal::Refusal;
use crate::app::App;

/// Beyond head and body: handling, and a client that reads slowly.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// Of a request's head; Twilio's is about 1 KB, and its GET webhooks carry all parameters in the request line.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 64;
/// Of all connections, one client's share that may stand open without a head: a sixteenth, 128 by default.
const HEADS_SHARE: usize = 16;
const HEADS_MIN: usize = 8;
/// How long open requests may take after the listener is closed.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// Serves until `stop` says true, then lets open requests end.
pub(crate) async fn serve(listener: TcpListener, app: Arc<App>, router: Router, mut stop: watch::Receiver<bool>) {
    let router = router.layer(map_response(close_after));
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
                    Some((place, awaited)) => spawn(stream, Peer(peer), &app, &router, place, awaited),
                    None => {
                        app.metrics.connections_refused.increment(1);
                        refusal.refuse(stream);
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

/// Every answer but an upgrade is the last of its connection. Not by hyper's own switch, which would write
/// `Connection: Upgrade, close` on an upgrade too, and some clients take that for no upgrade.
async fn close_after(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// How many connections without a head `peer` may have: all of them where it speaks for many (a trusted proxy), and for
/// this machine's own programs in development.
fn heads_max(app: &App, peer: IpAddr) -> usize {
    let all = app.config.limits.connections_max;
    let many = is_trusted(peer.to_canonical(), &app.config.trusted_proxies);
    let own = !app.config.mode.is_production() && peer.to_canonical().is_loopback();
    if many || own { all } else { (all / HEADS_SHARE).max(HEADS_MIN) }
}

fn spawn(
    stream: TcpStream,
    peer: Peer,
    app: &Arc<App>,
    router: &Router,
    place: OwnedSemaphorePermit,
    awaited: Awaited,
) {
    // Small answers at once; a socket that cannot be told so works all the same.
    let _ = stream.set_nodelay(true);
    let open = Open::new(Arc::clone(app), place);
    let router = router.clone();
    tokio::spawn(async move { serve_connection(stream, peer, &open.app, router, awaited).await });
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

async fn serve_connection(stream: TcpStream, peer: Peer, app: &App, router: Router, awaited: Awaited) {
    let limits = &app.config.limits;
    let service = WithPeer { peer, awaited: Mutex::new(Some(awaited)), inner: TowerToHyperService::new(router) };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let patience = limits.header_timeout + limits.body_timeout + ANSWER_TIME;
    match tokio::time::timeout(patience, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) if error.is_timeout() => charge_silence(app, peer.0.ip()),
        Ok(Err(error)) => tracing::debug!(%error, client = %peer.0.ip(), "connection ended badly"),
        Err(_) => tracing::debug!(client = %peer.0.ip(), "connection took too long"),
    }
}

/// A head that never came is a request that failed. Not the proxy's own, which speaks for many.
fn charge_silence(app: &App, peer: IpAddr) {
    tracing::debug!(client = %peer, "no request head in time");
    if !is_trusted(peer.to_canonical(), &app.config.trusted_proxies) {
        let _ = app.charge(peer);
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

/// The router, told who is asking. Being called means that the head is there.
struct WithPeer {
    peer: Peer,
    awaited: Mutex<Option<Awaited>>,
    inner: TowerToHyperService<Router>,
}

impl hyper::service::Service<Request<Incoming>> for WithPeer {
    type Response = <TowerToHyperService<Router> as hyper::service::Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as hyper::service::Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as hyper::service::Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        drop(self.awaited.lock().unwrap_or_else(PoisonError::into_inner).take());
        request.extensions_mut().insert(self.peer);
        self.inner.call(request)
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

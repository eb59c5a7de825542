//! One connection: requests one after the other, each within its time, and quiet for a while between two.
//!
//! ```text
//! (TLS ─►) Head ─(the head is there)─► Answer ─(the answer is made)─► Quiet ─(a byte comes)─► Head
//! ```
//! A proxy beside us keeps its connections, which saves it and us a handshake per webhook. What it must never meet is
//! a connection that we close just as it writes: we stay quiet for longer than the usual proxies do, who then close
//! first. *Full:* a connection whose client has its share of connections without a head, an answer that is an error,
//! and every answer once we drain, is the last one (`Connection: close`). *Late:* who exceeds the time of a state is
//! cut off; a head that never came, or a handshake of TLS, is charged to its sender. Both together have a head's time.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};

use super::client::{Peer, is_trusted};
use super::heads::{Awaited, Heads};
use super::socket::Socket;
use crate::app::{App, Phase};
use crate::clock::Moment;
use crate::metrics::HandshakeFault;

/// Beyond head and body: handling, and a client that reads slowly.
const ANSWER_TIME: Duration = Duration::from_secs(20);
/// Between two requests. Proxies let go sooner: nginx after 60 s, Go's and cloudflared after 90, Caddy after 120.
const QUIET_TIME: Duration = Duration::from_secs(150);
/// Of a request's head; Twilio's is about 1 KB, and its GET webhooks carry all parameters in the request line.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 64;
/// Of all connections, one client's share that may stand open without a head: a sixteenth, 128 by default.
const HEADS_SHARE: usize = 16;
const HEADS_MIN: usize = 8;

/// How many connections without a head `peer` may have: all of them where it speaks for many (a trusted proxy), and for
/// this machine's own programs in development.
pub(crate) fn heads_max(app: &App, peer: IpAddr) -> usize {
    let all = app.config.limits.connections_max;
    let many = is_trusted(peer.to_canonical(), &app.config.trusted_proxies);
    let own = !app.config.mode.is_production() && peer.to_canonical().is_loopback();
    if many || own { all } else { (all / HEADS_SHARE).max(HEADS_MIN) }
}

/// Serves a connection until it ends, by whomever; after `stop` says true it has no further request.
pub(crate) async fn serve(socket: TcpStream, line: Line, router: Router, mut stop: watch::Receiver<bool>) {
    let line = Arc::new(line);
    let mut late = pin!(line.late());
    let socket = tokio::select! {
        socket = line.open(socket) => socket,
        () = late.as_mut() => Err(HandshakeFault::Late),
        _ = stop.wait_for(|stop| *stop) => return,
    };
    let socket = match socket {
        Ok(socket) => socket,
        Err(fault) => return line.app.metrics.handshakes_failed.count(fault),
    };
    let requests = Requests { line: Arc::clone(&line), inner: TowerToHyperService::new(router) };
    let connection = http1::Builder::new()
        // The states below have the time.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Watched { socket, line: Arc::clone(&line) }), requests)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, client = %line.peer.0.ip(), "connection ended badly");
                }
                return;
            }
            () = late.as_mut() => return,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What is known of a connection, by all who work on it.
#[derive(Debug)]
pub(crate) struct Line {
    peer: Peer,
    app: Arc<App>,
    heads: Arc<Heads>,
    state: Mutex<State>,
    /// What is waited for now must come sooner than what was waited for before.
    sooner: Notify,
}

/// What is waited for, and until when.
#[derive(Debug)]
struct State {
    stage: Stage,
    until: Moment,
    /// Counts for its client while there is no head.
    _awaited: Option<Awaited>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Answer,
    Quiet,
}

impl Line {
    /// A connection that has just been made.
    pub(crate) fn new(peer: Peer, app: Arc<App>, heads: Arc<Heads>, awaited: Awaited) -> Self {
        let until = app.clock.now() + app.config.limits.header_timeout;
        let state = State { stage: Stage::Head, until, _awaited: Some(awaited) };
        Self { peer, app, heads, state: Mutex::new(state), sooner: Notify::new() }
    }

    /// The connection as requests are read from it: within TLS, where the service has a certificate.
    async fn open(&self, socket: TcpStream) -> Result<Socket, HandshakeFault> {
        let Some(door) = &self.app.tls else { return Ok(Socket::Plain(socket)) };
        match door.open(socket).await {
            Ok(stream) => Ok(Socket::Tls(Box::new(stream))),
            Err(fault) => {
                self.charge_silence();
                Err(fault)
            }
        }
    }

    fn byte_came(&self) {
        let mut state = self.lock();
        if state.stage == Stage::Quiet {
            state.stage = Stage::Head;
            state.until = self.app.clock.now() + self.app.config.limits.header_timeout;
            self.sooner.notify_one();
        }
    }

    fn head_came(&self) {
        let limits = &self.app.config.limits;
        let until = self.app.clock.now() + limits.body_timeout + ANSWER_TIME;
        *self.lock() = State { stage: Stage::Answer, until, _awaited: None };
    }

    /// Whether another request may follow.
    fn answer_is_made(&self, status: StatusCode) -> bool {
        let peer = self.peer.0.ip();
        let goes_on = status.is_success() && self.app.phase() == Phase::Open;
        let awaited = goes_on.then(|| self.heads.wait_for(peer, heads_max(&self.app, peer))).flatten();
        let goes_on = awaited.is_some();
        if goes_on {
            let until = self.app.clock.now() + QUIET_TIME;
            *self.lock() = State { stage: Stage::Quiet, until, _awaited: awaited };
        }
        goes_on
    }

    /// Returns when the time of a state is over.
    async fn late(&self) {
        loop {
            let (until, now) = (self.lock().until, self.app.clock.now());
            if until <= now {
                break;
            }
            tokio::select! {
                () = self.app.clock.sleep_until(until) => {}
                () = self.sooner.notified() => {}
            }
        }
        let stage = self.lock().stage;
        tracing::debug!(client = %self.peer.0.ip(), ?stage, "connection took too long");
        if stage == Stage::Head {
            self.charge_silence();
        }
    }

    /// A head that never came is a request that failed. Not the proxy's own, which speaks for many.
    fn charge_silence(&self) {
        let peer = self.peer.0.ip();
        if !is_trusted(peer.to_canonical(), &self.app.config.trusted_proxies) {
            let _ = self.app.charge(peer);
        }
    }

    /// Each change leaves it whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The router, told who is asking. Being called means that the head is there.
struct Requests {
    line: Arc<Line>,
    inner: TowerToHyperService<Router>,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.line.head_came();
        request.extensions_mut().insert(self.line.peer);
        let (answer, line) = (self.inner.call(request), Arc::clone(&self.line));
        Box::pin(async move {
            let mut response = answer.await?;
            // Not by hyper's own switch, which would write `Connection: Upgrade, close` on an upgrade too, and some
            // clients take that for no upgrade.
            if response.status() != StatusCode::SWITCHING_PROTOCOLS && !line.answer_is_made(response.status()) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        })
    }
}

/// The socket; tells when something comes.
#[derive(Debug)]
pub(crate) struct Watched {
    socket: Socket,
    line: Arc<Line>,
}

impl Watched {
    /// The bare socket, for whoever takes it over.
    pub(crate) fn into_socket(self) -> Socket {
        self.socket
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.line.byte_came();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

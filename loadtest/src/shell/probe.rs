//! Single requests and sockets, outside of any call: what the doctor and a script's second socket look at.

use std::time::Duration;

use tokio::time::timeout;

use super::clock::Clock;
use super::cookies::Cookies;
use super::route::Route;
use super::socket::{Received, Socket};
use super::webhook;
use crate::call::request::Request;
use crate::doctor::door::{Met, Pong};
use crate::doctor::webhook::Asked;
use crate::time::Micros;
use crate::twilio::url::Url;

/// How long a server may take to show what it thinks of a socket.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// A ping is answered by now, or never.
const PONG: Duration = Duration::from_secs(2);
/// A server that closes behind `stop` has done so by now.
const STOP: Duration = Duration::from_secs(5);
/// So long a stream is open before it is reset, so that the server is in the middle of something.
const BEFORE_RESET: Duration = Duration::from_millis(300);

/// A socket to try.
#[derive(Debug)]
pub struct Knock {
    /// Where.
    pub url: Url,
    /// `X-Twilio-Signature`.
    pub signature: Option<String>,
    /// What is said first.
    pub greeting: Vec<String>,
    /// How long the server's answer is waited for.
    pub patience: Duration,
}

/// Makes a request, and notes how long it took.
pub async fn ask(request: Request, route: Route, clock: Clock) -> Asked {
    let since = clock.now();
    let answer = webhook::fetch(request, route, Cookies::default()).await;
    Asked { answer, took: clock.now() - since }
}

/// Opens a socket, says the greeting, and sees what comes of it. The socket is gone afterwards.
pub async fn knock(knock: Knock, route: Route, clock: Clock) -> Met {
    match enter(knock, route, clock).await {
        Ok((socket, met)) => {
            socket.close().await;
            met
        }
        Err(met) => met,
    }
}

/// Opens a socket and keeps it, if it is let in.
///
/// # Errors
/// What else became of it.
pub async fn enter(knock: Knock, route: Route, clock: Clock) -> Result<(Socket, Met), Met> {
    let opening = Socket::open(knock.url, knock.signature, route, clock);
    let mut socket = opening.await.map_err(Met::Refused)?;
    for text in knock.greeting {
        if let Err(warning) = socket.send(text).await {
            socket.cut();
            return Err(Met::Closed { how: warning.text, after: Micros::ZERO });
        }
    }
    match watch(&mut socket, clock, knock.patience, true).await {
        met if met.is_let_in() => Ok((socket, met)),
        met => {
            socket.cut();
            Err(met)
        }
    }
}

/// What the server does next; messages count only if the one who asks wants to hear any.
async fn watch(socket: &mut Socket, clock: Clock, patience: Duration, hears: bool) -> Met {
    let since = clock.now();
    let met = timeout(patience, async {
        loop {
            match socket.receive().await {
                (at, Received::Closed(how)) => return Met::Closed { how, after: at.since(since) },
                (at, Received::Broken(warning)) => return Met::Closed { how: warning.text, after: at.since(since) },
                (_, Received::Text(_) | Received::Binary(_)) if hears => return Met::Spoke,
                _ => {}
            }
        }
    });
    met.await.unwrap_or_else(|_| Met::Stayed(clock.now() - since))
}

/// What becomes of a ping.
pub async fn ping(socket: &mut Socket, clock: Clock) -> Pong {
    let since = clock.now();
    if let Err(warning) = socket.ping().await {
        return Pong::Closed(warning.text);
    }
    let pong = timeout(PONG, async {
        loop {
            match socket.receive().await {
                (at, Received::Pong) => return Pong::After(at.since(since)),
                (_, Received::Closed(how)) => return Pong::Closed(how),
                (_, Received::Broken(warning)) => return Pong::Closed(warning.text),
                _ => {}
            }
        }
    });
    pong.await.unwrap_or(Pong::Never)
}

/// What the server does when `stop` has come.
pub async fn stop(mut socket: Socket, stop: String, clock: Clock) -> Met {
    if let Err(warning) = socket.send(stop).await {
        socket.cut();
        return Met::Closed { how: warning.text, after: Micros::ZERO };
    }
    let met = watch(&mut socket, clock, STOP, false).await;
    socket.close().await;
    met
}

/// Resets a stream that is open.
pub async fn reset(socket: Socket) {
    tokio::time::sleep(BEFORE_RESET).await;
    socket.reset().await;
}

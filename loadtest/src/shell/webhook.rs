//! Makes one webhook request over plain HTTP, as often as its URL wants and within Twilio's limits.

use std::io::ErrorKind;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE, USER_AGENT};
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::clock::Clock;
use super::cookies::Cookies;
use super::route::{Place, Route};
use crate::call::request::{self, Request};
use crate::time::Micros;
use crate::twilio::delivery::{Attempt, Delivery, Failure, Policy};
use crate::twilio::executor::{Answer, MAX_BODY_BYTES};

/// Twilio gives up connecting after 5 s.
const CONNECT: Duration = Duration::from_secs(5);

/// Why an attempt came to nothing, and what to do.
struct Failed(Failure, String);

/// Makes the request.
///
/// # Errors
/// One line that says why there was no answer, and what to do.
pub async fn fetch(request: Request, route: Route, cookies: Cookies) -> Result<Answer, String> {
    fetch_up_to(request, route, cookies, MAX_BODY_BYTES).await
}

/// The same, for answers that may be longer than TwiML.
///
/// # Errors
/// One line that says why there was no answer, and what to do.
pub async fn fetch_up_to(request: Request, route: Route, cookies: Cookies, max_bytes: usize) -> Result<Answer, String> {
    let clock = Clock::start();
    let policy = Policy::of(request.url.fragment.as_deref());
    let mut delivery = Delivery::new(policy, clock.now());
    let mut why = format!("no answer within {} s, the limit of a webhook", policy.total.0 / 1_000_000);
    while let Some(attempt) = delivery.attempt(clock.now()) {
        let trying = once(&request, &route, &cookies, max_bytes, attempt);
        let tried = timeout(duration(attempt.total), trying).await;
        let failure = match tried {
            Ok(Ok(answer)) if !delivery.again(clock.now(), Failure::Status(answer.status)) => return Ok(answer),
            Ok(Ok(_)) => continue,
            Ok(Err(Failed(failure, text))) => {
                why = text;
                failure
            }
            Err(_) => Failure::Read,
        };
        if !delivery.again(clock.now(), failure) {
            break;
        }
    }
    Err(why)
}

const fn duration(micros: Micros) -> Duration {
    Duration::from_micros(micros.0)
}

/// One attempt. A server that asks who is there is told, if the URL says it.
async fn once(
    request: &Request,
    route: &Route,
    cookies: &Cookies,
    max_bytes: usize,
    attempt: Attempt,
) -> Result<Answer, Failed> {
    let cookie = cookies.header(&request.url.authority());
    let (answer, asks) = exchange(request, route, cookies, max_bytes, attempt, cookie.as_deref(), None).await?;
    let Some(user) = request.url.user.as_deref().filter(|_| asks) else { return Ok(answer) };
    let basic = format!("Basic {}", STANDARD.encode(percent_decoded(user)));
    let again = exchange(request, route, cookies, max_bytes, attempt, cookie.as_deref(), Some(&basic)).await?;
    Ok(again.0)
}

async fn exchange(
    request: &Request,
    route: &Route,
    cookies: &Cookies,
    max_bytes: usize,
    attempt: Attempt,
    cookie: Option<&str>,
    basic: Option<&str>,
) -> Result<(Answer, bool), Failed> {
    let other = |text: String| Failed(Failure::Broken, text);
    let place = route.place(&request.url).map_err(other)?;
    let connecting = connect_within(&place, duration(attempt.connect));
    let stream = connecting.await.map_err(|why| Failed(Failure::Connect, why.to_string()))?;
    let http = |e: hyper::Error| other(format!("broken HTTP answer: {e}"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let running = tokio::spawn(connection);
    let mut message = build(request).map_err(other)?;
    for (name, value) in [(COOKIE, cookie), (AUTHORIZATION, basic)] {
        if let Some(value) = value.and_then(|text| HeaderValue::from_str(text).ok()) {
            message.headers_mut().insert(name, value);
        }
    }
    let patience = duration(attempt.read);
    let silence = || Failed(Failure::Read, format!("nothing came for {} ms", patience.as_millis()));
    let response = timeout(patience, sender.send_request(message)).await.map_err(|_| silence())?.map_err(http)?;
    for set in response.headers().get_all(SET_COOKIE) {
        cookies.set(&request.url.authority(), set.to_str().unwrap_or_default());
    }
    let asks = response.status().as_u16() == 401
        && response.headers().get(WWW_AUTHENTICATE).and_then(|v| v.to_str().ok()).is_some_and(is_basic);
    let answer = collect_patiently(response, max_bytes, patience).await;
    running.abort();
    Ok((answer.map_err(|text| text.map_or_else(silence, other))?, asks))
}

fn is_basic(challenge: &str) -> bool {
    challenge.trim_start().to_ascii_lowercase().starts_with("basic")
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let value = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    decoded
}

/// Why there is no connection, in one line that says what to do. Twilio tells the two apart (31901, 31902).
#[derive(Debug, Error)]
pub enum NoConnection {
    /// Nobody said yes or no.
    #[error("{0} did not accept the connection within {1} ms")]
    TimedOut(String, u128),
    /// Somebody said no, or there is no way to him.
    #[error("{0}")]
    Refused(String),
}

impl From<NoConnection> for String {
    fn from(why: NoConnection) -> Self {
        why.to_string()
    }
}

/// Connects within Twilio's limit.
///
/// # Errors
/// [`NoConnection`].
pub async fn connect(place: &Place) -> Result<TcpStream, NoConnection> {
    connect_within(place, CONNECT).await
}

async fn connect_within(place: &Place, patience: Duration) -> Result<TcpStream, NoConnection> {
    let Place { host, port } = place;
    let late = || NoConnection::TimedOut(format!("{host}:{port}"), patience.as_millis());
    match timeout(patience, TcpStream::connect((host.as_str(), *port))).await {
        Ok(Ok(stream)) => {
            stream.set_nodelay(true).map_err(|e| NoConnection::Refused(e.to_string()))?;
            Ok(stream)
        }
        Ok(Err(e)) if e.kind() == ErrorKind::ConnectionRefused => Err(NoConnection::Refused(format!(
            "nothing listens on {host}:{port}; start the server there (this project's own: cargo run --release)"
        ))),
        Ok(Err(e)) if e.kind() == ErrorKind::TimedOut => Err(late()),
        Ok(Err(e)) => Err(NoConnection::Refused(format!("cannot connect to {host}:{port}: {e}"))),
        Err(_) => Err(late()),
    }
}

pub(super) fn build(request: &Request) -> Result<hyper::Request<Full<Bytes>>, String> {
    let mut builder = hyper::Request::builder()
        .method(request.method)
        .uri(request.url.target())
        .header(HOST, request.url.authority())
        .header(USER_AGENT, request::USER_AGENT)
        .header("Accept", "*/*")
        .header("I-Twilio-Idempotency-Token", &request.idempotency_token);
    if let Some(signature) = &request.signature {
        builder = builder.header("X-Twilio-Signature", signature);
    }
    if request.method == "POST" {
        builder = builder.header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
    }
    builder.body(Full::new(Bytes::from(request.body.clone()))).map_err(|e| format!("{}: {e}", request.url))
}

pub(super) async fn collect(
    response: hyper::Response<impl Body<Data = Bytes, Error = hyper::Error> + Unpin>,
    max_bytes: usize,
) -> Result<Answer, String> {
    let collected = collect_patiently(response, max_bytes, Duration::MAX).await;
    collected.map_err(|why| why.unwrap_or_else(|| "nothing came".into()))
}

/// The error is `None` where nothing came for too long.
async fn collect_patiently(
    response: hyper::Response<impl Body<Data = Bytes, Error = hyper::Error> + Unpin>,
    max_bytes: usize,
    patience: Duration,
) -> Result<Answer, Option<String>> {
    let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let content_type = header(CONTENT_TYPE).map(|v| v.split(';').next().unwrap_or_default().trim().to_owned());
    let (status, location) = (response.status().as_u16(), header(LOCATION));
    let mut body = Vec::new();
    let mut frames = response.into_body();
    // One byte more than allowed tells the model that it was too much.
    while body.len() <= max_bytes {
        let next = timeout(patience, frames.frame()).await.map_err(|_| None)?;
        let Some(frame) = next else { break };
        let frame = frame.map_err(|e| Some(format!("broken HTTP answer: {e}")))?;
        body.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
    }
    body.truncate(max_bytes + 1);
    Ok(Answer { status, content_type, location, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_decoded() {
        assert_eq!(percent_decoded("us%40er:p%2w%3A"), b"us@er:p%2w:");
    }
}

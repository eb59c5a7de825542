//! Makes one webhook request over plain HTTP, within Twilio's limits.

use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::route::{Place, Route};
use crate::call::request::{self, Request};
use crate::twilio::executor::{Answer, MAX_BODY_BYTES};

/// Twilio gives up connecting after 5 s.
const CONNECT: Duration = Duration::from_secs(5);
/// The hard limit of every webhook of a call.
const TOTAL: Duration = Duration::from_secs(15);

/// Makes the request.
///
/// # Errors
/// One line that says why there was no answer, and what to do.
pub async fn fetch(request: Request, route: Route) -> Result<Answer, String> {
    fetch_up_to(request, route, MAX_BODY_BYTES).await
}

/// The same, for answers that may be longer than TwiML.
///
/// # Errors
/// One line that says why there was no answer, and what to do.
pub async fn fetch_up_to(request: Request, route: Route, max_bytes: usize) -> Result<Answer, String> {
    match timeout(TOTAL, attempt(request, route, max_bytes)).await {
        Ok(result) => result,
        Err(_) => Err("no answer within 15 s, the limit of a webhook".into()),
    }
}

async fn attempt(request: Request, route: Route, max_bytes: usize) -> Result<Answer, String> {
    let place = route.place(&request.url)?;
    let stream = connect(&place).await?;
    let http = |e: hyper::Error| format!("broken HTTP answer: {e}");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let running = tokio::spawn(connection);
    let response = sender.send_request(build(&request)?).await.map_err(http)?;
    let answer = collect(response, max_bytes).await;
    running.abort();
    answer
}

/// Why there is no connection, in one line that says what to do. Twilio tells the two apart (31901, 31902).
#[derive(Debug, Error)]
pub enum NoConnection {
    /// Nobody said yes or no.
    #[error("{0} did not accept the connection within 5 s")]
    TimedOut(String),
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
    let Place { host, port } = place;
    match timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await {
        Ok(Ok(stream)) => {
            stream.set_nodelay(true).map_err(|e| NoConnection::Refused(e.to_string()))?;
            Ok(stream)
        }
        Ok(Err(e)) if e.kind() == ErrorKind::ConnectionRefused => Err(NoConnection::Refused(format!(
            "nothing listens on {host}:{port}; start the server: cargo run --release"
        ))),
        Ok(Err(e)) if e.kind() == ErrorKind::TimedOut => Err(NoConnection::TimedOut(format!("{host}:{port}"))),
        Ok(Err(e)) => Err(NoConnection::Refused(format!("cannot connect to {host}:{port}: {e}"))),
        Err(_) => Err(NoConnection::TimedOut(format!("{host}:{port}"))),
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
    let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let content_type = header(CONTENT_TYPE).map(|v| v.split(';').next().unwrap_or_default().trim().to_owned());
    let (status, location) = (response.status().as_u16(), header(LOCATION));
    let mut body = Vec::new();
    let mut frames = response.into_body();
    // One byte more than allowed tells the model that it was too much.
    while let Some(frame) = frames.frame().await
        && body.len() <= max_bytes
    {
        let frame = frame.map_err(|e| format!("broken HTTP answer: {e}"))?;
        body.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
    }
    body.truncate(max_bytes + 1);
    Ok(Answer { status, content_type, location, body })
}

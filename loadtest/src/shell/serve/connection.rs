//! One connection: HTTP/1.1, kept open between requests.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::{Asked, Door};
use crate::rest::answer::{Answer, Refusal};
use crate::rest::request::{MAX_BODY_BYTES, Request};

/// A client that has not sent its headers by then is let go.
const HEADERS: Duration = Duration::from_secs(30);

/// Answers what comes until the other side closes.
pub(super) async fn run(stream: TcpStream, ask: mpsc::Sender<Asked>, mut door: Door) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| {
        let ask = ask.clone();
        async move { answer(request, ask).await.map(write).ok_or(Cut) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    // How a connection ends is its client's business.
    tokio::select! {
        _ = http.serve_connection(TokioIo::new(stream), service) => {}
        Ok(()) = door.changed() => {}
    }
}

/// The connection is to be closed without an answer, as was asked for.
#[derive(Debug, Error)]
#[error("cut off")]
struct Cut;

/// `None` where there is to be no answer.
async fn answer<B: Body<Data = Bytes>>(request: hyper::Request<B>, ask: mpsc::Sender<Asked>) -> Option<Answer>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY_BYTES).collect().await else {
        let message = format!("The body has more than {MAX_BODY_BYTES} bytes");
        return Some(Refusal { status: 413, code: 20_001, message }.answer());
    };
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let authorization = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::new(head.method.as_str(), target, &body, authorization);
    let (reply, answered) = oneshot::channel();
    let sent = ask.send(Asked { request, reply }).await.is_ok();
    match answered.await {
        Ok(answer) if sent => answer,
        _ => Some(Refusal { status: 503, code: 20_503, message: "The server is ending".into() }.answer()),
    }
}

fn write(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !answer.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    }
    for (name, value) in answer.headers {
        // Ours, and visible ASCII.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if answer.status == 401 {
        let realm = HeaderValue::from_static("Basic realm=\"Twilio API\"");
        headers.insert(WWW_AUTHENTICATE, realm);
    }
    response
}

//! A media socket at the door: upgrade checked, signature checked, token redeemed, then handed to the engine.
//!
//! The token stands in the path, where it is redeemed before the upgrade, or in a `<Parameter name="token">`, which
//! only the stream's `start` brings. Either way `start` must name the account and the call that the token was issued
//! for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use engine::Transport;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tracing::Instrument as _;

use super::signature::Signed;
use super::signer::Signer;
use super::webhook::check_signature;
use crate::app::{App, Phase};
use crate::calls::Token;
use crate::calls::registry::{Ticket, TokenFault};
use crate::http::answer::{Accounted, text};
use crate::http::connection::Watched;
use crate::media::{self, Claim, Seat};
use crate::metrics::{SignatureResult, SocketRefused};

/// From our 101 to the connection being ours; it only waits for the 101 to be written.
const UPGRADE_TIME: Duration = Duration::from_secs(10);

/// `GET /twilio/ws/{token}`.
pub(crate) async fn by_path(State(app): State<Arc<App>>, Path(token): Path<String>, request: Request) -> Response {
    open(&app, request, Some(&token)).unwrap_or_else(|refusal| *refusal)
}

/// `GET /twilio/ws`: the token comes as a parameter of `start`.
pub(crate) async fn by_parameter(State(app): State<Arc<App>>, request: Request) -> Response {
    open(&app, request, None).unwrap_or_else(|refusal| *refusal)
}

fn open(app: &Arc<App>, mut request: Request, token: Option<&str>) -> Result<Response, Box<Response>> {
    let accept = accept_key(app, &request)?;
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let Some(on_upgrade) = on_upgrade else {
        return Err(refuse(
            app,
            SocketRefused::Handshake,
            StatusCode::BAD_REQUEST,
            "this connection cannot be upgraded",
        ));
    };
    if app.phase() == Phase::Closing {
        return Err(refuse(app, SocketRefused::Full, StatusCode::SERVICE_UNAVAILABLE, "closing"));
    }
    let signed = check(app, &request, token)?;
    let claim = match token {
        Some(token) => Claim::Ticket(Seat::new(app, redeem(app, token)?)),
        None => Claim::Parameter(app.media.unproven().ok_or_else(|| {
            refuse(app, SocketRefused::Full, StatusCode::SERVICE_UNAVAILABLE, "too many sockets have not started yet")
        })?),
    };
    let app = Arc::clone(app);
    tokio::spawn(async move { hand_over(&app, on_upgrade, claim).await }.in_current_span());
    let mut response = switching_protocols(accept);
    if signed {
        response.extensions_mut().insert(Accounted::Signed);
    }
    Ok(response)
}

/// The handshake's answer to the key (RFC 6455, 4.2.2), where everything that must be there is.
fn accept_key(app: &App, request: &Request) -> Result<HeaderValue, Box<Response>> {
    let headers = request.headers();
    let upgrades = has_word(headers, UPGRADE, "websocket") && has_word(headers, CONNECTION, "upgrade");
    let handshake = |status, line| refuse(app, SocketRefused::Handshake, status, line);
    if !upgrades || request.version() != Version::HTTP_11 {
        let line = "this is a WebSocket; connect with Upgrade: websocket (a proxy must pass the Upgrade and Connection headers)";
        let mut refusal = handshake(StatusCode::UPGRADE_REQUIRED, line);
        refusal.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        return Err(refusal);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut refusal =
            handshake(StatusCode::UPGRADE_REQUIRED, "only version 13 of the WebSocket protocol is spoken");
        refusal.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refusal);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map_or(&b""[..], HeaderValue::as_bytes);
    if STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16) {
        let digest = Sha1::new().chain_update(key).chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
        if let Ok(accept) = HeaderValue::try_from(STANDARD.encode(digest)) {
            return Ok(accept);
        }
    }
    Err(handshake(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64"))
}

fn has_word(headers: &HeaderMap, name: http::HeaderName, word: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// Whether the handshake was validly signed. In production it must be.
fn check(app: &App, request: &Request, token: Option<&str>) -> Result<bool, Box<Response>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    // Whose call the token is for says who signs; a token that is none is refused behind the signature all the same.
    let account = token.and_then(Token::parse).and_then(|token| app.calls().account(&token));
    let signer = Signer::of(app, account.as_ref().map(|account| account.as_str()));
    let result = check_signature(app, &signer, request.headers(), &app.public.join_socket(path), Signed::UrlOnly);
    if result == SignatureResult::Valid {
        return Ok(true);
    }
    // The checked URL as it may be logged: without the token.
    let url = app.public.join_socket(if token.is_some() { "/twilio/ws/…" } else { "/twilio/ws" });
    if app.config.mode.is_production() {
        tracing::warn!(result = result.text(), url, "media socket refused: signature");
        let line = "the signature is missing or does not fit; check OFFHOOK_PUBLIC_URL and TWILIO_AUTH_TOKEN";
        return Err(refuse(app, SocketRefused::Signature, StatusCode::FORBIDDEN, line));
    }
    if app.config.can_check_signatures() {
        tracing::warn!(
            result = result.text(),
            url,
            "DEVELOPMENT MODE: media socket accepted although its signature is not valid"
        );
    }
    Ok(false)
}

fn redeem(app: &App, token: &str) -> Result<Ticket, Box<Response>> {
    let redeemed = match Token::parse(token) {
        Some(token) => app.calls().redeem(app.clock.now(), &token),
        None => Err(TokenFault::Unknown),
    };
    redeemed.map_err(|fault| {
        tracing::warn!(?fault, "media socket refused: token");
        let line =
            "this address was never issued, is used up or has expired; it comes from /twilio/voice and works once";
        refuse(app, reason(fault), StatusCode::FORBIDDEN, line)
    })
}

/// Why a token opened nothing, as it is counted.
pub(crate) fn reason(fault: TokenFault) -> SocketRefused {
    match fault {
        TokenFault::Unknown => SocketRefused::TokenUnknown,
        TokenFault::Expired => SocketRefused::TokenExpired,
    }
}

fn switching_protocols(accept: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Waits for the socket to be ours alone and gives it to the engine.
async fn hand_over(app: &Arc<App>, on_upgrade: OnUpgrade, claim: Claim) {
    let socket = match tokio::time::timeout(UPGRADE_TIME, on_upgrade).await {
        Ok(Ok(upgraded)) => transport(upgraded),
        _ => None,
    };
    match socket {
        Some((socket, early)) => media::attach(app, socket, early, claim),
        None => tracing::warn!("media socket lost during its upgrade"),
    }
}

/// What an upgraded connection lives on, and the bytes already read from it.
fn transport(upgraded: Upgraded) -> Option<(Transport, Bytes)> {
    let parts = upgraded.downcast::<TokioIo<Watched>>().ok()?;
    let socket = parts.io.into_inner().into_socket().into_transport().ok()?;
    Some((socket, parts.read_buf))
}

fn refuse(app: &App, reason: SocketRefused, status: StatusCode, line: &'static str) -> Box<Response> {
    app.metrics.sockets_refused.count(reason);
    Box::new(text(status, line))
}

//! Which path leads where, and what is noted of every request on its way.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use tracing::Instrument as _;

use super::answer::{Accounted, text, too_many};
use super::client::{Peer, client_ip};
use super::request_id::{self, RequestId};
use super::{api, pages, sessions};
use crate::app::App;
use crate::twilio::{callbacks, flow, socket};

const VOICE: &str = "/twilio/voice";
const RESUME: &str = "/twilio/resume";
const DTMF: &str = "/twilio/dtmf";
const STATUS: &str = "/twilio/status";
const EVENTS: &str = "/webhooks/telephony/events";
const MACHINE: &str = "/twilio/machine";
const RECORDING: &str = "/twilio/recording";
const TRANSCRIPTION: &str = "/twilio/transcription";
const SOCKET: &str = "/twilio/ws";
const SOCKET_TOKEN: &str = "/twilio/ws/{token}";
const HEALTH: &str = "/twilio/health";
const SESSIONS: &str = "/twilio/sessions";

/// What is charged although it succeeds: pages that cost something and that anybody may ask for.
const CHARGED_PAGES: [&str; 3] = ["/", api::OPENAPI, api::DOCS];

/// What load balancers ask all day, from few addresses: never counted, whatever the answer.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// The values of the label `route`; the last stands for every path that is none of ours.
pub(crate) const LABELS: &[&str] = &[
    VOICE,
    RESUME,
    DTMF,
    STATUS,
    EVENTS,
    MACHINE,
    RECORDING,
    TRANSCRIPTION,
    SOCKET,
    SOCKET_TOKEN,
    HEALTH,
    SESSIONS,
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    api::PREFIX,
    api::OPENAPI,
    api::DOCS,
    "other",
];

/// Every route of the service.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(VOICE, post(flow::voice).get(flow::voice))
        .route(RESUME, post(flow::resume).get(flow::resume))
        .route(DTMF, post(flow::dtmf))
        .route(STATUS, post(callbacks::status))
        .route(EVENTS, post(callbacks::events))
        .route(MACHINE, post(callbacks::machine))
        .route(RECORDING, post(callbacks::recording))
        .route(TRANSCRIPTION, post(callbacks::transcription))
        .route(SOCKET, get(socket::by_parameter))
        .route(SOCKET_TOKEN, get(socket::by_path))
        .route(HEALTH, get(pages::health))
        .route(SESSIONS, get(sessions::sessions))
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(pages::metrics))
        .route("/", get(pages::index))
        .merge(api::router(&app))
        .fallback(|| async { text(StatusCode::NOT_FOUND, "no such page; / says what there is") })
        .method_not_allowed_fallback(|| async { text(StatusCode::METHOD_NOT_ALLOWED, "wrong method for this page") })
        .layer(middleware::from_fn_with_state(Arc::clone(&app), name))
        .with_state(app)
}

/// Names the request, in its log lines and in its answer.
async fn name(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    // At the level of the gravest line, or it would be missing where only grave ones are logged.
    let span = tracing::error_span!("request", %id);
    let mut response = note(&app, request, next).instrument(span).await;
    response.headers_mut().insert(request_id::HEADER, id.into_header());
    response
}

/// The label of a request's route. All of the API has one.
fn label(request: &Request) -> &'static str {
    if request.uri().path().strip_prefix(api::PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return api::PREFIX;
    }
    let matched = request.extensions().get::<MatchedPath>();
    matched.and_then(|path| LABELS.iter().find(|label| **label == path.as_str()).copied()).unwrap_or("other")
}

/// Counts the request, and charges its sender if it was unsigned or failed.
async fn note(app: &App, request: Request, next: Next) -> Response {
    let began = app.clock.now();
    let route = label(&request);
    let id = request.extensions().get::<RequestId>().cloned();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let client = peer.map(|peer| client_ip(peer, request.headers(), &app.config.trusted_proxies));
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let chargeable =
        (response.status().is_client_error() || CHARGED_PAGES.contains(&route)) && !PROBES.contains(&route);
    if let Some(client) = client
        && chargeable
        && response.extensions().get::<Accounted>().is_none()
        && let Err(wait) = app.charge(client)
    {
        response = match route {
            api::PREFIX => api::Problem::too_many(wait).render(id.as_ref()),
            _ => too_many(wait),
        };
    }
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        app.metrics.rate_limited.increment(1);
    }
    let took = app.clock.now().saturating_sub(began);
    let label = LABELS.iter().position(|label| *label == route).unwrap_or(LABELS.len() - 1);
    app.metrics.answered(label, response.status(), took);
    // The route, never the path: a path may hold a token.
    tracing::debug!(%method, route, status = response.status().as_u16(), ?took, "answered");
    response
}

//! The pages for operators: what runs, whether it is well, what was counted.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::answer::{json, text};
use super::client::{Peer, is_direct_loopback};
use crate::app::{App, Phase};
use crate::calls::Level;

/// `GET /`: what this is and what to do next.
pub(crate) async fn index(State(app): State<Arc<App>>) -> Html<String> {
    let name = quick_xml::escape::escape(&app.config.app_name).into_owned();
    let mode = app.config.mode;
    let next = if mode.is_production() {
        "Point your number's voice webhook at <code>/twilio/voice</code> (POST), and its status callback at <code>/twilio/status</code>."
    } else {
        "Call it without a telephone: <code>cargo run --release -p loadtest -- call</code>"
    };
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title><h1>{name}</h1>\
         <p>Offhook {}: answers phone calls for software. Mode: {}, because {}.</p><p>{next}</p>\
         <p><a href=/healthz>/healthz</a> <a href=/readyz>/readyz</a> <a href=/twilio/health>/twilio/health</a> \
         <a href=/twilio/sessions>/twilio/sessions</a> <a href=/metrics>/metrics</a></p></html>\n",
        env!("CARGO_PKG_VERSION"),
        mode.name,
        mode.because,
    ))
}

/// `GET /healthz`: the process lives, and how its configuration stands. It does not start with a bad one.
pub(crate) async fn healthz(State(app): State<Arc<App>>) -> Response {
    let config = &app.config;
    let signatures = match (config.mode.is_production(), config.can_check_signatures()) {
        (true, _) => "required",
        (false, true) => "checked and logged",
        (false, false) => "not checked",
    };
    json(
        StatusCode::OK,
        &json!({"status": "ok", "configuration": "valid", "warnings": config.warnings.len(), "mode": config.mode.name, "signatures": signatures}),
    )
}

/// `GET /readyz`: whether new calls should be sent here.
pub(crate) async fn readyz(State(app): State<Arc<App>>) -> Response {
    match app.phase() {
        Phase::Open => text(StatusCode::OK, "ready"),
        _ => text(StatusCode::SERVICE_UNAVAILABLE, "draining"),
    }
}

/// `GET /twilio/health`: whether this side of the carrier works.
pub(crate) async fn health(State(app): State<Arc<App>>) -> Response {
    let open = app.phase() == Phase::Open;
    let load = app.calls().load();
    let status = match (open, Level::of(load) < Level::Full) {
        (true, true) => "ok",
        (true, false) => "full",
        (false, _) => "draining",
    };
    json(StatusCode::OK, &json!({"status": status, "load": f64::from(load) / 100.0, "mode": app.config.mode.name}))
}

/// `GET /metrics`: for Prometheus. Key or loopback.
pub(crate) async fn metrics(State(app): State<Arc<App>>, request: Request) -> Response {
    if let Err(refusal) = admin(&app, &request) {
        return *refusal;
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.render_metrics()).into_response()
}

/// The admin surface answers whoever has the key; where no key is set, programs on this machine that ask directly.
pub(super) fn admin(app: &App, request: &Request) -> Result<(), Box<Response>> {
    let Some(key) = &app.config.admin_key else {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        if peer.is_some_and(|peer| is_direct_loopback(peer, request.headers())) {
            return Ok(());
        }
        let line = "this page answers direct loopback connections only; set OFFHOOK_ADMIN_KEY to open it to a key";
        return Err(Box::new(text(StatusCode::FORBIDDEN, line)));
    };
    let given = request.headers().get(AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    if bool::from(given.ct_eq(key.expose_secret().as_bytes())) {
        return Ok(());
    }
    let mut refusal = text(StatusCode::UNAUTHORIZED, "send the admin key as Authorization: Bearer");
    refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Err(Box::new(refusal))
}

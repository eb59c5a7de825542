//! What goes wrong, as RFC 9457 has it: one document for people and programs, and nothing of what is inside.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::fault::Fault;
use crate::app::App;
use crate::carrier::CarrierError;
use crate::db::StoreError;
use crate::http::rate::TooMany;
use crate::http::request_id::RequestId;

/// How long a client should wait for a database that is away.
const AWAY_RETRY: Duration = Duration::from_secs(5);

/// A request that was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    detail: String,
    faults: Vec<Fault>,
    retry: Option<Duration>,
}

/// Every code there is, with its status and what it means: stable, and listed in `/openapi.json`.
pub(super) const CODES: &[(u16, &str, &str)] = &[
    (400, "invalid", "The request breaks rules; `errors` has every one of them."),
    (400, "malformed", "The body is not JSON, or did not arrive whole."),
    (401, "unauthorized", "No key, or none that opens anything."),
    (403, "forbidden", "The key's role may not do this."),
    (404, "not_found", "There is none of that id, or it is not yours."),
    (405, "method_not_allowed", "This resource has no such method; `Allow` says which it has."),
    (408, "too_slow", "The body took too long to arrive."),
    (409, "conflict", "Something else has that value already; `errors` says which."),
    (409, "not_live", "The call is over, so nothing can be done to it."),
    (409, "transfer_not_allowed", "The call's profile does not list that number in `transfer_allow`."),
    (409, "number_denied", "Guards against toll fraud: a short or premium number, or a country that is not open."),
    (409, "calls_stopped", "The tenant is not active, or has stopped the calls that it places."),
    (409, "no_carrier", "There is no carrier to place a call with."),
    (409, "no_number", "The tenant has no number to call from."),
    (409, "no_minutes", "The tenant has used up the minutes that it may call in a day."),
    (409, "do_not_call", "The contact does not want to be called."),
    (409, "being_called", "The contact is being called at this moment."),
    (409, "carrier_failed", "The carrier could not be asked to do it, or did not."),
    (409, "credentials_refused", "The carrier does not take the account's tokens, or has no such account."),
    (409, "no_secrets_key", "This service has no key to encrypt secrets with (`OFFHOOK_SECRETS_KEY`)."),
    (409, "no_voice", "This service has no voice to say a text with."),
    (409, "tenant_deleted", "The tenant was deleted for good."),
    (409, "in_progress", "A request with this idempotency key is still under way."),
    (409, "busy", "Others changed it at the same moment, again and again; try again."),
    (412, "changed", "It is no longer at the version that `If-Match` names."),
    (413, "too_large", "The body is too large."),
    (415, "not_json", "The body is not `application/json`."),
    (422, "idempotency_key_reused", "The idempotency key belongs to another request."),
    (429, "too_many_requests", "Too many requests; `Retry-After` says how long to wait."),
    (429, "full", "As many calls as there may be; `Retry-After` says when to try again."),
    (500, "internal", "A mistake of ours; the log has it under the request's id."),
    (503, "draining", "The service is on its way out; another process takes over."),
    (503, "carrier_away", "The number's carrier cannot be reached; nothing was changed."),
    (503, "database_away", "The database cannot be reached; nothing was changed that was not acknowledged."),
];

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), faults: Vec::new(), retry: None }
    }

    /// Everything that is wrong with the request.
    pub(super) fn invalid(faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [_] => "one thing is wrong with the request".to_owned(),
            faults => format!("{} things are wrong with the request", faults.len()),
        };
        Self { faults, ..Self::new(StatusCode::BAD_REQUEST, "invalid", detail) }
    }

    /// No JSON.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// No key that opens anything.
    pub(super) fn unauthorized(hint: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", hint)
    }

    /// Not with this role.
    pub(super) fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// One answer for what does not exist and for what is another's.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or it is not yours")
    }

    /// A state that does not allow it.
    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// Another version.
    pub(super) fn changed() -> Self {
        let detail = "it is at another version than If-Match names: read it again, and send the ETag that you get, quotes included";
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", detail)
    }

    /// Others were faster, too often.
    pub(super) fn busy() -> Self {
        Self::conflict("busy", "others changed it at the same moment, again and again: try again")
    }

    pub(super) fn too_large(max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("the body may have {max} bytes"))
    }

    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body took too long to arrive")
    }

    pub(super) fn not_json() -> Self {
        let detail = "send the body as Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail)
    }

    /// Come back later.
    pub(crate) fn too_many(TooMany(wait): TooMany) -> Self {
        let detail = "too many requests: wait as long as Retry-After says";
        Self { retry: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail) }
    }

    /// No place for a call more.
    pub(super) fn full(detail: &'static str, retry: Duration) -> Self {
        Self { retry: Some(retry), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "full", detail) }
    }

    /// On the way out.
    pub(super) fn draining() -> Self {
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "the service is on its way out: try again");
        Self { retry: Some(AWAY_RETRY), ..problem }
    }

    /// The carrier has to be asked first, and cannot be.
    pub(super) fn carrier_away(error: &CarrierError) -> Self {
        let detail = format!("{}; nothing was changed: try again", error.message);
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "carrier_away", detail)
    }

    /// A mistake of ours: told to the log, not to the client.
    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request of the API failed");
        let detail = "a mistake of ours; tell the operator this request's id, the log has more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The document, for the request of this id.
    pub(crate) fn render(&self, id: Option<&RequestId>) -> Response {
        let mut body = json!({
            "type": format!("/docs#problem-{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Problem"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "instance": id.map_or_else(|| "urn:request:-".to_owned(), |id| format!("urn:request:{id}")),
        });
        if !self.faults.is_empty() {
            body["errors"] = json!(self.faults);
        }
        let headers = [(CONTENT_TYPE, "application/problem+json"), (CACHE_CONTROL, "no-store")];
        let mut response = (self.status, headers, format!("{body}\n")).into_response();
        if let Some(wait) = self.retry {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"offhook\""));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(),
            StoreError::Stale => Self::changed(),
            StoreError::Conflict("idempotency_key") => {
                Self::conflict("in_progress", "a request with this idempotency key is still under way")
            }
            StoreError::Conflict("do_not_call") => {
                Self::conflict("do_not_call", "the contact does not want to be called: its state says so")
            }
            StoreError::Conflict("contact_is_being_called") => {
                Self::conflict("being_called", "the contact is being called: wait for that call to end")
            }
            StoreError::Conflict(field) => Self {
                faults: vec![Fault::at(&format!("/{field}"), "taken", "is taken already")],
                ..Self::conflict("conflict", format!("something else has this {field} already"))
            },
            StoreError::NoSuch(field) => {
                let detail = "refers to nothing that this tenant has";
                Self::invalid(vec![Fault::at(&format!("/{field}"), "refers_to_nothing", detail)])
            }
            StoreError::KeyReused => {
                let detail = "this idempotency key was used for another request in the last 24 hours: use a new one";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail)
            }
            StoreError::Away(error) => {
                tracing::warn!(error, "a request of the API met a database that is away");
                let detail = "the database cannot be reached: try again in a moment";
                let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_away", detail);
                Self { retry: Some(AWAY_RETRY), ..problem }
            }
            fault @ StoreError::Fault(_) => Self::internal(&fault),
        }
    }
}

impl From<Vec<Fault>> for Problem {
    fn from(faults: Vec<Fault>) -> Self {
        Self::invalid(faults)
    }
}

/// Travels as itself until [`render_all`], which knows the request's id, writes it down.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Writes every problem of the API down.
pub(super) async fn render_all(State(_): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Arc<Problem>>() else { return response };
    let mut written = problem.render(id.as_ref());
    if let Some(allow) = response.headers().get(ALLOW) {
        written.headers_mut().insert(ALLOW, allow.clone());
    }
    let (parts, _) = response.into_parts();
    *written.extensions_mut() = parts.extensions;
    written
}

/// No such path.
pub(super) async fn no_such_path() -> Problem {
    Problem::not_found()
}

/// A path without that method; `OPTIONS` is told which it has, in `Allow`.
pub(super) async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "this resource has no such method; Allow says which it has";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response()
}

/// The schema of the document.
pub(super) fn schema() -> Value {
    let codes: Vec<&str> = CODES.iter().map(|(_, code, _)| *code).collect();
    let error = json!({
        "type": "object",
        "properties": {
            "pointer": {"type": "string", "description": "Where in the body: a JSON pointer (RFC 6901)."},
            "parameter": {"type": "string", "description": "Or which parameter of the query or header."},
            "code": {"type": "string", "description": "Stable, for programs."},
            "detail": {"type": "string", "description": "For people."},
        },
        "required": ["code", "detail"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "description": "What went wrong, as RFC 9457 has it.",
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
            "title": {"type": "string", "description": "The status in words."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The status."},
            "code": {"type": "string", "enum": codes, "description": "Stable, for programs."},
            "detail": {"type": "string", "description": "Cause and fix, for people."},
            "instance": {"type": "string", "description": "This request: `urn:request:` and its `X-Request-Id`."},
            "errors": {"type": "array", "items": error, "maxItems": 100, "description": "Every fault there is."},
        },
        "required": ["type", "title", "status", "code", "detail", "instance"],
        "additionalProperties": false,
        "examples": [{
            "type": "/docs#problem-invalid",
            "title": "Bad Request",
            "status": 400,
            "code": "invalid",
            "detail": "one thing is wrong with the request",
            "instance": "urn:request:7d0c4d1f2f3a4b5c8e9fa0b1c2d3e4f5",
            "errors": [{"pointer": "/name", "code": "missing", "detail": "is missing: What it is called, …"}],
        }],
    })
}

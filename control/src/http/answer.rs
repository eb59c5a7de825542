//! Plain answers. They name cause and fix, and nothing of what is inside.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use super::rate::TooMany;
use crate::twilio::twiml::{self, Verb};

/// How a request stands with the rate limit; travels with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accounted {
    /// Validly signed: never counted.
    Signed,
    /// Already counted.
    Charged,
}

/// One line of text.
pub(crate) fn text(status: StatusCode, line: &'static str) -> Response {
    (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{line}\n")).into_response()
}

/// A JSON document that no cache keeps.
pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], format!("{body}\n")).into_response()
}

/// Instructions for the carrier. A token stands in them, so no cache may keep them.
pub(crate) fn twiml(verbs: &[Verb]) -> Response {
    ([(CONTENT_TYPE, twiml::CONTENT_TYPE), (CACHE_CONTROL, "no-store")], twiml::document(verbs)).into_response()
}

/// Heard and understood: what callbacks want.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Come back later.
pub(crate) fn too_many(TooMany(wait): TooMany) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut response =
        text(StatusCode::TOO_MANY_REQUESTS, "too many unsigned or failing requests; wait, and sign them");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response.extensions_mut().insert(Accounted::Charged);
    response
}

//! `/docs`: the description as one page for people, whole in itself: no other file, no other host.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;

/// The page.
pub(super) fn page(_description: &Value) -> String {
    String::new()
}

/// `GET /docs`.
pub(super) async fn answer(page: Bytes) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-cache")], page).into_response()
}

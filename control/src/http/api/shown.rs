//! Answers: JSON that no cache keeps, telephone numbers masked for whoever needs no more.

use axum::response::Response;
use http::header::{ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::etag::etag;
use super::problem::Problem;
use super::query::write_cursor;
use crate::config::PhoneNumber;
use crate::db::Created;
use crate::http::answer;
use crate::mask::Masked;
use crate::model::Page;

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One thing.
pub(super) fn one(caller: Caller, thing: &impl Serialize) -> Result<Response, Problem> {
    Ok(answer::json(StatusCode::OK, &shown(caller, thing)?))
}

/// One thing that has a version.
pub(super) fn versioned(caller: Caller, thing: &impl Serialize, version: i64) -> Result<Response, Problem> {
    let mut response = one(caller, thing)?;
    response.headers_mut().insert(ETAG, etag(version));
    Ok(response)
}

/// Something that was made, or had been made by the same request before.
pub(super) fn created<T: Serialize>(caller: Caller, made: &Created<T>, location: &str) -> Result<Response, Problem> {
    let mut response = answer::json(StatusCode::CREATED, &shown(caller, &made.value)?);
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_str(location).map_err(|error| Problem::internal(&error))?);
    // Whatever was just made has not been changed yet.
    headers.insert(ETAG, etag(1));
    if made.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A page of a list.
pub(super) fn page<T: Serialize>(caller: Caller, page: &Page<T>) -> Result<Response, Problem> {
    let items = shown(caller, &page.items)?;
    Ok(answer::json(StatusCode::OK, &json!({"items": items, "next_cursor": page.next.map(write_cursor)})))
}

/// Done, and nothing to show.
pub(super) fn nothing() -> Response {
    answer::no_content()
}

/// As this caller may see it.
pub(super) fn shown(caller: Caller, thing: &impl Serialize) -> Result<Value, Problem> {
    let mut value = serde_json::to_value(thing).map_err(|error| Problem::internal(&error))?;
    if caller.sees_masked() {
        mask(&mut value);
    }
    Ok(value)
}

/// Masks who called and was called, and every text that is a telephone number, wherever it stands.
fn mask(value: &mut Value) {
    const ALWAYS: [&str; 4] = ["from", "to", "did_number", "contact"];
    match value {
        Value::String(text) if text.parse::<PhoneNumber>().is_ok() => *text = Masked(text).to_string(),
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::String(text) if ALWAYS.contains(&name.as_str()) => *text = Masked(text).to_string(),
            value => mask(value),
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_wherever_they_stand() {
        let mut value = json!({
            "from": "+15551234567", "to": "client:bob", "name": "Bob",
            "before": {"transfer_allow": ["+15551234567"], "emergency": {"contact": null}},
        });
        mask(&mut value);
        let expected = json!({
            "from": "+1555•••4567", "to": "client:•••", "name": "Bob",
            "before": {"transfer_allow": ["+1555•••4567"], "emergency": {"contact": null}},
        });
        assert_eq!(value, expected);
    }
}

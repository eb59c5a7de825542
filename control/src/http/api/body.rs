//! A body on its way in: within bounds, in time, JSON, of the wanted shape; every fault told at once.

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::Faults;
use super::problem::Problem;
use super::shape::{Object, Shape};
use crate::app::App;
use crate::twilio::webhook;

/// A body here comes from somebody with a key, and may be this many times as large as a webhook's: a profile holds
/// 32,000 characters of instructions, each of which JSON may write in twelve bytes.
const TIMES_A_WEBHOOK: usize = 8;

/// The largest body.
pub(super) fn bytes_max(app: &App) -> usize {
    app.config.limits.body_max_bytes.saturating_mul(TIMES_A_WEBHOOK)
}

/// Reads it all.
pub(super) async fn read(app: &App, parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let max = bytes_max(app);
    let claimed = parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if claimed.is_some_and(|claimed| claimed > max as u64) {
        webhook::discard(body).await;
        return Err(Problem::too_large(max));
    }
    let mut limited = Limited::new(body, max);
    match tokio::time::timeout(app.config.limits.body_timeout, (&mut limited).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::too_large(max)),
        Ok(Err(_)) => Err(Problem::malformed("the body did not arrive whole")),
        Err(_) => Err(Problem::too_slow()),
    }
}

/// The body as JSON of this shape. Where there is nothing to say, it may be left out.
pub(super) fn checked(parts: &Parts, bytes: &Bytes, shape: &Object, mut faults: Faults) -> Result<Value, Problem> {
    if bytes.is_empty() && shape.takes_nothing() {
        faults.into_result()?;
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if !is_json(&parts.headers) {
        return Err(Problem::not_json());
    }
    let mut value: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    Shape::Object(shape.clone()).check(&mut value, &mut faults);
    faults.into_result()?;
    Ok(value)
}

/// A value that its shape has let through.
pub(super) fn parsed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_json::from_value(value).map_err(|error| Problem::internal(&error))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

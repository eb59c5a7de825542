//! POSTs that make no row which the store could find again: claimed before they are done, their answer kept after.

use std::time::Duration;

use serde_json::Value;

use super::problem::Problem;
use crate::app::App;
use crate::db::{Idempotency, StoreError};
use crate::model::TenantId;

/// How often a repeat looks whether the first has been answered: for two seconds in all.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 100;

/// `None`: do it, then [`finish`]. `Some`: it was done, with this answer. A repeat waits for the first one's answer.
pub(super) async fn claim(app: &App, tenant: TenantId, once: Option<&Idempotency>) -> Result<Option<Value>, Problem> {
    let Some(once) = once else { return Ok(None) };
    for _ in 0..LOOKS {
        match app.store.begin_once(tenant, once).await {
            Err(StoreError::Conflict("idempotency_key")) => tokio::time::sleep(LOOK).await,
            claimed => return Ok(claimed?),
        }
    }
    Err(StoreError::Conflict("idempotency_key").into())
}

/// Keeps the answer for repeats. What was done is done, so a failure here is only noted: repeats are then told that it
/// is still under way.
pub(super) async fn finish(app: &App, tenant: TenantId, once: Option<&Idempotency>, answer: &Value) {
    let Some(once) = once else { return };
    if let Err(error) = app.store.finish_once(tenant, once, answer.clone()).await {
        tracing::error!(%error, "cannot keep the answer to a request with an idempotency key");
    }
}

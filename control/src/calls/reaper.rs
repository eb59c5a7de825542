//! Calls that nobody speaks for: the carrier is asked how they stand, so that none stays open for ever.
//!
//! *Full:* so many are asked about at once; the others wait. *Late:* a carrier that does not answer is asked again, less
//! and less often, and in the end the call is what its silence means.

use std::sync::Arc;

use engine::wire::Sid;
use tokio::sync::Semaphore;

use super::chronicle::Ask;
use crate::app::App;
use crate::carrier::{CarrierError, Found, TelephonyProvider};

/// Questions at once, of all carriers.
const ASKING_MAX: usize = 8;
/// The carrier's clock and ours may differ so much, in milliseconds.
const SKEW_MS: i64 = 5_000;

/// Asks about calls, some at a time.
#[derive(Debug)]
pub(crate) struct Reaper {
    asking: Arc<Semaphore>,
}

impl Reaper {
    pub(crate) fn new() -> Self {
        Self { asking: Arc::new(Semaphore::new(ASKING_MAX)) }
    }

    /// Asks about these calls. Call within a tokio runtime.
    pub(crate) fn ask(&self, app: &Arc<App>, asks: Vec<Ask>) {
        for ask in asks {
            let (app, asking) = (Arc::clone(app), Arc::clone(&self.asking));
            tokio::spawn(async move {
                // Closed never.
                let _permit = asking.acquire().await;
                look(&app, &ask).await;
            });
        }
    }
}

async fn look(app: &App, ask: &Ask) {
    let Some(carrier) = app.carriers.for_call(ask.tenant, ask.provider) else { return };
    let answer = match &ask.sid {
        Some(sid) => carrier.call(sid.as_str()).await,
        None => search(app, carrier.as_ref(), ask).await,
    };
    match answer {
        Ok(Some(found)) => {
            tracing::info!(call = %ask.id, status = ?found.status, "the carrier was asked about a call");
            app.chronicle.found(ask.id, &found);
            if found.status.is_final() {
                app.calls().give_back(ask.id);
            }
        }
        Ok(None) => {
            tracing::info!(call = %ask.id, named = ask.sid.is_some(), "the carrier knows no such call");
            app.chronicle.not_found(ask.id);
        }
        Err(error) => {
            tracing::warn!(call = %ask.id, %error, "the carrier cannot be asked about a call");
            app.chronicle.not_told(ask.id);
        }
    }
}

/// A call that the carrier may have taken without our hearing its name: the oldest of those between the two numbers since
/// then that is no other of ours. Among several that look alike it does not matter which; a report that brings our own id
/// along puts it right.
async fn search(app: &App, carrier: &dyn TelephonyProvider, ask: &Ask) -> Result<Option<Found>, CarrierError> {
    let since = crate::model::Timestamp(ask.since.0.saturating_sub(SKEW_MS));
    let mut found = carrier.calls(&ask.from, &ask.to, since).await?;
    found.retain(|call| {
        let is_new = call.begun.is_none_or(|begun| begun >= since);
        is_new && Sid::parse(&call.carrier_call_id).is_some_and(|sid| !app.chronicle.is_of_another(&sid, ask.id))
    });
    Ok(found.pop())
}

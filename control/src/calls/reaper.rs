//! Calls that nobody speaks for: the carrier is asked how they stand, so that none stays open for ever.
//!
//! *Full:* so many are asked about at once; the others wait. *Late:* a carrier that does not answer is asked again, less
//! and less often, and in the end the call is what its silence means.

use std::sync::Arc;

use engine::wire::Sid;
use tokio::sync::Semaphore;

use super::chronicle::Due;
use crate::app::App;
use crate::carrier::{CarrierError, Found, HangUp, TelephonyProvider};
use crate::model::{Call, Timestamp};

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

    /// Asks about these calls, and ends those that no stream came for, unless they turn out to be over. Call within a tokio runtime.
    pub(crate) fn ask(&self, app: &Arc<App>, due: Due) {
        let streamless = due.streamless.into_iter().map(|call| (call, true));
        for (call, is_streamless) in due.asks.into_iter().map(|call| (call, false)).chain(streamless) {
            let (app, asking) = (Arc::clone(app), Arc::clone(&self.asking));
            tokio::spawn(async move {
                // Closed never.
                let _permit = asking.acquire().await;
                look(&app, &call).await;
                if is_streamless {
                    end_streamless(&app, &call).await;
                }
            });
        }
    }
}

async fn look(app: &App, call: &Call) {
    let Some(carrier) = app.carriers.of(call) else { return };
    let answer = match &call.carrier_call_id {
        Some(name) => carrier.call(name).await,
        None => search(app, carrier.as_ref(), call).await,
    };
    match answer {
        Ok(Some(found)) => {
            tracing::info!(call = %call.id, status = ?found.status, "the carrier was asked about a call");
            app.chronicle.found(call.id, &found);
            if found.status.is_final() {
                app.calls().give_back(call.id);
            }
        }
        Ok(None) => {
            tracing::info!(call = %call.id, named = call.carrier_call_id.is_some(), "the carrier knows no such call");
            app.chronicle.not_found(call.id, call.carrier_call_id.as_deref());
        }
        Err(error) => {
            tracing::warn!(call = %call.id, %error, "the carrier cannot be asked about a call");
            app.chronicle.not_told(call.id);
        }
    }
}

/// Whoever was called hears nothing: the call has failed, and is ended where it still lives.
async fn end_streamless(app: &App, call: &Call) {
    if !app.chronicle.no_stream_came(call.id) {
        return;
    }
    let sid = call.carrier_call_id.as_deref().and_then(Sid::parse);
    {
        let mut calls = app.calls();
        // A socket that comes now finds no call.
        if let Some(sid) = &sid {
            calls.forget(sid);
        }
        calls.give_back(call.id);
    }
    let (Some(carrier), Some(name)) = (app.carriers.of(call), &call.carrier_call_id) else { return };
    if let Err(error) = carrier.hang_up(name, HangUp::Complete).await {
        tracing::error!(call = %call.id, %error, "a call without a stream could not be ended: it ends by its longest duration");
    }
}

/// A call that the carrier may have taken without our hearing its name: the oldest of those between the two numbers since
/// then that is no other of ours. Among several that look alike it does not matter which; a report that brings our own id
/// along puts it right.
async fn search(app: &App, carrier: &dyn TelephonyProvider, call: &Call) -> Result<Option<Found>, CarrierError> {
    let since = Timestamp(call.started_at.0.saturating_sub(SKEW_MS));
    let mut found = carrier.calls(&call.from, &call.to, since).await?;
    found.retain(|one| {
        let is_new = one.begun.is_none_or(|begun| begun >= since);
        is_new && Sid::parse(&one.carrier_call_id).is_some_and(|sid| !app.chronicle.is_of_another(&sid, call.id))
    });
    Ok(found.pop())
}

//! Writing what happens on calls: any number of times, in any order, with the same result.

use std::sync::Arc;

use crate::model::{Call, CallEvent, CallUpdate, EventId};

use super::StoreError;
use super::arg::{args, word};
use super::connection::Connection;
use super::store::{Result, Store};

/// The row is what the newest event says, with two exceptions: a final state is taken whenever it comes, and then kept.
/// What was measured is kept where a later event has nothing of it. Event ids sort by time.
macro_rules! takes {
    () => {
        "(calls.state NOT IN ('completed', 'refused', 'failed') AND (excluded.last_event_id > calls.last_event_id \
          OR excluded.state IN ('completed', 'refused', 'failed')))"
    };
}

const CALL: &str = concat!(
    "INSERT INTO calls (id, tenant_id, carrier_call_id, direction, from_number, to_number, phone_number_id, \
         profile_id, state, started_at, ended_at, ended_by, quality, last_event_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
     ON CONFLICT (id) DO UPDATE SET \
         phone_number_id = CASE WHEN ",
    takes!(),
    " THEN excluded.phone_number_id ELSE calls.phone_number_id END, profile_id = CASE WHEN ",
    takes!(),
    " THEN excluded.profile_id ELSE calls.profile_id END, state = CASE WHEN ",
    takes!(),
    " THEN excluded.state ELSE calls.state END, ended_at = CASE WHEN ",
    takes!(),
    " THEN excluded.ended_at ELSE calls.ended_at END, ended_by = CASE WHEN ",
    takes!(),
    " THEN excluded.ended_by ELSE calls.ended_by END, \
      quality = CASE WHEN excluded.last_event_id > calls.last_event_id \
          THEN COALESCE(excluded.quality, calls.quality) ELSE COALESCE(calls.quality, excluded.quality) END, \
      last_event_id = CASE WHEN excluded.last_event_id > calls.last_event_id \
          THEN excluded.last_event_id ELSE calls.last_event_id END \
     WHERE calls.tenant_id = excluded.tenant_id",
);

const EVENT: &str = "INSERT INTO call_events (id, tenant_id, call_id, at, kind, data) VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (id) DO NOTHING";

impl Store {
    /// All of them in one durable step, in order; each event once, however often it is written (a named exception:
    /// every update names its tenant). Durable when it returns.
    ///
    /// # Errors
    /// `NoSuch("call_id")`: an event is not of its call, or the call is another tenant's. `NoSuch("tenant_id")`: there
    /// is no such tenant. Nothing was written then.
    pub async fn record(&self, updates: Vec<CallUpdate>) -> Result<()> {
        if updates.is_empty() {
            return Ok(());
        }
        let updates: Arc<[CallUpdate]> = updates.into();
        self.write_grouped(move |db| {
            let updates = Arc::clone(&updates);
            Box::pin(async move {
                for update in &*updates {
                    write(db, update).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn write(db: &mut Connection, CallUpdate { call, event }: &CallUpdate) -> Result<()> {
    if event.call_id != call.id || event.tenant_id != call.tenant_id {
        return Err(StoreError::NoSuch("call_id"));
    }
    if write_call(db, call, event.id).await? == 0 {
        return Err(StoreError::NoSuch("call_id"));
    }
    write_event(db, event).await
}

async fn write_call(db: &mut Connection, call: &Call, event: EventId) -> Result<u64> {
    let ended_by = call.ended_by.as_ref().map(word).transpose()?;
    db.execute(
        CALL,
        args![
            call.id,
            call.tenant_id,
            &call.carrier_call_id,
            word(&call.direction)?,
            &call.from,
            &call.to,
            call.phone_number_id,
            call.profile_id,
            word(&call.state)?,
            call.started_at,
            call.ended_at,
            ended_by,
            call.quality.as_ref(),
            event
        ],
    )
    .await
}

async fn write_event(db: &mut Connection, event: &CallEvent) -> Result<()> {
    db.execute(EVENT, args![event.id, event.tenant_id, event.call_id, event.at, word(&event.kind)?, &event.data])
        .await
        .map(drop)
}

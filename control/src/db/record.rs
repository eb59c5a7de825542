//! Writing what happens on calls: any number of times, in any order, with the same result.
//!
//! SQLite is in this process: a statement per row costs least. PostgreSQL is not: there a statement takes all that wait,
//! one update of each call, as a table in JSON.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Call, CallEvent, CallId, CallUpdate, ContactId, EventId, Timestamp};

use super::StoreError;
use super::arg::{Arg, args, json, word};
use super::connection::Connection;
use super::store::{Result, Store};

/// Whether an event decides what the call's row says. The newest does, with one exception: a final state is taken
/// whenever it comes, and then kept. Event ids sort by time.
macro_rules! decides {
    () => {
        "calls.state NOT IN ('completed', 'refused', 'failed', 'busy', 'no_answer', 'canceled')
         AND (excluded.last_event_id > calls.last_event_id
             OR excluded.state IN ('completed', 'refused', 'failed', 'busy', 'no_answer', 'canceled'))"
    };
}

macro_rules! decided {
    ($column:literal) => {
        concat!($column, " = CASE WHEN ", decides!(), " THEN excluded.", $column, " ELSE calls.", $column, " END, ")
    };
}

/// What was measured, and the carrier's name for a call, are kept where a later event has nothing of them.
macro_rules! call {
    ($rows:expr) => {
        concat!(
            "INSERT INTO calls (id, tenant_id, carrier_call_id, direction, from_number, to_number, phone_number_id,
                 profile_id, state, started_at, ended_at, ended_by, quality, last_event_id, provider_type, contact_id,
                 campaign_id, answered_at, details) ",
            $rows,
            " ON CONFLICT (id) DO UPDATE SET
             carrier_call_id = CASE WHEN excluded.carrier_call_id <> '' AND (calls.carrier_call_id = ''
                     OR excluded.last_event_id > calls.last_event_id)
                 THEN excluded.carrier_call_id ELSE calls.carrier_call_id END,
             answered_at = COALESCE(calls.answered_at, excluded.answered_at),
             details = CASE WHEN excluded.last_event_id > calls.last_event_id
                 THEN excluded.details ELSE calls.details END, ",
            decided!("phone_number_id"),
            decided!("profile_id"),
            decided!("state"),
            decided!("ended_at"),
            decided!("ended_by"),
            "quality = CASE WHEN excluded.last_event_id > calls.last_event_id
                 THEN COALESCE(excluded.quality, calls.quality) ELSE COALESCE(calls.quality, excluded.quality) END,
             last_event_id = CASE WHEN excluded.last_event_id > calls.last_event_id
                 THEN excluded.last_event_id ELSE calls.last_event_id END
             WHERE calls.tenant_id = excluded.tenant_id",
        )
    };
}

/// What a call to a contact says of the contact.
macro_rules! outcome {
    () => {
        "(SELECT CASE WHEN state = 'completed' THEN 'reached'
              WHEN state IN ('busy', 'no_answer', 'failed', 'canceled') THEN state
              WHEN state = 'refused' THEN 'failed' ELSE 'calling' END
          FROM calls WHERE tenant_id = $1 AND id = $2)"
    };
}

const CALL: &str =
    call!("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
const EVENT: &str = "INSERT INTO call_events (id, tenant_id, call_id, at, kind, data, carrier_key)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)
                     ON CONFLICT DO NOTHING";
/// The columns of a call, as [`call_args`] has them, then those of its event.
const COLUMNS: [&str; 23] = [
    "id",
    "tenant_id",
    "carrier_call_id",
    "direction",
    "from_number",
    "to_number",
    "phone_number_id",
    "profile_id",
    "state",
    "started_at",
    "ended_at",
    "ended_by",
    "quality",
    "event_id",
    "provider_type",
    "contact_id",
    "campaign_id",
    "answered_at",
    "details",
    "at",
    "kind",
    "data",
    "carrier_key",
];
/// As many calls as `$1` has, each once; a statement cannot change a row twice.
const CALLS: &str = call!(
    "SELECT id, tenant_id, carrier_call_id, direction, from_number, to_number, phone_number_id,
         profile_id, state, started_at, ended_at, ended_by, quality, event_id, provider_type, contact_id,
         campaign_id, answered_at, details
     FROM json_to_recordset($1::json) AS updates (id text, tenant_id text, carrier_call_id text, direction text,
         from_number text, to_number text, phone_number_id text, profile_id text, state text, started_at bigint,
         ended_at bigint, ended_by text, quality text, event_id text, provider_type text, contact_id text,
         campaign_id text, answered_at bigint, details text)"
);
const EVENTS: &str = "INSERT INTO call_events (id, tenant_id, call_id, at, kind, data, carrier_key)
                      SELECT event_id, tenant_id, id, at, kind, data, carrier_key
                      FROM json_to_recordset($1::json) AS updates (event_id text, tenant_id text, id text, at bigint,
                          kind text, data text, carrier_key text)
                      ON CONFLICT DO NOTHING";
/// What a call to a contact came to: the row of the attempt and the contact follow the call's row, whatever order events
/// come in.
const ATTEMPT: &str = "UPDATE call_attempts SET (state, ended_at) =
                           (SELECT state, ended_at FROM calls WHERE tenant_id = $1 AND id = $2)
                       WHERE tenant_id = $1 AND call_id = $2";
const CONTACT: &str = concat!(
    "UPDATE contacts SET state = ",
    outcome!(),
    ", updated_at = $4, version = version + 1
     WHERE tenant_id = $1 AND id = $3 AND last_call_id = $2 AND state <> 'do_not_call' AND state <> ",
    outcome!()
);

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
            Box::pin(async move { write(db, &updates).await })
        })
        .await
    }
}

/// All of them, in order, in the transaction of `db`.
pub(super) async fn write(db: &mut Connection, updates: &[CallUpdate]) -> Result<()> {
    if updates.iter().any(|CallUpdate { call, event }| event.call_id != call.id || event.tenant_id != call.tenant_id) {
        return Err(StoreError::NoSuch("call_id"));
    }
    if db.is_postgres() {
        for round in rounds(updates) {
            write_together(db, &round).await?;
        }
    } else {
        for update in updates {
            write_one(db, update).await?;
        }
    }
    for CallUpdate { call, event } in updates {
        if let Some(contact) = call.contact_id {
            follow(db, call, contact, event.at).await?;
        }
    }
    Ok(())
}

/// Cut so that each round has at most one update of a call, in the order that it has them.
fn rounds(updates: &[CallUpdate]) -> Vec<Vec<&CallUpdate>> {
    let mut rounds: Vec<Vec<&CallUpdate>> = Vec::new();
    let mut of_call: HashMap<CallId, usize> = HashMap::with_capacity(updates.len());
    for update in updates {
        let round = of_call.entry(update.call.id).or_default();
        if *round == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*round].push(update);
        *round += 1;
    }
    rounds
}

async fn write_together(db: &mut Connection, updates: &[&CallUpdate]) -> Result<()> {
    let lines = updates.iter().map(|update| line(update)).collect::<Result<serde_json::Value>>()?;
    let table = lines.to_string();
    // Fewer where one is another tenant's.
    if db.execute(CALLS, args![&table]).await? != updates.len() as u64 {
        return Err(StoreError::NoSuch("call_id"));
    }
    db.execute(EVENTS, args![table]).await.map(drop)
}

/// An update as an object whose names are [`COLUMNS`].
fn line(CallUpdate { call, event }: &CallUpdate) -> Result<serde_json::Value> {
    let mut args = call_args(call, event.id)?;
    args.extend(args![event.at, word(&event.kind)?, &event.data, event.carrier_key.clone()]);
    Ok(COLUMNS.into_iter().map(str::to_owned).zip(args.into_iter().map(Arg::into_json)).collect())
}

async fn write_one(db: &mut Connection, CallUpdate { call, event }: &CallUpdate) -> Result<()> {
    if db.execute(CALL, call_args(call, event.id)?).await? != 1 {
        return Err(StoreError::NoSuch("call_id"));
    }
    db.execute(EVENT, event_args(event)?).await.map(drop)
}

async fn follow(db: &mut Connection, call: &Call, contact: ContactId, now: Timestamp) -> Result<()> {
    db.execute(ATTEMPT, args![call.tenant_id, call.id]).await?;
    db.execute(CONTACT, args![call.tenant_id, call.id, contact, now]).await.map(drop)
}

fn call_args(call: &Call, event: EventId) -> Result<Vec<Arg>> {
    Ok(args![
        call.id,
        call.tenant_id,
        call.carrier_call_id.clone().unwrap_or_default(),
        word(&call.direction)?,
        &call.from,
        &call.to,
        call.phone_number_id,
        call.profile_id,
        word(&call.state)?,
        call.started_at,
        call.ended_at,
        call.ended_by.as_ref().map(word).transpose()?,
        call.quality.as_ref(),
        event,
        word(&call.provider_type)?,
        call.contact_id,
        call.campaign_id,
        call.answered_at,
        &json(&call.details)?
    ])
}

fn event_args(event: &CallEvent) -> Result<Vec<Arg>> {
    Ok(args![
        event.id,
        event.tenant_id,
        event.call_id,
        event.at,
        word(&event.kind)?,
        &event.data,
        event.carrier_key.clone()
    ])
}

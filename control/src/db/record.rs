//! Writing what happens on calls: any number of times, in any order, with the same result.
//!
//! A statement is a trip, to SQLite's thread or to PostgreSQL's process, so it takes many rows. PostgreSQL takes all that
//! wait as a table in JSON, each call once in it; SQLite, which would read that text anew for every column, as values.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

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
    (into) => {
            "INSERT INTO calls (id, tenant_id, carrier_call_id, direction, from_number, to_number, phone_number_id,
                 profile_id, state, started_at, ended_at, ended_by, quality, last_event_id, provider_type, contact_id,
                 campaign_id, answered_at, details, account_id) "
    };
    (known) => {
        concat!(
            " ON CONFLICT (id) DO UPDATE SET
             carrier_call_id = CASE WHEN excluded.carrier_call_id <> '' AND (calls.carrier_call_id = ''
                     OR excluded.last_event_id > calls.last_event_id)
                 THEN excluded.carrier_call_id ELSE calls.carrier_call_id END,
             answered_at = COALESCE(calls.answered_at, excluded.answered_at),
             account_id = COALESCE(calls.account_id, excluded.account_id),
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

macro_rules! event {
    () => {
        "INSERT INTO call_events (id, tenant_id, call_id, at, kind, data, carrier_key) "
    };
}

/// As many values as [`call_args`] and [`event_args`] give.
const CALL_COLUMNS: usize = 20;
const EVENT_COLUMNS: usize = 7;

/// What a call to a contact says of the contact.
macro_rules! outcome {
    () => {
        "(SELECT CASE WHEN state = 'completed' THEN 'reached'
              WHEN state IN ('busy', 'no_answer', 'failed', 'canceled') THEN state
              WHEN state = 'refused' THEN 'failed' ELSE 'calling' END
          FROM calls WHERE tenant_id = $1 AND id = $2)"
    };
}

/// Statements of so many rows, largest first.
static CHUNKS: LazyLock<[Chunk; 3]> = LazyLock::new(|| [16, 4, 1].map(Chunk::of));

struct Chunk {
    rows: usize,
    calls: String,
    events: String,
}

impl Chunk {
    fn of(rows: usize) -> Self {
        let calls = format!("{}{}{}", call!(into), values(rows, CALL_COLUMNS), call!(known));
        let events = format!("{}{} ON CONFLICT DO NOTHING", event!(), values(rows, EVENT_COLUMNS));
        Self { rows, calls, events }
    }
}

/// `VALUES ($1, $2), ($3, $4)`
fn values(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    format!("VALUES {}", (0..rows).map(row).collect::<Vec<_>>().join(", "))
}

/// The columns of a call, as [`call_args`] has them, then those of its event.
const COLUMNS: [&str; 24] = [
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
    "account_id",
    "at",
    "kind",
    "data",
    "carrier_key",
];
/// As many calls as `$1` has, each once; a statement cannot change a row twice.
const CALLS: &str = concat!(
    call!(into),
    "SELECT id, tenant_id, carrier_call_id, direction, from_number, to_number, phone_number_id,
         profile_id, state, started_at, ended_at, ended_by, quality, event_id, provider_type, contact_id,
         campaign_id, answered_at, details, account_id
     FROM json_to_recordset($1::json) AS updates (id text, tenant_id text, carrier_call_id text, direction text,
         from_number text, to_number text, phone_number_id text, profile_id text, state text, started_at bigint,
         ended_at bigint, ended_by text, quality text, event_id text, provider_type text, contact_id text,
         campaign_id text, answered_at bigint, details text, account_id text)",
    call!(known)
);
const EVENTS: &str = concat!(
    event!(),
    "SELECT event_id, tenant_id, id, at, kind, data, carrier_key
     FROM json_to_recordset($1::json) AS updates (event_id text, tenant_id text, id text, at bigint,
         kind text, data text, carrier_key text)
     ON CONFLICT DO NOTHING"
);
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
    /// All of them durably, each call's in one step and in order; each event once, however often it is written (a named
    /// exception: every update names its tenant). Durable when it returns.
    ///
    /// # Errors
    /// `NoSuch("call_id")`: an event is not of its call, or the call is another tenant's. `NoSuch("tenant_id")`: there
    /// is no such tenant. Nothing of that call was written then, and maybe nothing of the others.
    pub async fn record(&self, updates: Vec<CallUpdate>) -> Result<()> {
        of_their_calls(&updates)?;
        // The low bits of a call's id are random.
        let is_first = |update: &CallUpdate| self.lanes() < 2 || update.call.id.0.as_u128().is_multiple_of(2);
        let (first, second) = updates.into_iter().partition(is_first);
        tokio::try_join!(self.record_in(0, first), self.record_in(1, second)).map(drop)
    }

    async fn record_in(&self, lane: usize, updates: Vec<CallUpdate>) -> Result<()> {
        if updates.is_empty() {
            return Ok(());
        }
        let updates: Arc<[CallUpdate]> = updates.into();
        self.write_in(lane, move |db| {
            let updates = Arc::clone(&updates);
            Box::pin(async move { write(db, &updates).await })
        })
        .await
    }
}

/// Whether every event is of its call.
fn of_their_calls(updates: &[CallUpdate]) -> Result<()> {
    let is_of = |CallUpdate { call, event }: &CallUpdate| event.call_id == call.id && event.tenant_id == call.tenant_id;
    if updates.iter().all(is_of) { Ok(()) } else { Err(StoreError::NoSuch("call_id")) }
}

/// All of them, in order, in the transaction of `db`.
pub(super) async fn write(db: &mut Connection, updates: &[CallUpdate]) -> Result<()> {
    of_their_calls(updates)?;
    if db.is_postgres() {
        write_together(db, updates).await?;
    } else {
        write_chunks(db, updates).await?;
    }
    for CallUpdate { call, event } in updates {
        if let Some(contact) = call.contact_id {
            follow(db, call, contact, event.at).await?;
        }
    }
    Ok(())
}

async fn write_together(db: &mut Connection, updates: &[CallUpdate]) -> Result<()> {
    let lines = updates.iter().map(line).collect::<Result<Vec<_>>>()?;
    for round in rounds(updates) {
        let calls = round.iter().map(|&update| lines[update].as_str());
        // Fewer where one is another tenant's.
        if db.execute(CALLS, args![table(calls)]).await? != round.len() as u64 {
            return Err(StoreError::NoSuch("call_id"));
        }
    }
    db.execute(EVENTS, args![table(lines.iter().map(String::as_str))]).await.map(drop)
}

/// Lines as a table in JSON.
fn table<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", lines.collect::<Vec<_>>().join(","))
}

/// Which of them go into one statement: at most one of a call, in the order that it has them.
fn rounds(updates: &[CallUpdate]) -> Vec<Vec<usize>> {
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    let mut of_call: HashMap<CallId, usize> = HashMap::with_capacity(updates.len());
    for (index, update) in updates.iter().enumerate() {
        let round = of_call.entry(update.call.id).or_default();
        if *round == rounds.len() {
            rounds.push(Vec::new());
        }
        rounds[*round].push(index);
        *round += 1;
    }
    rounds
}

/// An update as an object in JSON whose names are [`COLUMNS`].
fn line(CallUpdate { call, event }: &CallUpdate) -> Result<String> {
    let mut args = call_args(call, event.id)?;
    args.extend(args![event.at, word(&event.kind)?, &event.data, event.carrier_key.clone()]);
    let line: serde_json::Value =
        COLUMNS.into_iter().map(str::to_owned).zip(args.into_iter().map(Arg::into_json)).collect();
    Ok(line.to_string())
}

/// Many rows in one statement, in as few sizes as the database has to remember statements for. One row always fits.
async fn write_chunks(db: &mut Connection, mut updates: &[CallUpdate]) -> Result<()> {
    while let Some(chunk) = CHUNKS.iter().find(|chunk| chunk.rows <= updates.len()) {
        let (now, later) = updates.split_at(chunk.rows);
        let calls = now.iter().map(|update| call_args(&update.call, update.event.id)).collect::<Result<Vec<_>>>()?;
        if db.execute(chunk.calls.as_str(), calls.into_iter().flatten().collect()).await? != now.len() as u64 {
            return Err(StoreError::NoSuch("call_id"));
        }
        let events = now.iter().map(|update| event_args(&update.event)).collect::<Result<Vec<_>>>()?;
        db.execute(chunk.events.as_str(), events.into_iter().flatten().collect()).await?;
        updates = later;
    }
    Ok(())
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
        &json(&call.details)?,
        call.account_id.clone()
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

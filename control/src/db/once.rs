//! Requests that are sent twice and done once.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{TenantId, Timestamp};

use super::StoreError;
use super::arg::{args, json};
use super::connection::Connection;
use super::store::{Result, Store};

/// How long a key is remembered: 24 h.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// How long an action may be under way. What took longer died with its process, and may be tried again.
const OPEN_MS: i64 = 60 * 1000;

/// An `Idempotency-Key` and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose: the key holder's id or `development`.
    pub scope: String,
    /// The client's key, at most 255 characters.
    pub key: String,
    /// SHA-256 over method, path and body, in hex.
    pub fingerprint: String,
}

/// What a create gave: new, or what the same request gave before.
#[derive(Debug, Clone, PartialEq)]
pub struct Created<T> {
    /// It.
    pub value: T,
    /// Whether it was there before.
    pub replayed: bool,
}

impl Store {
    /// Claims the key: `None`: do it, then [`finish_once`](Self::finish_once); `Some(answer)`: it was done, with this
    /// answer. A claim that was never finished is free again after a minute.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`]; a claim that is still open is `Conflict("idempotency_key")`.
    pub async fn begin_once(&self, tenant: TenantId, once: &Idempotency) -> Result<Option<Value>> {
        let (now, once) = (self.now(), once.clone());
        self.write(move |db| {
            let once = once.clone();
            Box::pin(async move { claim(db, tenant, &once, now).await })
        })
        .await
    }

    /// Keeps what a claimed action answered.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]: it was not claimed.
    pub async fn finish_once(&self, tenant: TenantId, once: &Idempotency, answer: Value) -> Result<()> {
        let once = once.clone();
        self.write(move |db| {
            let (once, answer) = (once.clone(), answer.clone());
            Box::pin(async move { finish(db, tenant, &once, &answer).await })
        })
        .await
    }

    /// Forgets keys older than 24 h; how many.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn sweep_once(&self, now: Timestamp) -> Result<u64> {
        self.write(move |db| {
            Box::pin(db.execute("DELETE FROM idempotency_keys WHERE created_at < $1", args![now.0 - KEPT_MS]))
        })
        .await
    }
}

/// What the same create gave before, where there is a key and it did.
pub(super) async fn first<T: DeserializeOwned>(
    db: &mut Connection,
    tenant: TenantId,
    once: Option<&Idempotency>,
    now: Timestamp,
) -> Result<Option<T>> {
    let Some(once) = once else { return Ok(None) };
    let answer = claim(db, tenant, once, now).await?;
    let unreadable = |_| StoreError::Fault("column answer cannot be read".to_owned());
    answer.map(serde_json::from_value).transpose().map_err(unreadable)
}

/// Keeps what a create gave.
pub(super) async fn keep<T: Serialize>(
    db: &mut Connection,
    tenant: TenantId,
    once: Option<&Idempotency>,
    value: &T,
) -> Result<()> {
    match once {
        Some(once) => finish(db, tenant, once, &json(value)?).await,
        None => Ok(()),
    }
}

async fn claim(db: &mut Connection, tenant: TenantId, once: &Idempotency, now: Timestamp) -> Result<Option<Value>> {
    // Waits here for the one that claims the same key at the same time. What has lapsed is claimed anew.
    let claimed = db
        .execute(
            "INSERT INTO idempotency_keys (scope, key, tenant_id, fingerprint, answer, created_at)
             VALUES ($1, $2, $3, $4, NULL, $5)
             ON CONFLICT (scope, key) DO UPDATE SET tenant_id = excluded.tenant_id,
                 fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at
             WHERE idempotency_keys.created_at < $6
                 OR (idempotency_keys.answer IS NULL AND idempotency_keys.created_at < $7)",
            args![&once.scope, &once.key, tenant, &once.fingerprint, now, now.0 - KEPT_MS, now.0 - OPEN_MS],
        )
        .await?;
    if claimed == 1 {
        return Ok(None);
    }
    kept(db, once).await?.map(Some).ok_or(StoreError::Conflict("idempotency_key"))
}

/// What the same request gave before, without claiming anything.
pub(super) async fn answered<T: DeserializeOwned>(db: &mut Connection, once: &Idempotency) -> Result<Option<T>> {
    let unreadable = |_| StoreError::Fault("column answer cannot be read".to_owned());
    kept(db, once).await?.map(serde_json::from_value).transpose().map_err(unreadable)
}

/// The answer of a claim; `None` where there is none yet.
async fn kept(db: &mut Connection, once: &Idempotency) -> Result<Option<Value>> {
    let sql = "SELECT fingerprint, answer FROM idempotency_keys WHERE scope = $1 AND key = $2";
    let Some(row) = db.row(sql, args![&once.scope, &once.key]).await? else { return Ok(None) };
    if row.text("fingerprint")? != once.fingerprint {
        return Err(StoreError::KeyReused);
    }
    row.json_maybe("answer")
}

async fn finish(db: &mut Connection, tenant: TenantId, once: &Idempotency, answer: &Value) -> Result<()> {
    let kept = db
        .execute(
            "UPDATE idempotency_keys SET answer = $1
             WHERE scope = $2 AND key = $3 AND fingerprint = $4 AND tenant_id = $5",
            args![answer, &once.scope, &once.key, &once.fingerprint, tenant],
        )
        .await?;
    if kept == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

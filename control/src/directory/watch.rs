//! What other processes change: looked for every second. The store counts its changes and its audit log says whose they were.
//!
//! *Many at once:* everything is read anew. So it is now and then after any change, were one ever missed; and never more
//! often than takes a tenth of the time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::Directory;
use crate::clock::{Clock, Moment};
use crate::db::{Store, StoreError};
use crate::model::AuditId;

const LOOK: Duration = Duration::from_secs(1);
/// A change is seen in the audit log this much later than its id says: its transaction, or the clock of another machine.
const LATE: Duration = Duration::from_secs(30);
/// More tenants than this are read faster all at once.
const TENANTS_MAX: u32 = 1_000;
/// Everything is read anew this often, where anything changed.
const EVERYTHING: Duration = Duration::from_secs(600);

/// How far the looks have come.
struct Seen {
    /// The store's counter of changes.
    version: i64,
    /// An id from just before that was read.
    id: AuditId,
    /// When everything was read, and whether anything changed since.
    whole_at: Moment,
    is_whole: bool,
}

impl Directory {
    /// Sees what other processes changed, for ever. A database that is away changes nothing: what is here stands.
    pub(crate) async fn watch(self, store: Store, clock: Clock) {
        let (version, id) = &self.0.read_at;
        let version = version.load(Ordering::Acquire);
        let mut seen = Seen { version, id: *id, whole_at: clock.now(), is_whole: true };
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let began = clock.now();
            if let Err(error) = self.look(&store, &mut seen, began).await {
                tracing::debug!(%error, "changes by others are not seen while the database is away");
            }
            tokio::time::sleep((clock.now() - began) * 9).await;
        }
    }

    async fn look(&self, store: &Store, seen: &mut Seen, now: Moment) -> Result<(), StoreError> {
        let (id, version) = (AuditId::new(), store.directory_version().await?);
        let is_due = !seen.is_whole && now - seen.whole_at >= EVERYTHING;
        if version == seen.version && !is_due {
            return Ok(());
        }
        let whose = if is_due { None } else { store.changed_tenants(earlier(seen.id), TENANTS_MAX).await? };
        match whose {
            Some(tenants) => {
                let mut missing = Vec::new();
                for tenant in tenants {
                    match self.reread(store, tenant).await {
                        Ok(texts) if texts.is_empty() => {}
                        Ok(texts) => missing.push((tenant, texts)),
                        Err(StoreError::NotFound) => {}
                        Err(error) => return Err(error),
                    }
                }
                (seen.version, seen.id, seen.is_whole) = (version, id, false);
                self.render(store, missing).await;
            }
            None => {
                let missing = self.reload(store).await?;
                *seen = Seen { version, id, whole_at: now, is_whole: true };
                self.render(store, missing).await;
            }
        }
        Ok(())
    }
}

/// The id of a moment before: ids of version 7 begin with milliseconds in 48 bits.
fn earlier(id: AuditId) -> AuditId {
    AuditId(Uuid::from_u128(id.0.as_u128().saturating_sub(LATE.as_millis() << 80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_id_is_half_a_minute_earlier() {
        let ms = |id: AuditId| id.0.as_u128() >> 80;
        let id = AuditId::new();
        assert_eq!(ms(id) - ms(earlier(id)), 30_000);
        assert!(earlier(id).to_string() < id.to_string(), "as the database compares them");
    }
}

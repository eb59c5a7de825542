//! What the journal promises while the database comes and goes.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::*;
use crate::db::StoreError;
use crate::model::{
    Call, CallDetails, CallEvent, CallEventKind, CallId, CallState, Direction, EventId, ProviderType, TenantId,
    Timestamp,
};

/// A database that a test takes away, and that keeps what was written: each event once, as the store does.
#[derive(Debug, Clone, Default)]
pub(super) struct Planted(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    away: bool,
    written: Vec<CallUpdate>,
    /// This one makes no sense to it.
    odd: Option<EventId>,
}

impl Planted {
    pub(super) fn record(&self, updates: Vec<CallUpdate>) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.away {
            return Err(StoreError::Away("taken away by a test".into()));
        }
        if updates.iter().any(|update| Some(update.event.id) == state.odd) {
            return Err(StoreError::NoSuch("call_id"));
        }
        for update in updates {
            if !state.written.iter().any(|known| known.event.id == update.event.id) {
                state.written.push(update);
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn away(&self, away: bool) {
        self.lock().away = away;
    }

    fn written(&self) -> Vec<i64> {
        self.lock().written.iter().map(|update| update.event.at.0).collect()
    }
}

/// A directory of a test's own, gone with it.
pub(super) struct Dir(pub(super) PathBuf);

impl Dir {
    pub(super) fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("offhook-journal-{}-{test}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The `n`th thing that happened.
pub(super) fn update(n: i64) -> CallUpdate {
    let (id, tenant_id, at) = (CallId::new(), TenantId::DEFAULT, Timestamp(n));
    let call = Call {
        id,
        tenant_id,
        carrier_call_id: Some("CA1".into()),
        provider_type: ProviderType::Twilio,
        account_id: None,
        contact_id: None,
        campaign_id: None,
        answered_at: None,
        details: CallDetails::default(),
        direction: Direction::Inbound,
        from: "+15551234567".into(),
        to: "+15557654321".into(),
        phone_number_id: None,
        profile_id: None,
        state: CallState::Answered,
        started_at: at,
        ended_at: None,
        ended_by: None,
        quality: None,
    };
    let data = serde_json::json!({});
    let event = CallEvent {
        id: EventId::new(),
        tenant_id,
        call_id: id,
        at,
        kind: CallEventKind::Answered,
        data,
        carrier_key: None,
    };
    CallUpdate { call, event }
}

const MEGABYTE: u64 = 1024 * 1024;

fn start(database: &Planted, dir: &Dir) -> Journal {
    Journal::start_with(Sink::Planted(database.clone()), &dir.0, MEGABYTE).unwrap()
}

async fn until(what: impl Fn() -> bool) {
    let looks = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looks).await.expect("it comes to that");
}

#[tokio::test]
async fn what_happens_is_written_in_order_and_acknowledged_when_it_is() {
    let (database, dir) = (Planted::default(), Dir::new("order"));
    let journal = start(&database, &dir);
    journal.note(update(1));
    journal.note(update(2));
    assert_eq!(journal.record(update(3)).await, Ok(()));
    assert_eq!(database.written(), [1, 2, 3]);
    assert_eq!(journal.counts().written.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn while_the_database_is_away_it_waits_on_disk_and_nothing_overtakes_it() {
    let (database, dir) = (Planted::default(), Dir::new("away"));
    let journal = start(&database, &dir);
    database.away(true);
    for n in 1..=600 {
        journal.note(update(n));
    }
    assert_eq!(journal.record(update(601)).await, Ok(()), "on this machine's disk is on disk");
    assert_eq!(database.written(), [] as [i64; 0]);
    database.away(false);
    assert_eq!(journal.record(update(602)).await, Ok(()));
    until(|| database.written().len() == 602).await;
    assert_eq!(database.written(), (1..=602).collect::<Vec<_>>());
    until(|| journal.waiting() == 0).await;
    assert_eq!(journal.counts().lost.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_waited_outlives_the_process_and_is_written_once() {
    let (database, dir) = (Planted::default(), Dir::new("restart"));
    database.away(true);
    for first in [1, 4, 7] {
        // A process that dies without a word; the next finds what it left.
        let journal = start(&database, &dir);
        for n in first..first + 3 {
            assert_eq!(journal.record(update(n)).await, Ok(()));
        }
    }
    database.away(false);
    let journal = start(&database, &dir);
    assert_eq!(journal.record(update(10)).await, Ok(()));
    until(|| database.written().len() == 10).await;
    assert_eq!(database.written(), (1..=10).collect::<Vec<_>>());
    until(|| journal.waiting() == 0).await;
    drop(journal);
    let journal = start(&database, &dir);
    journal.flush(Duration::from_secs(5)).await;
    assert_eq!(database.written().len(), 10);
}

#[tokio::test]
async fn a_full_spool_refuses_what_is_new_and_keeps_what_is_there() {
    let (database, dir) = (Planted::default(), Dir::new("full"));
    let journal = start(&database, &dir);
    database.away(true);
    let mut kept = 0;
    while journal.record(update(kept + 1)).await.is_ok() {
        kept += 1;
    }
    assert!((1_000..2_500).contains(&kept), "{kept} in a megabyte");
    assert_eq!(journal.counts().lost.load(Ordering::Relaxed), 1);
    database.away(false);
    until(|| database.written().len() as i64 == kept).await;
    assert_eq!(database.written(), (1..=kept).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_database_refuses_does_not_hold_up_the_rest() {
    let (database, dir) = (Planted::default(), Dir::new("odd"));
    let odd = update(2);
    database.lock().odd = Some(odd.event.id);
    for away in [false, true] {
        let journal = start(&database, &dir);
        database.away(away);
        journal.note(update(1));
        let refused = journal.record(odd.clone());
        journal.note(update(3));
        assert_eq!(refused.await.is_ok(), away, "on disk here counts; the database says no at once");
        database.away(false);
        until(|| journal.counts().written.load(Ordering::Relaxed) == 2).await;
        until(|| journal.counts().lost.load(Ordering::Relaxed) == 1).await;
    }
    assert_eq!(database.written(), [1, 3, 1, 3]);
}

#[tokio::test]
async fn what_nobody_waits_for_leaves_room_for_what_somebody_does() {
    let (database, dir) = (Planted::default(), Dir::new("flood"));
    let journal = start(&database, &dir);
    // Nobody else runs until the first await: the queue only fills.
    (0..QUEUE as i64).for_each(|n| journal.note(update(n)));
    assert_eq!(journal.waiting(), (QUEUE - KEPT_FREE) as u64);
    assert_eq!(journal.record(update(-1)).await, Ok(()));
    assert_eq!(database.written().last(), Some(&-1));
}

mod on_disk {
    use super::super::spool::{Spool, SpoolError};
    use super::*;

    fn spool(dir: &Dir) -> Spool {
        Spool::open(&dir.0, 100 * MEGABYTE).unwrap()
    }

    fn all(spool: &mut Spool) -> Vec<i64> {
        let mut all = Vec::new();
        while spool.len() > 0 {
            let batch = spool.peek(7).unwrap();
            all.extend(batch.updates.iter().map(|update| update.event.at.0));
            spool.take(&batch).unwrap();
        }
        all
    }

    fn files(dir: &Dir) -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(&dir.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_unstable();
        files
    }

    #[test]
    fn what_a_crash_left_half_written_is_cut_off() {
        let dir = Dir::new("torn");
        let mut first = spool(&dir);
        first.append(&[update(1), update(2)]).unwrap();
        drop(first);
        let path = &files(&dir)[0];
        let whole = std::fs::read(path).unwrap();
        // Cut anywhere in the second update, or with a byte of it damaged, the first is there.
        let half = whole.len() / 2;
        for cut in [half + 1, half + 11, whole.len() - 1] {
            std::fs::write(path, &whole[..cut]).unwrap();
            assert_eq!(spool(&dir).len(), 1, "cut at {cut} of {}", whole.len());
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(path, &damaged).unwrap();
        let mut second = spool(&dir);
        second.append(&[update(3)]).unwrap();
        assert_eq!(all(&mut second), [1, 3]);
        assert_eq!(files(&dir), [] as [PathBuf; 0], "what was taken is deleted");
    }

    #[test]
    fn many_files_are_one_spool_and_each_is_deleted_when_it_is_done() {
        let dir = Dir::new("files");
        let mut spool = spool(&dir);
        let large = serde_json::json!({ "text": "x".repeat(900 * 1024) });
        for n in 0..20 {
            let mut one = update(n);
            one.event.data = large.clone();
            spool.append(&[one]).unwrap();
        }
        assert_eq!(files(&dir).len(), 2);
        assert_eq!(all(&mut spool), (0..20).collect::<Vec<_>>());
        assert_eq!(files(&dir).len(), 0);
    }

    #[test]
    fn an_append_that_does_not_fit_leaves_everything_as_it_was() {
        let dir = Dir::new("bound");
        let mut spool = Spool::open(&dir.0, 3_000).unwrap();
        spool.append(&[update(1)]).unwrap();
        let before = spool.bytes();
        let many: Vec<_> = (2..20).map(update).collect();
        assert!(matches!(spool.append(&many), Err(SpoolError::Full)));
        assert_eq!((spool.len(), spool.bytes()), (1, before));
    }
}

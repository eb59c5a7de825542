//! What the chronicle promises, on a clock that the tests move, with a real store behind its journal.

use std::path::PathBuf;

use engine::Progress;

use super::*;
use crate::db::Store;
use crate::model::PageRequest;

const S: Duration = Duration::from_secs(1);

/// A chronicle, its clock and its store, in a directory of its own.
struct Rig {
    chronicle: Chronicle,
    journal: Journal,
    clock: Clock,
    store: Store,
    dir: PathBuf,
}

impl Rig {
    async fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("offhook-chronicle-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let clock = Clock::manual();
        let store = Store::open(&format!("sqlite:{}", dir.join("t.db").display()), clock.clone()).await.unwrap();
        let journal = Journal::start(store.clone(), &dir, 1024 * 1024).unwrap();
        Self { chronicle: Chronicle::new(journal.clone(), clock.clone()), journal, clock, store, dir }
    }

    /// A call that was answered.
    async fn answered(test: &str) -> (Self, Sid, CallId) {
        let rig = Self::new(test).await;
        let (sid, facts) = (Sid::parse("CA1").unwrap(), facts());
        rig.chronicle.answered(&sid, &facts);
        (rig, sid, facts.id)
    }

    /// The row and its events' kinds, oldest first, as they are on disk.
    async fn story(&self, id: CallId) -> (Call, Vec<CallEventKind>) {
        self.journal.flush(10 * S).await;
        let page = PageRequest { limit: 200, after: None };
        let mut events = self.store.call_events(TenantId::DEFAULT, id, page).await.unwrap().items;
        events.reverse();
        let call = self.store.call(TenantId::DEFAULT, id).await.unwrap();
        (call, events.into_iter().map(|event| event.kind).collect())
    }

    fn later(&self, by: Duration) {
        self.clock.advance(by);
        self.chronicle.sweep(|_| false);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn facts() -> Facts {
    let (from, to) = ("+15551234567".into(), "+15557654321".into());
    Facts { id: CallId::new(), line: Line::demo(), outbound: false, account: Sid::parse("AC1").unwrap(), from, to }
}

fn end(cause: EndCause) -> EndReport {
    EndReport { cause, progress: Progress { turns: 1, ..Progress::default() } }
}

#[tokio::test]
async fn a_caller_who_hangs_up_ends_the_call_even_where_the_carrier_says_nothing_more() {
    let (rig, sid, id) = Rig::answered("hangs-up").await;
    rig.chronicle.stream_started(&sid, "MZ1");
    rig.chronicle.stream_ended(&sid, &end(EndCause::CarrierStopped));
    rig.later(5 * S);
    assert_eq!(rig.story(id).await.0.state, CallState::Between);
    rig.later(2 * S);
    let (call, kinds) = rig.story(id).await;
    assert_eq!((call.state, call.ended_by), (CallState::Completed, Some(EndedBy::Caller)));
    use CallEventKind::{Answered, Ended, StreamEnded, StreamStarted};
    assert_eq!(kinds, [Answered, StreamStarted, StreamEnded, Ended]);
    assert_eq!(call.quality.unwrap()["turns"], 1);
}

#[tokio::test]
async fn a_process_that_goes_closes_what_is_over_and_leaves_the_rest_to_the_next() {
    let (rig, sid, id) = Rig::answered("close").await;
    let (second, facts) = (Sid::parse("CA2").unwrap(), facts());
    rig.chronicle.answered(&second, &facts);
    rig.chronicle.stream_ended(&sid, &end(EndCause::CarrierStopped));
    rig.chronicle.transferred(&second, 3_600 * S);
    rig.chronicle.close();
    assert_eq!(rig.story(id).await.0.state, CallState::Completed);
    assert_eq!(rig.story(facts.id).await.0.state, CallState::Between);
}

#[tokio::test]
async fn a_call_whose_stream_never_came_is_lost() {
    let (rig, _, id) = Rig::answered("no-stream").await;
    rig.later(59 * S);
    assert_eq!(rig.story(id).await.0.state, CallState::Answered);
    rig.later(S);
    let (call, _) = rig.story(id).await;
    assert_eq!((call.state, call.ended_by), (CallState::Failed, Some(EndedBy::Service)));
}

#[tokio::test]
async fn a_final_report_waits_for_the_stream_that_still_runs() {
    let (rig, sid, id) = Rig::answered("over").await;
    rig.chronicle.stream_started(&sid, "MZ1");
    let over = Outcome::completed(EndedBy::Caller, "completed");
    rig.chronicle.carrier_status(&sid, "completed", Some(over)).await.unwrap();
    assert_eq!(rig.story(id).await.0.state, CallState::Streaming);
    rig.chronicle.stream_ended(&sid, &end(EndCause::CarrierStopped));
    assert_eq!(rig.story(id).await.0.state, CallState::Completed);
}

#[tokio::test]
async fn what_comes_after_the_end_is_told_and_changes_nothing() {
    let (rig, sid, id) = Rig::answered("late").await;
    rig.chronicle.stream_started(&sid, "MZ1");
    rig.chronicle.ended(&sid, Outcome::completed(EndedBy::Agent, "hung up"));
    rig.chronicle.ended(&sid, Outcome::failed("fault"));
    rig.chronicle.stream_ended(&sid, &end(EndCause::AgentHungUp));
    rig.chronicle.carrier_status(&sid, "completed", Some(Outcome::failed("x"))).await.unwrap();
    let (call, kinds) = rig.story(id).await;
    assert_eq!((call.state, call.ended_by), (CallState::Completed, Some(EndedBy::Agent)));
    use CallEventKind::{Answered, CarrierStatus, Ended, StreamEnded, StreamStarted};
    assert_eq!(kinds, [Answered, StreamStarted, Ended, StreamEnded, CarrierStatus]);
    assert!(call.quality.is_some(), "what was measured is kept, however late");
    rig.later(61 * S);
    assert!(rig.chronicle.known(&sid).is_none(), "a minute later it is forgotten");
}

#[tokio::test]
async fn a_transfer_may_take_as_long_as_it_may() {
    let (rig, sid, id) = Rig::answered("transfer").await;
    rig.chronicle.transferred(&sid, 3_600 * S);
    rig.later(3_599 * S);
    assert_eq!(rig.story(id).await.0.state, CallState::Between);
    rig.later(S);
    assert_eq!(rig.story(id).await.0.state, CallState::Completed);
}

#[tokio::test]
async fn a_hang_up_that_somebody_wanted_is_theirs() {
    let (rig, sid, id) = Rig::answered("api").await;
    rig.chronicle.acted(&sid, "hangup").await.unwrap();
    rig.chronicle.ended(&sid, Outcome::completed(EndedBy::Agent, "hung up"));
    let (call, _) = rig.story(id).await;
    assert_eq!(call.ended_by, Some(EndedBy::Api));
}

#[tokio::test]
async fn keys_without_end_are_no_story() {
    let (rig, sid, id) = Rig::answered("keys").await;
    for _ in 0..EVENTS_MAX + 500 {
        rig.chronicle.tell(&sid, Happening::Digit);
        // A thousand at a time is what the journal is given to write.
        if rig.journal.waiting() > 1_000 {
            rig.journal.flush(10 * S).await;
        }
    }
    rig.chronicle.ended(&sid, Outcome::completed(EndedBy::Caller, "hung up"));
    assert_eq!(rig.story(id).await.0.state, CallState::Completed, "the end is told all the same");
    let written = rig.journal.counts().written.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(written, u64::from(EVENTS_MAX) - 1 + 2);
}

#[tokio::test]
async fn live_calls_are_shown_to_their_tenant_only_newest_first() {
    let (rig, _, first) = Rig::answered("live").await;
    let (second, facts) = (Sid::parse("CA2").unwrap(), facts());
    rig.chronicle.answered(&second, &facts);
    let shown: Vec<_> = rig.chronicle.live(TenantId::DEFAULT).iter().map(|call| call.id).collect();
    assert_eq!(shown, [facts.id, first]);
    assert_eq!(rig.chronicle.live(TenantId::new()), []);
    rig.chronicle.ended(&second, Outcome::failed("fault"));
    assert_eq!(rig.chronicle.live(TenantId::DEFAULT).len(), 1);
}

//! What the chronicle promises, on a clock that the tests move, with a real store behind its journal.

mod restart;

use std::path::PathBuf;

use engine::Progress;
use engine::port::EndCause;

use super::*;
use crate::carrier::{CallReport, CallStatus, CarrierError, ErrorCode, Found};
use crate::db::Store;
use crate::model::PageRequest;

const S: Duration = Duration::from_secs(1);
const STREAM_TIMEOUT: Duration = Duration::from_secs(30);

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
        Self { chronicle: Chronicle::new(journal.clone(), STREAM_TIMEOUT, clock.clone()), journal, clock, store, dir }
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

    /// The carrier reports, and is answered: whether it was new.
    async fn reported(&self, sid: &Sid, report: &CallReport) -> bool {
        match self.chronicle.report(sid, None, report) {
            Told::Taken { call, key, again, written } => {
                written.await.unwrap();
                self.chronicle.settled(call, &key, true);
                !again
            }
            Told::Known(_) => false,
            Told::Unread(..) | Told::Stranger => panic!("the call is known"),
        }
    }

    fn later(&self, by: Duration) {
        self.clock.advance(by);
        self.chronicle.sweep(|_| false, |_| false);
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

fn report(status: CallStatus, sequence: u64) -> CallReport {
    CallReport {
        carrier_call_id: "CA1".into(),
        status,
        sequence: Some(sequence),
        at: None,
        duration: None,
        answered_by: None,
        error: None,
        sip: None,
    }
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
async fn what_is_reported_late_keeps_no_call_open() {
    let (rig, sid, id) = Rig::answered("late").await;
    rig.chronicle.stream_started(&sid, "MZ1");
    rig.chronicle.stream_ended(&sid, &end(EndCause::CarrierStopped));
    rig.reported(&sid, &report(CallStatus::InProgress, 2)).await;
    rig.later(7 * S);
    assert_eq!(rig.story(id).await.0.state, CallState::Completed);
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
    rig.reported(&sid, &report(CallStatus::Completed, 0)).await;
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
    rig.reported(&sid, &report(CallStatus::Failed, 0)).await;
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
    rig.chronicle.acted(id, "hangup").await.unwrap();
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

/// A call that we placed, taken by the carrier.
async fn placed(test: &str) -> (Rig, Sid, CallId) {
    let rig = Rig::new(test).await;
    let (id, sid) = rig.place("CA1").await;
    (rig, sid, id)
}

impl Rig {
    async fn place(&self, name: &str) -> (CallId, Sid) {
        let (sid, facts) = (Sid::parse(name).unwrap(), Facts { outbound: true, ..facts() });
        let mut call = self.chronicle.row(&sid, &facts, CallState::Queued);
        call.carrier_call_id = None;
        self.chronicle.queued(call, facts.line);
        self.chronicle.placing(facts.id).await.unwrap();
        self.chronicle.placed(facts.id, &sid, CallStatus::Queued).await.unwrap();
        (facts.id, sid)
    }
}

/// Every order of these.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let mut rest = items.to_vec();
        let first = rest.remove(at);
        orders(&rest).into_iter().map(move |mut order| {
            order.insert(0, first.clone());
            order
        })
    };
    (0..items.len()).flat_map(with_first).collect()
}

#[tokio::test]
async fn reports_in_any_order_end_in_the_state_of_the_true_one() {
    use CallStatus::{Busy, Canceled, Completed, Failed, InProgress, Initiated, NoAnswer, Ringing};
    let lives: [&[CallStatus]; 5] = [
        &[Initiated, Ringing, InProgress, Completed],
        &[Initiated, Ringing, NoAnswer],
        &[Initiated, Busy],
        &[Initiated, Failed],
        &[Initiated, Ringing, Canceled],
    ];
    let rig = Rig::new("orders").await;
    let mut calls = 0;
    for life in lives {
        let reports: Vec<_> = life.iter().zip(0..).map(|(status, at)| report(*status, at)).collect();
        let mut expected = None;
        for order in orders(&reports) {
            calls += 1;
            let (id, sid) = rig.place(&format!("CA{calls}")).await;
            for report in &order {
                assert!(rig.reported(&sid, report).await);
                assert!(!rig.reported(&sid, report).await, "the same again is no other");
            }
            let (call, kinds) = rig.story(id).await;
            let reported = kinds.iter().filter(|kind| **kind == CallEventKind::CarrierStatus).count();
            let ended = kinds.iter().filter(|kind| **kind == CallEventKind::Ended).count();
            assert_eq!((reported, ended), (life.len(), 1), "{order:?}");
            let end = (call.state, call.ended_by);
            assert_eq!(*expected.get_or_insert(end), end, "{order:?}");
        }
        assert!(expected.is_some_and(|(state, _)| state.is_final()));
    }
}

#[tokio::test]
async fn a_call_that_the_carrier_may_have_taken_is_looked_for_until_it_is_found() {
    let rig = Rig::new("unknown").await;
    let (sid, facts) = (Sid::parse("CA9").unwrap(), Facts { outbound: true, ..facts() });
    let mut call = rig.chronicle.row(&sid, &facts, CallState::Queued);
    call.carrier_call_id = None;
    rig.chronicle.queued(call, facts.line);
    rig.chronicle.placing(facts.id).await.unwrap();
    assert!(rig.chronicle.placing(facts.id).await.is_err(), "asked for once");
    let mut error = CarrierError::new(ErrorCode::TwilioTimeout, "no answer");
    error.may_have_happened = true;
    rig.chronicle.not_placed(facts.id, &error).await.unwrap();
    assert_eq!(rig.story(facts.id).await.0.state, CallState::Unknown);
    rig.clock.advance(5 * S);
    let asks = rig.chronicle.sweep(|_| false, |_| true).asks;
    assert_eq!(asks.iter().map(|call| (call.id, &call.carrier_call_id)).collect::<Vec<_>>(), [(facts.id, &None)]);
    rig.chronicle.not_found(facts.id, None);
    rig.clock.advance(5 * S);
    assert_eq!(rig.chronicle.sweep(|_| false, |_| true).asks.len(), 1);
    // A report that brings our id along says which call it is.
    match rig.chronicle.report(&sid, Some(facts.id), &report(CallStatus::Ringing, 1)) {
        Told::Taken { call, .. } => assert_eq!(call, facts.id),
        _ => panic!("it is known"),
    }
    // The answer to a question from before it had a name.
    rig.chronicle.not_found(facts.id, None);
    let (call, _) = rig.story(facts.id).await;
    assert_eq!((call.state, call.carrier_call_id.as_deref()), (CallState::Ringing, Some("CA9")));
}

#[tokio::test]
async fn a_call_that_is_nowhere_is_given_up_after_a_day() {
    let rig = Rig::new("nowhere").await;
    let (sid, facts) = (Sid::parse("CA9").unwrap(), Facts { outbound: true, ..facts() });
    let mut call = rig.chronicle.row(&sid, &facts, CallState::Queued);
    call.carrier_call_id = None;
    rig.chronicle.queued(call, facts.line);
    rig.chronicle.placing(facts.id).await.unwrap();
    let mut looks = 0;
    for _ in 0..24 * 60 + 1 {
        rig.clock.advance(60 * S);
        for ask in rig.chronicle.sweep(|_| false, |_| true).asks {
            looks += 1;
            rig.chronicle.not_found(ask.id, None);
        }
    }
    assert!((1_400..1_440).contains(&looks), "{looks}");
    let (call, _) = rig.story(facts.id).await;
    assert_eq!(call.state, CallState::Failed);
}

#[tokio::test]
async fn a_call_that_was_answered_and_has_no_stream_in_time_has_failed() {
    let rig = Rig::new("streamless").await;
    let (mute, sid) = rig.place("CA1").await;
    let (talks, with_stream) = rig.place("CA2").await;
    for sid in [&sid, &with_stream] {
        rig.reported(sid, &report(CallStatus::InProgress, 1)).await;
    }
    rig.chronicle.stream_started(&with_stream, "MZ1");
    let due = || rig.chronicle.sweep(|_| false, |_| true).streamless.iter().map(|call| call.id).collect::<Vec<_>>();
    rig.clock.advance(STREAM_TIMEOUT - S);
    assert_eq!(due(), []);
    rig.clock.advance(S);
    assert_eq!((due(), due()), (vec![mute], vec![]), "once");
    assert!(rig.chronicle.no_stream_came(mute) && !rig.chronicle.no_stream_came(talks));
    rig.reported(&sid, &report(CallStatus::Completed, 2)).await;
    let (call, kinds) = rig.story(mute).await;
    assert_eq!((call.state, call.details.error.unwrap().code.as_str()), (CallState::Failed, "twilio_stream_failed"));
    assert!(kinds.contains(&CallEventKind::Ended));
    assert_eq!(rig.chronicle.outcomes().failed(), [("twilio_stream_failed".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_call_that_two_reports_make_known_at_once_is_one() {
    let rig = Rig::new("strange").await;
    let sid = Sid::parse("CA1").unwrap();
    // Both have looked before either has told.
    let (one, two) = (facts(), facts());
    rig.chronicle.strange(&sid, &one);
    rig.chronicle.strange(&sid, &two);
    assert_eq!(rig.chronicle.live(TenantId::DEFAULT).iter().map(|call| call.id).collect::<Vec<_>>(), [one.id]);
}

#[tokio::test]
async fn what_is_reported_of_a_refused_call_is_of_that_call() {
    let (rig, sid, facts) = (Rig::new("refused").await, Sid::parse("CA1").unwrap(), facts());
    assert!(rig.chronicle.refused(&sid, &facts, "full"));
    assert!(rig.reported(&sid, &report(CallStatus::Busy, 0)).await);
    let (call, kinds) = rig.story(facts.id).await;
    assert_eq!((call.state, call.ended_by), (CallState::Refused, Some(EndedBy::Service)));
    assert_eq!(kinds, [CallEventKind::Refused, CallEventKind::CarrierStatus]);
}

#[tokio::test]
async fn what_is_on_no_disk_was_not_heard() {
    let (rig, sid, id) = placed("unheard").await;
    let Told::Taken { call, key, .. } = rig.chronicle.report(&sid, None, &report(CallStatus::Ringing, 1)) else {
        panic!("it is known")
    };
    let again = rig.chronicle.report(&sid, None, &report(CallStatus::Ringing, 1));
    assert!(matches!(again, Told::Taken { again: true, .. }), "not acknowledged before it is on disk");
    rig.chronicle.settled(call, &key, false);
    assert!(rig.reported(&sid, &report(CallStatus::Ringing, 1)).await, "said again, it is new");
    assert_eq!(rig.story(id).await.0.state, CallState::Ringing);
}

#[tokio::test]
async fn the_carrier_is_asked_about_a_call_that_nobody_speaks_for() {
    let (rig, sid, id) = placed("silent").await;
    let found = |status| Found {
        carrier_call_id: sid.as_str().into(),
        status,
        begun: None,
        duration: Some(3 * S),
        answered_by: None,
    };
    rig.clock.advance(61 * S);
    assert_eq!(rig.chronicle.sweep(|_| false, |_| true).asks.len(), 1);
    rig.chronicle.found(id, &found(CallStatus::InProgress));
    assert_eq!(rig.story(id).await.0.state, CallState::Answered);
    rig.clock.advance(61 * S);
    // It has no stream, for which it is asked about, too.
    assert_eq!(rig.chronicle.sweep(|_| false, |_| true).streamless.len(), 1);
    rig.chronicle.found(id, &found(CallStatus::Completed));
    let (call, _) = rig.story(id).await;
    assert_eq!((call.state, call.details.duration_s), (CallState::Completed, Some(3)));
}

/// Numbers that look random, the same for the same seed (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A life, and what of it arrives, in which order: some of it lost, some repeated, some late.
fn mishaps(dice: &mut Dice) -> (CallStatus, Vec<CallReport>) {
    use CallStatus::{Busy, Canceled, Completed, Failed, InProgress, Initiated, NoAnswer, Queued, Ringing};
    let lives: [&[CallStatus]; 6] = [
        &[Initiated, Ringing, InProgress, Completed],
        &[Queued, Initiated, Ringing, InProgress, Completed],
        &[Initiated, Ringing, NoAnswer],
        &[Initiated, Ringing, Busy],
        &[Initiated, Failed],
        &[Queued, Initiated, Ringing, Canceled],
    ];
    let life = lives[dice.below(6) as usize];
    let mut arriving = Vec::new();
    for (status, place) in life.iter().zip(0..) {
        let times = [0, 1, 1, 1, 2, 3][dice.below(6) as usize];
        arriving.extend((0..times).map(|_| report(*status, place)));
    }
    for at in (1..arriving.len()).rev() {
        arriving.swap(at, dice.below(at as u64 + 1) as usize);
    }
    (*life.last().unwrap(), arriving)
}

/// One call through its mishaps; what was lost of its end, the carrier says when it is asked.
async fn live_through(rig: &Rig, n: usize, end: CallStatus, arriving: &[CallReport]) -> (CallId, usize) {
    let (id, sid) = rig.place(&format!("CA{n}")).await;
    let mut kinds = std::collections::HashSet::new();
    for report in arriving {
        assert_eq!(rig.reported(&sid, report).await, kinds.insert(report.sequence), "call {n}: {report:?}");
    }
    if !arriving.iter().any(|report| report.status.is_final()) {
        let (carrier_call_id, duration, answered_by) = (sid.as_str().to_owned(), None, None);
        rig.chronicle.found(id, &Found { carrier_call_id, status: end, begun: None, duration, answered_by });
    }
    (id, kinds.len())
}

#[tokio::test]
async fn calls_end_in_the_right_state_whatever_is_lost_repeated_late_or_overtaken() {
    const AT_ONCE: usize = 100;
    // docs/testing.md has the long form.
    let calls: usize = std::env::var("OFFHOOK_TEST_SEQUENCES").map_or(1_000, |count| count.parse().unwrap());
    let rig = Rig::new("mishaps").await;
    let mut dice = Dice(7);
    for round in 0..calls.div_ceil(AT_ONCE) {
        let lives: Vec<_> = (0..AT_ONCE).map(|_| mishaps(&mut dice)).collect();
        let calls = lives
            .iter()
            .enumerate()
            .map(|(n, (end, arriving))| live_through(&rig, round * AT_ONCE + n, *end, arriving));
        let calls = futures_util::future::join_all(calls).await;
        rig.journal.flush(30 * S).await;
        for ((id, heard), (end, arriving)) in calls.iter().zip(&lives) {
            let call = rig.store.call(TenantId::DEFAULT, *id).await.unwrap();
            let outcome = Outcome::reported(*end, Direction::Outbound).unwrap();
            assert_eq!((call.state, call.ended_by), (outcome.state, Some(outcome.by)), "{arriving:?}");
            let keys = rig.store.carrier_keys(TenantId::DEFAULT, *id).await.unwrap();
            assert_eq!(keys.len(), *heard, "each report is there once: {arriving:?}");
        }
    }
}

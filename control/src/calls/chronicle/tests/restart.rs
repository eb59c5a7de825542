//! What a process that was killed leaves, and what the next one makes of it.

use super::*;

/// What the next process makes of what this one left.
fn restarted(rig: &Rig, calls: Vec<Call>) -> Chronicle {
    let next = Chronicle::new(rig.journal.clone(), STREAM_TIMEOUT, rig.clock.clone());
    next.adopt(calls, |_| Line::demo(), |_| true);
    next
}

#[tokio::test]
async fn a_stream_dies_with_its_process_and_its_call_ends_when_the_carrier_says_so() {
    let (rig, sid, id) = Rig::answered("killed").await;
    rig.chronicle.stream_started(&sid, "MZ1");
    let (left, _) = rig.story(id).await;
    assert_eq!(left.state, CallState::Streaming);
    let told = restarted(&rig, vec![left.clone()]);
    told.remember(id, Vec::new());
    match told.report(&sid, None, &report(CallStatus::Completed, 0)) {
        Told::Taken { written, .. } => written.await.unwrap(),
        _ => panic!("it is known"),
    }
    assert_eq!(told.call(id).unwrap().state, CallState::Completed);
    let asked = restarted(&rig, vec![left]);
    assert_eq!(asked.sweep(|_| false, |_| true).asks.len(), 1);
    let (status, begun, duration, answered_by) = (CallStatus::Completed, None, None, None);
    asked.found(id, &Found { carrier_call_id: sid.as_str().into(), status, begun, duration, answered_by });
    assert_eq!(asked.call(id).unwrap().state, CallState::Completed);
    assert_eq!(rig.story(id).await.0.state, CallState::Completed);
}

#[tokio::test]
async fn a_call_that_a_process_died_over_is_looked_for_a_quarter_of_a_minute() {
    let rig = Rig::new("orphan").await;
    let (sid, facts) = (Sid::parse("CA9").unwrap(), Facts { outbound: true, ..facts() });
    let call = Call { carrier_call_id: None, ..rig.chronicle.row(&sid, &facts, CallState::Unknown) };
    let next = restarted(&rig, vec![call]);
    for s in 0..15 {
        next.sweep(|_| false, |_| true).asks.iter().for_each(|ask| next.not_found(ask.id, None));
        assert_eq!(next.call(facts.id).unwrap().state, CallState::Unknown, "after {s} s");
        rig.clock.advance(S);
    }
    next.sweep(|_| false, |_| true).asks.iter().for_each(|ask| next.not_found(ask.id, None));
    assert_eq!(next.call(facts.id).unwrap().state, CallState::Failed);
}

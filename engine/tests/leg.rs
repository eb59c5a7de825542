//! A leg from greeting to goodbye, on a virtual clock, beside a carrier that buffers, marks and clears.

mod rig;

use engine::leg::Input;
use engine::port::{AgentEvent, EndCause, Playout};
use engine::time::Samples;
use proptest::prelude::*;
use rig::Rig;

fn played(event: &AgentEvent) -> bool {
    matches!(event, AgentEvent::Played { .. })
}

#[test]
fn a_clip_is_played_whole_and_reported_once() {
    let mut rig = Rig::new(20);
    let utterance = rig.say(3_000, true);
    rig.run(4_000, false);
    let heard = Samples::from_millis(3_000);
    assert_eq!(rig.seen(played), [AgentEvent::Played { utterance, playout: Playout::Finished, heard }]);
    assert_eq!(rig.played, heard.0);
    assert_eq!(rig.leg.ledger().heard(), heard);
}

#[test]
fn an_agent_that_takes_its_time_to_finish_does_not_make_the_network_slower() {
    let mut rig = Rig::new(20);
    for _ in 0..10 {
        rig.begin(400, true);
        rig.run(1_500, false);
        rig.finish();
        rig.run(200, false);
    }
    let round_trip_ms = rig.leg.progress().quality.round_trip_ms;
    assert!((38..=50).contains(&round_trip_ms), "{round_trip_ms} ms for 20 ms each way");
}

#[test]
fn only_a_lead_waits_at_the_carrier() {
    let mut rig = Rig::new(20);
    rig.say(10_000, true);
    rig.run(5_000, false);
    let ahead = rig.leg.ledger().queued().0 - rig.played;
    assert!((1_600..=3_600).contains(&ahead), "{ahead} samples ahead of the caller's ear");
}

#[test]
fn a_voice_interrupts_and_the_agent_is_told_how_much_was_heard() {
    let mut rig = Rig::new(30);
    let utterance = rig.say(10_000, true);
    rig.run(2_000, false);
    rig.run(60, true);
    rig.run(1_000, false);
    let Some(AgentEvent::BargeIn { utterance: cut, heard }) =
        rig.seen(|event| matches!(event, AgentEvent::BargeIn { .. })).first().copied()
    else {
        panic!("no barge-in in {:?}", rig.events);
    };
    assert_eq!(cut, utterance);
    assert_eq!(rig.clears, 1);
    // The clear took 30 ms to get there, in which the caller heard a little more than was known.
    let truth = rig.played;
    assert!(heard.0 <= truth && truth - heard.0 <= 1_000, "said {}, played {truth}", heard.0);
    assert_eq!(rig.seen(played), [AgentEvent::Played { utterance, playout: Playout::Cut, heard }]);
    let (queued, settled) = (rig.leg.ledger().queued(), rig.leg.ledger().settled());
    assert_eq!(queued, settled, "nothing is left open");
    assert_eq!(rig.played + rig.thrown_away, queued.0, "no sample is sent after the clear that was queued before it");
}

#[test]
fn what_was_queued_behind_an_interrupted_utterance_never_sounds() {
    let mut rig = Rig::new(20);
    rig.say(4_000, true);
    rig.say(4_000, true);
    rig.run(1_000, false);
    rig.run(60, true);
    let at_the_cut = rig.played;
    rig.run(3_000, false);
    assert!(rig.played - at_the_cut <= 800, "{} samples after the cut", rig.played - at_the_cut);
    assert_eq!(rig.seen(played).len(), 2, "both are over: {:?}", rig.events);
}

#[test]
fn what_the_agent_says_after_it_knows_of_the_interruption_is_heard() {
    let mut rig = Rig::new(20);
    rig.say(10_000, true);
    rig.run(1_000, false);
    rig.run(60, true);
    rig.run(600, false);
    let answer = rig.say(1_000, true);
    rig.run(2_000, false);
    let heard = Samples::from_millis(1_000);
    let last = AgentEvent::Played { utterance: answer, playout: Playout::Finished, heard };
    assert_eq!(rig.seen(played).last(), Some(&last));
}

#[test]
fn an_uninterruptible_passage_is_played_through() {
    let mut rig = Rig::new(20);
    rig.say(2_000, false);
    rig.run(1_000, false);
    rig.run(400, true);
    rig.run(2_000, false);
    assert_eq!((rig.clears, rig.played), (0, 16_000));
    assert!(rig.seen(|event| *event == AgentEvent::TurnStarted).len() == 1, "the turn is heard all the same");
}

#[test]
fn an_agent_can_stop_itself_and_go_on_at_once() {
    let mut rig = Rig::new(20);
    rig.say(10_000, true);
    rig.run(1_000, false);
    rig.stop_speaking();
    let answer = rig.say(500, true);
    rig.run(1_500, false);
    assert_eq!(rig.clears, 1);
    let heard = Samples::from_millis(500);
    let last = AgentEvent::Played { utterance: answer, playout: Playout::Finished, heard };
    assert_eq!(rig.seen(played).last(), Some(&last));
}

#[test]
fn hanging_up_waits_for_the_last_word() {
    let mut rig = Rig::new(50);
    rig.say(1_000, false);
    rig.hang_up();
    rig.run(900, false);
    assert_eq!(rig.closed, None);
    rig.run(400, false);
    assert_eq!(rig.closed, Some(1000));
    assert_eq!(rig.played, 8_000);
    assert_eq!(rig.events.last().map(|(_, event)| *event), Some(AgentEvent::Ended(EndCause::AgentHungUp)));
}

#[test]
fn a_carrier_that_returns_no_marks_is_replaced_by_the_clock() {
    let mut rig = Rig::new(20);
    rig.returns_marks = false;
    rig.say(1_000, true);
    rig.hang_up();
    rig.run(4_000, false);
    assert_eq!(rig.closed, Some(1000));
    assert!(rig.leg.progress().quality.marks_missing > 0);
}

#[test]
fn a_line_that_falls_silent_is_probed_and_then_given_up() {
    let mut rig = Rig::new(20);
    rig.silence_of_the_line(25_000);
    assert_eq!(rig.closed, None, "it answered the probe");
    rig.returns_marks = false;
    rig.silence_of_the_line(25_000);
    assert_eq!(rig.closed, Some(1001));
    assert_eq!(rig.leg.ended(), Some(EndCause::SocketLost));
}

#[test]
fn an_agent_that_is_gone_leaves_its_last_words_to_be_heard() {
    let mut rig = Rig::new(20);
    rig.say(1_000, true);
    rig.run(800, false);
    rig.give(Input::AgentGone);
    assert_eq!(rig.closed, None);
    rig.run(1_000, false);
    assert_eq!((rig.closed, rig.leg.ended(), rig.played), (Some(1000), Some(EndCause::AgentGone), 8_000));
}

#[test]
fn after_the_end_nothing_happens_any_more() {
    let mut rig = Rig::new(20);
    rig.give(Input::Stop);
    let events = rig.events.len();
    rig.run(1_000, true);
    assert_eq!(rig.events.len(), events);
}

/// One move of a call that does anything.
#[derive(Debug, Clone, Copy)]
enum Move {
    Say(u64, bool),
    Stop,
    Voice(u64),
    Quiet(u64),
    Stall(u64),
}

fn any_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (1..150u64, any::<bool>()).prop_map(|(frames, interruptible)| Move::Say(frames * 20, interruptible)),
        1 => Just(Move::Stop),
        2 => (1..30u64).prop_map(|frames| Move::Voice(frames * 20)),
        3 => (1..100u64).prop_map(|frames| Move::Quiet(frames * 20)),
        1 => (1..1_000u64).prop_map(Move::Stall),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens, the ledger's order holds at every instant (the rig checks), every utterance is over exactly
    /// once, and the ledger never claims more than the carrier played plus what is on its way.
    #[test]
    fn every_utterance_is_over_once_and_nothing_is_claimed_that_was_not_played(
        one_way in 0..120u64,
        moves in prop::collection::vec(any_move(), 1..25),
    ) {
        let mut rig = Rig::new(one_way);
        let mut said = 0;
        for step in moves {
            match step {
                Move::Say(ms, interruptible) => {
                    rig.say(ms, interruptible);
                    said += 1;
                }
                Move::Stop => rig.stop_speaking(),
                Move::Voice(ms) => rig.run(ms, true),
                Move::Quiet(ms) => rig.run(ms, false),
                Move::Stall(ms) => rig.silence_of_the_line(ms),
            }
        }
        rig.run(90_000, false);
        let mut over: Vec<u32> = rig.seen(played).iter().filter_map(|event| match event {
            AgentEvent::Played { utterance, .. } => Some(utterance.0),
            _ => None,
        }).collect();
        over.sort_unstable();
        prop_assert_eq!(over, (1..=said).collect::<Vec<_>>());
        let heard = rig.leg.ledger().heard().0;
        prop_assert!(heard <= rig.played, "claimed {} of {} played", heard, rig.played);
    }
}

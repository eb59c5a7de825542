//! Faults of the line, on a virtual clock: what reaches the server, and when.

use crate::support::Fault;
use crate::support::world::World;
use loadtest::call::event::What;
use loadtest::call::model::Call;
use loadtest::report::verdict::{Outcome, judge};
use loadtest::time::Micros;
use serde_json::Value;

/// A call of three seconds with this fault, and the frames that reached the server: arrival, time stamp, chunk.
fn frames(fault: &str) -> (Call, Vec<(Micros, u64, u64)>) {
    let script = format!("about = \"x\"\n[[step]]\nsilence_ms = 3000\n[[fault]]\n{fault}");
    let (call, world) = World::play(&script, 1, Fault::None);
    let number = |value: &Value| value.as_str().unwrap().parse().unwrap();
    let frame = |(at, text): &(Micros, String)| {
        let message: Value = serde_json::from_str(text).unwrap();
        let media = message.get("media")?;
        Some((*at, number(&media["timestamp"]), number(&media["chunk"])))
    };
    let frames = world.arrived.iter().filter_map(frame).collect();
    (call, frames)
}

#[test]
fn a_stall_sends_nothing_and_then_everything_with_its_own_time_stamps() {
    let (call, frames) = frames("kind = \"stall\"\nat_ms = 1000\nfor_ms = 1000");
    let start = call.measures.start.unwrap();
    let at = |from: u64, to: u64| {
        let inside = |at: Micros| (from..to).contains(&(at.since(start).0 / 1_000));
        frames.iter().filter(|f| inside(f.0)).count()
    };
    assert_eq!((at(1_010, 2_000), at(2_000, 2_012)), (0, 51), "a second of frames, and the one just due");
    let stamps: Vec<u64> = frames.iter().map(|f| f.1).collect();
    assert_eq!(stamps, (0..frames.len() as u64).map(|n| n * 20).collect::<Vec<_>>(), "none is lost or renumbered");
    assert!(call.events.iter().any(|e| matches!(&e.what, What::Fault { text } if text.contains("then all at once"))));
}

#[test]
fn lost_frames_leave_a_gap_in_the_time_stamps_but_not_in_the_counters() {
    let (call, frames) = frames("kind = \"loss\"\nat_ms = 0\npercent = 20");
    assert!((15..50).contains(&call.measures.frames_lost), "{}", call.measures.frames_lost);
    let gaps = frames.windows(2).filter(|pair| pair[1].1 - pair[0].1 > 20).count();
    assert!(gaps > 10, "{gaps}");
    assert!(frames.windows(2).all(|pair| pair[1].2 == pair[0].2 + 1), "chunks count what was sent");
    assert_eq!(frames.last().unwrap().1 / 20 + 1, call.measures.frames_lost + frames.len() as u64);
}

#[test]
fn jitter_delays_but_keeps_the_order_and_is_the_same_for_the_same_seed() {
    let fault = "kind = \"jitter\"\nat_ms = 0\nup_to_ms = 80";
    let (call, one) = frames(fault);
    assert_eq!(one, frames(fault).1);
    let start = call.measures.start.unwrap();
    let late = |f: &(Micros, u64, u64)| f.0.since(start).0 / 1_000 - f.1 - 20;
    assert!(one.iter().map(late).max().unwrap() > 60, "somebody is late");
    assert!(one.iter().all(|f| late(f) <= 90), "nobody is later than that");
    assert!(one.is_sorted_by_key(|f| f.2));
}

#[test]
fn a_hanging_connection_neither_sends_nor_hears_until_the_end() {
    let (call, frames) = frames("kind = \"half_open\"\nat_ms = 1000");
    assert!((49..=51).contains(&frames.len()), "{}", frames.len());
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    let ended = call.events.iter().any(|e| matches!(&e.what, What::StreamEnded { why, .. } if why.contains("hung")));
    assert!(ended, "{:#?}", call.events);
}

#[test]
fn a_reset_goes_on_with_the_twiml_behind_the_stream() {
    let (call, _) = frames("kind = \"reset\"\nat_ms = 1000");
    assert_eq!(call.ended.as_deref(), Some("<Hangup>"), "{:#?}", call.events);
}

#[test]
fn a_server_that_speaks_with_a_second_socket_misses_the_expectation() {
    let script = "about = \"x\"\n[[step]]\nsilence_ms = 2000\n[[fault]]\nkind = \"second_socket\"\nat_ms = 500";
    assert_eq!(judge(&World::run(script, 1, Fault::None)), Outcome::Good);
    let Outcome::Missed(causes) = judge(&World::run(script, 1, Fault::OpenDoor)) else { panic!("nothing missed") };
    assert!(causes[0].contains("seen, as with the first"), "{causes:?}");
}

#[test]
fn hanging_up_in_mid_word_ends_the_call_there() {
    let script = "about = \"x\"\n[[step]]\nsay = \"en/all-circuits-busy-now\"\n[[step]]\nsilence_ms = 9000\n\
        [[fault]]\nkind = \"hang_up\"\nat_step = 1\nafter_ms = 700";
    let call = World::run(script, 1, Fault::None);
    assert_eq!(judge(&call), Outcome::Good, "{:#?}", call.events);
    assert!(call.ended.as_deref().unwrap().contains("in the middle of it"), "{:?}", call.ended);
    let begun = call.measures.start.unwrap();
    assert!(call.events.last().unwrap().at.since(begun) < Micros::from_ms(900));
}

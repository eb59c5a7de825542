//! Whole calls on a virtual clock: the model against the minimal server, without a socket, in no time.

use crate::support::Fault;
use crate::support::world::{NETWORK, World};
use loadtest::call::event::What;
use loadtest::call::model::Call;
use loadtest::report::verdict::{Outcome, judge, warnings};
use loadtest::time::Micros;

fn good(script: &str, seed: u64) -> Call {
    let call = World::run(script, seed, Fault::None);
    assert_eq!(judge(&call), Outcome::Good, "{script}: {:#?}", call.events);
    call
}

#[test]
fn the_default_script_passes_against_a_server_that_does_its_part() {
    let call = good("default", 1);
    assert!(call.events.iter().any(|e| matches!(&e.what, What::Transfer { to } if to == "+14155550123")));
    assert_eq!(call.measures.barges.iter().filter(|b| b.meant && b.clear_after.is_some()).count(), 2);
    assert_eq!(call.measures.false_clears, 0);
}

#[test]
fn every_clip_is_interrupted_with_within_its_own_onset() {
    for seed in 0..40 {
        let call = good("interrupt", seed);
        let barge = &call.measures.barges[0];
        let after = barge.clear_after.unwrap();
        // The bot needs one loud frame; soft beginnings need a few more. Never before the frame can have arrived.
        assert!(after >= NETWORK + NETWORK && after < Micros::from_ms(250), "{} after {after}", barge.clip);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let (one, two) = (World::run("noise", 5, Fault::None), World::run("noise", 5, Fault::None));
    assert_eq!(one.events, two.events);
    assert_eq!(one.record, two.record);
    assert_ne!(one.record.said, World::run("noise", 6, Fault::None).record.said);
}

#[test]
fn the_echo_comes_back_and_is_recognised() {
    good("echo", 1);
}

#[test]
fn goodbye_is_said_by_the_server() {
    let call = good("goodbye", 1);
    assert_eq!(call.ended.as_deref(), Some("<Hangup>"));
}

#[test]
fn a_deaf_server_is_caught() {
    let call = World::run("interrupt", 1, Fault::Deaf);
    let Outcome::Missed(causes) = judge(&call) else { panic!("{:?}", call.events) };
    assert!(causes[0].contains("no clear within 500.0 ms"), "{causes:?}");
    assert_eq!(call.measures.barges[0].clear_after, None);
}

#[test]
fn what_is_optional_is_looked_for_but_not_required() {
    let steps = "[[step]]\nexpect = \"transfer\"\nwithin_ms = 500\noptional = true\n[[step]]\nsilence_ms = 100";
    let call = good(&format!("about = \"x\"\n{steps}"), 1);
    let seen = call.events.iter().any(|e| matches!(&e.what, What::Verdict(v) if v.optional && !v.ok));
    assert!(seen, "{:#?}", call.events);
}

#[test]
fn a_nervous_server_is_caught() {
    let script = "about = \"x\"\nforbid = [\"false_clears\"]\n[[step]]\nsilence_ms = 3000";
    let call = World::run(script, 1, Fault::Nervous);
    assert_eq!(call.measures.false_clears, 1);
    assert!(matches!(judge(&call), Outcome::Missed(_)));
}

#[test]
fn a_sloppy_server_gets_each_warning_once() {
    let script = "about = \"x\"\nforbid = [\"warnings\"]\n[[step]]\nsilence_ms = 1000";
    let call = World::run(script, 1, Fault::Sloppy);
    assert_eq!((warnings(&call), call.measures.messages_refused), (2, 3));
    assert!(matches!(judge(&call), Outcome::Missed(_)));
}

#[test]
fn what_was_heard_ends_where_the_clear_came() {
    let call = good("interrupt", 3);
    let clear = call.events.iter().find(|e| matches!(e.what, What::Clear { .. })).unwrap().at;
    let start = call.measures.start.unwrap();
    let heard = &call.record.heard;
    let at = usize::try_from(clear.since(start).samples()).unwrap();
    assert!(heard[at.saturating_sub(100)..at - 1].iter().all(|&b| b != 0xFF));
    assert!(heard.len() <= at + 1 || heard[at + 1] == 0xFF, "sound behind the clear");
}

#[test]
fn silence_is_sent_as_comfort_noise_in_every_frame() {
    let call = good("about = \"x\"\n[[step]]\nsilence_ms = 2000", 9);
    assert!((98..=101).contains(&call.measures.frames_sent), "{}", call.measures.frames_sent);
    let frames = call.record.said.chunks(160);
    assert!(frames.into_iter().all(|f| f.iter().any(|&b| b != f[0])), "a frame of digital silence");
}

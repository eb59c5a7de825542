//! Each invariant has a fault planted that breaks it, and the simulation finds it within a thousand calls.

use engine::Planted;
use engine::stepped::Ears;
use sim::check::Invariant;
use sim::{Options, run};

/// How many calls may be needed.
const CALLS_MAX: usize = 1_000;

/// Simulates world after world until `fault` is found as a break of `invariant`.
fn is_found(fault: Planted, invariant: Invariant) {
    sim::quiet_planted_panics();
    let options = Options { ears: Ears::Labels, planted: Some(fault), ..Options::default() };
    let mut calls = 0;
    for seed in 1.. {
        let outcome = run(seed, &options);
        calls += outcome.calls;
        if let Some(violation) = outcome.violations.iter().find(|violation| violation.invariant == invariant) {
            println!("{fault:?} is found within {calls} calls: {violation}");
            return;
        }
        assert!(calls < CALLS_MAX, "{fault:?} was not found in {calls} calls");
    }
}

#[test]
fn a_frame_that_is_lost_and_not_counted_is_found() {
    is_found(Planted::LosesFrames, Invariant::Frames);
}

#[test]
fn sound_behind_the_clear_that_cut_it_is_found() {
    is_found(Planted::GoesOn, Invariant::Clear);
}

#[test]
fn a_cleared_mark_that_counts_as_played_is_found() {
    is_found(Planted::BelievesMarks, Invariant::Clear);
}

#[test]
fn a_ledger_that_claims_what_nobody_heard_is_found() {
    is_found(Planted::HearsAhead, Invariant::Ledger);
}

#[test]
fn a_panic_that_spreads_to_other_calls_is_found() {
    is_found(Planted::Spreads, Invariant::Isolation);
}

#[test]
fn a_queue_that_grows_is_found() {
    is_found(Planted::Floods, Invariant::Bounds);
}

#[test]
fn a_call_that_is_admitted_without_a_place_is_found() {
    is_found(Planted::Overbooks, Invariant::Admission);
}

#[test]
fn a_wake_that_is_lost_is_found() {
    is_found(Planted::LosesWakes, Invariant::Silence);
}

#[test]
fn a_slot_that_is_not_given_back_is_found() {
    is_found(Planted::ForgetsAgents, Invariant::Ends);
}

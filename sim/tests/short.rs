//! Some dozens of calls: no invariant is broken, and any seed repeats itself exactly.

use engine::stepped::Ears;
use sim::{Options, Outcome, run};

/// Fails with the command that shows what happened.
fn holds(outcome: &Outcome) {
    let told: Vec<_> = outcome.violations.iter().map(ToString::to_string).collect();
    let call = outcome.violations.iter().find_map(|violation| violation.call).unwrap_or(0);
    assert!(
        told.is_empty(),
        "seed {seed}:\n{}\nits timeline: cargo run -p sim -- --seed {seed} --call {call}",
        told.join("\n"),
        seed = outcome.seed
    );
}

#[test]
fn random_calls_break_no_invariant() {
    sim::quiet_planted_panics();
    let outcomes: Vec<_> = (1..=3).map(|seed| run(seed, &Options::default())).collect();
    outcomes.iter().for_each(holds);
    let interruptions: u64 = outcomes.iter().map(|outcome| outcome.counts[0]).sum();
    assert!(interruptions > 20, "{interruptions} interruptions: nothing happens in these worlds");
}

#[test]
fn labelled_calls_break_no_invariant() {
    sim::quiet_planted_panics();
    let options = Options { ears: Ears::Labels, ..Options::default() };
    (1_001..=1_008).for_each(|seed| holds(&run(seed, &options)));
}

#[test]
fn a_seed_repeats_itself_ten_times_out_of_ten() {
    sim::quiet_planted_panics();
    // By labels without a wire, by labels with one, by a detector.
    let worlds = [(7, Ears::Labels, 4), (33, Ears::Labels, 4), (256, Ears::Labels, 2), (7, Ears::Detector, 2)];
    for (seed, ears, calls) in worlds {
        let options = Options { ears, calls, ..Options::default() };
        let first = run(seed, &options);
        for _ in 1..10 {
            assert_eq!(run(seed, &options).digest, first.digest, "seed {seed}");
        }
        assert_ne!(run(seed + 1, &options).digest, first.digest);
    }
}

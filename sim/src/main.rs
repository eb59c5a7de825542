//! The command: many worlds, or the timeline of one call.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use engine::stepped::Ears;
use engine::time::Instant;
use sim::{Options, Outcome, Plan, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whole calls on a virtual clock: the carrier's model, the engine and the agent together.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// The first seed; without --calls only its world is simulated, and told.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The call whose timeline is told.
    #[arg(long)]
    call: Option<usize>,
    /// Simulate world after world until there were so many calls.
    #[arg(long)]
    calls: Option<usize>,
    /// Callers are heard by labels instead of by their sound.
    #[arg(long)]
    labels: bool,
    /// Nothing goes wrong: for figures.
    #[arg(long)]
    calm: bool,
    /// Calls of each world; by default the seed draws them.
    #[arg(long, default_value_t = 0)]
    together: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        ears: if arguments.labels { Ears::Labels } else { Ears::Detector },
        calm: arguments.calm,
        calls: arguments.together,
        planted: None,
        told: arguments.call,
    };
    sim::quiet_planted_panics();
    match arguments.calls {
        Some(calls) => many(arguments.seed, calls, &options),
        None => one(arguments.seed, &options),
    }
}

/// Worlds that may go wrong before there is enough to look at.
const FAILED_MAX: usize = 5;

fn many(first: u64, calls: usize, options: &Options) -> ExitCode {
    let (mut sum, mut failed) = (Sum::default(), 0);
    for seed in first.. {
        let outcome = run(seed, options);
        sum.add(&outcome);
        if !outcome.violations.is_empty() {
            complain(&outcome);
            failed += 1;
        }
        if sum.calls >= calls || failed >= FAILED_MAX {
            break;
        }
    }
    println!("{sum:?}");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, options: &Options) -> ExitCode {
    let plan = Plan::draw(seed, options);
    let told = options.told.or_else(|| run(seed, options).violations.iter().find_map(|found| found.call));
    let outcome = run(seed, &Options { told: told.or(Some(0)), ..*options });
    let Plan { slots, tick, stalls, panics, calls, .. } = &plan;
    println!("seed {seed}: {} calls, {slots} slots, tick {tick:?}, stalls {stalls:?}, panics {panics:?}", calls.len());
    let call = told.unwrap_or(0);
    if let Some(plan) = calls.get(call) {
        println!("call {call}: {plan:?}");
    }
    for (at, what) in &outcome.timeline {
        println!("{:10.3}  {what}", seconds(*at, plan.begins));
    }
    println!("digest {:016x}", outcome.digest);
    for violation in &outcome.violations {
        println!("{:10.3}  {violation}", seconds(violation.at, plan.begins));
    }
    if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn complain(outcome: &Outcome) {
    for violation in &outcome.violations {
        eprintln!("seed {}: {violation}", outcome.seed);
    }
    let call = outcome.violations.iter().find_map(|violation| violation.call).unwrap_or(0);
    eprintln!("its timeline: cargo run -p sim -- --seed {} --call {call}", outcome.seed);
}

fn seconds(at: Instant, begins: Instant) -> f64 {
    at.since(begins).as_secs_f64()
}

#[derive(Debug, Default)]
#[allow(dead_code, reason = "shown by its Debug")]
struct Sum {
    worlds: usize,
    calls: usize,
    call_time: Duration,
    frames: u64,
    frames_lost: u64,
    barge_ins: u64,
    turns: u64,
    streams: u64,
    refused: u64,
    faults: u64,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.worlds += 1;
        self.calls += outcome.calls;
        self.call_time += outcome.call_time;
        self.frames += outcome.frames[0];
        self.frames_lost += outcome.frames[1];
        let [barge_ins, turns, streams, refused, faults] = outcome.counts;
        self.barge_ins += barge_ins;
        self.turns += turns;
        self.streams += streams;
        self.refused += refused;
        self.faults += faults;
    }
}

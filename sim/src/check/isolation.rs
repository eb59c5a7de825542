//! Invariant 4: one call's panic ends that call; one worker's panic sends its calls to rescue; nobody else notices.

use engine::Stats;

use super::{Found, Invariant};

/// What went wrong in a world, and who paid for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Toll {
    /// Panics planted in a call's step that were met.
    pub steps: u64,
    /// Calls that had a seat when a panic planted in a tick was met.
    pub seated: u64,
    /// Panics planted in ticks that were met.
    pub ticks: u64,
    /// Calls that ended by a fault of the engine's.
    pub faults: u64,
}

/// Asked when the world is over.
pub fn world(toll: &Toll, stats: &Stats, found: &mut Found) {
    let Toll { steps, seated, ticks, faults } = *toll;
    if stats.panics != steps || stats.workers_failed != ticks {
        let what = format!(
            "{steps} steps and {ticks} ticks panicked; {} and {} were counted",
            stats.panics, stats.workers_failed
        );
        found.push((Invariant::Isolation, what));
    }
    // A call that had ended by itself and waited for its socket is not ended once more.
    if faults > steps + seated {
        let what = format!("{faults} calls ended by a fault, {steps} had one and {seated} sat on a worker that failed");
        found.push((Invariant::Isolation, what));
    }
}

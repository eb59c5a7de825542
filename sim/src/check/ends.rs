//! Every call ends, its end is told once to everybody, and everything is given back.

use engine::Stats;

use super::{Found, Invariant};

/// What is left of a world when nothing should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Calls that did not end.
    pub calls: usize,
    /// Slots that are held.
    pub slots: usize,
    /// Calls that sit on the worker.
    pub seats: usize,
    /// Streams that were admitted.
    pub admitted: usize,
    /// Ends that were reported.
    pub reported: usize,
    /// Agents that were not told of the end.
    pub untold: usize,
}

/// Asked when the world is over.
pub fn world(left: &Left, stats: &Stats, found: &mut Found) {
    let Left { calls, slots, seats, admitted, reported, untold } = *left;
    if calls + slots + seats + untold > 0 || admitted != reported {
        found.push((Invariant::Ends, format!("{left:?}")));
    }
    // A worker that fails gives calls back that never took a seat: they are not counted as ended.
    if stats.calls_started != admitted as u64 || stats.calls_ended > stats.calls_started {
        let what = format!("{admitted} admitted; counted: {} begun, {} ended", stats.calls_started, stats.calls_ended);
        found.push((Invariant::Ends, what));
    }
}

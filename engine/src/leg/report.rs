//! What remains of a call when its stream is over.

use std::time::Duration;

use crate::port::EndCause;
use crate::time::Samples;

/// Handed back to control when a call's socket is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EndReport {
    /// Why it ended.
    pub cause: EndCause,
    /// Sound handed to the socket's ring.
    pub queued: Samples,
    /// Sound written to the socket.
    pub sent: Samples,
    /// Sound that the caller heard.
    pub heard: Samples,
    /// Sound discarded before it was heard.
    pub cleared: Samples,
    /// Interruptions by the caller.
    pub barge_ins: u32,
    /// Turns of the caller.
    pub turns: u32,
    /// Frames of the caller that reached the leg.
    pub frames_in: u64,
    /// Frames of the caller lost between socket and leg.
    pub frames_lost: u64,
    /// Frames of caller audio that the agent was too slow to take.
    pub frames_unheard_by_agent: u64,
    /// Times that the caller's sound had a hole, by the carrier's stamps.
    pub gaps: u32,
    /// Frames that the stamps say are missing, `frames_lost` among them.
    pub frames_missing: u64,
    /// Frames that came more than 60 ms later than the earliest did.
    pub frames_late: u64,
    /// How much later the latest came.
    pub late_max: Duration,
    /// Marks that the carrier never returned.
    pub marks_missing: u32,
    /// Round trip to the carrier as marks measured it, smoothed.
    pub round_trip: Duration,
}

//! What can be said of a call: while it goes on, and when it is over.

use crate::port::EndCause;
use crate::time::Samples;

use super::quality::Quality;

/// Handed back to control when a call's socket is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndReport {
    /// Why it ended.
    pub cause: EndCause,
    /// What came of it.
    pub progress: Progress,
}

/// A call so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
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
    /// What went wrong.
    pub quality: Quality,
}

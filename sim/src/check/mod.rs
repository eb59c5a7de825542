//! The invariants, one file each, held against everything that is seen of a stream.
//!
//! [`slack`] is what a plan allows for: a network that takes its time, a worker that is late, an agent that thinks. What
//! concerns a whole world and not one stream ([`isolation`], [`admission`], [`ends`]) is asked at its end.

pub mod admission;
pub mod bounds;
pub mod clear;
pub mod ends;
pub mod frames;
pub mod isolation;
pub mod ledger;
pub mod silence;
pub mod slack;

use std::fmt;

use agent::Desk;
use engine::EndReport;
use engine::Progress;
use engine::port::{AgentEvent, EndCause, UtteranceId};
use engine::time::Instant;

use crate::truth::Truth;
use slack::Slack;

/// Which invariant, as the design numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// No frame is lost unless it is counted and the leg told.
    Frames = 1,
    /// After a clear nothing older is sent, and what it returned never counts as played.
    Clear = 2,
    /// heard ≤ sent ≤ queued, each only grows, and what is said to be heard was heard.
    Ledger = 3,
    /// One call's panic ends that call; a worker's sends its calls to rescue.
    Isolation = 4,
    /// Every queue has a bound in items and in lateness.
    Bounds = 5,
    /// Who finds no room is told so at once, and nobody else notices.
    Admission = 6,
    /// The caller never hears unplanned silence for longer than the bound.
    Silence = 10,
    /// Every call ends, and everything is given back.
    Ends = 11,
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// On which call; `None`: of the world.
    pub call: Option<usize>,
    /// When.
    pub at: Instant,
    /// What was seen instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {} ({:?}) broken", self.invariant as u8, self.invariant)?;
        if let Some(call) = self.call {
            write!(f, " on call {call}")?;
        }
        write!(f, " at {} ms: {}", self.at.millis(), self.what)
    }
}

/// A message of the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Sound: of which utterances how many samples, in order.
    Media(Vec<(UtteranceId, u64)>),
    /// A mark.
    Mark(String),
    /// A clear.
    Clear,
    /// The stream is closed with this code.
    Close(u16),
}

/// Something that was seen of a stream.
#[derive(Debug)]
pub enum Seen<'a> {
    /// The server's reader has taken so many frames of the caller's in all.
    Read(u64),
    /// The server has written a message.
    Written(&'a Message),
    /// It has reached the carrier; `truth` is from before.
    Arrives(&'a Message, &'a Truth),
    /// The agent was told.
    Told(&'a AgentEvent),
    /// The caller speaks from now until then.
    Speaks(Instant),
    /// The caller pressed a key.
    Pressed,
    /// The worker has ticked.
    Ticked(Ticked<'a>),
    /// The stream is over, for the server and for the caller.
    Over(&'a Truth),
    /// The engine's last word of it.
    Ended(&'a EndReport),
}

/// The call after a tick.
#[derive(Debug, Clone, Copy)]
pub struct Ticked<'a> {
    /// What the engine says.
    pub progress: &'a Progress,
    /// Why it ended, if it has.
    pub ended: Option<EndCause>,
    /// What the caller has heard by now.
    pub truth: &'a Truth,
    /// What the agent left word of.
    pub desk: &'a Desk,
    /// The connection stands.
    pub stands: bool,
}

/// What is found: which invariant, and what was seen instead.
pub type Found = Vec<(Invariant, String)>;

/// All that is watched on one stream.
#[derive(Debug)]
pub struct Checks {
    slack: Slack,
    frames: frames::Frames,
    clear: clear::Clear,
    ledger: ledger::Ledger,
    bounds: bounds::Bounds,
    silence: silence::Silence,
}

impl Checks {
    /// Of a stream that was opened at `now`.
    #[must_use]
    pub fn new(now: Instant, slack: Slack) -> Self {
        Self {
            slack,
            frames: frames::Frames::default(),
            clear: clear::Clear::default(),
            ledger: ledger::Ledger::default(),
            bounds: bounds::Bounds,
            silence: silence::Silence::new(now),
        }
    }

    /// Something was seen.
    pub fn see(&mut self, now: Instant, seen: &Seen<'_>, found: &mut Found) {
        let slack = &self.slack;
        self.frames.see(seen, found);
        self.clear.see(seen, found);
        self.ledger.see(seen, slack, found);
        self.bounds.see(now, seen, slack, found);
        self.silence.see(now, seen, slack, found);
    }
}

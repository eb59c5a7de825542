//! How fast a peer may talk: messages and pings per second, and how much of it may be nonsense.

use std::time::Duration;

use super::frame::Fault;
use crate::limits::{BAD_MESSAGES_MAX, MESSAGES_PER_SECOND_MAX, PINGS_PER_SECOND_MAX};
use crate::time::Instant;

/// Counts within the current second.
#[derive(Debug, Default)]
pub(super) struct Pace {
    second: Instant,
    frames: u32,
    pings: u32,
    bad: u32,
}

impl Pace {
    /// A frame came.
    pub(super) fn frame(&mut self, now: Instant) -> Result<(), Fault> {
        if now.since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.frames = 0;
            self.pings = 0;
        }
        self.frames += 1;
        within(self.frames, MESSAGES_PER_SECOND_MAX, "too many messages per second")
    }

    /// A ping came.
    pub(super) fn ping(&mut self) -> Result<(), Fault> {
        self.pings += 1;
        within(self.pings, PINGS_PER_SECOND_MAX, "too many pings per second")
    }

    /// A message came that could not be understood.
    pub(super) fn bad(&mut self) -> Result<(), Fault> {
        self.bad += 1;
        within(self.bad, BAD_MESSAGES_MAX, "too many messages that are not understood")
    }
}

fn within(count: u32, limit: u32, reason: &'static str) -> Result<(), Fault> {
    if count > limit { Err(Fault::new(1008, reason)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_stopped_and_a_bunch_after_a_stall_is_not() {
        let mut pace = Pace::default();
        for n in 0..600 {
            assert_eq!(pace.frame(Instant::from_micros(n)), Ok(()));
        }
        let flood = (0..MESSAGES_PER_SECOND_MAX).find_map(|_| pace.frame(Instant::from_millis(1)).err());
        assert_eq!(flood.map(|fault| fault.code), Some(1008));
        assert_eq!(pace.frame(Instant::from_millis(1_001)), Ok(()), "a new second counts anew");
    }
}

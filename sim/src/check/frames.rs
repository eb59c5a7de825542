//! Invariant 1: no frame is lost between socket and leg unless it is counted and the leg told.
//!
//! After every tick, the frames that the reader has taken are those that reached the leg and those that it was told to be
//! lost; at the end of a call that the caller ended, too.

use engine::Progress;
use engine::port::EndCause;

use super::{Found, Invariant, Seen, Ticked};

/// The frames of one stream.
#[derive(Debug, Default)]
pub struct Frames {
    read: u64,
}

impl Frames {
    /// Something was seen.
    pub fn see(&mut self, seen: &Seen<'_>, found: &mut Found) {
        match seen {
            Seen::Read(frames) => self.read = *frames,
            Seen::Ticked(Ticked { progress, ended, .. }) => self.account(progress, ended.is_none(), found),
            Seen::Ended(report) => self.account(&report.progress, report.cause == EndCause::CarrierStopped, found),
            _ => {}
        }
    }

    fn account(&self, progress: &Progress, all: bool, found: &mut Found) {
        let (arrived, lost) = (progress.frames_in, progress.quality.frames_lost);
        let accounted = arrived + lost;
        if accounted > self.read || (all && accounted < self.read) {
            let what = format!("{} frames read, {arrived} reached the leg, {lost} told to be lost", self.read);
            found.push((Invariant::Frames, what));
        }
    }
}

//! Playout: how much sound waits at the carrier, by the clock, and how much more it should be given.
//!
//! The carrier plays 8,000 samples a second from when the first arrives. We keep a lead in its buffer: a cushion that
//! outlasts the network's jitter, and up to one message on top. It is topped up a message at a time, because an outbound
//! message costs as much as an inbound frame. The cushion follows how late marks come back: 100 ms and the round trip on
//! a steady network, up to 640 ms on one that is not.

use std::time::Duration;

use crate::audio::frame::FRAME_MS;
use crate::limits::{CUSHION, CUSHION_MARKS_MIN, CUSHION_MAX, CUSHION_MIN, MESSAGE_LENGTH};
use crate::time::{Instant, Samples};

/// The carrier's buffer as the clock sees it.
#[derive(Debug, Clone)]
pub(super) struct Playout {
    /// When the last queued sample will have been played.
    plays_until: Instant,
    /// How late marks come back: the round trip to the carrier, smoothed.
    round_trip: Duration,
    /// How much that varies, smoothed.
    deviation: Duration,
    /// Marks that have come back, as far as that matters.
    marks: u32,
    /// What must still wait at the carrier when more is sent.
    cushion: Duration,
}

impl Default for Playout {
    fn default() -> Self {
        Self {
            plays_until: Instant::ZERO,
            round_trip: Duration::ZERO,
            deviation: Duration::ZERO,
            marks: 0,
            cushion: CUSHION,
        }
    }
}

impl Playout {
    /// How long what was queued goes on sounding.
    pub(super) fn buffered(&self, now: Instant) -> Duration {
        self.plays_until.since(now)
    }

    /// Whether so little waits at the carrier that a message is due.
    pub(super) fn is_low(&self, now: Instant) -> bool {
        self.buffered(now) <= self.cushion
    }

    /// How many frames of 20 ms to hand out now; none while the cushion is whole.
    pub(super) fn room_frames(&self, now: Instant) -> usize {
        if !self.is_low(now) {
            return 0;
        }
        ((self.cushion + MESSAGE_LENGTH - self.buffered(now)).as_millis() / u128::from(FRAME_MS)) as usize
    }

    /// When there will be room again.
    pub(super) fn room_at(&self) -> Instant {
        self.plays_until - self.cushion
    }

    /// Sound was queued now; gives when its first sample is due to sound.
    pub(super) fn queue(&mut self, now: Instant, samples: Samples) -> Instant {
        let audible_from = self.plays_until.max(now);
        self.plays_until = audible_from + samples.duration();
        audible_from
    }

    /// When the last queued sample will have been played.
    pub(super) fn plays_until(&self) -> Instant {
        self.plays_until
    }

    /// A mark came back that was due at `expected`. Smoothed as TCP does its round trip (RFC 6298, section 2).
    pub(super) fn mark_returned(&mut self, now: Instant, expected: Instant) {
        let late = now.since(expected);
        if self.marks == 0 {
            self.round_trip = late;
            self.deviation = late / 2;
        } else {
            self.deviation = (self.deviation * 3 + late.abs_diff(self.round_trip)) / 4;
            self.round_trip = (self.round_trip * 7 + late) / 8;
        }
        self.marks = self.marks.saturating_add(1);
        if self.marks >= CUSHION_MARKS_MIN {
            let wanted = CUSHION_MIN + self.round_trip + self.deviation * 4;
            self.cushion = wanted.min(CUSHION_MAX);
        }
    }

    /// How late marks come back, smoothed.
    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// Whether the caller may be hearing us: sound is due, or was a round trip ago.
    pub(super) fn audible(&self, now: Instant) -> bool {
        now < self.plays_until + self.round_trip
    }

    /// Where on the line the caller's ear is, the end of the line being `queued`: never ahead of the truth by more
    /// than the network's jitter, because the round trip is taken off.
    pub(super) fn position(&self, now: Instant, queued: Samples) -> Samples {
        queued.saturating_sub(Samples::from_duration(self.plays_until.since(now - self.round_trip)))
    }

    /// The carrier was told to forget everything.
    pub(super) fn clear(&mut self, now: Instant) {
        self.plays_until = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Samples = Samples(160);

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn fills_the_lead_at_once_then_tops_it_up_by_whole_messages() {
        let mut playout = Playout::default();
        let start = at(1_000);
        assert_eq!(playout.room_frames(start), 20);
        for _ in 0..20 {
            playout.queue(start, FRAME);
        }
        assert_eq!(playout.room_frames(start), 0);
        assert_eq!(playout.room_frames(at(1_159)), 0);
        assert_eq!(playout.room_at(), at(1_160));
        assert_eq!(playout.room_frames(at(1_160)), 8);
    }

    #[test]
    fn the_position_follows_the_clock_less_the_round_trip() {
        let mut playout = Playout::default();
        playout.queue(at(0), Samples::from_millis(400));
        assert_eq!(playout.position(at(100), Samples::from_millis(400)), Samples::from_millis(100));
        playout.mark_returned(at(460), at(400));
        assert_eq!(playout.position(at(100), Samples::from_millis(400)), Samples::from_millis(40));
        assert_eq!(playout.position(at(900), Samples::from_millis(400)), Samples::from_millis(400));
    }

    #[test]
    fn after_a_pause_sound_starts_now() {
        let mut playout = Playout::default();
        playout.queue(at(0), FRAME);
        assert_eq!(playout.queue(at(500), FRAME), at(500));
        assert_eq!(playout.plays_until(), at(520));
    }

    #[test]
    fn the_cushion_follows_how_late_marks_come() {
        let after = |lates_ms: &[u64]| {
            let mut playout = Playout::default();
            for _ in 0..20 {
                lates_ms.iter().for_each(|&late| playout.mark_returned(at(1_000 + late), at(1_000)));
            }
            playout.cushion
        };
        assert!(after(&[5]) < Duration::from_millis(130), "{:?}", after(&[5]));
        assert!(after(&[20, 120]) > Duration::from_millis(300), "{:?}", after(&[20, 120]));
        assert_eq!(after(&[100, 900]), CUSHION_MAX);
        let mut fresh = Playout::default();
        fresh.mark_returned(at(1_000), at(1_000));
        assert_eq!(fresh.cushion, CUSHION, "one mark tells nothing yet");
    }

    #[test]
    fn a_clear_empties_the_buffer() {
        let mut playout = Playout::default();
        playout.queue(at(0), Samples::from_millis(400));
        playout.clear(at(100));
        assert!(!playout.audible(at(100)));
        assert_eq!(playout.room_frames(at(100)), 20);
    }
}

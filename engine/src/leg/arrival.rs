//! Arrival: how the caller's sound comes in, by the carrier's time stamps: what is missing and what is late.
//!
//! ```text
//! stamp    0    20    40          100   120        ms since the stream began, by the carrier
//! frames   █    █     █           █     █          60 and 80 never came: a gap of two frames
//! arrives  0.1  20.1  40.1  ~     180   180        bunched: late by 80 and 60 ms
//! ```
//! The earliest arrival of the last seconds, relative to its stamp, is taken for on time; everything else is late by how
//! much later it came.

use std::time::Duration;

use crate::audio::frame::FRAME_MS;
use crate::limits::{ARRIVAL_WINDOW, GAP_FRAMES_MAX, LATE_FRAME};
use crate::time::Instant;

/// Where a frame stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Arrived {
    /// Frames of 20 ms missing before it, as far as silence is put in their place.
    pub(super) missing_frames: u32,
    /// How much later it came than the earliest did.
    pub(super) late: Duration,
}

/// The arrivals of one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Arrival {
    /// Arrival minus stamp of the earliest frame in this window and the one before it, in microseconds.
    earliest_us: [Option<i64>; 2],
    window_began: Instant,
    /// The stamp that the next frame should have.
    expected_ms: Option<u32>,
    gaps: u32,
    missing_frames: u64,
    late_frames: u64,
    late_last: Duration,
    late_max: Duration,
}

impl Arrival {
    /// A frame whose first sample was said at `stamp_ms` of the stream arrived now. Carriers that do not say are
    /// taken to leave nothing out.
    pub(super) fn frame(&mut self, now: Instant, stamp_ms: Option<u32>) -> Arrived {
        let Some(stamp_ms) = stamp_ms else { return Arrived::default() };
        let missing_frames = self.missing_before(stamp_ms);
        let late = self.lateness(now, stamp_ms);
        if late > LATE_FRAME {
            self.late_frames += 1;
        }
        self.late_last = late;
        self.late_max = self.late_max.max(late);
        Arrived { missing_frames, late }
    }

    /// Times that something was missing.
    pub(super) fn gaps(&self) -> u32 {
        self.gaps
    }

    /// Frames missing altogether.
    pub(super) fn missing_frames(&self) -> u64 {
        self.missing_frames
    }

    /// Frames later than [`LATE_FRAME`].
    pub(super) fn late_frames(&self) -> u64 {
        self.late_frames
    }

    /// How late the last one was.
    pub(super) fn last_lateness(&self) -> Duration {
        self.late_last
    }

    /// The latest of all.
    pub(super) fn late_max(&self) -> Duration {
        self.late_max
    }

    /// Stamps that jump by less than a frame are the carrier's rounding; those that go back are not understood and
    /// begin anew.
    fn missing_before(&mut self, stamp_ms: u32) -> u32 {
        let expected = self.expected_ms.replace(stamp_ms.saturating_add(FRAME_MS));
        let missing = expected.map_or(0, |expected| stamp_ms.saturating_sub(expected) / FRAME_MS);
        if missing > 0 {
            self.gaps += 1;
            self.missing_frames += u64::from(missing);
        }
        missing.min(GAP_FRAMES_MAX)
    }

    fn lateness(&mut self, now: Instant, stamp_ms: u32) -> Duration {
        if now.since(self.window_began) >= ARRIVAL_WINDOW {
            self.window_began = now;
            self.earliest_us = [None, self.earliest_us[0]];
        }
        let offset = now.micros() as i64 - i64::from(stamp_ms) * 1_000;
        let [this, _] = &mut self.earliest_us;
        *this = Some(this.map_or(offset, |earliest| earliest.min(offset)));
        let base = self.earliest_us.iter().flatten().fold(offset, |base, &earliest| base.min(earliest));
        Duration::from_micros((offset - base) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    #[test]
    fn a_steady_stream_has_neither_gaps_nor_lateness() {
        let mut arrival = Arrival::default();
        for n in 0..500 {
            assert_eq!(arrival.frame(at(7_000 + n * 20), Some(n as u32 * 20)), Arrived::default());
        }
        assert_eq!((arrival.gaps(), arrival.late_frames()), (0, 0));
    }

    #[test]
    fn what_is_missing_is_counted_and_its_place_is_kept() {
        let mut arrival = Arrival::default();
        arrival.frame(at(0), Some(0));
        assert_eq!(arrival.frame(at(60), Some(60)).missing_frames, 2);
        assert_eq!(arrival.frame(at(80), Some(80)).missing_frames, 0);
        assert_eq!((arrival.gaps(), arrival.missing_frames()), (1, 2));
    }

    #[test]
    fn bunched_frames_are_late_and_not_missing() {
        let mut arrival = Arrival::default();
        arrival.frame(at(0), Some(0));
        for n in 1..=5 {
            let arrived = arrival.frame(at(200), Some(n * 20));
            let late = Duration::from_millis(u64::from(200 - n * 20));
            assert_eq!(arrived, Arrived { missing_frames: 0, late });
        }
        assert_eq!(arrival.late_max(), Duration::from_millis(180));
    }

    #[test]
    fn a_network_that_has_become_slower_for_good_is_the_new_normal() {
        let mut arrival = Arrival::default();
        let late = |arrival: &mut Arrival, n: u64, delay| arrival.frame(at(n * 20 + delay), Some(n as u32 * 20)).late;
        (0..100).for_each(|n| assert_eq!(late(&mut arrival, n, 0), Duration::ZERO));
        assert_eq!(late(&mut arrival, 100, 300), Duration::from_millis(300));
        (101..320).for_each(|n| {
            late(&mut arrival, n, 300);
        });
        assert_eq!(late(&mut arrival, 320, 300), Duration::ZERO);
    }

    #[test]
    fn a_stamp_that_leaps_by_an_hour_costs_a_bounded_silence() {
        let mut arrival = Arrival::default();
        arrival.frame(at(0), Some(0));
        assert_eq!(arrival.frame(at(20), Some(3_600_000)).missing_frames, GAP_FRAMES_MAX);
        assert_eq!(arrival.frame(at(40), Some(u32::MAX)).missing_frames, GAP_FRAMES_MAX);
        assert_eq!(arrival.frame(at(60), Some(5)).missing_frames, 0, "back in time: begins anew");
    }

    #[test]
    fn a_carrier_without_stamps_leaves_nothing_out() {
        let mut arrival = Arrival::default();
        assert_eq!(arrival.frame(at(0), None), Arrived::default());
        assert_eq!(arrival.frame(at(900), None), Arrived::default());
    }
}

//! How loud what we sent was, by the time at which the caller's line carried it: what an echo is compared with.

use std::time::Duration;

use crate::audio::frame::Frame;
use crate::audio::{g711, level};
use crate::time::Instant;

/// Frames remembered: 1.6 s covers the longest lead and the longest echo window.
const FRAMES: usize = 80;
/// The level of a frame that was never sent, in dBFS.
const SILENCE_DBFS: f32 = -96.0;
/// Frames looked at side by side.
const LANES: usize = 4;
const _: () = assert!(FRAMES.is_multiple_of(LANES));
/// An age that no frame has: it is due later.
const LATER_MS: u32 = u32::MAX / 2;

/// The levels of the last frames sent. In two arrays, which are looked through side by side, four frames at a time.
#[derive(Debug, Clone)]
pub(super) struct SentLevels {
    /// In dBFS, oldest overwritten first.
    levels: [f32; FRAMES],
    /// When each was due to sound, in whole milliseconds; after 49 days they begin anew.
    due_ms: [u32; FRAMES],
    next: usize,
}

impl Default for SentLevels {
    fn default() -> Self {
        Self { levels: [SILENCE_DBFS; FRAMES], due_ms: [0; FRAMES], next: 0 }
    }
}

impl SentLevels {
    /// A frame of `level_dbfs` is due to sound at `audible_from`.
    pub(super) fn push(&mut self, level_dbfs: f32, audible_from: Instant) {
        self.levels[self.next] = level_dbfs;
        self.due_ms[self.next] = audible_from.millis() as u32;
        self.next = (self.next + 1) % FRAMES;
    }

    /// The loudest frame due to sound between `now − window` and now, in dBFS.
    pub(super) fn peak_dbfs(&self, now: Instant, window: Duration) -> f32 {
        let (now_ms, window_ms) = (now.millis() as u32, window.as_millis() as u32);
        // One that is due later was due an age ago.
        let sounded = |due_ms: u32| now_ms.wrapping_sub(due_ms) <= window_ms;
        // First the one comparison for all, then the other: side by side only where neither waits for a branch.
        let mut heard = [SILENCE_DBFS; FRAMES];
        for ((heard, &level), &due_ms) in heard.iter_mut().zip(&self.levels).zip(&self.due_ms) {
            *heard = if sounded(due_ms) { level } else { SILENCE_DBFS };
        }
        let mut peaks = [SILENCE_DBFS; LANES];
        for levels in heard.as_chunks::<LANES>().0 {
            for lane in 0..LANES {
                peaks[lane] = if levels[lane] > peaks[lane] { levels[lane] } else { peaks[lane] };
            }
        }
        peaks.into_iter().fold(SILENCE_DBFS, f32::max)
    }

    /// Frames due after `now` were cleared and never sounded.
    pub(super) fn clear(&mut self, now: Instant) {
        let now_ms = now.millis() as u32;
        for (level, due_ms) in self.levels.iter_mut().zip(&self.due_ms) {
            if now_ms.wrapping_sub(*due_ms) > LATER_MS {
                *level = SILENCE_DBFS;
            }
        }
    }
}

/// The level of a frame in dBFS.
pub(super) fn frame_dbfs(frame: &Frame) -> f32 {
    level::power_dbfs(g711::ulaw_energy(frame.bytes()), frame.samples())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sounded_lately_counts() {
        let mut levels = SentLevels::default();
        levels.push(-10.0, Instant::from_millis(1_000));
        levels.push(-20.0, Instant::from_millis(1_300));
        levels.push(-5.0, Instant::from_millis(1_500));
        let window = Duration::from_millis(400);
        assert_eq!(levels.peak_dbfs(Instant::from_millis(1_400), window), -10.0);
        assert_eq!(levels.peak_dbfs(Instant::from_millis(1_450), window), -20.0);
        levels.clear(Instant::from_millis(1_450));
        assert_eq!(levels.peak_dbfs(Instant::from_millis(1_600), window), -20.0);
    }
}

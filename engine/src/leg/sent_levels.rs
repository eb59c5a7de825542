//! How loud what we sent was, by the time at which the caller's line carried it: what an echo is compared with.

use std::time::Duration;

use crate::audio::frame::{FRAME_SAMPLES, Frame};
use crate::audio::{g711, level};
use crate::time::Instant;

/// Frames remembered: 1.6 s covers the longest lead and the longest echo window.
const FRAMES: usize = 80;
/// The level of a frame that was never sent, in dBFS.
const SILENCE_DBFS: f32 = -96.0;

/// The levels of the last frames sent.
#[derive(Debug, Clone)]
pub(super) struct SentLevels {
    /// Level in dBFS and when the frame was due to sound, oldest overwritten first.
    frames: [(f32, Instant); FRAMES],
    next: usize,
}

impl Default for SentLevels {
    fn default() -> Self {
        Self { frames: [(SILENCE_DBFS, Instant::ZERO); FRAMES], next: 0 }
    }
}

impl SentLevels {
    /// A frame of `level_dbfs` is due to sound at `audible_from`.
    pub(super) fn push(&mut self, level_dbfs: f32, audible_from: Instant) {
        self.frames[self.next] = (level_dbfs, audible_from);
        self.next = (self.next + 1) % FRAMES;
    }

    /// The loudest frame due to sound between `now − window` and now, in dBFS.
    pub(super) fn peak_dbfs(&self, now: Instant, window: Duration) -> f32 {
        let from = now - window;
        let mut peak = SILENCE_DBFS;
        for &(level, audible_from) in &self.frames {
            if audible_from >= from && audible_from <= now && level > peak {
                peak = level;
            }
        }
        peak
    }

    /// Frames due after `now` were cleared and never sounded.
    pub(super) fn clear(&mut self, now: Instant) {
        for frame in &mut self.frames {
            if frame.1 > now {
                frame.0 = SILENCE_DBFS;
            }
        }
    }
}

/// The level of a frame in dBFS.
pub(super) fn frame_dbfs(frame: &Frame) -> f32 {
    let mut pcm = [0; FRAME_SAMPLES];
    let samples = g711::decode_ulaw_into(frame.bytes(), &mut pcm);
    level::level_dbfs(&pcm[..samples])
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

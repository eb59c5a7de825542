//! Telephone sound: µ-law and levels, on plain slices.

pub mod level;
pub mod mulaw;

/// Samples per second of every sound here.
pub const RATE_HZ: u64 = 8_000;
/// Samples, and bytes of µ-law, in one frame of 20 ms.
pub const FRAME_SAMPLES: usize = 160;

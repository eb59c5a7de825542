//! Voice activity: is this a human voice? One file per detector.
//!
//! [`gated`] hears one call at a time, at the price of a filter; [`periodicity`] is its last gate. A detector says of
//! each 10 ms block what it heard; when a turn begins and ends is decided in `turn`, not here. Detectors that are
//! evaluated for all calls of a worker at once get a file beside these.

pub mod gated;
pub mod periodicity;

pub use gated::{Gates, Hearing};

/// Active blocks in a row, the last of them voiced, that are an onset of speech: 40 ms.
///
/// Three would come 2 ms sooner in the median; four is what refused every burst of typing while the pitch gate was laxer
/// than it is now, and is kept as the margin. Five cost 10 ms of every interruption.
pub const ONSET_BLOCKS: u32 = 4;

/// What was heard in one block of 10 ms.
///
/// ```text
///            s   s   s   s   o   o   o   o   o   p       "soup", in blocks
/// active     1   1   1   1   1   1   1   1   1   .       the end of speech: after the last of these
/// voiced     .   .   .   .   .   .   1   1   1   .       the onset: here, 4 active behind it and now voiced
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// RMS level of the block, dBFS.
    pub level_dbfs: f32,
    /// The line's noise floor with this block included, dBFS.
    pub floor_dbfs: f32,
    /// Loud enough, and speech to the detector. Consonants count. As the level must be there in this very block, the
    /// detector's own hangover adds nothing behind the last sound.
    pub active: bool,
    /// Active, and the sound of the last 60 ms has a pitch, which coughs, clicks and noise have not. An onset is a run
    /// of [`ONSET_BLOCKS`] active blocks whose last is voiced. Waiting for as many *voiced* blocks would come 30 ms
    /// later and refuse no more.
    pub voiced: bool,
}

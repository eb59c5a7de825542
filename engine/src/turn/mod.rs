//! Who has the floor: from the detector's blocks of 10 ms and what we are playing, to turns and interruptions.
//!
//! ```text
//! block (10 ms) ─► echo guard ─► barge-in (onset) ─► turn started, barge-in
//!                           └──► endpointing      ─► turn ended
//! ```
//! Pure: time is the number of blocks heard, and what we play is told with each block.

mod barge_in;
mod echo_guard;
mod endpointing;
mod params;
mod turn;

pub use echo_guard::EchoGuard;
pub use params::{ParamBounds, TurnParams};
pub use turn::{Playing, Turn, TurnEvent};

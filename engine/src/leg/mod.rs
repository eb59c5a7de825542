//! A leg: one call's side of the media, from what the carrier says to what it is told. Pure, on a time that is passed in.
//!
//! ```text
//! Input ─► leg ─► playout (how much to send) ─► marks, ledger (what was heard) ─► Output
//!            └──► turn (who has the floor)
//! ```

mod arrival;
mod io;
mod ledger;
mod leg;
mod marks;
mod playout;
mod quality;
mod report;
mod sent_levels;
mod speech;

pub use io::{Command, Generation, Input, Measure, Output, Speech};
pub use ledger::{Ledger, Span};
pub use leg::Leg;
pub use quality::{Quality, Side};
pub use report::{EndReport, Progress};

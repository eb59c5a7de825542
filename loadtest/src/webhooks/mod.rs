//! A stream of voice webhooks, as a carrier with a great many calls sends them: what is sent when, and what came back.
//!
//! ```text
//! timetable (when) ─► requests (what, signed) ─► connection (shell::webhooks) ─► tally (how long, which answer)
//! ```

mod numbers;
mod requests;
mod tally;
mod timetable;

pub use numbers::Numbers;
pub use requests::Requests;
pub use tally::{Moments, Tally, kind};
pub use timetable::{Rate, Timetable, Turn};

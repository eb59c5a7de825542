//! Examines any Media Streams server and says in plain words what it does wrong.
//!
//! ```text
//! webhook: signed, unsigned, wrongly signed ─► walk through the TwiML ─► stream URL and parameters
//!     └► doors: knock with a used token, another call, no signature, no start, a reset
//!     └► a call by a script: what came, how it sounded, how soon it stopped
//! ```
//! Everything here is judged from what was seen; `shell::probe` sees it.

pub mod call;
pub mod door;
pub mod finding;
pub mod walk;
pub mod webhook;

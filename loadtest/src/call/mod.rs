//! One whole call without socket or clock: the carrier's half and the caller's half joined, and what was seen.
//!
//! ```text
//! Input  (answers, socket messages, ticks) ─► Call ─► Output (requests, messages to send, close, done)
//!                                              └────► Record (timeline, measures, sound)
//! ```

pub mod course;
pub mod detection;
pub mod event;
pub mod faults;
pub mod life;
pub mod measure;
pub mod model;
pub mod network;
pub mod record;
pub mod request;

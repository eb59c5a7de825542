//! What thinks on a call. An agent hears a call through `engine::port::AgentPort` and answers through it.
//!
//! In the order a call passes them:
//! - [`profile`]: what the agent says, as sound, and to whom it may transfer;
//! - [`desk`]: what is to happen to the call after its stream.

pub mod desk;
pub mod profile;

pub use desk::{Desk, Intent};
pub use profile::Profile;

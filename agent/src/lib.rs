//! What thinks on a call. An agent hears a call through `engine::port::AgentPort` and answers through it.
//!
//! In the order a call passes them:
//! - [`profile`]: what the agent says, as sound, and to whom it may transfer;
//! - [`drive`]: the task that stands between the port and the script;
//! - [`script`]: the conversation, a pure state machine;
//! - [`rewind`]: where to take up what was interrupted;
//! - [`desk`]: what is to happen to the call after its stream.

pub mod desk;
pub mod drive;
pub mod profile;
pub mod rewind;
pub mod script;

pub use desk::{Desk, Intent};
pub use drive::run_demo;
pub use profile::Profile;

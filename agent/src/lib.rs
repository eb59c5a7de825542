//! What thinks on a call. An agent hears a call through `engine::port::AgentPort` and answers through it.
//!
//! In the order a call passes them:
//! - [`profile`]: what the agent says, as sound, and to whom it may transfer; [`menu`]: what its keys do;
//!   [`sound`]: how made speech becomes sound for it;
//! - [`drive`]: the task that stands between the port and the script; [`happening`]: what it tells of the call;
//! - [`script`]: the conversation, a pure state machine;
//! - [`rewind`]: where to take up what was interrupted;
//! - [`desk`]: what is to happen to the call after its stream.

pub mod desk;
pub mod drive;
pub mod happening;
pub mod menu;
pub mod profile;
pub mod rewind;
pub mod script;
pub mod sound;

pub use desk::{Desk, Intent};
pub use drive::{Driver, run, run_demo};
pub use happening::Happening;
pub use profile::Profile;
pub use script::Wish;

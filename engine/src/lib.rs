//! The media engine of Offhook: it hears the caller, decides who has the floor, and speaks for an agent.
//!
//! ```text
//! socket ─► ring ─► worker ─► leg, turn ─► ring ─► socket          (and ring ◄─► agent)
//! ```
//! The modules, in the order in which a frame passes them: [`net`](crate) reads it off the socket as [`wire`] says,
//! a `ring` carries it to a `worker`, which steps the call's [`leg`]: [`audio`] is heard, [`turn`] decides, and what
//! the agent says through its [`port`] goes back the same way.
//!
//! It knows no HTTP route, tenant, database or vendor. `audio`, `wire`, `turn` and `leg` know no socket, thread, lock
//! or clock either: time is an argument.

pub mod audio;
pub mod capture;
mod clock;
mod config;
mod engine;
pub mod leg;
pub mod limits;
mod net;
mod placement;
mod planted;
pub mod port;
mod ring;
mod stats;
#[doc(hidden)]
pub mod stepped;
mod sync;
pub mod time;
pub mod turn;
mod view;
pub mod wire;
mod worker;

pub use config::EngineConfig;
pub use engine::{Admission, AttachError, Engine, Gate, Refusal, StartError};
pub use leg::{EndReport, Progress, Quality, Side};
pub use net::Transport;
pub use placement::Placement;
#[doc(hidden)]
pub use planted::Planted;
pub use stats::{BOUNDS_US, Distribution, Kind, Stats};
pub use view::CallView;

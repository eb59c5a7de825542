//! Whole calls on a virtual clock: the carrier's model, the engine and the agent together, with every invariant watched.
//!
//! ```text
//! loadtest's call ─► network ─► engine: stream, ring, worker, leg ─► agent: port, script
//!       ▲               ▲                      ▲                          ▲
//!       └───────────────┴──── one clock, one seed, one queue of events ───┘
//! ```
//! In the order of a simulation:
//! * [`plan`] draws a whole world from its seed: callers, networks, agents, faults; [`script`] a caller's script;
//! * [`world`] lets it happen, event by event (`happen` has what each of them means, `watch` who looks); [`mod@line`] is one caller's call,
//!   [`stream`] one stream of it, [`network`] and [`lane`] its way, [`wire`] its bytes,
//!   [`talk`] the caller's sound where there is no wire, [`mind`] its agent; [`server`] answers webhooks;
//! * [`truth`] keeps what the caller really heard, recognised by the [`dye`] in the bot's sound;
//! * [`check`] holds all that is seen against the invariants, one file each;
//! * [`digest`] is a number for everything that happened: the same seed, the same number.
//!
//! Nothing here reads a clock, and nothing is random but by the seed.

pub mod check;
pub mod digest;
pub mod dye;
mod faults;
mod happen;
pub mod lane;
pub mod line;
pub mod mind;
pub mod network;
pub mod plan;
pub mod script;
pub mod server;
pub mod stream;
pub mod talk;
pub mod truth;
mod watch;
pub mod wire;
pub mod world;

pub use plan::{Options, Plan};
pub use world::{Outcome, run};

/// Panics that a test planted are caught and counted: they need no word on the terminal.
pub fn quiet_planted_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&"planted by a test") {
            usual(info);
        }
    }));
}

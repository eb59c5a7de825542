//! How many calls a server holds within its budgets, as plain arithmetic: what to try next, and what came of it.
//!
//! ```text
//! search (how many next, for how long) ─► a plateau of the fleet ─► its report ─► budget (kept or missed) ─► search
//! ```
//! Sockets, processes and the clock are elsewhere: `run::capacity` plays the plateaus that the search asks for.

pub mod budget;
pub mod search;

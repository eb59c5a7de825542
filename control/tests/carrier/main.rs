//! Carriers: against the model of Twilio in this workspace, against servers that misbehave, and the one that is no carrier.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod faults;
mod mock;
mod model;
mod placing;
mod registering;
mod service;
mod streamless;
#[path = "../support/mod.rs"]
mod support;
mod twilio_calls;
mod twilio_numbers;

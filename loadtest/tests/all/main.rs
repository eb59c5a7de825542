//! All tests from outside, in one program: it is linked once, and what they share is compiled once.
//!
//! Nothing here may set what a whole process has (variables, limits, signals): `cargo test` runs the tests as threads.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod support;

mod call_life;
mod capacity;
mod command;
mod doctor;
mod fleet;
mod line_faults;
mod official_client;
mod orders;
mod rest_calls;
mod rest_legs;
mod rest_lists;
mod rest_mishaps;
mod rest_parameters;
mod rest_recordings;
mod rest_streams;
mod scenarios;
mod signature;
mod socket_calls;
mod twiml_any;
mod twiml_calls;
mod twiml_execution;
mod twiml_listening;
mod twiml_parties;
mod twiml_virtual;
mod virtual_calls;
mod webhooks;

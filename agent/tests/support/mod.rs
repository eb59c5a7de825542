//! What surrounds the agent in tests: a virtual call for the script, a carrier on a socket for the driver.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "in a test, a panic with a place is the best report")]

pub(crate) mod carrier;
pub(crate) mod virtual_call;

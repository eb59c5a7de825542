//! What surrounds the agent in tests: a virtual call for the script, a carrier on a socket for the driver.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod carrier;
pub(crate) mod virtual_call;

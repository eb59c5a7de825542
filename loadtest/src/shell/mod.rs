//! The thin shell: the only part that reads a clock or touches a socket.

pub mod alarm;
pub mod clock;
pub mod drive;
pub mod route;
pub mod socket;
pub mod webhook;

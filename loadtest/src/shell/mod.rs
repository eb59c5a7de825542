//! The thin shell: the only part that reads a clock or touches a socket.

pub mod alarm;
pub mod clock;
pub mod cookies;
pub mod drive;
#[cfg(target_os = "linux")]
pub mod fleet;
pub mod probe;
pub mod route;
pub mod serve;
#[cfg(target_os = "linux")]
pub mod served;
pub mod socket;
mod tap;
pub mod voice;
pub mod webhook;
#[cfg(target_os = "linux")]
pub mod webhooks;

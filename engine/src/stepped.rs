//! The engine without threads and sockets: a worker and the streams on it, stepped by hand at the time that is handed in.
//!
//! For simulations. Rings, slots, epochs, ticks, reading and writing are those of the engine; what is left out is its
//! shell: who waits, on what, and for how long.

pub use crate::net::{Said, SteppedStream, Told};
pub use crate::worker::{Ears, SteppedWorker};

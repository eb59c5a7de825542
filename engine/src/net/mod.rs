//! Sockets ↔ rings: one task per stream on the I/O runtime. It parses, bounds and carries; it decides nothing.
//!
//! [`stream`] is a stream's life: greeted ([`greeting`]), attached to a worker, then [`reader`] and [`writer`] until one
//! of them ends. [`socket`] is the WebSocket library behind two functions, [`assembler`] joins fragments, [`pace`]
//! bounds how fast a peer may talk.

mod assembler;
mod greeting;
mod pace;
mod reader;
mod socket;
mod stream;
mod writer;

pub(crate) use stream::{Attachment, serve};

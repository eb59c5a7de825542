//! Sockets ↔ rings: one task per stream on the I/O runtime. It parses, bounds and carries; it decides nothing.
//!
//! [`io_thread`] is where they run. [`stream`] is a stream's life: greeted ([`greeting`]), attached to a worker, then [`reader`] and [`writer`] until one
//! of them ends. [`socket`] reads and writes, [`frame`] is what a client's frame looks like, [`assembler`] joins
//! fragments, [`batch`] puts ours together, [`pace`] bounds how fast a peer may talk, [`tls`] is between them and the socket
//! where the service speaks it itself. [`stepped`] is a stream without a socket.

mod assembler;
mod batch;
mod frame;
mod greeting;
mod io_thread;
mod pace;
mod reader;
mod socket;
mod stepped;
mod stream;
mod tls;
mod transport;
mod writer;

pub(crate) use io_thread::{IoThread, WORKER_PHASE};
pub use stepped::{Said, SteppedStream, Told};
pub(crate) use stream::{Attachment, Seat, serve};
pub use transport::Transport;

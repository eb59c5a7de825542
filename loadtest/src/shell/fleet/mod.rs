//! The hands of the fleet: one thread that owns every media socket, one that sets calls up, one that watches.
//!
//! ```text
//! dial (own thread, lowest priority): webhook, TwiML, handshake ─ connected socket ─► driver
//! driver (the fleet's thread): epoll, wheel, sockets            ─ counters ─► observer (/proc, progress bar)
//! ```
//! Linux only: epoll with microseconds, and `/proc`.

pub mod dial;
pub mod driver;
pub mod handshake;
pub mod line;
pub mod machine;
pub mod observer;
pub mod process;
pub mod scrape;
pub mod session;

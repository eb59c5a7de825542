//! A fleet of callers on one thread: what each does, without sockets or clock.
//!
//! ```text
//! wheel (who is due) ─► call ─► mind (what he does) ─► write (voice, masked frame) ─► socket
//!                        ▲ └─► measures (what was seen)
//! socket ─► read ─► outbound ─► buffer (played when?)
//! ```
//! [`timeline`] says what stage the run is in. The hands that hold sockets and the clock are in `shell::fleet`.

pub mod buffer;
pub mod call;
pub mod diary;
pub mod measures;
pub mod mind;
pub mod outbound;
pub mod prometheus;
pub mod read;
pub mod recent;
pub mod spread;
pub mod timeline;
pub mod voice;
pub mod wheel;
pub mod worst;
pub mod write;

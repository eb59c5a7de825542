//! Capture: everything that a call was told, on disk, so that its every decision can be made again.
//!
//! ```text
//! worker ─► Tap ─► ring of bytes ─► Recorder ─► file ─► Reader ─► Replay ─► Story: the same? what if?
//! ```
//! A leg is pure: the same inputs at the same times give the same outputs. So the inputs are what is recorded, and
//! beside them the decisions that were taken, to compare with. What the detector heard is not recorded: it is computed
//! again from the caller's sound, and only noted for which frames it was.
//!
//! *Full:* a record that finds no place in the ring is lost and the worker goes on; the capture says where it has a
//! hole, and replays exactly up to there. *Late:* the ring holds three seconds; a [`Recorder`] is drained several times
//! a second, by a [`Scribe`] or whoever has the time. *Broken off:* what was written can be replayed; the reader says that the rest is missing.
//!
//! ```text
//! file     header  record*  end  checksum (FNV-1a, 64 bit)       numbers are LEB128, fixed sizes little-endian
//! header   "OFFHKCAP"  version (u16)  begun µs  epoch  turn parameters  detector's gates
//! record   µs since the last one  kind (u8)  what it holds
//! ```
//! A capture holds what was said on a call: whoever opens the file for it answers for who may read it.

mod decision;
mod digest;
mod error;
mod header;
mod pack;
mod reader;
mod record;
mod recorder;
mod replay;
mod scribe;
mod story;
mod tap;
mod unpack;
mod what_if;

pub use decision::Decision;
pub use error::CaptureError;
pub use header::Header;
pub use reader::Reader;
pub use record::{End, Entry, Recorded, Told};
pub use recorder::{Drained, Recorder};
pub use replay::Replay;
pub use scribe::{AnyRecorder, Scribe, create};
pub use story::{Moment, Story, Verdict};
pub use tap::{StartCapture, Tap, tap};

/// Bytes on their way from a captured call to its file: more than 3 s of both sides speaking, at about 18 KB per second.
pub const RING_BYTES: usize = 64 * 1024;

/// Bytes of one file, after which its [`Recorder`] gives up: four hours of both sides speaking.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

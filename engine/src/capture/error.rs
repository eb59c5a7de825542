//! What can be wrong with a capture.

use std::io;

use super::header::VERSION;

/// Why a capture cannot be read, or not any further.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It could not be read.
    #[error("the capture cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("this is no capture of a call: it does not begin as one")]
    NotACapture,
    /// It is from another version.
    #[error(
        "this capture has format {found} and this program reads format {VERSION}: replay it with the version that made it"
    )]
    Version {
        /// Its version.
        found: u16,
    },
    /// It ends before the call does.
    #[error(
        "the capture breaks off after {at} bytes: the engine was ended, or its disk was full; replayed is what came before"
    )]
    BrokenOff {
        /// Bytes that there are, up to the record that is not whole.
        at: u64,
    },
    /// It holds what no engine writes.
    #[error("the capture is damaged before byte {at}: {what}")]
    Malformed {
        /// Bytes read.
        at: u64,
        /// What is there.
        what: &'static str,
    },
    /// It was changed since it was written.
    #[error("the capture is damaged: its checksum is not that of what it holds")]
    Checksum,
}

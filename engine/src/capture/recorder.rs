//! The recorder: drains a captured call's ring into its file. Runs wherever writing may take its time.

use std::io::{self, Write};

use rtrb::Consumer;

use super::FILE_BYTES_MAX;
use super::digest::Digest;
use super::header::Header;

/// What a drain came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// The call goes on: drain again.
    Going,
    /// The call is over and its capture complete.
    Complete,
}

/// The end of a captured call that writes.
#[derive(Debug)]
pub struct Recorder<W> {
    ring: Consumer<u8>,
    file: W,
    header: Option<Header>,
    checksum: Digest,
    written: u64,
    complete: bool,
    failed: bool,
}

impl<W: Write> Recorder<W> {
    pub(super) fn new(header: &Header, ring: Consumer<u8>, file: W) -> Recorder<W> {
        let checksum = Digest::new();
        Recorder { ring, file, header: Some(*header), checksum, written: 0, complete: false, failed: false }
    }

    /// Writes what waits. Call it several times a second: the ring holds some three seconds.
    ///
    /// # Errors
    /// What the file said, or that the capture is longer than [`FILE_BYTES_MAX`]. It is over then and drains no more:
    /// the call is not touched, its file breaks off.
    pub fn drain(&mut self) -> io::Result<Drained> {
        if self.failed {
            return Err(io::Error::other("an earlier part of this capture could not be written"));
        }
        let drained = self.write_waiting();
        self.failed = drained.is_err();
        drained
    }

    /// The file, as far as it was written.
    pub fn into_file(self) -> W {
        self.file
    }

    fn write_waiting(&mut self) -> io::Result<Drained> {
        if self.complete {
            return Ok(Drained::Complete);
        }
        if let Some(header) = self.header.take() {
            self.write(header.pack().as_slice())?;
        }
        // Asked before the ring is emptied: what was written before the tap was dropped is then there for certain.
        let over = self.ring.is_abandoned();
        self.write_ring()?;
        if !over {
            return Ok(Drained::Going);
        }
        let checksum = self.checksum.value();
        self.write(&checksum.to_le_bytes())?;
        self.file.flush()?;
        self.complete = true;
        Ok(Drained::Complete)
    }

    fn write_ring(&mut self) -> io::Result<()> {
        let Self { ring, file, checksum, written, .. } = self;
        let Ok(waiting) = ring.read_chunk(ring.slots()) else { return Ok(()) };
        let (first, second) = waiting.as_slices();
        for bytes in [first, second] {
            put(file, checksum, written, bytes)?;
        }
        waiting.commit_all();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        put(&mut self.file, &mut self.checksum, &mut self.written, bytes)
    }
}

fn put(file: &mut impl Write, checksum: &mut Digest, written: &mut u64, bytes: &[u8]) -> io::Result<()> {
    *written += bytes.len() as u64;
    if *written > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the capture is longer than any call should be"));
    }
    checksum.bytes(bytes);
    file.write_all(bytes)
}

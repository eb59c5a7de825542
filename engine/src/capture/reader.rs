//! The reader: a capture's file back to its records, one at a time.

use std::io::BufRead;
use std::time::Duration;

use super::error::CaptureError;
use super::header::Header;
use super::record::{Entry, MICROS_MAX, Recorded, entry};
use super::unpack::Unpack;
use crate::time::Instant;

/// Reads records in their order. After an error or the end there is nothing more.
#[derive(Debug)]
pub struct Reader<R> {
    from: Unpack<R>,
    header: Header,
    at: Instant,
    over: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`CaptureError`], where this is none or none of this version.
    pub fn new(file: R) -> Result<Reader<R>, CaptureError> {
        let mut from = Unpack::new(file);
        let header = Header::unpack(&mut from)?;
        Ok(Reader { from, header, at: header.begun, over: false })
    }

    /// How the call began.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn record(&mut self) -> Result<Recorded, CaptureError> {
        let us: u64 = self.from.number()?;
        if us > MICROS_MAX || self.at.micros() + us > MICROS_MAX {
            return Err(self.from.malformed("a time in no lifetime of a machine"));
        }
        self.at += Duration::from_micros(us);
        let entry = entry(&mut self.from)?;
        if let Entry::End(_) = entry {
            self.check_end()?;
        }
        Ok(Recorded { at: self.at, entry })
    }

    fn check_end(&mut self) -> Result<(), CaptureError> {
        self.over = true;
        let checksum = self.from.checksum();
        if u64::from_le_bytes(self.from.array()?) != checksum {
            return Err(CaptureError::Checksum);
        }
        if !self.from.is_at_end()? {
            return Err(self.from.malformed("something behind the end"));
        }
        Ok(())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Recorded, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let record = self.record();
        self.over |= record.is_err();
        Some(record)
    }
}

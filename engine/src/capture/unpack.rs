//! Unpacking: a capture's bytes back to numbers, never trusting them.

use std::io::{self, BufRead};

use super::digest::Digest;
use super::error::CaptureError;

/// Reads a file from its start, and keeps its checksum.
#[derive(Debug)]
pub(super) struct Unpack<R> {
    from: R,
    at: u64,
    checksum: Digest,
}

type Result<T> = std::result::Result<T, CaptureError>;

impl<R: BufRead> Unpack<R> {
    pub(super) fn new(from: R) -> Unpack<R> {
        Unpack { from, at: 0, checksum: Digest::new() }
    }

    /// The checksum of everything read so far.
    pub(super) fn checksum(&self) -> u64 {
        self.checksum.value()
    }

    /// What is wrong with what was just read.
    pub(super) fn malformed(&self, what: &'static str) -> CaptureError {
        CaptureError::Malformed { at: self.at, what }
    }

    pub(super) fn is_at_end(&mut self) -> Result<bool> {
        Ok(self.from.fill_buf()?.is_empty())
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.from.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => CaptureError::BrokenOff { at: self.at },
            _ => CaptureError::Io(error),
        })?;
        self.at += bytes.len() as u64;
        self.checksum.bytes(bytes);
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// A number that must fit `T`.
    pub(super) fn number<T: TryFrom<u64>>(&mut self) -> Result<T> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return T::try_from(number).map_err(|_| self.malformed("a number that is too large"));
            }
        }
        Err(self.malformed("a number that does not end"))
    }

    pub(super) fn bool(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.malformed("a yes or no that is neither")),
        }
    }

    /// A number that is one: neither infinite nor NaN.
    pub(super) fn f32(&mut self) -> Result<f32> {
        let number = f32::from_le_bytes(self.array()?);
        if number.is_finite() { Ok(number) } else { Err(self.malformed("a level that is no number")) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack::Pack;
    use super::*;

    #[test]
    fn numbers_come_back_whatever_their_size() {
        for bits in 0..64 {
            for number in [1u64 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let mut pack = Pack::new();
                pack.number(number);
                assert_eq!(Unpack::new(pack.as_slice()).number::<u64>().expect("a number"), number);
                assert_eq!(Unpack::new(pack.as_slice()).number::<u8>().ok(), u8::try_from(number).ok());
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [&[0xFF; 12][..], &[0x80; 11], &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]] {
            assert!(matches!(Unpack::new(bad).number::<u64>(), Err(CaptureError::Malformed { .. })), "{bad:?}");
        }
        assert!(matches!(Unpack::new(&[0x80][..]).number::<u64>(), Err(CaptureError::BrokenOff { at: 1 })));
    }
}

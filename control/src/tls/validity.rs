//! From when until when a certificate is valid: two dates at a known place (RFC 5280, 4.1).
//!
//! Whether it can be trusted is the other side's question, and rustls checks that the key fits; two dates are no reason
//! for a parser of everything that may stand in a certificate.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::model::Timestamp;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`: which version of X.509 it is.
const VERSION: u8 = 0xA0;

/// Both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Validity {
    /// Reads it from a certificate in DER; `None` for what is none.
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).take(SEQUENCE)?);
        let mut to_be_signed = Der(certificate.take(SEQUENCE)?);
        if to_be_signed.next_is(VERSION) {
            to_be_signed.take(VERSION)?;
        }
        to_be_signed.take(INTEGER)?; // its serial number
        to_be_signed.take(SEQUENCE)?; // how it is signed
        to_be_signed.take(SEQUENCE)?; // by whom
        let mut validity = Der(to_be_signed.take(SEQUENCE)?);
        Some(Self { from: validity.time()?, until: validity.time()? })
    }
}

/// What is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The contents of the next value, which is of this kind.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            0..=0x7F => (usize::from(length), rest),
            // So many bytes of length follow.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }

    /// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
    fn time(&mut self) -> Option<Timestamp> {
        let (text, century) = if self.next_is(UTC_TIME) {
            let text = std::str::from_utf8(self.take(UTC_TIME)?).ok()?;
            (text, if text >= "50" { "19" } else { "20" })
        } else {
            (std::str::from_utf8(self.take(GENERALIZED_TIME)?).ok()?, "")
        };
        let at = DateTime::strptime("%Y%m%d%H%M%S", format!("{century}{}", text.strip_suffix('Z')?)).ok()?;
        Some(Timestamp(Offset::UTC.to_timestamp(at).ok()?.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_dates_are_read_in_either_form() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let near = Validity::of(&certificate((1999, 12, 31), (2049, 2, 28))).unwrap();
        assert_eq!(near, Validity { from: at("1999-12-31T00:00:00Z"), until: at("2049-02-28T00:00:00Z") });
        let far = Validity::of(&certificate((2026, 1, 1), (4096, 1, 1))).unwrap();
        assert_eq!(far.until, at("4096-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_cut_off_anywhere_before_is_no_validity_and_no_panic() {
        let der = certificate((2026, 1, 1), (2027, 1, 1));
        for length in 0..der.len() {
            assert_eq!(Validity::of(&der[..length]), None, "{length}");
        }
        for at in 0..der.len().min(200) {
            let mut broken = der.clone();
            broken[at] ^= 0xFF;
            let _ = Validity::of(&broken);
        }
    }
}

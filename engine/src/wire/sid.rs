//! An identifier given by a carrier: a stream, call or account.

use std::fmt;

/// Longest identifier in bytes. Twilio's have 34.
pub const SID_BYTES_MAX: usize = 64;

/// 1 to 64 of `A–Z a–z 0–9 _ -`, held in place. It needs no escaping in JSON, in a URL path or in a log line, which is
/// why a value of this type can be written anywhere without looking at it again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid {
    /// Bytes after `len` are zero, so that derived equality holds.
    bytes: [u8; SID_BYTES_MAX],
    /// 1..=64
    len: u8,
}

impl Sid {
    /// `None` when empty, too long, or holding any other character.
    pub fn parse(text: &str) -> Option<Sid> {
        let sane = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if text.is_empty() || text.len() > SID_BYTES_MAX || !text.as_bytes().iter().all(sane) {
            return None;
        }
        let mut bytes = [0; SID_BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Sid { bytes, len: text.len() as u8 })
    }

    /// The identifier as it was given.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken; it keeps this free of unsafe and of panics.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same in bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_carriers_send() {
        let longest = "x".repeat(SID_BYTES_MAX);
        for text in ["MZ0123456789abcdef0123456789abcdef", "a", "v3_A-b", &longest] {
            let sid = Sid::parse(text).expect(text);
            assert_eq!(sid.as_str(), text);
            assert_eq!(sid.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_would_need_escaping_or_more_room() {
        let too_long = "x".repeat(SID_BYTES_MAX + 1);
        for text in ["", "a b", "a\"b", "a\\b", "a\nb", "a/b", "ä", "a\0", &too_long] {
            assert_eq!(Sid::parse(text), None, "{text:?}");
        }
    }
}

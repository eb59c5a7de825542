//! The token of a media socket: 128 random bits that its webhook hands out and one socket may use once.

use std::fmt;

/// A token. Its digits appear in the stream's URL and nowhere else: not in logs, not in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token([u8; 16]);

impl Token {
    /// A fresh one from the system's random source; `None` where it has none to give.
    pub(crate) fn random() -> Option<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Reads the 32 small hex digits that [`to_hex`](Self::to_hex) writes; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// As it stands in a URL.
    pub(crate) fn to_hex(self) -> String {
        use fmt::Write as _;
        self.0.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_url_and_hides_from_debug() {
        let token = Token::random().unwrap();
        assert_eq!(Token::parse(&token.to_hex()), Some(token));
        assert_ne!(Token::random().unwrap(), token);
        assert_eq!(format!("{token:?}"), "Token(•••)");
    }

    #[test]
    fn what_is_no_token_is_none() {
        for text in ["", "abc", &"g".repeat(32), &"A".repeat(32), &"a".repeat(33), &"é".repeat(16)] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }
}

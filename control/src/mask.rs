//! What may be shown of a telephone number: enough to recognise it, too little to call it.

use std::fmt;

/// Shows a caller's or callee's address masked: `+15551234567` as `+1555•••4567`.
///
/// Short numbers and addresses that are no number at all (`sip:…`, `client:…`) show only their kind.
#[derive(Clone, Copy)]
pub(crate) struct Masked<'a>(pub(crate) &'a str);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.strip_prefix('+').unwrap_or(self.0);
        if digits.is_empty() {
            return f.write_str("(none)");
        }
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            let kind = self.0.split_once(':').map_or("", |(kind, _)| kind);
            return match kind {
                "sip" | "sips" | "client" => write!(f, "{kind}:•••"),
                _ => f.write_str("•••"),
            };
        }
        // At least three digits stay hidden, whatever the length.
        match digits.len() {
            0..8 => f.write_str("•••"),
            8..10 => write!(f, "•••{}", &digits[digits.len() - 3..]),
            _ => {
                let plus = if self.0.starts_with('+') { "+" } else { "" };
                let head = (digits.len() - 7).min(4);
                write!(f, "{plus}{}•••{}", &digits[..head], &digits[digits.len() - 4..])
            }
        }
    }
}

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: &str, shown: &str) {
        assert_eq!(Masked(number).to_string(), shown, "{number}");
    }

    #[test]
    fn a_number_keeps_its_ends_only() {
        check("+15551234567", "+1555•••4567");
        check("+4915112345678", "+4915•••5678");
        check("030123456", "•••456");
        check("112", "•••");
    }

    #[test]
    fn what_is_no_number_shows_only_its_kind() {
        check("", "(none)");
        check("sip:alice@example.com", "sip:•••");
        check("client:bob", "client:•••");
        check("anonymous", "•••");
        check("+1555é234567", "•••");
    }
}

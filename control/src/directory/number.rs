//! A dialled number as a key: E.164 in eight bytes.

/// A number in E.164: `+` and 7 to 15 digits, the first of them not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Dialled(u64);

impl Dialled {
    /// `None` where it is no such number, such as `sip:…` or a short code: nobody can have registered it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        (fits && !digits.starts_with('0')).then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// As it is written.
    pub(super) fn text(self) -> String {
        format!("+{}", self.0)
    }

    /// Which of 256 parts of a map it belongs to; neighbours, of which there are many, are spread.
    pub(super) fn shard(self) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_registered_is_a_number() {
        assert_eq!(Dialled::parse("+15551234567"), Some(Dialled(15_551_234_567)));
        assert_eq!(Dialled::parse("+999999999999999"), Some(Dialled(999_999_999_999_999)));
        for other in ["", "+", "15551234567", "+123456", "+0123456789", "+1234567890123456", "sip:a@b", "+1555123456٣"]
        {
            assert_eq!(Dialled::parse(other), None, "{other}");
        }
    }
}

//! The names of our marks: which clear they belong to, their place, and what they stand for.
//!
//! ```text
//! e3.u12      queued after the third clear · u: the end of an utterance · the mark numbered 12
//! ```
//! A carrier returns all pending marks after `clear`, and a returned mark does not say whether its sound was played.
//! The epoch says it: marks of an epoch older than the last `clear` were cleared unless they had come back before.

use std::fmt;
use std::io::Write;

/// What a mark stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Some sound of an utterance that goes on. Letter `p`.
    Progress,
    /// The last sound of an utterance. Letter `u`.
    UtteranceEnd,
    /// Nothing: sent right after `clear`, it comes back at once and tells that the clear was done. Letter `f`.
    Fence,
}

impl MarkKind {
    const fn letter(self) -> u8 {
        match self {
            MarkKind::Progress => b'p',
            MarkKind::UtteranceEnd => b'u',
            MarkKind::Fence => b'f',
        }
    }

    const fn from_letter(letter: u8) -> Option<MarkKind> {
        match letter {
            b'p' => Some(MarkKind::Progress),
            b'u' => Some(MarkKind::UtteranceEnd),
            b'f' => Some(MarkKind::Fence),
            _ => None,
        }
    }
}

/// A mark of ours. Written `e<epoch>.<letter><sequence>` in decimal without leading zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkName {
    /// How many clears had been sent when the mark was queued.
    pub epoch: u32,
    /// The mark's place among the marks of its call, or whatever its owner numbers.
    pub sequence: u32,
    /// What it stands behind.
    pub kind: MarkKind,
}

impl MarkName {
    /// Reads a name back. `None` for a name that is not ours, which an agent or another program may have sent.
    ///
    /// Only the exact form that [`Display`](fmt::Display) writes is accepted, so equal names are equal marks.
    pub fn parse(name: &str) -> Option<MarkName> {
        let (epoch, rest) = name.strip_prefix('e')?.split_once('.')?;
        let (&letter, _) = rest.as_bytes().split_first()?;
        let kind = MarkKind::from_letter(letter)?;
        Some(MarkName { epoch: canonical_u32(epoch)?, sequence: canonical_u32(&rest[1..])?, kind })
    }

    /// Appends the name to a message. Needs no JSON escaping.
    pub(crate) fn write_to(self, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{self}");
    }
}

impl fmt::Display for MarkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = char::from(self.kind.letter());
        write!(f, "e{}.{letter}{}", self.epoch, self.sequence)
    }
}

/// A decimal number without sign or leading zero.
fn canonical_u32(text: &str) -> Option<u32> {
    let digits_only = text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (digits_only && !leading_zero).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_documented() {
        let name = |epoch, sequence, kind| {
            let mark = MarkName { epoch, sequence, kind };
            mark.to_string()
        };
        assert_eq!(name(3, 12, MarkKind::UtteranceEnd), "e3.u12");
        assert_eq!(name(0, 0, MarkKind::Progress), "e0.p0");
        assert_eq!(name(u32::MAX, u32::MAX, MarkKind::Fence), "e4294967295.f4294967295");
    }

    #[test]
    fn tolerates_the_names_of_others() {
        for foreign in [
            "",
            "e",
            "e.",
            "e1.",
            "e1.u",
            "e1.x2",
            "e1u2",
            "1.u2",
            "e01.u2",
            "e1.u02",
            "e+1.u2",
            "e1.u-2",
            "e1.u2 ",
            "e4294967296.u0",
            "e1.ü2",
            "my mark",
            "e1.u2.end",
        ] {
            assert_eq!(MarkName::parse(foreign), None, "{foreign:?}");
        }
    }
}

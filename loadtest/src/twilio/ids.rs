//! Identifiers as Twilio writes them: two letters and 32 lower-case hexadecimal digits.

use crate::rng::Rng;

/// Who the call belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sids {
    /// `AC…`
    pub account: String,
    /// `CA…`
    pub call: String,
}

/// A fresh identifier with the two letters `prefix`.
pub fn sid(prefix: &str, rng: &mut Rng) -> String {
    format!("{prefix}{:016x}{:016x}", rng.next_u64(), rng.next_u64())
}

/// Whether `text` is an identifier with the two letters `prefix`.
#[must_use]
pub fn is_sid(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A token in the shape of a UUID, as `I-Twilio-Idempotency-Token` carries it.
pub fn token(rng: &mut Rng) -> String {
    let (a, b) = (rng.next_u64(), rng.next_u64());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xFFFF,
        a & 0xFFF,
        0x8000 | ((b >> 48) & 0x3FFF),
        b & 0xFFFF_FFFF_FFFF
    )
}

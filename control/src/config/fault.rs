//! What is wrong with a configuration, said in one line that names the key, where it came from and the fix.

use std::fmt;

/// One fault. All of them are reported, not only the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting or the file key at fault.
    pub key: String,
    /// Where the value came from; empty where nothing was said.
    pub from: String,
    /// What is wrong, without the value where the setting is a secret.
    pub wrong: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        if !self.from.is_empty() {
            write!(f, " (from {})", self.from)?;
        }
        write!(f, ": {}; {}", self.wrong, self.fix)
    }
}

/// The known name nearest to a mistyped one, where one is near enough to be meant.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    known
        .into_iter()
        .map(|name| (distance(&typed, &name.to_ascii_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The known name that is off by a letter or two. For names that anybody may use: one that is merely alike is another's.
pub(super) fn slip<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const CHARS_MIN: usize = 9;
    let near = |name: &&str| name.len() >= CHARS_MIN && distance(typed, name) <= 2;
    known.into_iter().find(near)
}

/// The number of insertions, deletions and substitutions between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    // A key of any length can stand in a file; beyond this nothing is near.
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name() {
        let known = ["listen", "public_url", "twilio_auth_token"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("publicurl", known), Some("public_url"));
        assert_eq!(nearest("TWILIO_AUTH_TOKENS", known), Some("twilio_auth_token"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn a_slip_is_off_by_a_letter_or_two() {
        let known = ["PORT", "DATABASE_URL", "ENVIRONMENT"];
        assert_eq!(slip("ENVIROMENT", known), Some("ENVIRONMENT"));
        assert_eq!(slip("DATABSAE_URL", known), Some("DATABASE_URL"));
        for other in ["DATABASE_HOST", "SORT", "environment_of_another"] {
            assert_eq!(slip(other, known), None, "{other}");
        }
    }
}

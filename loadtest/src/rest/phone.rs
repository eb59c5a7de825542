//! Telephone numbers as REST takes and shows them.

/// A party that can be called: a number in E.164, `client:name`, or `sip:name@host`. `None` for anything else.
#[must_use]
pub fn party(written: &str) -> Option<String> {
    let written = written.trim();
    if let Some(name) = written.strip_prefix("client:") {
        return (!name.is_empty()).then(|| written.to_owned());
    }
    if let Some(address) = written.strip_prefix("sip:").or_else(|| written.strip_prefix("sips:")) {
        let (name, host) = address.split_once('@')?;
        return (!name.is_empty() && !host.is_empty()).then(|| written.to_owned());
    }
    number(written)
}

/// A number in E.164. Blanks, brackets, dots and dashes are dropped; ten digits without `+` are North American.
#[must_use]
pub fn number(written: &str) -> Option<String> {
    let kept: String = written.chars().filter(|c| !matches!(c, ' ' | '(' | ')' | '-' | '.')).collect();
    let (plus, digits) = kept.strip_prefix('+').map_or((false, kept.as_str()), |digits| (true, digits));
    let sound = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !sound || digits.starts_with('0') {
        return None;
    }
    match (plus, digits.len()) {
        // North America has eleven digits, the country's included.
        (true, length) if digits.starts_with('1') => (length == 11).then(|| format!("+{digits}")),
        (true, _) => Some(format!("+{digits}")),
        (false, 10) => Some(format!("+1{digits}")),
        (false, 11) if digits.starts_with('1') => Some(format!("+{digits}")),
        (false, _) => None,
    }
}

/// `(415) 555-0199` for North America, the number itself for others.
#[must_use]
pub fn formatted(party: &str) -> String {
    match party.strip_prefix("+1") {
        Some(ten) if ten.len() == 10 && ten.is_ascii() => format!("({}) {}-{}", &ten[..3], &ten[3..6], &ten[6..]),
        _ => party.to_owned(),
    }
}

/// Whether `number` has the digits of `pattern` somewhere in it; `*` is any one digit.
#[must_use]
pub fn matches(pattern: &str, number: &str) -> bool {
    let pattern = pattern.as_bytes();
    let fits = |part: &[u8]| part.iter().zip(pattern).all(|(digit, wanted)| wanted == digit || *wanted == b'*');
    pattern.is_empty() || number.as_bytes().windows(pattern.len()).any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_made_e164_or_refused() {
        for (written, expected) in [
            ("+14155550199", Some("+14155550199")),
            ("(415) 555-0199", Some("+14155550199")),
            ("1 415.555.0199", Some("+14155550199")),
            ("+442071838750", Some("+442071838750")),
            ("+1415555019", None),
            ("5551234", None),
            ("+0123456789", None),
            ("+44", None),
            ("911", None),
            ("call me", None),
            ("", None),
        ] {
            assert_eq!(number(written).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn clients_and_sip_addresses_are_parties_too() {
        for good in ["client:alice", "sip:bob@example.com", "+14155550199"] {
            assert_eq!(party(good).as_deref(), Some(good));
        }
        assert_eq!((party("client:"), party("sip:bob"), party("alice")), (None, None, None));
    }

    #[test]
    fn a_pattern_is_found_anywhere_and_a_star_is_one_digit() {
        for (pattern, fits) in [
            ("+14155550199", true),
            ("415", true),
            ("41*555", true),
            ("*******", true),
            ("416", false),
            ("+141555501999", false),
            ("", true),
        ] {
            assert_eq!(matches(pattern, "+14155550199"), fits, "{pattern}");
        }
    }

    #[test]
    fn north_american_numbers_are_shown_in_groups() {
        assert_eq!(formatted("+14155550199"), "(415) 555-0199");
        assert_eq!(formatted("+442071838750"), "+442071838750");
        assert_eq!(formatted("client:alice"), "client:alice");
    }
}

//! Numbers as people write them.

/// A number with its thousands apart.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = (0..digits.len().div_ceil(3))
        .rev()
        .map(|part| &digits[digits.len().saturating_sub(3 * part + 3)..digits.len() - 3 * part])
        .collect();
    parts.join(",")
}

/// A round value as it is written.
#[must_use]
pub fn written(value: f64) -> String {
    let digits = if value == 0.0 || value >= 10.0 || value.fract() == 0.0 {
        0
    } else if value >= 0.1 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if value >= 1_000.0 { thousands(value as usize) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.5, 0.25, 20.0, 2_000.0].map(written), ["0", "0.5", "0.2", "20", "2,000"]);
    }
}

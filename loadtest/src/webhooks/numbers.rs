//! A run of telephone numbers: the first and how many follow it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Numbers that lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// The digits of the first.
    first: u64,
    /// How many.
    count: u64,
}

impl Numbers {
    /// How many there are; at least one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// One of them, in E.164; beyond the last it begins anew.
    #[must_use]
    pub fn at(&self, index: u64) -> String {
        format!("+{}", self.first + index % self.count)
    }
}

impl FromStr for Numbers {
    type Err = String;

    /// `+15550000000:100000`, or one number alone.
    fn from_str(text: &str) -> Result<Self, String> {
        let (first, count) = text.split_once(':').unwrap_or((text, "1"));
        let digits = first.strip_prefix('+').filter(|digits| (3..=15).contains(&digits.len()));
        let first = digits.and_then(|digits| digits.parse().ok());
        match (first, count.parse()) {
            (Some(first), Ok(count)) if (1..=1_000_000_000).contains(&count) => Ok(Self { first, count }),
            _ => Err(format!("{text:?}: write +15550000000:100000, the first number and how many")),
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}:{}", self.first, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_begins_anew_behind_its_last() {
        let numbers: Numbers = "+15550000000:100000".parse().unwrap();
        assert_eq!((numbers.at(0), numbers.at(99_999)), ("+15550000000".into(), "+15550099999".into()));
        assert_eq!(numbers.at(100_000), numbers.at(0));
        assert_eq!("+4930123456".parse::<Numbers>().unwrap().at(7), "+4930123456");
    }

    #[test]
    fn what_is_no_run_is_refused() {
        for text in ["", "15550000000:5", "+1555:0", "+1:5", "+15550000000:x", "+1234567890123456"] {
            assert!(text.parse::<Numbers>().is_err(), "{text}");
        }
    }
}

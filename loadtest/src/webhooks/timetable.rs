//! When each request is due: fixed before the first is sent, whatever the server does.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::time::Micros;

/// How many requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// So many a second.
    PerSecond(f64),
    /// Every connection sends its next as soon as it has its answer.
    Max,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "max" => Ok(Self::Max),
            Ok(rate) if (0.1..=1e6).contains(&rate) => Ok(Self::PerSecond(rate)),
            _ => Err(format!("{text:?}: write a number from 0.1 to 1000000, or max")),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate}"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// One request's place in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which, from zero.
    pub index: u64,
    /// When it must be sent; `None`: at once.
    pub due: Option<Micros>,
}

/// Gives out the turns, in order.
#[derive(Clone, Debug)]
pub struct Timetable {
    rate: Rate,
    begins: Micros,
    ends: Micros,
    next: u64,
}

impl Timetable {
    /// Turns from `begins` until before `ends`.
    #[must_use]
    pub fn new(rate: Rate, begins: Micros, ends: Micros) -> Self {
        Self { rate, begins, ends, next: 0 }
    }

    /// The next turn, or `None` when the time is over: what is then still due is never sent, and is counted.
    pub fn next(&mut self, now: Micros) -> Option<Turn> {
        let due = self.due();
        if now >= self.ends || due.is_some_and(|due| due >= self.ends) {
            return None;
        }
        let turn = Turn { index: self.next, due };
        self.next += 1;
        Some(turn)
    }

    /// Turns that the end of the run found waiting for a connection.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        let mut rest = self.clone();
        if rest.rate == Rate::Max {
            return 0;
        }
        std::iter::from_fn(|| rest.next(Micros::ZERO)).count() as u64
    }

    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive time")]
    fn due(&self) -> Option<Micros> {
        match self.rate {
            Rate::PerSecond(rate) => Some(self.begins + Micros((self.next as f64 * 1e6 / rate) as u64)),
            Rate::Max => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_fixed_in_advance_and_what_is_left_is_counted() {
        let mut table = Timetable::new(Rate::PerSecond(2_000.0), Micros(100), Micros(1_000_100));
        assert_eq!(table.next(Micros(0)), Some(Turn { index: 0, due: Some(Micros(100)) }));
        assert_eq!(table.next(Micros(900_000)), Some(Turn { index: 1, due: Some(Micros(600)) }));
        assert_eq!(table.unsent(), 1_998);
        assert_eq!(table.next(Micros(1_000_100)), None);
        while table.next(Micros(0)).is_some() {}
        assert_eq!((table.next, table.unsent()), (2_000, 0));
    }

    #[test]
    fn as_many_as_possible_has_no_times() {
        let mut table = Timetable::new(Rate::Max, Micros(0), Micros(10));
        assert_eq!(table.next(Micros(9)), Some(Turn { index: 0, due: None }));
        assert_eq!(table.next(Micros(10)), None);
    }

    #[test]
    fn a_rate_is_a_number_or_max() {
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("2000".parse(), Ok(Rate::PerSecond(2_000.0)));
        for text in ["0", "-1", "NaN", "inf", "many"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}

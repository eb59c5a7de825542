//! A query that grows by the filters that are set. Its text is made of our own words only.

use serde::Serialize;

use super::arg::{Arg, word};
use super::store::Result;

/// A query under way, and the values of `$1`, `$2` …
pub(super) struct Select {
    pub(super) sql: String,
    pub(super) args: Vec<Arg>,
}

impl Select {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), args: Vec::new() }
    }

    /// More text.
    pub(super) fn sql(&mut self, text: &'static str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// The next value's place.
    pub(super) fn arg(&mut self, value: impl Into<Arg>) -> &mut Self {
        self.args.push(value.into());
        self.sql.push_str(&format!("${}", self.args.len()));
        self
    }

    /// Only rows whose `column` is one of these words; none: all rows.
    pub(super) fn words<T: Serialize>(&mut self, column: &'static str, words: &[T]) -> Result<&mut Self> {
        for (n, one) in words.iter().enumerate() {
            match n {
                0 => self.sql(" AND ").sql(column).sql(" IN ("),
                _ => self.sql(", "),
            };
            self.arg(word(one)?);
        }
        Ok(if words.is_empty() { self } else { self.sql(")") })
    }
}

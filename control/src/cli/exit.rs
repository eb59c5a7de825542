//! How the program ends: the exit codes, and a command that failed.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::db::{OpenError, StoreError};

/// How the program ends. The numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// Wrong usage or configuration.
    Usage,
    /// There is no such thing.
    NotFound,
    /// The rules do not allow it.
    Refused,
    /// Nobody answers.
    Away,
    /// Not with this key.
    Key,
}

impl Exit {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Done, Self::Failed, Self::Usage, Self::NotFound, Self::Refused, Self::Away, Self::Key];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Away => 5,
            Self::Key => 6,
        }
    }

    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed; for `doctor`: at least one line says fail",
            Self::Usage => "wrong usage or configuration, an address that cannot be listened on included",
            Self::NotFound => "there is no such thing, or it is another tenant's",
            Self::Refused => "the service's rules refuse it: a value, a conflict, a state",
            Self::Away => "the service or the database does not answer, or asks to be left alone for a while",
            Self::Key => "no key, or one that may not do this",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    /// How the program ends.
    pub(super) exit: Exit,
    /// Cause and fix; a line each.
    pub(super) lines: Vec<String>,
    /// What the service said, where it was the service.
    pub(super) problem: Option<Value>,
}

impl Failure {
    /// With one line.
    pub(super) fn new(exit: Exit, line: impl Into<String>) -> Self {
        Self { exit, lines: vec![line.into()], problem: None }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({"error": {"exit_code": self.exit.code(), "detail": self.lines.join("\n"), "problem": self.problem}})
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let exit = match error {
            OpenError::Url(_) => Exit::Usage,
            OpenError::Connect(_) => Exit::Away,
            OpenError::Migrate(_) => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::NotFound | StoreError::NoSuch(_) => Exit::NotFound,
            StoreError::Conflict(_) | StoreError::Stale | StoreError::KeyReused => Exit::Refused,
            StoreError::Away(_) => Exit::Away,
            StoreError::Fault(_) => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_in_order() {
        assert!(Exit::ALL.iter().enumerate().all(|(at, exit)| usize::from(exit.code()) == at));
    }
}

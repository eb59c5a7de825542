//! Settings that can change while the service runs.

use std::fmt;
use std::time::Duration;

use crate::app::App;
use crate::config::settings::{self, Setting};

/// A change that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRefused {
    /// Which setting.
    pub name: String,
    /// Why, and what to do.
    pub why: String,
}

impl fmt::Display for ConfigRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.why)
    }
}

impl std::error::Error for ConfigRefused {}

/// A change that can be made.
enum Change {
    CallsMax(usize),
    TokenLifetime(Duration),
}

/// Makes all of the changes, or none.
pub(super) fn apply(app: &App, changes: &[(&str, &str)]) -> Result<(), Vec<ConfigRefused>> {
    let mut refused = Vec::new();
    let mut fit = Vec::new();
    for (name, value) in changes {
        match read(app, name, value) {
            Ok(change) => fit.push(change),
            Err(why) => refused.push(ConfigRefused { name: (*name).to_owned(), why }),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut calls = app.calls();
    for change in fit {
        match change {
            Change::CallsMax(max) => calls.set_calls_max(max),
            Change::TokenLifetime(lifetime) => calls.set_token_lifetime(lifetime),
        }
    }
    Ok(())
}

fn read(app: &App, name: &str, value: &str) -> Result<Change, String> {
    let is = |setting: &Setting| setting.names().any(|known| known == name);
    let number = || value.trim().parse::<u64>().map_err(|_| format!("{value:?} is no whole number"));
    if is(&settings::CALLS_MAX) {
        let most = app.config.limits.calls_max;
        return match usize::try_from(number()?) {
            Ok(max) if (1..=most).contains(&max) => Ok(Change::CallsMax(max)),
            _ => Err(format!("the engine was started with {most} places: write a number from 1 to that, or restart")),
        };
    }
    if is(&settings::TOKEN_LIFETIME_S) {
        return match number()? {
            seconds @ 1..=600 => Ok(Change::TokenLifetime(Duration::from_secs(seconds))),
            _ => Err("write seconds from 1 to 600".to_owned()),
        };
    }
    if settings::ALL.iter().any(|setting| is(setting)) {
        return Err("cannot change while the service runs: set it and restart".to_owned());
    }
    Err("is no setting: docs/configuration.md has all of them".to_owned())
}

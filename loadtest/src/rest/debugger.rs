//! What Twilio's debugger would show of an account: warnings and errors of its calls, the newest last.
//!
//! Full ([`MOST`], and as many notices): the oldest is dropped and counted.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::twilio::date;
use crate::twilio::warning::{Code, Warning};

/// Entries of one account.
pub const MOST: usize = 1_000;

/// How bad an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The call or stream could not go on.
    Error,
    /// It went on.
    Warning,
    /// Twilio is silent about it; shown to who asks for notices alone.
    Notice,
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Seconds since 1970.
    pub unix_s: u64,
    /// Which call.
    pub call: String,
    /// Twilio's number.
    pub code: u32,
    /// How bad it is.
    pub level: Level,
    /// What was wrong, and how to mend it.
    pub text: String,
}

impl Entry {
    /// What happened on this call.
    #[must_use]
    pub fn of(unix_s: u64, call: &str, warning: Warning) -> Self {
        let level = match warning.code {
            Code::Silent => Level::Notice,
            code if code.is_error() => Level::Error,
            _ => Level::Warning,
        };
        Self { unix_s, call: call.to_owned(), code: warning.code.number(), level, text: warning.text }
    }
}

/// The log of one account.
#[derive(Debug, Default)]
pub struct Debugger {
    entries: Log,
    /// Apart, so that they push nothing out that Twilio would show.
    notices: Log,
}

#[derive(Debug, Default)]
struct Log {
    entries: VecDeque<Entry>,
    dropped: u64,
}

impl Debugger {
    /// Writes an entry.
    pub fn note(&mut self, entry: Entry) {
        let log = if entry.level == Level::Notice { &mut self.notices } else { &mut self.entries };
        if log.entries.len() >= MOST {
            log.entries.pop_front();
            log.dropped += 1;
        }
        log.entries.push_back(entry);
    }

    /// The entries, of one call or of all; of one level, or all that Twilio would show.
    #[must_use]
    pub fn show(&self, call: Option<&str>, level: Option<&str>) -> Value {
        let log = if level == Some(Level::Notice.as_str()) { &self.notices } else { &self.entries };
        let shown = |entry: &&Entry| {
            call.is_none_or(|call| entry.call == call) && level.is_none_or(|level| entry.level.as_str() == level)
        };
        let entries: Vec<Value> = log.entries.iter().filter(shown).map(show).collect();
        json!({ "entries": entries, "dropped": log.dropped })
    }
}

fn show(entry: &Entry) -> Value {
    json!({
        "date_created": date::rfc2822(entry.unix_s),
        "call_sid": entry.call,
        "error_code": entry.code.to_string(),
        "log_level": entry.level.as_str(),
        "text": entry.text,
        "more_info": format!("https://www.twilio.com/docs/errors/{}", entry.code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let mut debugger = Debugger::default();
        for n in 0..1_003_u32 {
            let call = format!("CA{}", n % 2);
            debugger.note(Entry { unix_s: 0, call, code: n, level: Level::Warning, text: String::new() });
        }
        let all = debugger.show(None, None);
        assert_eq!((all["entries"].as_array().unwrap().len(), &all["dropped"]), (MOST, &json!(3)));
        assert_eq!(all["entries"][0]["error_code"], "3");
        assert_eq!(debugger.show(Some("CA0"), None)["entries"].as_array().unwrap().len(), 500);
    }
}

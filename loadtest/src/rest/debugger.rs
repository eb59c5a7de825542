//! What Twilio's debugger would show of an account: warnings and errors of its calls, the newest last.
//!
//! Full ([`MOST`]): the oldest is dropped and counted.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::twilio::date;

/// Entries of one account.
pub const MOST: usize = 1_000;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Seconds since 1970.
    pub unix_s: u64,
    /// Which call.
    pub call: String,
    /// Twilio's number.
    pub code: u32,
    /// Whether the call or stream could not go on.
    pub is_error: bool,
    /// What was wrong, and how to mend it.
    pub text: String,
}

/// The log of one account.
#[derive(Debug, Default)]
pub struct Debugger {
    entries: VecDeque<Entry>,
    dropped: u64,
}

impl Debugger {
    /// Writes an entry.
    pub fn note(&mut self, entry: Entry) {
        if self.entries.len() >= MOST {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(entry);
    }

    /// The entries, of one call or of all.
    #[must_use]
    pub fn show(&self, call: Option<&str>) -> Value {
        let entries = self.entries.iter().filter(|entry| call.is_none_or(|call| entry.call == call));
        let entries: Vec<Value> = entries.map(show).collect();
        json!({ "entries": entries, "dropped": self.dropped })
    }
}

fn show(entry: &Entry) -> Value {
    json!({
        "date_created": date::rfc2822(entry.unix_s),
        "call_sid": entry.call,
        "error_code": entry.code.to_string(),
        "log_level": if entry.is_error { "error" } else { "warning" },
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
            debugger.note(Entry { unix_s: 0, call, code: n, is_error: false, text: String::new() });
        }
        let all = debugger.show(None);
        assert_eq!((all["entries"].as_array().unwrap().len(), &all["dropped"]), (MOST, &json!(3)));
        assert_eq!(all["entries"][0]["error_code"], "3");
        assert_eq!(debugger.show(Some("CA0"))["entries"].as_array().unwrap().len(), 500);
    }
}

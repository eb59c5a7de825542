//! What a command has to say: lines for people or one JSON document for programs; remarks go to standard error.

use std::io::Write as _;

use serde_json::Value;

use super::exit::{Exit, Failure};

/// What a command has to say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Output {
    /// For people; ends with a line end.
    pub(super) text: String,
    /// For programs; null where the text serves them too.
    pub(super) json: Value,
    /// For people, beside either.
    pub(super) remarks: Vec<String>,
    /// How the program ends.
    pub(super) exit: Exit,
}

impl Output {
    /// Something done.
    pub(super) fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, remarks: Vec::new(), exit: Exit::Done }
    }

    /// The same with a remark.
    pub(super) fn remark(mut self, line: impl Into<String>) -> Self {
        self.remarks.push(line.into());
        self
    }
}

/// Prints it, and says how the program ends.
pub(super) fn print(said: &Result<Output, Failure>, as_json: bool) -> Exit {
    match said {
        Ok(output) => {
            for line in &output.remarks {
                eprintln!("offhook: {line}");
            }
            let text =
                if as_json && !output.json.is_null() { format!("{:#}\n", output.json) } else { output.text.clone() };
            // A reader that went away, such as `head`, has read enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            output.exit
        }
        Err(failure) => {
            for line in &failure.lines {
                eprintln!("offhook: {line}");
            }
            if as_json {
                let _ = writeln!(std::io::stdout(), "{:#}", failure.json());
            }
            failure.exit
        }
    }
}

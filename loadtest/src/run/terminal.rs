//! What a user reads. Whoever reads may stop before the end (`| head`): that is no failure, and ends nothing.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _, stderr, stdout};

/// Prints to standard output, as lines of its own.
pub(super) fn say(text: impl Display) {
    let text = text.to_string();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut out = stdout().lock();
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => complain(format!("cannot print: {error}")),
        _ => {}
    }
}

/// A line to standard error, with this program's name. If nobody reads that either, there is nobody to tell.
pub(super) fn complain(text: impl Display) {
    let _ = writeln!(stderr().lock(), "loadtest: {text}");
}

//! Invariant 6: admission refuses new calls before admitted ones suffer; who finds no room is told so at once.

use std::time::Duration;

use super::slack::Slack;
use super::{Found, Invariant};

/// What the server answers when it has no room.
pub const NO_ROOM: u16 = 1013;

/// A stream was refused `after` its start had come, while `active` of `slots` places were held.
pub fn refused(after: Duration, active: usize, slots: usize, slack: &Slack, found: &mut Found) {
    if active < slots {
        found.push((Invariant::Admission, format!("refused while {active} of {slots} places were held")));
    }
    if after > slack.io {
        found.push((Invariant::Admission, format!("refused only {after:?} after its start had come")));
    }
}

/// So many streams are carried, and so many places are held.
pub fn held(carried: usize, active: usize, slots: usize, found: &mut Found) {
    if carried > slots || carried > active {
        let what = format!("{carried} streams are carried, {active} of {slots} places are held");
        found.push((Invariant::Admission, what));
    }
}

//! Which calls a list asks for.

use super::entry::Entry;
use crate::rest::answer::Refusal;
use crate::rest::given::Given;
use crate::rest::moment::Window;
use crate::rest::phone;
use crate::time::Micros;

/// The filters of one list; all of them must fit.
#[derive(Debug)]
pub struct Filter<'a> {
    to: Option<String>,
    from: Option<String>,
    parent: Option<&'a str>,
    status: Option<&'a str>,
    started: Window,
    ended: Window,
}

/// What `Status` may name.
const STATUSES: [&str; 8] =
    ["queued", "ringing", "in-progress", "canceled", "completed", "failed", "busy", "no-answer"];

impl<'a> Filter<'a> {
    /// Reads the query.
    ///
    /// # Errors
    /// 20001 for a status or a date that is none.
    pub fn read(query: &'a Given) -> Result<Self, Refusal> {
        let status = query.filled("Status");
        if let Some(other) = status.filter(|status| !STATUSES.contains(status)) {
            return Err(Refusal::parameter(format!("Status is not valid: {other}; one of {}", STATUSES.join(", "))));
        }
        let party = |name| query.filled(name).map(|text| phone::party(text).unwrap_or_else(|| text.to_owned()));
        Ok(Self {
            to: party("To"),
            from: party("From"),
            parent: query.filled("ParentCallSid"),
            status,
            started: Window::read(query, "StartTime")?,
            ended: Window::read(query, "EndTime")?,
        })
    }

    /// Whether this call is asked for.
    #[must_use]
    pub fn has(&self, call: &Entry, unix_s: u64) -> bool {
        let unix = |at: Option<Micros>| at.map(|at| unix_s + at.0 / 1_000_000);
        self.to.as_ref().is_none_or(|to| *to == call.parties.to)
            && self.from.as_ref().is_none_or(|from| *from == call.parties.from)
            && self.parent.is_none_or(|parent| call.parent.as_deref() == Some(parent))
            && self.status.is_none_or(|status| status == call.status.as_str())
            && self.started.has(unix(call.started))
            && self.ended.has(unix(call.ended))
    }
}

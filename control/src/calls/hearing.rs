//! A carrier's report on its way to the chronicle and to disk, however it came.

use engine::wire::Sid;

use super::chronicle::Told;
use crate::app::App;
use crate::model::CallId;

/// A report is told at most so often: what came before it may have to be read first.
const LOOKS: usize = 3;

/// What became of a report. Either way it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is new.
    Processed(CallId),
    /// It had come before.
    Duplicate(CallId),
}

/// Why a report was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// It cannot be written down, or what came before it cannot be read, at the moment.
    Away,
    /// No such call is remembered.
    Stranger,
}

/// Says a report to the chronicle and waits until it is on disk.
///
/// # Errors
/// Why it is not: then it is as if it had not come.
pub(crate) async fn hear(app: &App, say: impl Fn() -> Told) -> Result<Heard, Unheard> {
    for _ in 0..LOOKS {
        match say() {
            Told::Taken { call, key, again, written } => {
                let kept = written.await.is_ok();
                app.chronicle.settled(call, &key, kept);
                return match (kept, again) {
                    (false, _) => Err(Unheard::Away),
                    (true, true) => Ok(Heard::Duplicate(call)),
                    (true, false) => Ok(Heard::Processed(call)),
                };
            }
            Told::Known(call) => return Ok(Heard::Duplicate(call)),
            Told::Unread(tenant, call) => {
                let keys = app.store.carrier_keys(tenant, call).await.map_err(|error| {
                    tracing::warn!(%call, %error, "what was reported of a call before cannot be read");
                    Unheard::Away
                })?;
                app.chronicle.remember(call, keys);
            }
            Told::Stranger => return Err(Unheard::Stranger),
        }
    }
    Err(Unheard::Away)
}

/// The carrier says that a call is over: its place is free.
pub(crate) fn over(app: &App, sid: &Sid, heard: Heard) {
    let (Heard::Processed(call) | Heard::Duplicate(call)) = heard;
    let mut calls = app.calls();
    calls.over(sid);
    calls.give_back(call);
}

//! Calls that were answered, and whose stream does not come.
//!
//! A call that we placed is waited for from its answer, as long as `TWILIO_STREAM_TIMEOUT` says; then its carrier is asked
//! whether it lives, and it is ended there. Of one that came in nothing is known once its webhook is answered, for a caller
//! may hang up meanwhile: it is asked about as every silent call is.

use super::Chronicle;
use super::entry::{Entry, Outcome};
use crate::carrier::ErrorCode;
use crate::model::{Call, CallError, CallId, CallState, Direction, ProviderType};

/// Calls that something is to be done about.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// Their carriers are to be asked about them.
    pub(crate) asks: Vec<Call>,
    /// They were answered, and no stream began in time.
    pub(crate) streamless: Vec<Call>,
}

impl Chronicle {
    /// Whom we called has answered. That is told before its webhook is asked, which may never be.
    pub(super) fn await_stream(&self, entry: &mut Entry) {
        let call = &entry.call;
        let is_placed = call.direction == Direction::Outbound && call.provider_type == ProviderType::Twilio;
        if is_placed && !entry.is_answered && call.state < CallState::Streaming {
            entry.stream_by.get_or_insert(self.clock.now() + self.stream_timeout);
        }
    }

    /// A call was answered and has no stream by now; false where one began after all, or it is over already.
    pub(crate) fn no_stream_came(&self, id: CallId) -> bool {
        let mut book = self.lock();
        let Some(entry) = book.entries.get_mut(&id) else { return false };
        if entry.call.state >= CallState::Streaming {
            return false;
        }
        self.end(entry, Outcome::STREAMLESS);
        true
    }
}

/// What is said of a call without a stream.
pub(super) fn told(provider: ProviderType) -> CallError {
    let code = if provider == ProviderType::Twilio { ErrorCode::TwilioStreamFailed } else { ErrorCode::StreamFailed };
    CallError {
        code: code.text().to_owned(),
        message:
            "it was answered, and its media socket never came: see that the carrier reaches OFFHOOK_PUBLIC_URL, with \
                  WebSockets let through, and what its debugger says"
                .to_owned(),
        carrier_code: None,
        link: None,
    }
}

//! What the account asks of a call that is under way, by REST.

use super::{Call, Media, Output};
use crate::call::event::What;
use crate::call::network::Network;
use crate::twilio::executor::First;

/// An order to a live call. On a call that has ended it does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Drop what is being done and go on with this TwiML; an open stream is stopped.
    Redirect(First),
    /// End the call.
    HangUp,
}

impl Call {
    pub(super) fn order(&mut self, order: Order) {
        if self.ended.is_some() {
            return;
        }
        match order {
            Order::Redirect(first) => {
                self.note(What::Verb { text: "redirected by REST".into() });
                self.end_media();
                // An answer that is still under way belongs to what was dropped.
                self.requested = None;
                self.executor.redirect(self.now, first);
            }
            Order::HangUp => self.executor.end(self.now, "ended by REST"),
        }
    }

    /// Twilio ends the stream: `stop`, then the close.
    pub(super) fn end_media(&mut self) {
        match std::mem::replace(&mut self.media, Media::None) {
            Media::Open(mut stream) => {
                let why = self.stop_stream(&mut stream);
                self.close_books(&stream, why);
                self.network = Network::default();
            }
            Media::Opening(_) => self.out.push_back(Output::CloseStream),
            Media::None => {}
        }
    }
}

//! Invariant 2: after a clear, no audio queued before it is ever sent; marks that it returned never count as played.
//!
//! A clear cuts everything that had begun, so an utterance that was on the wire before it is never on the wire again; and
//! an utterance counts as finished only when the caller's ear has had all of it.

use engine::port::UtteranceId;

use super::{Found, Invariant, Message, Seen};

/// The clears of one stream.
#[derive(Debug, Default)]
pub struct Clear {
    newest: UtteranceId,
    /// This and all before it were cut.
    dead: UtteranceId,
}

impl Clear {
    /// Something was seen.
    pub fn see(&mut self, seen: &Seen<'_>, found: &mut Found) {
        match seen {
            Seen::Written(Message::Media(parts)) => {
                for (utterance, _) in parts.iter().filter(|(utterance, _)| utterance.0 > 0) {
                    if *utterance <= self.dead {
                        let what = format!("utterance {} was sent again after the clear that cut it", utterance.0);
                        found.push((Invariant::Clear, what));
                    }
                    self.newest = self.newest.max(*utterance);
                }
            }
            Seen::Written(Message::Clear) => self.dead = self.newest,
            _ => {}
        }
    }
}

//! The desk: where an agent leaves word of what is to happen to the call once its stream has ended.
//!
//! The carrier asks for instructions when a stream ends. Control then looks here: the agent's [`Intent`] outlives the
//! agent's task, so a task that died has left the default, which takes the caller up again instead of dropping them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is to happen to the call when its stream has ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Intent {
    /// Nothing was decided: connect the caller to an agent again.
    #[default]
    Resume,
    /// Connect the caller to this number (E.164, checked by whoever dials).
    Dial(String),
    /// The conversation is over: end the call.
    HangUp,
}

/// One call's desk, shared between its agent (writes) and control (reads). Cheap to clone; all clones are the same desk.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    intent: Arc<Mutex<Intent>>,
}

impl Desk {
    /// A desk with nothing on it: [`Intent::Resume`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Once the stream has ended, connect the caller to `number`. Replaces what was said before.
    pub fn dial(&self, number: &str) {
        self.set(Intent::Dial(number.to_owned()));
    }

    /// Once the stream has ended, end the call. Replaces what was said before.
    pub fn goodbye(&self) {
        self.set(Intent::HangUp);
    }

    /// Leaves this intent. Replaces what was said before.
    pub fn set(&self, intent: Intent) {
        *self.lock() = intent;
    }

    /// What was decided last.
    #[must_use]
    pub fn intent(&self) -> Intent {
        self.lock().clone()
    }

    /// An intent is replaced whole, so one left by a panicking writer is as good as any.
    fn lock(&self) -> MutexGuard<'_, Intent> {
        self.intent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desk_nobody_wrote_on_resumes() {
        assert_eq!(Desk::new().intent(), Intent::Resume);
    }

    #[test]
    fn the_last_word_wins() {
        let desk = Desk::new();
        desk.goodbye();
        desk.dial("+15550100");
        assert_eq!(desk.intent(), Intent::Dial("+15550100".to_owned()));
        desk.goodbye();
        assert_eq!(desk.intent(), Intent::HangUp);
    }

    #[test]
    fn what_the_agent_wrote_is_read_by_control_and_stays_when_the_agent_is_gone() {
        let control = Desk::new();
        let agent = control.clone();
        std::thread::spawn(move || agent.goodbye()).join().unwrap();
        assert_eq!(control.intent(), Intent::HangUp);
    }
}

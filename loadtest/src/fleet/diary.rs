//! What happened lately in one call, for the few whose story is told: who spoke when, what was cleared, what was missed.

use std::collections::VecDeque;

use serde::Serialize;

use super::mind::Judged;
use crate::time::Micros;

/// What is kept of a call: some ten seconds of talk. Full: the oldest is forgotten.
const ENTRIES_MAX: usize = 24;
/// Sound that goes on so soon is the same utterance.
const BREATH: Micros = Micros::from_ms(60);

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Entry {
    /// The bot was heard.
    Bot {
        /// From here.
        from: Micros,
        /// To here, unless it was cleared before.
        to: Micros,
    },
    /// The caller spoke: as the clip is labelled.
    Caller {
        /// From here.
        from: Micros,
        /// To here.
        to: Micros,
    },
    /// The server stopped the bot.
    Clear {
        /// Then.
        at: Micros,
        /// So long behind the first sound of the caller's speech, if that provoked it.
        took: Option<Micros>,
        /// Whether anybody had done anything.
        provoked: bool,
    },
    /// The bot went on although it had been interrupted for a second.
    Missed {
        /// Then.
        at: Micros,
    },
    /// The bot fell silent in the middle of what it said.
    Gap {
        /// From here.
        from: Micros,
        /// To here.
        to: Micros,
    },
    /// The caller pressed a key.
    Key {
        /// Then.
        at: Micros,
    },
}

/// The diary of a call.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    entries: VecDeque<Entry>,
}

impl Diary {
    /// Something happened.
    pub fn note(&mut self, entry: Entry) {
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// The bot will be heard from `from` to `to`: an utterance goes on, or a new one begins.
    pub fn heard(&mut self, from: Micros, to: Micros) {
        let last = self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Bot { to, .. } => Some(to),
            _ => None,
        });
        match last {
            Some(last) if from <= *last + BREATH => *last = to.max(*last),
            _ => self.note(Entry::Bot { from, to }),
        }
    }

    /// A `clear` came: what the bot would have said is not heard.
    pub fn cleared(&mut self, at: Micros, judged: Judged) {
        for entry in &mut self.entries {
            if let Entry::Bot { to, .. } = entry {
                *to = at.min(*to);
            }
        }
        let (took, provoked) = match judged {
            Judged::Interruption { onset, .. } => (Some(at.since(onset)), true),
            Judged::Provoked => (None, true),
            Judged::Unprovoked => (None, false),
        };
        self.note(Entry::Clear { at, took, provoked });
    }

    /// All that is known, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Micros = Micros::from_ms;

    #[test]
    fn an_utterance_is_one_entry_until_it_is_cleared() {
        let mut diary = Diary::default();
        (0..5).for_each(|n| diary.heard(MS(160 * n), MS(160 * n + 160)));
        diary.note(Entry::Caller { from: MS(500), to: MS(1_200) });
        diary.cleared(MS(560), Judged::Interruption { clip: 0, onset: MS(500) });
        diary.heard(MS(2_000), MS(2_160));
        assert_eq!(
            diary.entries().collect::<Vec<_>>(),
            [
                Entry::Bot { from: MS(0), to: MS(560) },
                Entry::Caller { from: MS(500), to: MS(1_200) },
                Entry::Clear { at: MS(560), took: Some(MS(60)), provoked: true },
                Entry::Bot { from: MS(2_000), to: MS(2_160) },
            ]
        );
    }

    #[test]
    fn only_so_much_is_kept() {
        let mut diary = Diary::default();
        (0..1_000).for_each(|n| diary.note(Entry::Key { at: MS(n) }));
        assert_eq!(diary.entries().count(), ENTRIES_MAX);
        assert_eq!(diary.entries().last(), Some(Entry::Key { at: MS(999) }));
    }
}

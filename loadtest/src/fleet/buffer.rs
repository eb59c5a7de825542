//! The carrier's playback buffer by arithmetic: no sound is kept, only when it will have been played.
//!
//! The rules are those of [`crate::twilio::playback`], which keeps every byte; a test compares the two.
//! Full (ten minutes): the rest is discarded and counted. Empty: a mark is echoed at once. Late: sound that comes after
//! the buffer ran dry plays when it comes, and what was silent in between is a gap if the server meant to go on.

use std::collections::VecDeque;

use crate::time::Micros;
use crate::twilio::playback::{GAP_MAX, GAP_MIN, LIMIT_BYTES};

/// Marks that wait at most; a server needs a handful. One more is refused, and counted.
const MARKS_MAX: usize = 1_000;

/// What becomes of a mark.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing waits before it: it goes back at once.
    Echo(String),
    /// It goes back then.
    Due(Micros),
    /// Too many wait.
    Refused,
}

/// The buffer of one call.
#[derive(Debug, Default)]
pub struct Buffer {
    /// When all that waits will have been played.
    dry_at: Micros,
    /// When each waiting mark falls due.
    marks: VecDeque<(Micros, String)>,
    /// The server ended what it said by a mark, or by a clear: running dry now is no gap.
    complete: bool,
}

impl Buffer {
    /// When all that waits will have been played; in the past when nothing waits.
    #[must_use]
    pub const fn dry_at(&self) -> Micros {
        self.dry_at
    }

    /// Takes `samples` at `now`. Returns how long the caller heard nothing in the middle of it; zero if not at all.
    pub fn media(&mut self, now: Micros, samples: u64) -> Micros {
        let silent = now.since(self.dry_at);
        let gap = !self.complete && self.dry_at > Micros::ZERO && silent >= GAP_MIN && silent <= GAP_MAX;
        self.complete = false;
        let limit = now + Micros::from_samples(LIMIT_BYTES);
        self.dry_at = (self.dry_at.max(now) + Micros::from_samples(samples)).min(limit);
        if gap { silent } else { Micros::ZERO }
    }

    /// Takes a mark at `now`.
    pub fn mark(&mut self, now: Micros, name: String) -> Fate {
        self.complete = true;
        if self.dry_at <= now {
            return Fate::Echo(name);
        }
        if self.marks.len() >= MARKS_MAX {
            return Fate::Refused;
        }
        self.marks.push_back((self.dry_at, name));
        Fate::Due(self.dry_at)
    }

    /// The next mark that is due at `now`.
    pub fn played(&mut self, now: Micros) -> Option<String> {
        self.marks.pop_front_if(|(due, _)| *due <= now).map(|(_, name)| name)
    }

    /// Throws away what waits: how much sound that was, and its marks.
    pub fn clear(&mut self, now: Micros) -> (Micros, VecDeque<(Micros, String)>) {
        let lost = self.dry_at.since(now);
        self.dry_at = self.dry_at.min(now);
        self.complete = true;
        (lost, std::mem::take(&mut self.marks))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::twilio::playback::{Playback, Played};

    #[derive(Clone, Debug)]
    enum Op {
        Wait(u64),
        Media(u64),
        Mark,
        Clear,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0_u64..4_000).prop_map(|samples| Op::Wait(samples * 125)),
            (1_u64..4_000).prop_map(Op::Media),
            Just(Op::Mark),
            Just(Op::Clear),
        ]
    }

    proptest! {
        #[test]
        fn marks_and_losses_are_those_of_the_buffer_that_keeps_every_byte(ops in prop::collection::vec(op(), 1..80)) {
            let (mut lean, mut whole) = (Buffer::default(), Playback::default());
            let (mut now, mut names) = (Micros(1_000_000), 0);
            for op in ops {
                let (mut echoed, mut expected) = (Vec::new(), Vec::new());
                if let Op::Wait(us) = op {
                    now += Micros(us);
                }
                while let Some(name) = lean.played(now) {
                    echoed.push(name);
                }
                whole.advance(now, &mut |played| if let Played::Mark { name, .. } = played { expected.push(name) });
                match op {
                    Op::Wait(_) => {}
                    Op::Media(samples) => {
                        lean.media(now, samples);
                        whole.media(now, vec![0; usize::try_from(samples).unwrap()]);
                    }
                    Op::Mark => {
                        names += 1;
                        if let Fate::Echo(name) = lean.mark(now, names.to_string()) {
                            echoed.push(name);
                        }
                        expected.extend(whole.mark(names.to_string()).unwrap());
                    }
                    Op::Clear => {
                        let (lost, marks) = lean.clear(now);
                        let (bytes, returned) = whole.clear();
                        prop_assert_eq!(lost, Micros::from_samples(bytes));
                        echoed.extend(marks.into_iter().map(|(_, name)| name));
                        expected.extend(returned);
                    }
                }
                prop_assert_eq!(echoed, expected);
            }
        }
    }

    #[test]
    fn a_silence_in_the_middle_is_a_gap_and_one_behind_a_mark_or_a_clear_is_none() {
        let ms = Micros::from_ms;
        let mut buffer = Buffer::default();
        assert_eq!(buffer.media(ms(1_000), 800), Micros::ZERO);
        assert_eq!(buffer.media(ms(1_150), 800), ms(50));
        assert_eq!(buffer.media(ms(1_251), 800), Micros::ZERO, "shorter than anybody hears");
        assert_eq!(buffer.media(ms(2_000), 800), Micros::ZERO, "long enough to be meant");
        buffer.mark(ms(2_000), "end".into());
        assert_eq!(buffer.media(ms(2_150), 800), Micros::ZERO);
        buffer.clear(ms(2_160));
        assert_eq!(buffer.media(ms(2_200), 800), Micros::ZERO);
    }

    #[test]
    fn no_more_than_ten_minutes_wait() {
        let mut buffer = Buffer::default();
        buffer.media(Micros::ZERO, 2 * LIMIT_BYTES);
        assert_eq!(buffer.dry_at(), Micros::from_ms(600_000));
    }
}

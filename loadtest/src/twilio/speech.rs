//! What somebody says, as words on the call's time axis: what a perfect recogniser would have heard by now.
//!
//! ```text
//!  onset                                   offset
//!    │ I'm │ sorry │ to │ interrupt │ you    │ ── pause ──►  complete
//!            ▲ now: "I'm" has been heard, "sorry" not yet
//! ```
//! A recording's words are spread evenly over its speech. Full (20,000 words): the oldest are forgotten.

use std::collections::VecDeque;

use crate::time::Micros;

/// Words that are remembered of one voice.
const MAX_WORDS: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    begins: Micros,
    ends: Micros,
}

/// The words of one voice, past and just begun.
#[derive(Clone, Debug, Default)]
pub struct Voice {
    words: VecDeque<Word>,
}

/// Words without a long pause between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// When its first word begins.
    pub begins: Micros,
    /// What has been heard of it.
    pub text: String,
    /// How many words that is.
    pub words: usize,
    /// When its last known word ends.
    pub ends: Micros,
    /// Whether the pause behind it has passed.
    pub complete: bool,
    /// When there is something new.
    pub wake: Micros,
}

impl Voice {
    /// `text` is spoken from `onset` to `offset`; what was to be said from `begins` on never is.
    pub fn says(&mut self, text: &str, begins: Micros, onset: Micros, offset: Micros) {
        self.words.retain(|word| word.ends <= begins);
        let words: Vec<&str> = text.split_whitespace().collect();
        // A word takes some time, so that what comes behind it is behind it.
        let each = (offset.since(onset).0 / (words.len() as u64).max(1)).max(1);
        for (index, word) in (0_u64..).zip(&words) {
            if self.words.len() >= MAX_WORDS {
                self.words.pop_front();
            }
            let begins = onset + Micros(each.saturating_mul(index));
            self.words.push_back(Word { text: (*word).to_owned(), begins, ends: begins + Micros(each) });
        }
    }

    /// Nothing more is said from `now` on.
    pub fn stops(&mut self, now: Micros) {
        self.words.retain(|word| word.ends <= now);
    }

    /// The first phrase that begins at or after `from`, as far as it was heard by `now`; a silence of `pause` ends it.
    #[must_use]
    pub fn phrase(&self, from: Micros, now: Micros, pause: Micros) -> Option<Phrase> {
        let mut words = self.words.iter().skip_while(|word| word.begins < from);
        let first = words.next()?;
        let mut phrase = Phrase {
            begins: first.begins,
            text: String::new(),
            words: 0,
            ends: first.begins,
            complete: false,
            wake: first.begins,
        };
        let mut next = None;
        for word in std::iter::once(first).chain(words) {
            if word.begins > phrase.ends + pause {
                break;
            }
            phrase.ends = word.ends;
            if word.ends <= now {
                if phrase.words > 0 {
                    phrase.text.push(' ');
                }
                phrase.text.push_str(&word.text);
                phrase.words += 1;
            } else {
                next = next.or(Some(word.ends));
            }
        }
        let over = phrase.ends + pause;
        phrase.complete = now >= over;
        if now >= phrase.begins {
            phrase.wake = next.unwrap_or(over);
        }
        Some(phrase)
    }

    /// What was said from `from` to `to`.
    #[must_use]
    pub fn between(&self, from: Micros, to: Micros) -> String {
        let words = self.words.iter().filter(|word| word.begins >= from && word.ends <= to);
        words.map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    fn heard(voice: &Voice, now: u64) -> (String, bool, Micros) {
        let phrase = voice.phrase(ms(0), ms(now), ms(500)).unwrap();
        (phrase.text, phrase.complete, phrase.wake)
    }

    #[test]
    fn words_are_heard_when_they_have_ended_and_a_pause_completes_them() {
        let mut voice = Voice::default();
        assert_eq!(voice.phrase(ms(0), ms(0), ms(500)), None);
        voice.says("I am sorry.", ms(900), ms(1_000), ms(1_600));
        assert_eq!(heard(&voice, 999), (String::new(), false, ms(1_000)));
        assert_eq!(heard(&voice, 1_000), (String::new(), false, ms(1_200)));
        assert_eq!(heard(&voice, 1_400), ("I am".into(), false, ms(1_600)));
        assert_eq!(heard(&voice, 1_600), ("I am sorry.".into(), false, ms(2_100)));
        assert_eq!(heard(&voice, 2_100), ("I am sorry.".into(), true, ms(2_100)));
        assert_eq!(voice.between(ms(1_100), ms(1_700)), "am sorry.");
    }

    #[test]
    fn a_short_pause_joins_and_a_long_one_parts() {
        let mut voice = Voice::default();
        voice.says("one", ms(0), ms(0), ms(300));
        voice.says("two", ms(700), ms(700), ms(900));
        voice.says("three", ms(1_500), ms(1_500), ms(1_800));
        assert_eq!(heard(&voice, 5_000).0, "one two");
        let rest = voice.phrase(ms(901), ms(5_000), ms(500)).unwrap();
        assert_eq!((rest.text.as_str(), rest.complete), ("three", true));
    }

    #[test]
    fn what_is_cut_off_was_never_said() {
        let mut voice = Voice::default();
        voice.says("one two three four", ms(0), ms(0), ms(400));
        voice.says("stop", ms(250), ms(260), ms(300));
        assert_eq!(voice.between(ms(0), ms(9_000)), "one two stop");
        voice.stops(ms(100));
        assert_eq!(voice.between(ms(0), ms(9_000)), "one");
    }
}

//! `<Gather>`: collects keys and speech until enough, the finishing key, or silence.
//!
//! ```text
//! prompts ───────────────┤ timeout ─────► nothing
//!      key │ key │ ───────── timeout ───► Digits
//!         speech ─── speechTimeout ─────► SpeechResult     (either stops the prompts, unless bargeIn is false)
//! ```

use super::speech::{Phrase, Voice};
use super::twiml::Element;
use crate::time::Micros;

/// Keys that one Gather collects at most when `numDigits` is absent; bounds memory.
const MAX_DIGITS: usize = 256;
/// The silence that ends a sentence with `speechTimeout="auto"`. [K]
const AUTO_PAUSE: Micros = Micros::from_ms(1_000);
/// The longest speech when `maxSpeechTime` is absent.
const MAX_SPEECH_S: u64 = 60;

/// What was gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// Keys, without the finishing one, and that one.
    Digits(String, Option<char>),
    /// Words.
    Speech(String),
    /// Nobody did anything.
    Nothing,
}

/// A partial result: how many words, the sure ones, the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// From 0.
    pub sequence: u64,
    /// All but the newest word.
    pub stable: String,
    /// The newest word.
    pub unstable: String,
}

/// A Gather that is listening.
#[derive(Debug)]
pub struct Gather {
    /// The verb that asked.
    pub verb: Element,
    digits: String,
    timeout: Micros,
    pause: Micros,
    max_speech: Micros,
    wanted: usize,
    finish: Option<char>,
    keys: bool,
    speech: bool,
    barge_in: bool,
    /// Since when there has been nothing but waiting; `None` while the prompts are spoken.
    silent_since: Option<Micros>,
    listening_since: Option<Micros>,
    partials: u64,
    words: usize,
}

impl Gather {
    /// Begins at `now`, with its prompts.
    #[must_use]
    pub fn new(now: Micros, verb: Element) -> Self {
        let seconds = |name, default: u64| Micros::from_ms(verb.number(name, default).saturating_mul(1_000));
        let timeout = seconds("timeout", 5);
        let pause = match verb.attribute("speechTimeout") {
            Some("auto") => AUTO_PAUSE,
            Some(_) => seconds("speechTimeout", 5),
            None => timeout,
        };
        let input = verb.attribute("input").unwrap_or("dtmf");
        let barge_in = verb.attribute("bargeIn") != Some("false");
        let wanted = usize::try_from(verb.number("numDigits", MAX_DIGITS as u64)).unwrap_or(MAX_DIGITS);
        Self {
            digits: String::new(),
            timeout,
            pause,
            max_speech: seconds("maxSpeechTime", MAX_SPEECH_S),
            wanted: wanted.clamp(1, MAX_DIGITS),
            finish: verb.attribute("finishOnKey").map_or(Some('#'), |key| key.chars().next()),
            keys: input.contains("dtmf"),
            speech: input.contains("speech"),
            barge_in,
            silent_since: None,
            listening_since: barge_in.then_some(now),
            partials: 0,
            words: 0,
            verb,
        }
    }

    /// When to look again.
    #[must_use]
    pub fn deadline(&self, now: Micros, caller: &Voice) -> Option<Micros> {
        let silence = self.silent_since.map(|since| since + self.timeout);
        let Some(phrase) = self.phrase(now, caller) else { return silence };
        let ends = phrase.wake.min(phrase.begins + self.max_speech);
        if phrase.begins <= now { Some(ends) } else { silence.map_or(Some(ends), |silence| Some(silence.min(ends))) }
    }

    /// The prompts have been spoken, or were stopped.
    pub fn prompts_over(&mut self, now: Micros) {
        self.silent_since.get_or_insert(now);
        self.listening_since.get_or_insert(now);
    }

    /// A key was pressed: whether it is heard, and what that completes.
    pub fn digit(&mut self, now: Micros, digit: char) -> (bool, Option<Gathered>) {
        if !self.keys || self.listening_since.is_none() {
            return (false, None);
        }
        self.silent_since = Some(now);
        if Some(digit) == self.finish {
            return (true, Some(Gathered::Digits(std::mem::take(&mut self.digits), Some(digit))));
        }
        self.digits.push(digit);
        let enough = self.digits.len() >= self.wanted;
        (true, enough.then(|| Gathered::Digits(std::mem::take(&mut self.digits), None)))
    }

    /// Whether the caller does something that stops the prompts.
    #[must_use]
    pub fn is_interrupted(&self, now: Micros, caller: &Voice) -> bool {
        let speaks = self.phrase(now, caller).is_some_and(|phrase| phrase.begins <= now);
        self.barge_in && (speaks || !self.digits.is_empty())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Micros, caller: &Voice) -> Option<Gathered> {
        if let Some(phrase) = self.phrase(now, caller).filter(|phrase| phrase.begins <= now) {
            let over = phrase.complete || now >= phrase.begins + self.max_speech;
            return over.then_some(Gathered::Speech(phrase.text));
        }
        if self.silent_since.is_none_or(|since| now < since + self.timeout) {
            return None;
        }
        let digits = std::mem::take(&mut self.digits);
        Some(if digits.is_empty() { Gathered::Nothing } else { Gathered::Digits(digits, None) })
    }

    /// What has been understood since the last time somebody asked.
    pub fn partial(&mut self, now: Micros, caller: &Voice) -> Option<Partial> {
        let phrase = self.phrase(now, caller).filter(|phrase| phrase.words > self.words)?;
        self.words = phrase.words;
        let sequence = self.partials;
        self.partials += 1;
        let (stable, unstable) = phrase.text.rsplit_once(' ').unwrap_or(("", &phrase.text));
        Some(Partial { sequence, stable: stable.to_owned(), unstable: unstable.to_owned() })
    }

    /// Keys that were pressed decide that it is not speech.
    fn phrase(&self, now: Micros, caller: &Voice) -> Option<Phrase> {
        let since = self.listening_since.filter(|_| self.speech && self.digits.is_empty())?;
        caller.phrase(since, now, self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    fn gather(attributes: &[(&str, &str)]) -> Gather {
        let attributes = attributes.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Gather::new(ms(0), Element { name: "Gather".into(), attributes, ..Element::default() })
    }

    #[test]
    fn speech_ends_with_its_pause_and_comes_in_parts() {
        let mut gather = gather(&[("input", "speech"), ("speechTimeout", "2"), ("timeout", "9")]);
        let mut caller = Voice::default();
        caller.says("yes please", ms(1_000), ms(1_000), ms(1_400));
        assert!(!gather.is_interrupted(ms(999), &caller));
        assert!(gather.is_interrupted(ms(1_000), &caller));
        gather.prompts_over(ms(1_000));
        assert_eq!(gather.partial(ms(1_100), &caller), None);
        let first = gather.partial(ms(1_200), &caller).unwrap();
        assert_eq!((first.sequence, first.stable.as_str(), first.unstable.as_str()), (0, "", "yes"));
        assert_eq!(gather.deadline(ms(1_200), &caller), Some(ms(1_400)));
        let second = gather.partial(ms(1_400), &caller).unwrap();
        assert_eq!((second.sequence, second.stable.as_str(), second.unstable.as_str()), (1, "yes", "please"));
        assert_eq!(gather.tick(ms(3_399), &caller), None);
        assert_eq!(gather.tick(ms(3_400), &caller), Some(Gathered::Speech("yes please".into())));
    }

    #[test]
    fn speech_is_nothing_where_only_keys_are_wanted_and_the_other_way_round() {
        let mut caller = Voice::default();
        caller.says("yes", ms(1_000), ms(1_000), ms(1_400));
        let mut keys = gather(&[("timeout", "1")]);
        keys.prompts_over(ms(900));
        assert!(!keys.is_interrupted(ms(1_200), &caller));
        assert_eq!(keys.tick(ms(1_900), &caller), Some(Gathered::Nothing));
        let mut speech = gather(&[("input", "speech")]);
        assert_eq!(speech.digit(ms(0), '1'), (false, None));
    }

    #[test]
    fn without_barge_in_nobody_listens_while_the_prompts_are_spoken() {
        let mut caller = Voice::default();
        caller.says("yes", ms(1_000), ms(1_000), ms(1_400));
        let mut gather = gather(&[("input", "dtmf speech"), ("bargeIn", "false")]);
        assert_eq!(gather.digit(ms(500), '1'), (false, None));
        assert!(!gather.is_interrupted(ms(1_200), &caller));
        gather.prompts_over(ms(2_000));
        assert_eq!(gather.digit(ms(2_100), '1'), (true, None));
    }

    #[test]
    fn speech_without_end_is_cut() {
        let mut gather = gather(&[("input", "speech"), ("maxSpeechTime", "2")]);
        let mut caller = Voice::default();
        caller.says("a b c d e f", ms(0), ms(0), ms(6_000));
        gather.prompts_over(ms(0));
        assert_eq!(gather.deadline(ms(1_500), &caller), Some(ms(2_000)));
        assert_eq!(gather.tick(ms(2_000), &caller), Some(Gathered::Speech("a b".into())));
    }
}

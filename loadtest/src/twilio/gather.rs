//! `<Gather input="dtmf">`: collects keys until enough, the finishing key, or silence.

use super::twiml::Element;
use crate::time::Micros;

/// Keys that one Gather collects at most when `numDigits` is absent; bounds memory.
const MAX_DIGITS: usize = 256;

/// What was typed, and the verb that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// Without the finishing key; empty when nobody typed.
    pub digits: String,
    /// The `<Gather>`.
    pub verb: Element,
}

/// A Gather that is listening.
#[derive(Debug)]
pub struct Gather {
    verb: Element,
    digits: String,
    deadline: Micros,
    timeout: Micros,
    wanted: usize,
    finish: Option<char>,
}

impl Gather {
    /// Listens while the prompts are spoken (`prompts` long), and `timeout` seconds after them.
    #[must_use]
    pub fn new(now: Micros, verb: &Element, prompts: Micros) -> Self {
        let timeout = Micros::from_ms(verb.number("timeout", 5).saturating_mul(1_000));
        let wanted = usize::try_from(verb.number("numDigits", MAX_DIGITS as u64)).unwrap_or(MAX_DIGITS);
        Self {
            digits: String::new(),
            deadline: now + prompts + timeout,
            timeout,
            wanted: wanted.clamp(1, MAX_DIGITS),
            finish: verb.attribute("finishOnKey").map_or(Some('#'), |key| key.chars().next()),
            verb: verb.clone(),
        }
    }

    /// When the silence has lasted long enough.
    #[must_use]
    pub const fn deadline(&self) -> Micros {
        self.deadline
    }

    /// A key was pressed.
    pub fn digit(&mut self, now: Micros, digit: char) -> Option<Typed> {
        self.deadline = now + self.timeout;
        if Some(digit) == self.finish {
            return Some(self.typed());
        }
        self.digits.push(digit);
        (self.digits.len() >= self.wanted).then(|| self.typed())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Micros) -> Option<Typed> {
        (now >= self.deadline).then(|| self.typed())
    }

    fn typed(&mut self) -> Typed {
        Typed { digits: std::mem::take(&mut self.digits), verb: self.verb.clone() }
    }
}

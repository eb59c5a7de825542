//! Answering machine detection: what Twilio finds out about who answered, and when, by the thresholds that were asked
//! for.
//!
//! The model knows who answered, so it has only to be as slow as Twilio, and as wrong: a machine whose greeting is
//! shorter than the speech threshold counts as a person.

use super::course::Pickup;
use crate::time::Micros;

/// What to find out, as `MachineDetection…` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// `DetectMessageEnd`: whether to wait for the end of a machine's greeting.
    pub message_end: bool,
    /// Gives up after so long.
    pub timeout: Micros,
    /// Speech that is longer is a machine's.
    pub speech: Micros,
    /// So much silence ends speech.
    pub speech_end: Micros,
    /// So much silence at the beginning makes it unknown.
    pub silence: Micros,
}

impl Default for Detection {
    fn default() -> Self {
        let ms = Micros::from_ms;
        Self { message_end: false, timeout: ms(30_000), speech: ms(2_400), speech_end: ms(1_200), silence: ms(5_000) }
    }
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `AnsweredBy`.
    pub answered_by: &'static str,
    /// How long it took: `MachineDetectionDuration`.
    pub after: Micros,
}

/// How long a person says hello.
const HELLO: Micros = Micros::from_ms(700);
/// A fax is known by its tone.
const FAX_TONE: Micros = Micros::from_ms(1_500);
/// How long a beep is listened to.
const BEEP: Micros = Micros::from_ms(300);

impl Detection {
    /// What is found out about who picked up, from the moment of answering.
    #[must_use]
    pub fn verdict(&self, pickup: Pickup) -> Verdict {
        let (answered_by, after) = match pickup {
            Pickup::Machine { greeting, beep, .. } => self.machine(greeting, beep),
            Pickup::Fax(_) => ("fax", FAX_TONE),
            Pickup::Person(_) | Pickup::GivesUp(_) | Pickup::Busy(_) | Pickup::Nobody | Pickup::Fails(_) => {
                ("human", HELLO + self.speech_end)
            }
        };
        if after > self.timeout {
            Verdict { answered_by: "unknown", after: self.timeout }
        } else {
            Verdict { answered_by, after }
        }
    }

    fn machine(&self, greeting: Micros, beep: bool) -> (&'static str, Micros) {
        if greeting.0 == 0 {
            return ("unknown", self.silence);
        }
        if greeting <= self.speech {
            return ("human", greeting + self.speech_end);
        }
        match (self.message_end, beep) {
            (false, _) => ("machine_start", self.speech),
            (true, true) => ("machine_end_beep", greeting + BEEP),
            (true, false) => ("machine_end_silence", greeting + self.speech_end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    #[test]
    fn who_answered_is_known_as_soon_as_the_thresholds_allow() {
        let machine = |greeting, beep| Pickup::Machine { after: ms(0), greeting: ms(greeting), beep };
        let start = Detection::default();
        let end = Detection { message_end: true, ..start };
        let check = |detection: &Detection, pickup, answered_by, after| {
            assert_eq!(detection.verdict(pickup), Verdict { answered_by, after: ms(after) }, "{pickup:?}");
        };
        check(&start, Pickup::Person(ms(0)), "human", 1_900);
        check(&start, machine(8_000, true), "machine_start", 2_400);
        check(&start, machine(2_000, true), "human", 3_200);
        check(&start, machine(0, false), "unknown", 5_000);
        check(&end, machine(8_000, true), "machine_end_beep", 8_300);
        check(&end, machine(8_000, false), "machine_end_silence", 9_200);
        check(&end, machine(40_000, true), "unknown", 30_000);
        check(&start, Pickup::Fax(ms(0)), "fax", 1_500);
    }
}

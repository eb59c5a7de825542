//! `<Gather>`: prompts and listening at once, and what comes of it.

use super::speak::describe;
use super::{After, Executor, Output, State, is_get};
use crate::time::Micros;
use crate::twilio::form::Fields;
use crate::twilio::gather::{Gather, Gathered};
use crate::twilio::notice::Carries;
use crate::twilio::twiml::Element;
use crate::twilio::warning::Code;

impl Executor {
    pub(super) fn gather(&mut self, now: Micros, verb: &Element) {
        self.out.push_back(Output::Verb(describe(verb)));
        self.speaker.wrong_type = Some(Code::GatherPlayType);
        let prompts = self.prompts(verb);
        self.state = State::Gathering(Box::new(Gather::new(now, verb.clone())));
        self.begin_to_speak(now, prompts);
        self.advance_gather(now);
    }

    pub(super) fn gather_digit(&mut self, now: Micros, digit: char) -> bool {
        let State::Gathering(gather) = &mut self.state else { return false };
        let (heard, gathered) = gather.digit(now, digit);
        match gathered {
            Some(gathered) => self.gathered(now, gathered),
            None => self.advance_gather(now),
        }
        heard
    }

    pub(super) fn advance_gather(&mut self, now: Micros) {
        let State::Gathering(gather) = &mut self.state else { return };
        if gather.is_interrupted(now, &self.caller) {
            self.speaker.hush(&mut self.out);
            self.bot.stops(now);
        }
        if self.speaker.is_idle() {
            gather.prompts_over(now);
        }
        let partial = gather.partial(now, &self.caller);
        let gathered = gather.tick(now, &self.caller);
        if let Some(partial) = partial {
            let verb = gather.verb.clone();
            let callback = self.callback(&verb, "partialResultCallback", "partialResultCallbackMethod");
            if let Some(callback) = callback {
                let fields: Fields = vec![
                    ("StableSpeechResult".into(), partial.stable),
                    ("UnstableSpeechResult".into(), partial.unstable),
                    ("Stability".into(), "0.9".into()),
                    ("SequenceNumber".into(), partial.sequence.to_string()),
                ];
                self.tell("partial result", Carries::Call, &callback, fields);
            }
        }
        if let Some(gathered) = gathered {
            self.gathered(now, gathered);
        }
    }

    fn gathered(&mut self, now: Micros, gathered: Gathered) {
        let State::Gathering(gather) = std::mem::replace(&mut self.state, State::Speaking) else { return };
        self.hush(now);
        let verb = gather.verb;
        let empty = match &gathered {
            Gathered::Digits(text, _) | Gathered::Speech(text) => text.is_empty(),
            Gathered::Nothing => true,
        };
        if empty && verb.attribute("actionOnEmptyResult") != Some("true") {
            return self.next_verb(now);
        }
        let speech_only = verb.attribute("input") == Some("speech");
        let mut fields: Fields = match gathered {
            Gathered::Digits(digits, finished) => {
                let mut fields: Fields = vec![("Digits".into(), digits)];
                fields.extend(finished.map(|key| ("FinishedOnKey".into(), key.to_string())));
                fields
            }
            Gathered::Speech(text) => {
                // A good recogniser on a good line; what it is sure of is drawn from the seed.
                let confidence = format!("{:.7}", 0.85 + 0.14 * self.rng.unit());
                vec![("SpeechResult".into(), text), ("Confidence".into(), confidence)]
            }
            Gathered::Nothing if speech_only => vec![("SpeechResult".into(), String::new())],
            Gathered::Nothing => vec![("Digits".into(), String::new())],
        };
        fields.push(("msg".into(), "Gather End".into()));
        // Without an action the same document is asked again.
        let action = verb.attribute("action").unwrap_or_default().to_owned();
        self.go_on(now, After { action: Some(action), get: is_get(&verb, "method") }, fields);
    }
}

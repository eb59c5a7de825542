//! `<Say>`, `<Play>` and `<Pause>`, alone and as prompts of another verb.

use super::speaker::Prompt;
use super::{Executor, Output, State};
use crate::time::Micros;
use crate::twilio::sound::{self, Sound};
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

impl Executor {
    /// A verb that is heard, and nothing else.
    pub(super) fn speak(&mut self, now: Micros, verb: &Element) -> bool {
        self.out.push_back(Output::Verb(describe(verb)));
        self.speaker.wrong_type = Some(Code::PlayType);
        let Some(prompt) = self.prompt(verb) else { return false };
        self.begin_to_speak(now, [prompt]);
        self.state = State::Speaking;
        true
    }

    /// A webhook that answered a sound: it is played, and then the call ends.
    pub(super) fn speak_sound(&mut self, now: Micros, sound: Sound) {
        self.out.push_back(Output::Verb("<Play> \"the answered sound\"".into()));
        self.begin_to_speak(now, [Prompt::Sound { sound, loops: 1 }]);
        self.state = State::Speaking;
    }

    pub(super) fn begin_to_speak(&mut self, now: Micros, prompts: impl IntoIterator<Item = Prompt>) {
        self.answered = true;
        self.speaker.say(prompts);
        self.advance_speaker(now);
    }

    /// Speaks on, and remembers which words were said.
    pub(super) fn advance_speaker(&mut self, now: Micros) {
        self.speaker.advance(now, &mut self.out);
        for (text, begins, ends) in self.speaker.spoken.drain(..) {
            self.bot.says(&text, begins, begins, ends);
        }
    }

    /// Stops speaking in the middle of a word.
    pub(super) fn hush(&mut self, now: Micros) {
        self.speaker.hush(&mut self.out);
        self.bot.stops(now);
    }

    /// The prompts inside a `<Gather>`.
    pub(super) fn prompts(&mut self, verb: &Element) -> Vec<Prompt> {
        verb.children.iter().filter_map(|child| self.prompt(child)).collect()
    }

    fn prompt(&mut self, verb: &Element) -> Option<Prompt> {
        let loops = verb.number("loop", 1);
        match verb.name.as_str() {
            "Say" => Some(Prompt::Say {
                text: verb.text.clone(),
                language: verb.attribute("language").unwrap_or("en-US").to_owned(),
                voice: verb.attribute("voice").unwrap_or_default().to_owned(),
                pauses: pauses(verb),
                loops,
            }),
            "Pause" => Some(Prompt::Pause(Micros::from_ms(verb.number("length", 1).saturating_mul(1_000)))),
            _ => match (verb.attribute("digits"), self.resolve(&verb.text)) {
                (Some(digits), _) => Some(Prompt::Sound { sound: sound::keys(digits), loops }),
                (None, Ok(url)) => Some(Prompt::Fetch { url, loops }),
                (None, Err(bad)) => {
                    self.out.push_back(Output::Warning(Warning::new(Code::BadUrl, format!("<Play>: {bad}"))));
                    None
                }
            },
        }
    }
}

/// How long the `<break>`s in a `<Say>` last together: a second unless said, ten at most each.
fn pauses(verb: &Element) -> Micros {
    let each = verb.children.iter().map(|child| {
        let inside = pauses(child);
        if child.name != "break" {
            return inside;
        }
        let time = child.attribute("time").unwrap_or("1s").trim();
        let ms = match time.strip_suffix("ms") {
            Some(ms) => ms.parse().ok(),
            None => time.strip_suffix('s').and_then(|s| s.parse::<u64>().ok()).map(|s| s.saturating_mul(1_000)),
        };
        Micros::from_ms(ms.unwrap_or(1_000).min(10_000)) + inside
    });
    each.fold(Micros::ZERO, |a, b| a + b)
}

/// A verb in words, for the timeline.
pub(super) fn describe(verb: &Element) -> String {
    match verb.name.as_str() {
        "Pause" => format!("<Pause> {} s", verb.number("length", 1)),
        "Play" if verb.attribute("digits").is_some() => {
            format!("<Play digits={:?}>", verb.attribute("digits").unwrap_or_default())
        }
        "Gather" => format!("<Gather> {}", verb.children.iter().map(describe).collect::<Vec<_>>().join(" ")),
        name => format!("<{name}> {:?}", verb.text),
    }
}

//! `<Start><Transcription>`: what was said, as a perfect recogniser tells it, in parts and in whole sentences.

use serde_json::json;

use super::executor::Callback;
use super::form::Fields;
use super::speech::Voice;
use super::twiml::Element;
use crate::rng::Rng;
use crate::time::Micros;

/// The silence that ends a sentence. [K]
const PAUSE: Micros = Micros::from_ms(800);

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// `SequenceId`, from 1.
    pub sequence: u64,
    /// From `TranscriptionEvent` on.
    pub fields: Fields,
}

#[derive(Clone, Debug)]
struct Side {
    track: &'static str,
    /// Words before this have been told.
    from: Micros,
    /// Words of the sentence at hand that were told as parts.
    words: usize,
}

/// A transcription under way.
#[derive(Debug)]
pub struct Transcript {
    /// `GT…`
    pub sid: String,
    /// Who is told.
    pub callback: Option<Callback>,
    settings: Element,
    partial: bool,
    sides: Vec<Side>,
    sequence: u64,
}

impl Transcript {
    /// Listens from `now` on, as the noun says.
    #[must_use]
    pub fn new(now: Micros, sid: String, noun: &Element, callback: Option<Callback>) -> Self {
        let tracks: &[&str] = match noun.attribute("track") {
            Some("inbound_track") => &["inbound_track"],
            Some("outbound_track") => &["outbound_track"],
            _ => &["inbound_track", "outbound_track"],
        };
        let sides = tracks.iter().map(|track| Side { track, from: now, words: 0 }).collect();
        let partial = noun.attribute("partialResults") == Some("true");
        Self { sid, callback, settings: noun.clone(), partial, sides, sequence: 0 }
    }

    /// Whether `<Stop>` means this one.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        self.settings.attribute("name").unwrap_or(&self.sid) == name
    }

    /// The first thing to tell.
    pub fn started(&mut self) -> Told {
        let setting = |name: &str, default: &str| self.settings.attribute(name).unwrap_or(default).to_owned();
        let engine = setting("transcriptionEngine", "google");
        let profanity = setting("profanityFilter", "true") == "true";
        let configuration = json!({
            "profanityFilter": profanity,
            "speechModel": setting("speechModel", "telephony"),
            "hints": setting("hints", ""),
            "enableAutomaticPunctuation": setting("enableAutomaticPunctuation", "true") == "true",
        });
        let fields: Fields = vec![
            ("TranscriptionEvent".into(), "transcription-started".into()),
            ("ProviderConfiguration".into(), configuration.to_string()),
            ("TranscriptionEngine".into(), engine),
            ("Name".into(), setting("name", &self.sid)),
            ("Track".into(), setting("track", "both_tracks")),
            ("InboundTrackLabel".into(), setting("inboundTrackLabel", "")),
            ("OutboundTrackLabel".into(), setting("outboundTrackLabel", "")),
            ("PartialResults".into(), self.partial.to_string()),
            ("LanguageCode".into(), self.language()),
        ];
        self.told(fields)
    }

    /// When there is something new to tell.
    #[must_use]
    pub fn deadline(&self, now: Micros, caller: &Voice, bot: &Voice) -> Option<Micros> {
        let sides = self.sides.iter();
        sides.filter_map(|side| voice(side, caller, bot).phrase(side.from, now, PAUSE)).map(|phrase| phrase.wake).min()
    }

    /// What was understood by `now`.
    pub fn tick(&mut self, now: Micros, caller: &Voice, bot: &Voice, rng: &mut Rng) -> Vec<Told> {
        self.listen(now, false, caller, bot, rng)
    }

    /// The rest, and that it is over.
    pub fn stop(&mut self, now: Micros, caller: &Voice, bot: &Voice, rng: &mut Rng) -> Vec<Told> {
        let mut told = self.listen(now, true, caller, bot, rng);
        told.push(self.told(vec![("TranscriptionEvent".into(), "transcription-stopped".into())]));
        told
    }

    fn listen(&mut self, now: Micros, last: bool, caller: &Voice, bot: &Voice, rng: &mut Rng) -> Vec<Told> {
        let mut told = Vec::new();
        for index in 0..self.sides.len() {
            while let Some(phrase) = voice(&self.sides[index], caller, bot).phrase(self.sides[index].from, now, PAUSE) {
                let done = phrase.complete || last;
                if phrase.words > 0 && (done || (self.partial && phrase.words > self.sides[index].words)) {
                    self.sides[index].words = phrase.words;
                    let confidence = 0.85 + 0.14 * rng.unit();
                    told.push(self.content(self.sides[index].track, &phrase.text, done, confidence));
                }
                if !phrase.complete {
                    break;
                }
                self.sides[index].from = phrase.ends;
                self.sides[index].words = 0;
            }
        }
        told
    }

    fn content(&mut self, track: &str, text: &str, done: bool, confidence: f64) -> Told {
        let rounded = (confidence * 1e4).round() / 1e4;
        let mut data = json!({ "transcript": text });
        let mut fields: Fields = vec![
            ("TranscriptionEvent".into(), "transcription-content".into()),
            ("LanguageCode".into(), self.language()),
            ("Track".into(), track.into()),
        ];
        if done {
            data["confidence"] = json!(rounded);
        } else {
            fields.push(("Stability".into(), "0.9".into()));
        }
        fields.push(("TranscriptionData".into(), data.to_string()));
        fields.push(("Final".into(), done.to_string()));
        self.told(fields)
    }

    fn language(&self) -> String {
        self.settings.attribute("languageCode").unwrap_or("en-US").to_owned()
    }

    fn told(&mut self, fields: Fields) -> Told {
        self.sequence += 1;
        Told { sequence: self.sequence, fields }
    }
}

fn voice<'a>(side: &Side, caller: &'a Voice, bot: &'a Voice) -> &'a Voice {
    if side.track == "inbound_track" { caller } else { bot }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Micros {
        Micros::from_ms(ms)
    }

    fn told(told: &[Told]) -> Vec<String> {
        let get = |told: &Told, name: &str| told.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        told.iter()
            .map(|told| {
                let data = get(told, "TranscriptionData").unwrap_or_default();
                let said = serde_json::from_str::<serde_json::Value>(&data).unwrap_or_default()["transcript"].clone();
                let last = get(told, "Final").unwrap_or_default();
                format!("{} {said} {last}", told.sequence)
            })
            .collect()
    }

    #[test]
    fn parts_come_word_by_word_and_a_pause_makes_them_final() {
        let noun = Element {
            attributes: vec![("partialResults".into(), "true".into()), ("track".into(), "inbound_track".into())],
            ..Element::default()
        };
        let mut transcript = Transcript::new(ms(0), "GT1".into(), &noun, None);
        transcript.started();
        let (mut caller, bot, mut rng) = (Voice::default(), Voice::default(), Rng::new(1));
        caller.says("good day", ms(1_000), ms(1_000), ms(2_000));
        assert_eq!(transcript.deadline(ms(0), &caller, &bot), Some(ms(1_000)));
        assert_eq!(transcript.tick(ms(1_000), &caller, &bot, &mut rng), []);
        assert_eq!(told(&transcript.tick(ms(1_500), &caller, &bot, &mut rng)), ["2 \"good\" false"]);
        assert_eq!(told(&transcript.tick(ms(1_500), &caller, &bot, &mut rng)), [""; 0]);
        assert_eq!(told(&transcript.tick(ms(2_000), &caller, &bot, &mut rng)), ["3 \"good day\" false"]);
        assert_eq!(transcript.deadline(ms(2_000), &caller, &bot), Some(ms(2_800)));
        assert_eq!(told(&transcript.tick(ms(2_800), &caller, &bot, &mut rng)), ["4 \"good day\" true"]);
        assert_eq!(transcript.deadline(ms(2_800), &caller, &bot), None);
    }

    #[test]
    fn the_end_tells_what_was_begun_and_both_sides_are_heard() {
        let mut transcript = Transcript::new(ms(0), "GT1".into(), &Element::default(), None);
        let (mut caller, mut bot, mut rng) = (Voice::default(), Voice::default(), Rng::new(1));
        bot.says("hello there", ms(0), ms(0), ms(400));
        caller.says("one two", ms(500), ms(500), ms(900));
        caller.stops(ms(700));
        let all = transcript.stop(ms(700), &caller, &bot, &mut rng);
        assert_eq!(told(&all), ["1 \"one\" true", "2 \"hello there\" true", "3 null "]);
    }
}

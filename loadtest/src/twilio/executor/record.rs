//! `<Record>`: a beep, then what the caller says until silence, a key, the longest length, or the end of the call.

use super::speaker::Prompt;
use super::{After, Callback, Dropped, Executor, Output, State, is_get};
use crate::time::Micros;
use crate::twilio::form::Fields;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::recording::{Recording, Source, Track, is_loud};
use crate::twilio::sound;
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

/// Recordings outside of these lengths are not transcribed, in seconds.
const TRANSCRIBED_S: std::ops::RangeInclusive<u64> = 2..=120;

/// A `<Record>` being carried out.
#[derive(Debug)]
pub(super) struct RecordVerb {
    verb: Element,
    /// `None` while the beep sounds.
    tape: Option<String>,
    began: Micros,
    last_loud: Micros,
    /// `None`: silence does not end it.
    timeout: Option<Micros>,
    longest: Micros,
}

impl RecordVerb {
    pub(super) fn deadline(&self) -> Option<Micros> {
        self.tape.as_ref()?;
        let longest = self.began + self.longest;
        Some(self.timeout.map_or(longest, |timeout| longest.min(self.last_loud + timeout)))
    }

    fn ends_with(&self, key: char) -> bool {
        self.verb.attribute("finishOnKey").unwrap_or("1234567890*#").contains(key)
    }
}

impl Executor {
    pub(super) fn record(&mut self, now: Micros, verb: &Element) {
        self.out.push_back(Output::Verb("<Record>".into()));
        let timeout = verb.number("timeout", 5);
        let longest = Micros::from_ms(verb.number("maxLength", 3_600).saturating_mul(1_000));
        self.state = State::Recording(Box::new(RecordVerb {
            verb: verb.clone(),
            tape: None,
            began: now,
            last_loud: now,
            timeout: (timeout > 0).then_some(Micros::from_ms(timeout.saturating_mul(1_000))),
            longest,
        }));
        let beep = verb.attribute("playBeep") != Some("false");
        self.begin_to_speak(now, beep.then(|| Prompt::Sound { sound: sound::beep(), loops: 1 }));
        self.advance_record(now);
    }

    pub(super) fn advance_record(&mut self, now: Micros) {
        let State::Recording(record) = &mut self.state else { return };
        if record.tape.is_none() {
            if !self.speaker.is_idle() {
                return;
            }
            (record.began, record.last_loud) = (now, now);
            let verb = record.verb.clone();
            let sid = self.record_for(now, &verb, Source::RecordVerb, Track::Inbound, false);
            if let State::Recording(record) = &mut self.state {
                record.tape = Some(sid);
            }
        } else if record.deadline().is_some_and(|at| at <= now) {
            self.recorded(now, None);
        }
    }

    /// What the caller says puts off the end.
    pub(super) fn record_hears(&mut self, at: Micros, mulaw: &[u8]) {
        if let State::Recording(record) = &mut self.state
            && is_loud(mulaw)
        {
            record.last_loud = record.last_loud.max(at + Micros::from_samples(mulaw.len() as u64));
        }
    }

    pub(super) fn record_digit(&mut self, now: Micros, digit: char) -> bool {
        let State::Recording(record) = &self.state else { return false };
        let ends = record.tape.is_some() && record.ends_with(digit);
        if ends {
            self.recorded(now, Some(digit));
        }
        ends
    }

    fn recorded(&mut self, now: Micros, key: Option<char>) {
        let State::Recording(record) = std::mem::replace(&mut self.state, State::Speaking) else { return };
        let Some(recording) = record.tape.as_ref().and_then(|sid| self.stop_recording(now, sid)) else {
            // Nothing was said: the verb behind it has its turn.
            return self.next_verb(now);
        };
        self.transcribe(now, &record, &recording);
        let fields = recorded_fields(&recording, key.map(|key| key.to_string()));
        // Without an action the same document is asked again.
        let action = record.verb.attribute("action").unwrap_or_default().to_owned();
        self.go_on(now, After { action: Some(action), get: is_get(&record.verb, "method") }, fields);
    }

    pub(super) fn drop_recording(&mut self, now: Micros, record: RecordVerb, why: Dropped) {
        let Some(recording) = record.tape.as_ref().and_then(|sid| self.stop_recording(now, sid)) else { return };
        self.transcribe(now, &record, &recording);
        let action = record.verb.attribute("action").unwrap_or_default();
        if why == Dropped::HungUp
            && let Ok(url) = self.resolve(action)
        {
            let to = Callback { url, get: is_get(&record.verb, "method") };
            self.tell("Record action", Carries::Call, &to, recorded_fields(&recording, Some("hangup".into())));
        }
    }

    /// `transcribe`: what was said, as text.
    fn transcribe(&mut self, now: Micros, record: &RecordVerb, recording: &Recording) {
        let verb = &record.verb;
        let wanted = verb.attribute("transcribe") == Some("true") || verb.attribute("transcribeCallback").is_some();
        let callback = self.callback(verb, "transcribeCallback", "");
        let Some(callback) = callback.filter(|_| wanted) else { return };
        let text = self.caller.between(record.began, now);
        let good = TRANSCRIBED_S.contains(&recording.seconds());
        if !good {
            let text = format!("a recording of {} s is not transcribed, only 2 to 120 s", recording.seconds());
            self.out.push_back(Output::Warning(Warning::new(Code::RecordTranscribeLength, text)));
        }
        let sid = ids::sid("TR", &mut self.rng);
        let account = &self.facts.sids.account;
        let url = format!("{}/2010-04-01/Accounts/{account}/Transcriptions/{sid}", self.facts.api);
        let fields: Fields = vec![
            ("TranscriptionSid".into(), sid),
            ("TranscriptionText".into(), if good { text } else { String::new() }),
            ("TranscriptionStatus".into(), if good { "completed" } else { "failed" }.into()),
            ("TranscriptionUrl".into(), url),
            ("RecordingSid".into(), recording.sid.clone()),
            ("RecordingUrl".into(), recording.url.clone()),
        ];
        self.tell("transcribe callback", Carries::Call, &callback, fields);
    }
}

fn recorded_fields(recording: &Recording, digits: Option<String>) -> Fields {
    let mut fields: Fields = vec![
        ("RecordingUrl".into(), recording.url.clone()),
        ("RecordingSid".into(), recording.sid.clone()),
        ("RecordingDuration".into(), recording.seconds().to_string()),
    ];
    fields.extend(digits.map(|digits| ("Digits".into(), digits)));
    fields
}

//! Transcripts that go on beside the verbs, and who is told of them.

use super::{Callback, Executor, Output, is_get};
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::form::Fields;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::transcript::{Told, Transcript};
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

impl Executor {
    pub(super) fn start_transcript(&mut self, now: Micros, noun: &Element) {
        let sid = ids::sid("GT", &mut self.rng);
        let callback = match noun.attribute("statusCallbackUrl").map(|written| self.resolve(written)) {
            Some(Ok(url)) => Some(Callback { url, get: is_get(noun, "statusCallbackMethod") }),
            Some(Err(bad)) => {
                let text = format!("<Transcription> statusCallbackUrl: {bad}");
                self.out.push_back(Output::Warning(Warning::new(Code::BadUrl, text)));
                None
            }
            None => None,
        };
        self.out.push_back(Output::Verb(format!("<Start><Transcription> {sid}")));
        let mut transcript = Transcript::new(now, sid, noun, callback);
        let told = transcript.started();
        self.tell_transcript(now, &transcript, vec![told]);
        self.transcripts.push(transcript);
    }

    pub(super) fn stop_transcripts(&mut self, now: Micros, name: Option<&str>) -> bool {
        let (stopped, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.transcripts).into_iter().partition(|t| name.is_none_or(|name| t.has_name(name)));
        self.transcripts = kept;
        let found = !stopped.is_empty();
        for mut transcript in stopped {
            let told = transcript.stop(now, &self.caller, &self.bot, &mut self.rng);
            self.tell_transcript(now, &transcript, told);
        }
        found
    }

    pub(super) fn advance_transcripts(&mut self, now: Micros) {
        let mut transcripts = std::mem::take(&mut self.transcripts);
        for transcript in &mut transcripts {
            let told = transcript.tick(now, &self.caller, &self.bot, &mut self.rng);
            self.tell_transcript(now, transcript, told);
        }
        self.transcripts.append(&mut transcripts);
    }

    fn tell_transcript(&mut self, now: Micros, transcript: &Transcript, told: Vec<Told>) {
        let Some(callback) = &transcript.callback else { return };
        let (unix_s, ms) = self.facts.unix(now);
        for Told { sequence, fields } in told {
            let mut all: Fields = self.own_fields();
            all.extend([
                ("TranscriptionSid".into(), transcript.sid.clone()),
                ("Timestamp".into(), date::iso8601(unix_s, ms)),
                ("SequenceId".into(), sequence.to_string()),
            ]);
            all.extend(fields);
            self.tell("transcription callback", Carries::Own, callback, all);
        }
    }
}

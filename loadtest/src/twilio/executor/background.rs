//! `<Start>` and `<Stop>`: what goes on beside the verbs until it is stopped or the call ends.

use super::{Executor, Output};
use crate::time::Micros;
use crate::twilio::recording::{Source, Track};
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

/// Recordings, transcripts and one-way streams of one call at once; more is a mistake.
const MAX_BESIDE: usize = 16;

impl Executor {
    /// `<Start>`: what its nouns ask for begins, and the TwiML goes on.
    pub(super) fn start(&mut self, now: Micros, verb: &Element) -> bool {
        for noun in &verb.children {
            if self.recorders.len() + self.transcripts.len() + self.taps.len() >= MAX_BESIDE {
                let text = format!("<Start><{}>: {MAX_BESIDE} already run beside this call: left out", noun.name);
                self.out.push_back(Output::Warning(Warning::new(Code::TwimlSchema, text)));
                continue;
            }
            match noun.name.as_str() {
                "Recording" => {
                    let track = Track::read(noun.attribute("track"));
                    let dual = noun.attribute("channels") == Some("dual");
                    self.out.push_back(Output::Verb("<Start><Recording>".into()));
                    self.record_for(now, noun, Source::StartCallRecordingApi, track, dual);
                }
                "Transcription" => self.start_transcript(now, noun),
                "Stream" => self.start_tap(now, noun),
                other => {
                    self.not_modelled(other);
                }
            }
        }
        false
    }

    /// `<Stop>`: what has the name ends; without a name, all of its kind.
    pub(super) fn stop(&mut self, now: Micros, verb: &Element) -> bool {
        for noun in &verb.children {
            let name = noun.attribute("name");
            let found = match noun.name.as_str() {
                "Transcription" => self.stop_transcripts(now, name),
                "Stream" => self.stop_taps(now, name),
                other => {
                    self.not_modelled(other);
                    true
                }
            };
            if !found {
                let text = format!("<Stop><{}> name={:?}: none of that name is running", noun.name, name.unwrap_or(""));
                self.out.push_back(Output::Warning(Warning::new(Code::Silent, text)));
            }
        }
        false
    }

    /// The call is over, and with it all that went on beside it.
    pub(super) fn end_background(&mut self, now: Micros) {
        self.stop_transcripts(now, None);
        self.stop_taps(now, None);
        while let Some(sid) = self.recorders.first().map(|recorder| recorder.plan.sid.clone()) {
            self.stop_recording(now, &sid);
        }
    }
}

//! What goes on beside the verbs: recordings and transcripts, until they are stopped or the call ends.

use super::{Callback, Executor, Output, is_get};
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::form::Fields;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::recording::{Recorder, Recording, Source, Track};
use crate::twilio::transcript::{Told, Transcript};
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

/// Recordings, transcripts and one-way streams of one call at once; more is a mistake.
pub(super) const MAX_BESIDE: usize = 16;

/// A recording under way, and who is told about it.
#[derive(Debug)]
pub(super) struct Taped {
    pub(super) recorder: Recorder,
    callback: Option<Callback>,
    events: Vec<String>,
}

/// How a recording is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct TapePlan {
    pub(super) source: Source,
    pub(super) track: Track,
    pub(super) dual: bool,
}

impl Executor {
    /// The line carried what the caller says, from `at` on.
    pub fn said(&mut self, at: Micros, mulaw: &[u8]) {
        for taped in &mut self.tapes {
            taped.recorder.said(at, mulaw);
        }
        self.record_hears(at, mulaw);
    }

    /// The caller heard this, from `at` on.
    pub fn heard(&mut self, at: Micros, mulaw: &[u8]) {
        for taped in &mut self.tapes {
            taped.recorder.heard(at, mulaw);
        }
    }

    /// Whether what the caller says has to be handed in.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        !self.tapes.is_empty()
    }

    /// Begins a recording; `verb` says whom to tell. Its identifier.
    pub(super) fn begin_tape(&mut self, now: Micros, verb: &Element, plan: TapePlan) -> String {
        let sid = ids::sid("RE", &mut self.rng);
        let callback = self.callback(verb, "recordingStatusCallback", "recordingStatusCallbackMethod");
        let events = verb.attribute("recordingStatusCallbackEvent").unwrap_or("completed");
        let trim = verb.attribute("trim") != Some("do-not-trim") && plan.source == Source::RecordVerb
            || verb.attribute("trim") == Some("trim-silence");
        let recorder = Recorder::new(sid.clone(), plan.source, plan.track, plan.dual, trim, now);
        let taped = Taped { recorder, callback, events: events.split_whitespace().map(str::to_owned).collect() };
        self.tell_tape(&taped, "in-progress", None);
        self.tapes.push(taped);
        sid
    }

    /// Ends a recording; `None` when there is nothing in it.
    pub(super) fn end_tape(&mut self, now: Micros, sid: &str) -> Option<Recording> {
        let index = self.tapes.iter().position(|taped| taped.recorder.sid == sid)?;
        let Taped { recorder, callback, events } = self.tapes.remove(index);
        let url = self.recording_url(sid);
        let (source, track, dual, began) = (recorder.source, recorder.track, recorder.dual, recorder.began);
        let recording = recorder.finish(now, url);
        let empty = Recorder::new(sid.to_owned(), source, track, dual, false, began);
        let told = Taped { recorder: empty, callback, events };
        self.tell_tape(&told, if recording.is_some() { "completed" } else { "absent" }, recording.as_ref());
        self.out.extend(recording.clone().map(|recording| Output::Recorded(Box::new(recording))));
        recording
    }

    fn tell_tape(&mut self, taped: &Taped, status: &str, recording: Option<&Recording>) {
        let Some(callback) = taped.callback.as_ref().filter(|_| taped.events.iter().any(|e| e == status)) else {
            return;
        };
        let recorder = &taped.recorder;
        let (unix_s, _) = self.facts.unix(recorder.began);
        let mut fields = self.own_fields();
        fields.extend([
            ("RecordingSid".into(), recorder.sid.clone()),
            ("RecordingUrl".into(), self.recording_url(&recorder.sid)),
            ("RecordingStatus".into(), status.into()),
            ("RecordingChannels".into(), if recorder.dual { "2" } else { "1" }.into()),
            ("RecordingStartTime".into(), date::rfc2822(unix_s)),
            ("RecordingSource".into(), recorder.source.as_str().into()),
            ("RecordingTrack".into(), recorder.track.as_str().into()),
        ]);
        fields.extend(recording.map(|r| ("RecordingDuration".into(), r.seconds().to_string())));
        self.tell("recording status callback", Carries::Own, callback, fields);
    }

    pub(super) fn recording_url(&self, sid: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/Recordings/{sid}", self.facts.api, self.facts.sids.account)
    }

    /// `<Start>`: what its nouns ask for begins, and the TwiML goes on.
    pub(super) fn start(&mut self, now: Micros, verb: &Element) -> bool {
        for noun in &verb.children {
            if self.tapes.len() + self.transcripts.len() + self.taps.len() >= MAX_BESIDE {
                let text = format!("<Start><{}>: {MAX_BESIDE} already run beside this call: left out", noun.name);
                self.out.push_back(Output::Warning(Warning::new(Code::TwimlSchema, text)));
                continue;
            }
            match noun.name.as_str() {
                "Recording" => {
                    let track = Track::read(noun.attribute("track"));
                    let dual = noun.attribute("channels") == Some("dual");
                    self.out.push_back(Output::Verb("<Start><Recording>".into()));
                    self.begin_tape(now, noun, TapePlan { source: Source::StartCallRecordingApi, track, dual });
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

    fn start_transcript(&mut self, now: Micros, noun: &Element) {
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

    fn stop_transcripts(&mut self, now: Micros, name: Option<&str>) -> bool {
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

    /// The call is over, and with it all that went on beside it.
    pub(super) fn end_background(&mut self, now: Micros) {
        self.stop_transcripts(now, None);
        self.stop_taps(now, None);
        while let Some(sid) = self.tapes.first().map(|taped| taped.recorder.sid.clone()) {
            self.end_tape(now, &sid);
        }
    }
}

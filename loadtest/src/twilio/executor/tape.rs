//! Recordings: begun by a verb or by the REST API, told of, and handed over when they end.

use super::{Executor, Output};
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::recording::{Plan, Recorder, Recording, Source, Track};
use crate::twilio::twiml::Element;

impl Executor {
    /// The line carried what the caller says, from `at` on.
    pub fn said(&mut self, at: Micros, mulaw: &[u8]) {
        for recorder in &mut self.recorders {
            recorder.said(at, mulaw);
        }
        self.record_hears(at, mulaw);
    }

    /// The caller heard this, from `at` on.
    pub fn heard(&mut self, at: Micros, mulaw: &[u8]) {
        for recorder in &mut self.recorders {
            recorder.heard(at, mulaw);
        }
    }

    /// Whether what the caller says has to be handed in.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        !self.recorders.is_empty()
    }

    /// Begins to record the call, as the REST API can ask for.
    pub fn start_recording(&mut self, now: Micros, plan: Plan) {
        if !self.has_ended() {
            let recorder = Recorder::new(plan, now);
            self.tell_recording(&recorder, "in-progress", None);
            self.recorders.push(recorder);
        }
    }

    /// Ends a recording; `None` when there is none, or nothing in it.
    pub fn stop_recording(&mut self, now: Micros, sid: &str) -> Option<Recording> {
        let index = self.recorders.iter().position(|recorder| recorder.plan.sid == sid)?;
        let mut recorder = self.recorders.remove(index);
        let recording = recorder.finish(now, self.recording_url(sid));
        let status = if recording.is_some() { "completed" } else { "absent" };
        self.tell_recording(&recorder, status, recording.as_ref());
        self.out.extend(recording.clone().map(|recording| Output::Recorded(Box::new(recording))));
        recording
    }

    /// Holds a recording up; `skip` leaves the pause out instead of making it silence.
    pub fn pause_recording(&mut self, now: Micros, sid: &str, skip: bool) {
        if let Some(recorder) = self.recorders.iter_mut().find(|recorder| recorder.plan.sid == sid) {
            recorder.pause(now, skip);
        }
    }

    /// Goes on with a recording that was held up.
    pub fn resume_recording(&mut self, now: Micros, sid: &str) {
        if let Some(recorder) = self.recorders.iter_mut().find(|recorder| recorder.plan.sid == sid) {
            recorder.resume(now);
        }
    }

    /// The recording that a verb asks for; `verb` says whom to tell. Its identifier.
    pub(super) fn record_for(
        &mut self,
        now: Micros,
        verb: &Element,
        source: Source,
        track: Track,
        dual: bool,
    ) -> String {
        let sid = ids::sid("RE", &mut self.rng);
        let callback = self.callback(verb, "recordingStatusCallback", "recordingStatusCallbackMethod");
        let events = verb.attribute("recordingStatusCallbackEvent").unwrap_or("completed");
        let events = events.split_whitespace().map(str::to_owned).collect();
        // Only <Record> trims unless it is told not to.
        let trim = verb.attribute("trim").map_or(source == Source::RecordVerb, |trim| trim == "trim-silence");
        self.start_recording(now, Plan { sid: sid.clone(), source, track, dual, trim, callback, events });
        sid
    }

    fn tell_recording(&mut self, recorder: &Recorder, status: &str, recording: Option<&Recording>) {
        let plan = &recorder.plan;
        let Some(callback) = plan.callback.as_ref().filter(|_| plan.events.iter().any(|e| e == status)) else {
            return;
        };
        let (unix_s, _) = self.facts.unix(recorder.began);
        let mut fields = self.own_fields();
        fields.extend([
            ("RecordingSid".into(), plan.sid.clone()),
            ("RecordingUrl".into(), self.recording_url(&plan.sid)),
            ("RecordingStatus".into(), status.into()),
            ("RecordingChannels".into(), if plan.dual { "2" } else { "1" }.into()),
            ("RecordingStartTime".into(), date::rfc2822(unix_s)),
            ("RecordingSource".into(), plan.source.as_str().into()),
            ("RecordingTrack".into(), plan.track.as_str().into()),
        ]);
        fields.extend(recording.map(|r| ("RecordingDuration".into(), r.seconds().to_string())));
        self.tell("recording status callback", Carries::Own, callback, fields);
    }

    /// Where a recording is fetched.
    #[must_use]
    pub fn recording_url(&self, sid: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/Recordings/{sid}", self.facts.api, self.facts.sids.account)
    }
}

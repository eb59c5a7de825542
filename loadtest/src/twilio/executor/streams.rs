//! `<Connect><Stream>`, which the call waits for, and `<Start><Stream>`, which listens beside it.

use super::{After, Executor, Output, State, after};
use crate::time::Micros;
use crate::twilio::date;
use crate::twilio::ids;
use crate::twilio::notice::Carries;
use crate::twilio::stream_plan::{self, Kind, MAX_TRACKS, StreamPlan};
use crate::twilio::twiml::Element;
use crate::twilio::warning::{Code, Warning};

impl Executor {
    pub(super) fn connect(&mut self, now: Micros, verb: &Element) -> bool {
        let Some(noun) = verb.children.first() else {
            let text = "<Connect> is empty: skipped";
            self.out.push_back(Output::Warning(Warning::new(Code::TwimlSchema, text)));
            return false;
        };
        if noun.name != "Stream" {
            return self.not_modelled(&noun.name.clone());
        }
        let Some(plan) = self.plan_stream(now, noun, Kind::TwoWay) else { return false };
        self.out.push_back(Output::OpenStream(plan.clone()));
        self.state = State::Streaming(after(verb), Box::new(plan));
        true
    }

    /// The stream of `<Connect>` is open.
    pub fn stream_opened(&mut self, now: Micros) {
        if let State::Streaming(_, plan) = &self.state {
            let plan = plan.clone();
            self.answered = true;
            self.tell_stream(now, &plan, "stream-started", None);
        }
    }

    /// The stream is over, or never began (then `progress` is false).
    pub fn stream_ended(&mut self, now: Micros, progress: bool) {
        if progress {
            self.stream_is_over(now, "stream-stopped", None);
        } else {
            self.stream_refused(now, "the stream could not be opened");
        }
    }

    /// The stream of `<Connect>` could not be opened.
    pub fn stream_refused(&mut self, now: Micros, why: &str) {
        // A handshake that failed is nothing that happened between two documents.
        self.verb_began = now;
        self.stream_is_over(now, "stream-error", Some(why));
    }

    fn stream_is_over(&mut self, now: Micros, event: &str, error: Option<&str>) {
        if !matches!(self.state, State::Streaming(..)) {
            return;
        }
        let State::Streaming(after, plan) = std::mem::replace(&mut self.state, State::Speaking) else { return };
        self.tell_stream(now, &plan, event, error);
        let after: After = after;
        self.go_on(now, after, Vec::new());
    }

    /// `<Start><Stream>`: opened, and the TwiML goes on.
    pub(super) fn start_tap(&mut self, now: Micros, noun: &Element) {
        if let Some(plan) = self.plan_stream(now, noun, Kind::OneWay) {
            self.start_stream(plan);
        }
    }

    /// A one-way stream beside the call, as the REST API can ask for too; false when it is refused.
    pub fn start_stream(&mut self, plan: StreamPlan) -> bool {
        let taken: usize = self.taps.iter().map(|tap| tap.tracks().len()).sum();
        let refused = if self.has_ended() {
            Some("<Start><Stream>: the call has ended".into())
        } else if taken + plan.tracks().len() > MAX_TRACKS {
            Some(format!("<Start><Stream>: {MAX_TRACKS} tracks of this call are streamed already"))
        } else if self.taps.iter().any(|tap| tap.name == plan.name) {
            Some(format!("<Start><Stream name={:?}>: a stream of that name is open", plan.name))
        } else {
            None
        };
        if let Some(text) = refused {
            self.out.push_back(Output::Warning(Warning::new(Code::TwimlSchema, text)));
            return false;
        }
        self.out.push_back(Output::OpenTap(plan.clone()));
        self.taps.push(plan);
        true
    }

    /// A one-way stream is open.
    pub fn tap_opened(&mut self, now: Micros, sid: &str) {
        if let Some(plan) = self.taps.iter().find(|tap| tap.sid == sid).cloned() {
            self.tell_stream(now, &plan, "stream-started", None);
        }
    }

    /// A one-way stream is over: the server closed it, or `error` says what went wrong.
    pub fn tap_ended(&mut self, now: Micros, sid: &str, error: Option<&str>) {
        if let Some(index) = self.taps.iter().position(|tap| tap.sid == sid) {
            let plan = self.taps.remove(index);
            let event = if error.is_some() { "stream-error" } else { "stream-stopped" };
            self.tell_stream(now, &plan, event, error);
        }
    }

    /// Ends the one-way stream with this name or identifier.
    pub fn stop_stream(&mut self, now: Micros, name: &str) {
        self.stop_taps(now, Some(name));
    }

    pub(super) fn stop_taps(&mut self, now: Micros, name: Option<&str>) -> bool {
        let meant = |tap: &StreamPlan| name.is_none_or(|name| tap.name == name || tap.sid == name);
        let (stopped, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.taps).into_iter().partition(meant);
        self.taps = kept;
        for plan in &stopped {
            self.out.push_back(Output::CloseTap(plan.sid.clone()));
            self.tell_stream(now, plan, "stream-stopped", None);
        }
        !stopped.is_empty()
    }

    /// Refused with Twilio's warning, and told to the status callback as an error.
    fn plan_stream(&mut self, now: Micros, noun: &Element, kind: Kind) -> Option<StreamPlan> {
        let sid = ids::sid("MZ", &mut self.rng);
        let (plan, warnings) = stream_plan::plan(self.document.as_ref(), noun, sid, kind);
        self.out.extend(warnings.iter().cloned().map(Output::Warning));
        match plan {
            Ok(plan) => Some(plan),
            Err(refused) => {
                if let Some(why) = warnings.last() {
                    self.tell_stream(now, &refused, "stream-error", Some(&why.text));
                }
                None
            }
        }
    }

    pub(super) fn tell_stream(&mut self, now: Micros, plan: &StreamPlan, event: &str, error: Option<&str>) {
        let Some(callback) = plan.callback.clone() else { return };
        let (unix_s, ms) = self.facts.unix(now);
        let mut fields = self.own_fields();
        fields.extend([
            ("StreamSid".into(), plan.sid.clone()),
            ("StreamName".into(), plan.name.clone()),
            ("StreamEvent".into(), event.into()),
            ("Timestamp".into(), date::iso8601(unix_s, ms)),
        ]);
        fields.extend(error.map(|error| ("StreamError".into(), error.to_owned())));
        self.tell("stream status callback", Carries::Own, &callback, fields);
    }
}

//! Recordings that the account begins, holds up and ends on a live call.

use super::Exchange;
use super::asked::Asked;
use crate::call::model::Order;
use crate::rest::answer::{Answer, Refusal};
use crate::rest::calls::{place, word, words};
use crate::rest::recordings::{State, Tape};
use crate::rest::request::Request;
use crate::twilio::executor::Callback;
use crate::twilio::ids;
use crate::twilio::recording::{Plan, Source, Track};

impl Exchange {
    /// Records a call from now on.
    pub(super) fn record(&mut self, sid: &str, call: &str, request: &Request) -> Asked {
        let form = &request.form;
        let to = place(form, "RecordingStatusCallback", "RecordingStatusCallbackMethod", 20_001)?;
        let events = words(form, "RecordingStatusCallbackEvent", &["in-progress", "completed", "absent"])?;
        let trim = word(form, "Trim", &["trim-silence", "do-not-trim"])? == Some("trim-silence");
        let dual = word(form, "RecordingChannels", &["mono", "dual"])? == Some("dual");
        let track = Track::read(word(form, "RecordingTrack", &["inbound", "outbound", "both"])?);
        self.in_progress(sid, call, request, "recorded")?;
        let plan = Plan {
            sid: ids::sid("RE", &mut self.rng),
            source: Source::StartCallRecordingApi,
            track,
            dual,
            trim,
            callback: to.map(|(url, get)| Callback { url, get }),
            events: events.into_iter().map(str::to_owned).collect(),
        };
        let tape = Tape {
            sid: plan.sid.clone(),
            call: call.to_owned(),
            source: plan.source,
            track,
            dual,
            state: State::InProgress,
            began_unix_s: self.unix_s(),
            updated_unix_s: self.unix_s(),
            seconds: None,
            sound: Vec::new(),
        };
        let shown = tape.show(sid, &self.plan.api, true);
        self.order(call, [Order::StartRecording(Box::new(plan))])?;
        self.account_mut(sid, request)?.recordings.put(tape);
        Ok(Answer::json(201, &shown))
    }

    /// Holds a recording up, goes on with it, or ends it.
    pub(super) fn change_recording(&mut self, sid: &str, tape: &Tape, request: &Request) -> Asked {
        let form = &request.form;
        let skip = word(form, "PauseBehavior", &["skip", "silence"])? == Some("skip");
        let (state, order) = match word(form, "Status", &["paused", "in-progress", "stopped"])? {
            None => return Err(Refusal::parameter("Status is required: paused, in-progress or stopped")),
            Some("paused") => (State::Paused, Order::PauseRecording(tape.sid.clone(), skip)),
            Some("in-progress") => (State::InProgress, Order::ResumeRecording(tape.sid.clone())),
            Some(_) => (State::Stopped, Order::StopRecording(tape.sid.clone())),
        };
        if !tape.state.is_running() {
            return Err(Refusal::bad(
                21_220,
                format!("The recording is not in progress: it is {}", tape.state.as_str()),
            ));
        }
        self.order(&tape.call, [order])?;
        let (unix_s, api) = (self.unix_s(), self.plan.api.clone());
        let found = self.account_mut(sid, request)?.recordings.get_mut(&tape.sid);
        let found = found.ok_or_else(|| Refusal::not_found(&request.path))?;
        found.state = state;
        found.updated_unix_s = unix_s;
        let shown = found.show(sid, &api, true);
        Ok(Answer::json(200, &shown))
    }
}

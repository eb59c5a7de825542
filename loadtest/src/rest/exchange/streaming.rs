//! One-way streams that the account begins and stops on a live call.

use super::Exchange;
use super::asked::Asked;
use crate::call::model::{Order, StreamNews};
use crate::rest::answer::{Answer, Refusal};
use crate::rest::request::Request;
use crate::rest::streams::{self, Stream};
use crate::twilio::ids;
use crate::twilio::stream_plan::MAX_TRACKS;

impl Exchange {
    /// Streams a call from now on.
    pub(super) fn stream(&mut self, sid: &str, call: &str, request: &Request) -> Asked {
        self.call(sid, call, request)?;
        let plan = streams::plan(&request.form, ids::sid("MZ", &mut self.rng))?;
        self.in_progress(sid, call, request, "streamed")?;
        let running = self.live.get(call).map(|live| &live.streams);
        if running.is_some_and(|streams| streams.has(&plan.name)) {
            return Err(Refusal::parameter(format!("Name is taken: a stream {:?} of this call is running", plan.name)));
        }
        if running.map_or(0, |streams| streams.tracks()) + plan.tracks().len() > MAX_TRACKS {
            return Err(Refusal::parameter(format!("{MAX_TRACKS} tracks of this call are streamed already")));
        }
        let (sid_of, name, tracks) = (plan.sid.clone(), plan.name.clone(), plan.tracks().len());
        self.order(call, [Order::StartStream(Box::new(plan))])?;
        let stream = Stream { sid: sid_of, name, tracks, running: true, updated: self.now };
        let shown = stream.show(sid, call, self.plan.unix_s);
        if let Some(live) = self.live.get_mut(call) {
            live.streams.put(stream);
        }
        Ok(Answer::json(201, &shown))
    }

    /// Stops a stream, by its SID or its name.
    pub(super) fn stop_stream(&mut self, sid: &str, call: &str, name: &str, request: &Request) -> Asked {
        self.call(sid, call, request)?;
        match request.form.filled("Status") {
            Some("stopped") => {}
            Some(other) => return Err(Refusal::parameter(format!("Status is not valid: {other}; stopped"))),
            None => return Err(Refusal::parameter("Status is required: stopped")),
        }
        let found = self.live.get_mut(call).and_then(|live| live.streams.get_mut(name));
        let stream = found.ok_or_else(|| Refusal::not_found(&request.path))?.clone();
        if !stream.running {
            return Err(Refusal::bad(21_220, "The stream is not in progress: it is stopped"));
        }
        self.order(call, [Order::StopStream(stream.sid.clone())])?;
        let stream = Stream { running: false, updated: self.now, ..stream };
        let shown = stream.show(sid, call, self.plan.unix_s);
        if let Some(live) = self.live.get_mut(call) {
            live.streams.put(stream);
        }
        Ok(Answer::json(200, &shown))
    }

    /// A live call's stream is being opened, or is over.
    pub(super) fn streamed(&mut self, call: &str, news: StreamNews) {
        let StreamNews { sid, name, tracks, running } = news;
        let updated = self.now;
        let Some(live) = self.live.get_mut(call) else { return };
        // One that was stopped by REST meanwhile stays so.
        if !running || live.streams.get_mut(&sid).is_none() {
            live.streams.put(Stream { sid, name, tracks, running, updated });
        }
    }
}

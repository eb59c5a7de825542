//! One-way streams: sockets on which the server hears the call, and says nothing that counts.

use super::{Call, MAX_EVENTS, Output};
use crate::audio::{FRAME_SAMPLES, mulaw};
use crate::call::event::What;
use crate::time::{Micros, SAMPLE_US};
use crate::twilio::message;
use crate::twilio::signature;
use crate::twilio::stream::FRAME;
use crate::twilio::stream_plan::StreamPlan;
use crate::twilio::warning::Warning;

/// A one-way stream is being opened, or is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamNews {
    /// `MZ…`
    pub sid: String,
    /// Its name, or its SID.
    pub name: String,
    /// How many tracks it has.
    pub tracks: usize,
    /// Whether it is not over.
    pub running: bool,
}

impl StreamNews {
    pub(super) fn of(plan: &StreamPlan, running: bool) -> Self {
        Self { sid: plan.sid.clone(), name: plan.name.clone(), tracks: plan.tracks().len(), running }
    }
}

/// One one-way stream.
#[derive(Debug)]
pub(super) struct Tap {
    plan: StreamPlan,
    /// When it was opened; `None` while the socket is.
    started: Option<Micros>,
    sequence: u64,
    /// Frames sent of each track.
    chunks: [u64; 2],
    /// What the caller heard and no frame has carried yet: from when, and the samples.
    heard: Vec<(Micros, Vec<u8>)>,
}

impl Call {
    /// Bounded like the timeline: of a call that streams more often not all is seen.
    pub(super) fn tell_stream(&mut self, news: StreamNews) {
        if self.streams.len() < MAX_EVENTS {
            self.streams.push(news);
        }
    }

    pub(super) fn open_tap(&mut self, plan: StreamPlan) {
        self.tell_stream(StreamNews::of(&plan, true));
        let (sid, url) = (plan.sid.clone(), plan.url.clone());
        self.note(What::StreamOpening { url: url.to_string() });
        let signature = signature::sign(&self.plan.auth_token, &url.signed(), &[]);
        self.taps.push(Tap { plan, started: None, sequence: 0, chunks: [0; 2], heard: Vec::new() });
        self.out.push_back(Output::OpenTap { sid, url, signature });
    }

    /// The socket is open: `connected` and `start` go out.
    pub(super) fn tap_open(&mut self, sid: &str) {
        let Some(tap) = self.taps.iter_mut().find(|tap| tap.plan.sid == sid) else { return };
        (tap.started, tap.sequence) = (Some(self.now), 1);
        let start = message::start_of(1, &self.plan.sids, sid, &tap.plan.parameters, tap.plan.tracks());
        for text in [message::connected(), start] {
            self.out.push_back(Output::SendTap { sid: sid.to_owned(), text });
        }
        self.note(What::StreamStarted { stream_sid: sid.to_owned() });
        self.executor.tap_opened(self.now, sid);
    }

    /// The socket is over: the server closed it, or `error` says what went wrong.
    pub(super) fn tap_closed(&mut self, sid: &str, error: Option<Warning>) {
        let Some(index) = self.taps.iter().position(|tap| tap.plan.sid == sid) else { return };
        let tap = self.taps.remove(index);
        self.tell_stream(StreamNews::of(&tap.plan, false));
        let why = error.as_ref().map_or_else(|| "the server closed it".to_owned(), |warning| warning.text.clone());
        self.note(What::StreamEnded { why: why.clone(), unheard_ms: Micros::ZERO });
        self.executor.tap_ended(self.now, sid, error.as_ref().map(|_| why.as_str()));
        if let Some(warning) = error {
            self.note(What::Warning(warning));
        }
    }

    /// The TwiML stops it, or the call ends.
    pub(super) fn close_tap(&mut self, sid: &str) {
        let Some(index) = self.taps.iter().position(|tap| tap.plan.sid == sid) else { return };
        let mut tap = self.taps.remove(index);
        self.tell_stream(StreamNews::of(&tap.plan, false));
        if tap.started.is_some() {
            tap.sequence += 1;
            let text = message::stop(tap.sequence, &self.plan.sids, sid);
            self.out.push_back(Output::SendTap { sid: sid.to_owned(), text });
            self.note(What::StreamEnded { why: "stop sent".into(), unheard_ms: Micros::ZERO });
        }
        self.out.push_back(Output::CloseTap { sid: sid.to_owned() });
    }

    /// A frame of what the caller says goes to all who listen to him; and what he heard meanwhile.
    pub(super) fn taps_say(&mut self, at: Micros, sound: &[u8; FRAME_SAMPLES]) {
        for tap in &mut self.taps {
            let Some(started) = tap.started.filter(|started| at + FRAME > *started) else { continue };
            if tap.plan.tracks().contains(&"outbound") {
                let heard = tap.take_heard(at);
                tap.sequence += 1;
                tap.chunks[1] += 1;
                let ms = at.since(started).0 / 1_000;
                let text = message::media_of("outbound", tap.sequence, tap.chunks[1], ms, &heard, &tap.plan.sid);
                self.out.push_back(Output::SendTap { sid: tap.plan.sid.clone(), text });
            }
            if tap.plan.tracks().contains(&"inbound") {
                tap.sequence += 1;
                tap.chunks[0] += 1;
                let ms = at.since(started).0 / 1_000;
                let text = message::media_of("inbound", tap.sequence, tap.chunks[0], ms, sound, &tap.plan.sid);
                self.out.push_back(Output::SendTap { sid: tap.plan.sid.clone(), text });
            }
        }
    }

    pub(super) fn taps_hear(&mut self, at: Micros, bytes: &[u8]) {
        for tap in &mut self.taps {
            if tap.started.is_some() && tap.plan.tracks().contains(&"outbound") {
                tap.heard.push((at, bytes.to_vec()));
            }
        }
    }
}

impl Tap {
    /// What was heard in the frame that begins at `at`; silence where nothing was. Its last sample may not have been
    /// heard to its end yet, so the frame is taken one sample earlier.
    fn take_heard(&mut self, at: Micros) -> [u8; FRAME_SAMPLES] {
        let at = at.since(Micros(SAMPLE_US));
        let mut frame = [mulaw::SILENCE; FRAME_SAMPLES];
        for (from, bytes) in &self.heard {
            for (index, &byte) in (0_u64..).zip(bytes) {
                let when = *from + Micros::from_samples(index);
                if when >= at && when < at + FRAME {
                    let place = usize::try_from(when.since(at).samples()).unwrap_or(usize::MAX);
                    if let Some(sample) = frame.get_mut(place) {
                        *sample = byte;
                    }
                }
            }
        }
        let until = at + FRAME;
        self.heard.retain(|(from, bytes)| *from + Micros::from_samples(bytes.len() as u64) > until);
        frame
    }
}

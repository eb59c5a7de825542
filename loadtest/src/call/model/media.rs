//! The media side of a call: the stream plays, the ear listens, frames go out.

use super::{Call, Media, Output, Said, Told};
use crate::call::event::What;
use crate::call::network::Network;
use crate::caller::ear::Noticed;
use crate::caller::line::Utterance;
use crate::time::Micros;
use crate::twilio::stream::{FRAME, Stream, StreamEvent};
use crate::twilio::warning::{Code, Warning};

/// What the carrier's buffer has done with the sound of the open stream, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffered {
    /// Heard by the caller.
    pub played: u64,
    /// Waiting to be heard.
    pub waiting: u64,
    /// Thrown away by a clear.
    pub cleared: u64,
}

impl Call {
    /// The buffer of the open stream as of what was handed in last; `None` while there is no stream.
    #[must_use]
    pub fn buffered(&self) -> Option<Buffered> {
        let Media::Open(stream) = &self.media else { return None };
        let playback = stream.playback();
        let (played, waiting) = (playback.played_bytes(), playback.waiting_bytes());
        Some(Buffered { played, waiting, cleared: playback.cleared_bytes() })
    }

    pub(super) fn stream_open(&mut self) {
        let Media::Opening(plan) = std::mem::replace(&mut self.media, Media::None) else { return };
        let sid = plan.sid.clone();
        self.note(What::StreamStarted { stream_sid: sid.clone() });
        self.record.begin(self.now);
        self.measures.start.get_or_insert(self.now);
        self.faults.stream_started(self.now);
        self.network = Network::default();
        let mut greeting = Vec::new();
        let stream = Stream::start(self.now, self.plan.sids.clone(), sid, &plan.parameters, &mut |event| {
            if let StreamEvent::Send(text) = event {
                greeting.push(text);
            }
        });
        greeting.into_iter().for_each(|text| self.post(text, None));
        self.newest_plan = Some(*plan);
        self.media = Media::Open(Box::new(stream));
        self.executor.stream_opened(self.now);
    }

    /// The buffer plays, the ear listens, up to now.
    pub(super) fn play(&mut self) {
        self.speak();
        self.with_stream(self.now, |stream, now, out| stream.advance(now, out));
        let mut noticed = Vec::new();
        self.ear.advance(self.now, &mut |n| noticed.push(n));
        self.noticed(noticed);
        if let Some(said) = self.onset_ahead.take_if(|said| said.onset() <= self.now) {
            let (clip, text) = (said.clip.name.clone(), said.clip.text.clone());
            match said.clip.is_speech() {
                true => self.note_at(said.onset(), What::CallerSpeaks { clip, text }),
                false => self.note_at(said.begins, What::Disturbance { kind: clip }),
            }
        }
    }

    pub(super) fn with_stream(
        &mut self,
        at: Micros,
        act: impl FnOnce(&mut Stream, Micros, &mut dyn FnMut(StreamEvent<'_>)),
    ) {
        if self.network.hangs() {
            return;
        }
        let Some(mut stream) = self.take_stream() else { return };
        let now = self.now;
        act(&mut stream, now, &mut |event| self.stream_event(at, event));
        self.media = Media::Open(stream);
    }

    /// The open stream, if there is one; nothing else is touched.
    pub(super) fn take_stream(&mut self) -> Option<Box<Stream>> {
        match std::mem::replace(&mut self.media, Media::None) {
            Media::Open(stream) => Some(stream),
            other => {
                self.media = other;
                None
            }
        }
    }

    fn stream_event(&mut self, at: Micros, event: StreamEvent<'_>) {
        match event {
            StreamEvent::Send(_) if self.wireless => {}
            StreamEvent::Send(text) => self.post(text, None),
            StreamEvent::Heard { at, bytes } => self.heard(at, bytes),
            StreamEvent::Passed { at, sound } => {
                let mut noticed = Vec::new();
                self.ear.pass(at, sound, &mut |n| noticed.push(n));
                self.noticed(noticed);
            }
            StreamEvent::Media { payload } => {
                self.measures.media(at, payload);
                if let (None, Some(start)) = (self.measures.first_audio, self.measures.start) {
                    self.measures.first_audio = Some(at - start);
                    self.note_at(at, What::FirstAudio { after_ms: at - start });
                }
            }
            StreamEvent::Cleared { bytes } => self.cleared(at, bytes),
            StreamEvent::MarkEchoed { name, played } => {
                if self.wireless {
                    self.out.push_back(Output::Tell(Told::Mark(name)));
                }
                self.last_mark = Some(at);
                self.measures.marks_played += u64::from(played);
                self.measures.marks_cleared += u64::from(!played);
            }
            StreamEvent::Warning(warning) => self.note(What::Warning(warning)),
        }
    }

    fn cleared(&mut self, at: Micros, bytes: u64) {
        self.last_clear = Some(at);
        let judged = self.measures.cleared(at, bytes);
        self.note_at(
            at,
            What::Clear {
                after_onset_ms: judged.after_onset,
                unheard_ms: Micros::from_samples(bytes),
                unprovoked: judged.unprovoked,
            },
        );
        let mut noticed = Vec::new();
        self.ear.cut(self.now, &mut |n| noticed.push(n));
        self.noticed(noticed);
    }

    pub(super) fn noticed(&mut self, noticed: Vec<Noticed>) {
        for n in noticed {
            match n {
                Noticed::Starts(at) => {
                    if let (None, Some(start)) = (self.measures.first_audible, self.measures.start) {
                        self.measures.first_audible = Some(at - start);
                    }
                    self.note_at(at, What::BotSpeaks);
                }
                Noticed::Stops(at) => self.note_at(at, What::BotStops),
            }
        }
    }

    /// The server says something without a wire.
    pub(super) fn said_without_wire(&mut self, said: Said<'_>) {
        let start = self.measures.start;
        if let (Said::Media(_), None, Some(start)) = (said, self.measures.first_audio, start) {
            self.measures.first_audio = Some(self.now - start);
            self.note(What::FirstAudio { after_ms: self.now - start });
        }
        self.with_stream(self.now, |stream, now, out| match said {
            Said::Media(label) => stream.label(now, label),
            Said::Mark(name) => stream.mark(name.to_owned(), out),
            Said::Clear => stream.clear(out),
        });
    }

    /// When a call without a wire must be looked at: its ear hears nothing by itself, and no frame is due at which it
    /// would be asked.
    pub(super) fn wireless_deadline(&self, stream: &Stream) -> Option<Micros> {
        let waits = stream.playback().waiting_bytes() > 0 && self.ear.speaking_since().is_none();
        let onset = self.onset_ahead.as_ref().map(Utterance::onset);
        [waits.then(|| self.now + FRAME), onset, stream.playback().next_deadline()].into_iter().flatten().min()
    }

    /// Every frame that is complete; a late one is sent late, none is skipped.
    pub(super) fn send_frames(&mut self) {
        while let Media::Open(stream) = &mut self.media
            && !self.wireless
            && stream.frame_due() <= self.now
        {
            let (start, due) = (stream.frame_start(), stream.frame_due());
            let (sound, disturbance) = self.line.frame(start);
            if self.faults.loses() {
                stream.lose_frame();
                self.measures.frames_lost += 1;
            } else {
                let text = stream.frame(&sound);
                self.network.post(self.now, text, Some(due), &mut self.faults);
                self.measures.frames_sent += 1;
            }
            self.said(start, &sound);
            if let Some(kind) = disturbance {
                self.measures.disturbances += 1;
                self.note_at(start, What::Disturbance { kind: format!("{kind:?}").to_lowercase() });
            }
        }
    }

    pub(super) fn stream_closed(&mut self, why: String) {
        if self.network.hangs() {
            return;
        }
        if let Some(stream) = self.take_stream() {
            self.network = Network::default();
            self.close_books(&stream, why);
            self.out.push_back(Output::CloseStream);
            self.executor.stream_ended(self.now, true);
        }
    }

    pub(super) fn close_books(&mut self, stream: &Stream, why: String) {
        self.measures.messages_refused += stream.counts().refused;
        self.measures.refusals.extend_from_slice(stream.refusals());
        let gaps = stream.playback().gaps();
        self.measures.gaps += gaps.count;
        self.measures.longest_gap = self.measures.longest_gap.max(gaps.longest);
        if let Some(foreign) = self.measures.payloads.foreign() {
            self.note(What::Warning(Warning::new(Code::Silent, foreign.to_string())));
        }
        let unheard_ms = Micros::from_samples(stream.playback().waiting_bytes());
        self.note(What::StreamEnded { why, unheard_ms });
    }
}

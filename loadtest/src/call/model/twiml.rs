//! What the TwiML asks of the call: requests, sounds for the caller, streams, and the recordings that come of it.

use super::{Call, MAX_EVENTS, Media, Output, Prepare};
use crate::audio::FRAME_SAMPLES;
use crate::call::event::What;
use crate::call::request::Request;
use crate::caller::line::Utterance;
use crate::time::Micros;
use crate::twilio::executor::{self, Fetch, Job};
use crate::twilio::playback::Played;
use crate::twilio::stream::FRAME;
use crate::twilio::{ids, signature};

impl Call {
    pub(super) fn obey(&mut self, output: executor::Output) {
        match output {
            executor::Output::Fetch(fetch) => self.request(&fetch),
            executor::Output::Notify(notice) => self.notify(notice),
            executor::Output::Report(notice) => self.send_report(notice),
            executor::Output::Prepare { number, job } => self.prepare(number, job),
            executor::Output::Play(sound) => {
                self.record.begin(self.now);
                self.mouth.media(self.now, sound.to_vec());
            }
            executor::Output::Hush => {
                self.play();
                self.mouth.clear();
                let mut noticed = Vec::new();
                self.ear.cut(self.now, &mut |n| noticed.push(n));
                self.noticed(noticed);
            }
            executor::Output::OpenStream(plan) => {
                let (url, signed) = (plan.url.clone(), plan.url.signed());
                self.note(What::StreamOpening { url: url.to_string() });
                self.media = Media::Opening(Box::new(plan));
                let signature = signature::sign(&self.plan.auth_token, &signed, &[]);
                self.out.push_back(Output::OpenStream { url, signature });
            }
            executor::Output::OpenTap(plan) => self.open_tap(plan),
            executor::Output::CloseTap(sid) => self.close_tap(&sid),
            executor::Output::Verb(text) => self.note(What::Verb { text }),
            executor::Output::Dial(to) => {
                self.transfers.push(to.clone());
                self.note(What::Transfer { to });
            }
            // Bounded like the timeline: a call that dials more often is not seen in all of it.
            executor::Output::Leg(news) if self.legs.len() < MAX_EVENTS => self.legs.push(news),
            executor::Output::Leg(_) => {}
            executor::Output::Recorded(recording) => {
                self.note(What::Recorded { url: recording.url.clone(), length_ms: recording.length });
                self.recordings.push(*recording);
            }
            executor::Output::Warning(warning) => self.note(What::Warning(warning)),
            executor::Output::End(why) => self.end(&why),
        }
    }

    /// Whether a verb has answered the call.
    #[must_use]
    pub const fn was_answered(&self) -> bool {
        self.executor.is_answered()
    }

    fn prepare(&mut self, number: u64, job: Job) {
        let job = match job {
            Job::Say { text, language, voice } => Prepare::Say { text, language, voice },
            Job::Fetch(url) => {
                let token = ids::token(&mut self.rng);
                let fetch = Fetch { url, get: true, extra: Vec::new() };
                Prepare::Fetch(Box::new(Request::new(&fetch, Vec::new(), &self.plan.auth_token, token)))
            }
        };
        self.out.push_back(Output::Prepare { number, job });
    }

    /// The caller speaks: a recogniser would understand the words of the clip, or its name where nobody knows them.
    pub(super) fn tell_words(&mut self, said: &Utterance) {
        let clip = &said.clip;
        let text = if clip.text.is_empty() { &clip.name } else { &clip.text };
        self.executor.says(text, said.begins, said.onset(), said.offset());
    }

    /// What the TwiML says reaches the ear, up to now.
    pub(super) fn speak(&mut self) {
        let mut heard = Vec::new();
        self.mouth.advance(self.now, &mut |played| {
            if let Played::Heard { at, bytes } = played {
                heard.push((at, bytes.to_vec()));
            }
        });
        for (at, bytes) in heard {
            self.heard(at, &bytes);
        }
    }

    /// The caller hears this, whoever says it.
    pub(super) fn heard(&mut self, at: Micros, bytes: &[u8]) {
        if self.plan.keep_sound {
            self.record.heard(at, bytes);
        }
        self.executor.heard(at, bytes);
        self.taps_hear(at, bytes);
        self.line.heard(at, bytes);
        let mut noticed = Vec::new();
        self.ear.hear(at, bytes, &mut |n| noticed.push(n));
        self.noticed(noticed);
    }

    /// The caller's line carried this, wherever it went.
    pub(super) fn said(&mut self, at: Micros, sound: &[u8; FRAME_SAMPLES]) {
        if self.plan.keep_sound {
            self.record.said(at, sound);
        }
        self.executor.said(at, sound);
        self.taps_say(at, sound);
    }

    /// While nothing is streamed, the caller's line is only listened to where somebody records, listens, or keeps it.
    pub(super) fn listen_to_line(&mut self) {
        if matches!(self.media, Media::Open(_)) || !self.is_tapped() {
            self.line_from = None;
            return;
        }
        let mut from = *self.line_from.get_or_insert(self.now);
        while from + FRAME <= self.now {
            let (sound, disturbance) = self.line.frame(from);
            self.said(from, &sound);
            if let Some(kind) = disturbance {
                self.measures.disturbances += 1;
                self.note_at(from, What::Disturbance { kind: format!("{kind:?}").to_lowercase() });
            }
            from += FRAME;
        }
        self.line_from = Some(from);
    }

    fn is_tapped(&self) -> bool {
        let kept = self.plan.keep_sound && self.was_answered() && self.ended.is_none();
        kept || self.executor.is_recording() || !self.taps.is_empty()
    }

    /// When mouth or line have to be looked at again.
    pub(super) fn twiml_deadline(&self) -> Option<Micros> {
        let mouth = (self.mouth.waiting_bytes() > 0).then(|| self.now + FRAME);
        let line = self.line_from.map(|from| from + FRAME);
        [mouth, line, self.executor.next_deadline(self.now)].into_iter().flatten().min()
    }
}

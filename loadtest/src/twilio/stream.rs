//! Twilio's side of one media stream: numbers what it sends, checks what it gets, plays it.

use super::ids::Sids;
use super::message;
use super::playback::{Label, Playback, Played};
use super::validate::{self, Command};
use super::warning::{Code, Warning};
use crate::audio::FRAME_SAMPLES;
use crate::time::Micros;

/// How long one frame lasts.
pub const FRAME: Micros = Micros::from_samples(FRAME_SAMPLES as u64);

/// What happened on the stream, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum StreamEvent<'a> {
    /// This text goes to the server.
    Send(String),
    /// The caller heard this.
    Heard {
        /// When the first byte was heard.
        at: Micros,
        /// µ-law.
        bytes: &'a [u8],
    },
    /// The caller heard sound of which only the label is known.
    Passed {
        /// When it began.
        at: Micros,
        /// How much.
        sound: Label,
    },
    /// Sound arrived from the server.
    Media {
        /// As it was sent; raw µ-law if the server is right.
        payload: &'a [u8],
    },
    /// The server emptied the buffer.
    Cleared {
        /// What will never be heard.
        bytes: u64,
    },
    /// A mark went back.
    MarkEchoed {
        /// Its name.
        name: String,
        /// Whether it was played rather than cleared.
        played: bool,
    },
    /// Twilio's debugger shows this; only the first of its kind.
    Warning(Warning),
}

/// What was counted on one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Frames sent.
    pub frames: u64,
    /// Media messages received and accepted.
    pub media: u64,
    /// Marks received.
    pub marks: u64,
    /// Clears received.
    pub clears: u64,
    /// Messages refused, the silent ones included.
    pub refused: u64,
}

/// A message that was refused, the first of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong with it, in two words.
    pub kind: &'static str,
    /// What the debugger says if it is the first of its code, the message shortened.
    pub warning: Warning,
}

/// One open stream.
#[derive(Debug)]
pub struct Stream {
    sids: Sids,
    stream_sid: String,
    started: Micros,
    sequence: u64,
    playback: Playback,
    /// Codes that were already reported: each is reported once per stream.
    reported: Vec<Code>,
    counts: StreamCounts,
    /// Frames that were lost before they became messages.
    lost: u64,
    refusals: Vec<Refusal>,
}

impl Stream {
    /// Starts the stream at `now`: `connected` and `start` go out, and the first frame is due 20 ms later.
    pub fn start(
        now: Micros,
        sids: Sids,
        stream_sid: String,
        parameters: &[(String, String)],
        out: &mut dyn FnMut(StreamEvent<'_>),
    ) -> Self {
        out(StreamEvent::Send(message::connected()));
        out(StreamEvent::Send(message::start(1, &sids, &stream_sid, parameters)));
        let playback = Playback::default();
        Self {
            sids,
            stream_sid,
            started: now,
            sequence: 1,
            playback,
            reported: Vec::new(),
            counts: StreamCounts::default(),
            lost: 0,
            refusals: Vec::new(),
        }
    }

    /// The stream's own identifier, `MZ…`.
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.stream_sid
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counts(&self) -> StreamCounts {
        self.counts
    }

    /// The first refused message of each kind; the debugger shows one per code.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The buffer, to look at.
    #[must_use]
    pub const fn playback(&self) -> &Playback {
        &self.playback
    }

    /// When the next frame starts: its first sample is spoken now.
    #[must_use]
    pub fn frame_start(&self) -> Micros {
        self.started + Micros((self.counts.frames + self.lost) * FRAME.0)
    }

    /// When the next frame is complete and must be sent; fixed when the stream started.
    #[must_use]
    pub fn frame_due(&self) -> Micros {
        self.frame_start() + FRAME
    }

    /// When the model must next look: a frame or a mark is due.
    #[must_use]
    pub fn next_deadline(&self) -> Micros {
        self.playback.next_deadline().map_or(self.frame_due(), |at| at.min(self.frame_due()))
    }

    /// Plays up to `now`.
    pub fn advance(&mut self, now: Micros, out: &mut dyn FnMut(StreamEvent<'_>)) {
        let (sequence, sid) = (&mut self.sequence, &self.stream_sid);
        self.playback.advance(now, &mut |event| match event {
            Played::Heard { at, bytes } => out(StreamEvent::Heard { at, bytes }),
            Played::Passed { at, sound } => out(StreamEvent::Passed { at, sound }),
            Played::Mark { name, .. } => echo(sequence, sid, name, true, out),
        });
    }

    /// The frame that is due, as a message.
    pub fn frame(&mut self, mulaw: &[u8; FRAME_SAMPLES]) -> String {
        let timestamp_ms = (self.frame_start() - self.started).0 / 1_000;
        self.counts.frames += 1;
        self.sequence += 1;
        message::media(self.sequence, self.counts.frames, timestamp_ms, mulaw, &self.stream_sid)
    }

    /// The frame that is due is lost on its way to Twilio: no message is made of it, and its time stamp is missing.
    pub const fn lose_frame(&mut self) {
        self.lost += 1;
    }

    /// A key that the caller presses.
    pub fn digit(&mut self, digit: char) -> String {
        self.sequence += 1;
        message::dtmf(self.sequence, digit, &self.stream_sid)
    }

    /// The last message.
    pub fn stop(&mut self) -> String {
        self.sequence += 1;
        message::stop(self.sequence, &self.sids, &self.stream_sid)
    }

    /// A text message from the server. Call [`Self::advance`] with the same `now` first.
    pub fn text(&mut self, now: Micros, text: &str, out: &mut dyn FnMut(StreamEvent<'_>)) {
        match validate::parse(text, &self.stream_sid) {
            Ok(Command::Media(bytes)) => self.media(now, bytes, out),
            Ok(Command::Mark(name)) => self.mark(name, out),
            Ok(Command::Clear) => self.clear(out),
            Err(invalid) => {
                let text = format!("{invalid}: {}", validate::shorten(text));
                self.refuse(Code::InvalidMessage, invalid.kind(), text, out);
            }
        }
    }

    /// A mark from the server.
    pub fn mark(&mut self, name: String, out: &mut dyn FnMut(StreamEvent<'_>)) {
        self.counts.marks += 1;
        match self.playback.mark(name) {
            Ok(Some(name)) => echo(&mut self.sequence, &self.stream_sid, name, true, out),
            Ok(None) => {}
            Err(name) => {
                let text = format!("too many marks wait: {name:?}");
                self.refuse(Code::InvalidMessage, "too many marks", text, out);
            }
        }
    }

    /// A clear from the server.
    pub fn clear(&mut self, out: &mut dyn FnMut(StreamEvent<'_>)) {
        self.counts.clears += 1;
        let (bytes, marks) = self.playback.clear();
        out(StreamEvent::Cleared { bytes });
        for name in marks {
            echo(&mut self.sequence, &self.stream_sid, name, false, out);
        }
    }

    /// Sound from the server of which only the label is known.
    pub fn label(&mut self, now: Micros, label: Label) {
        self.counts.media += 1;
        self.playback.label(now, label);
    }

    /// A binary message from the server.
    pub fn binary(&mut self, bytes: usize, out: &mut dyn FnMut(StreamEvent<'_>)) {
        let text = format!("a binary message of {bytes} bytes; send JSON as text");
        self.refuse(Code::BinaryMessage, "binary", text, out);
    }

    fn media(&mut self, now: Micros, payload: Vec<u8>, out: &mut dyn FnMut(StreamEvent<'_>)) {
        self.counts.media += 1;
        out(StreamEvent::Media { payload: &payload });
        let lost = self.playback.media(now, payload);
        if lost > 0 {
            self.warn(Code::MediaDiscarded, "more than ten minutes of sound wait; the rest is discarded".into(), out);
        }
    }

    fn refuse(&mut self, code: Code, kind: &'static str, text: String, out: &mut dyn FnMut(StreamEvent<'_>)) {
        self.counts.refused += 1;
        if self.refusals.iter().all(|known| known.kind != kind) {
            self.refusals.push(Refusal { kind, warning: Warning::new(code, text.clone()) });
        }
        self.warn(code, text, out);
    }

    fn warn(&mut self, code: Code, text: String, out: &mut dyn FnMut(StreamEvent<'_>)) {
        if !self.reported.contains(&code) {
            self.reported.push(code);
            out(StreamEvent::Warning(Warning::new(code, text)));
        }
    }
}

fn echo(sequence: &mut u64, sid: &str, name: String, played: bool, out: &mut dyn FnMut(StreamEvent<'_>)) {
    *sequence += 1;
    out(StreamEvent::Send(message::mark(*sequence, &name, sid)));
    out(StreamEvent::MarkEchoed { name, played });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(log: &mut Vec<String>) -> Stream {
        let sids = Sids { account: "AC1".into(), call: "CA1".into() };
        Stream::start(Micros(500), sids, "MZ1".into(), &[], &mut |event| log.push(format!("{event:?}")))
    }

    fn text(stream: &mut Stream, text: &str) -> Vec<String> {
        let mut log = Vec::new();
        stream.text(Micros(500), text, &mut |event| log.push(format!("{event:?}")));
        log
    }

    #[test]
    fn frames_are_due_on_a_schedule_fixed_at_the_start() {
        let mut stream = stream(&mut Vec::new());
        assert_eq!(stream.frame_due(), Micros(20_500));
        let first = stream.frame(&[0xFF; FRAME_SAMPLES]);
        assert!(first.contains(r#""sequenceNumber":"2""#) && first.contains(r#""chunk":"1","timestamp":"0""#));
        assert_eq!(stream.frame_due(), Micros(40_500));
        assert!(stream.frame(&[0xFF; FRAME_SAMPLES]).contains(r#""chunk":"2","timestamp":"20""#));
    }

    #[test]
    fn the_second_bad_message_is_silent_but_counted() {
        let mut stream = stream(&mut Vec::new());
        assert_eq!(text(&mut stream, "{}").len(), 1);
        assert_eq!(text(&mut stream, "[]").len(), 0);
        assert_eq!(stream.counts().refused, 2);
        text(&mut stream, "null");
        let kinds: Vec<_> = stream.refusals().iter().map(|r| (r.kind, r.warning.text.as_str())).collect();
        assert_eq!(kinds[0], ("missing field", "field \"event\" is missing or has the wrong type: {}"));
        assert_eq!((kinds.len(), kinds[1].0), (2, "not JSON"));
        let mut binary = Vec::new();
        stream.binary(3, &mut |event| binary.push(format!("{event:?}")));
        assert_eq!(binary.len(), 1, "another code is reported once too");
    }

    #[test]
    fn a_clear_returns_every_pending_mark_and_says_how_much_was_lost() {
        let mut stream = stream(&mut Vec::new());
        text(&mut stream, r#"{"event":"media","streamSid":"MZ1","media":{"payload":"AAAA"}}"#);
        assert!(text(&mut stream, r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a"}}"#).is_empty());
        let log = text(&mut stream, r#"{"event":"clear","streamSid":"MZ1"}"#);
        assert_eq!(log[0], "Cleared { bytes: 3 }");
        assert!(log[1].contains("mark") && log[2].contains("played: false"), "{log:?}");
    }
}

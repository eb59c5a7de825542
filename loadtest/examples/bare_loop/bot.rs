//! One call: greets, hears, yields when interrupted, and speaks again.
#![allow(clippy::disallowed_methods, reason = "a loop that is nothing but shell reads the clock where it needs it")]

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::time::Instant;

use crate::Setup;
use crate::ears::{Ears, FRAME_BYTES};

/// An outbound message: 160 ms.
const MESSAGE_BYTES: usize = 8 * FRAME_BYTES;
/// Sound between two progress marks: 500 ms.
const MARK_EVERY_BYTES: usize = 25 * FRAME_BYTES;
/// Sound kept waiting at the carrier.
const LEAD: Duration = Duration::from_millis(400);
/// Voiced frames in a row that interrupt the bot.
const VOICED_FRAMES: u32 = 5;
/// After an interruption the bot waits for so many frames (1 s) …
const YIELDED_FRAMES: u32 = 50;
/// … and until this many in a row (500 ms) had no voice.
const QUIET_FRAMES: u32 = 25;
#[derive(Deserialize)]
struct Inbound<'a> {
    event: &'a str,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    #[serde(borrow)]
    start: Option<Start<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(borrow)]
    stream_sid: Cow<'a, str>,
}

/// Who has the floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Floor {
    /// Nobody asks for it: before `start`, or behind a greeting that is not repeated.
    Nobody,
    /// The bot has more to say.
    Talking,
    /// The bot was interrupted this many frames ago.
    Yielded(u32),
}

/// One call's state.
pub(crate) struct Bot<'a> {
    setup: &'a Setup,
    stream_sid: String,
    ears: Ears,
    floor: Floor,
    /// What of the greeting comes next.
    position: usize,
    since_mark: usize,
    marks: u32,
    /// When the carrier will have played all that it was sent.
    plays_until: Instant,
}

impl<'a> Bot<'a> {
    pub(crate) fn new(setup: &'a Setup) -> Self {
        Self {
            setup,
            stream_sid: String::new(),
            ears: Ears::new(),
            floor: Floor::Nobody,
            position: 0,
            since_mark: 0,
            marks: 0,
            plays_until: Instant::now(),
        }
    }

    /// Takes a message of the carrier. One that cannot be read is passed over.
    pub(crate) fn take(&mut self, text: &str, out: &mut Vec<String>) {
        let Ok(message) = serde_json::from_str::<Inbound<'_>>(text) else { return };
        match (message.event, message.media, message.start) {
            ("media", Some(media), _) => self.hear(&media.payload, out),
            ("start", _, Some(start)) => {
                self.stream_sid = start.stream_sid.into_owned();
                self.talk(out);
            }
            _ => {}
        }
    }

    /// Whether there is more to send.
    pub(crate) fn is_talking(&self) -> bool {
        self.floor == Floor::Talking
    }

    fn talk(&mut self, out: &mut Vec<String>) {
        if !self.setup.args.silent {
            self.floor = Floor::Talking;
            self.top_up(out);
        }
    }

    fn hear(&mut self, payload: &str, out: &mut Vec<String>) {
        self.ears.take(payload);
        while let Some(pcm) = self.ears.next_frame() {
            if self.setup.args.no_vad {
                // Without a detector nobody looks at the sound, and the compiler would not decode it.
                std::hint::black_box(&pcm);
            } else {
                self.ears.judge(&pcm);
                self.turn(out);
            }
        }
    }

    /// After every frame: has the caller taken the floor, or left it?
    fn turn(&mut self, out: &mut Vec<String>) {
        match &mut self.floor {
            Floor::Yielded(frames) => {
                *frames += 1;
                if *frames >= YIELDED_FRAMES && self.ears.quiet_frames >= QUIET_FRAMES {
                    self.talk(out);
                }
            }
            Floor::Nobody | Floor::Talking => {
                if self.ears.voiced_frames >= VOICED_FRAMES && self.plays_until > Instant::now() {
                    self.interrupt(out);
                }
            }
        }
    }

    fn interrupt(&mut self, out: &mut Vec<String>) {
        out.push(format!(r#"{{"event":"clear","streamSid":"{}"}}"#, self.stream_sid));
        self.floor = Floor::Yielded(0);
        self.position = 0;
        self.since_mark = 0;
        self.plays_until = Instant::now();
    }

    /// When a whole message will fit into the lead.
    pub(crate) fn room_at(&self) -> Instant {
        self.plays_until + duration(MESSAGE_BYTES) - LEAD
    }

    /// Sends as many messages as fit into the lead.
    pub(crate) fn top_up(&mut self, out: &mut Vec<String>) {
        let now = Instant::now();
        self.plays_until = self.plays_until.max(now);
        while self.floor == Floor::Talking && self.room_at() <= now {
            self.say_next(out);
        }
    }

    fn say_next(&mut self, out: &mut Vec<String>) {
        let rest = &self.setup.greeting[self.position..];
        let sound = &rest[..rest.len().min(MESSAGE_BYTES)];
        let ends = sound.len() == rest.len();
        out.push(media(&self.stream_sid, sound));
        self.position += sound.len();
        self.since_mark += sound.len();
        self.plays_until += duration(sound.len());
        if ends {
            self.position = 0;
            self.floor = if self.setup.args.repeat { Floor::Talking } else { Floor::Nobody };
            self.mark("end", out);
        } else if self.since_mark >= MARK_EVERY_BYTES {
            self.mark("progress", out);
        }
    }

    fn mark(&mut self, kind: &str, out: &mut Vec<String>) {
        self.marks += 1;
        // What is over is carried, so that there are two marks a second although messages are longer than a sixth.
        self.since_mark = self.since_mark.saturating_sub(MARK_EVERY_BYTES);
        let (sid, number) = (&self.stream_sid, self.marks);
        out.push(format!(r#"{{"event":"mark","streamSid":"{sid}","mark":{{"name":"{kind}-{number}"}}}}"#));
    }
}

fn media(stream_sid: &str, sound: &[u8]) -> String {
    let mut text = String::with_capacity(128 + sound.len() * 4 / 3);
    text.push_str(r#"{"event":"media","streamSid":""#);
    text.push_str(stream_sid);
    text.push_str(r#"","media":{"payload":""#);
    STANDARD.encode_string(sound, &mut text);
    text.push_str(r#""}}"#);
    text
}

fn duration(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 125)
}

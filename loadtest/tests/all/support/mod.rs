//! A minimal Media Streams server without sockets: greets, stops when it hears energy, knows a few keys.

pub(crate) mod bench;
pub(crate) mod pages;
pub(crate) mod patient;
pub(crate) mod program;
pub(crate) mod rest;
pub(crate) mod server;
pub(crate) mod world;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loadtest::audio::level::{dbfs, rms};
use loadtest::audio::mulaw;
use serde_json::{Value, json};

/// What the bot does to its stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Act {
    /// Sends this text.
    Text(String),
    /// Sends this binary message.
    Binary(Vec<u8>),
    /// Closes the socket; the TwiML then dials, or not.
    Close { dial: bool },
}

/// How the bot misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// Never sends `clear`.
    Deaf,
    /// Sends `clear` although nobody spoke.
    Nervous,
    /// Sends extra fields and binary messages.
    Sloppy,
    /// Speaks with anybody who knows the URL of the stream, as often as he likes.
    OpenDoor,
}

/// The bot of one stream.
#[derive(Default)]
pub(crate) struct Bot {
    pub(crate) fault: Fault,
    pub(crate) marks_back: Vec<String>,
    pub(crate) stopped: bool,
    sid: String,
    frames: u64,
    busy_until_frame: u64,
    answer_at_frame: Option<u64>,
    echo: bool,
    marks: u32,
}

impl Bot {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, ..Self::default() }
    }

    /// One message of Twilio's.
    pub(crate) fn on_text(&mut self, text: &str) -> Vec<Act> {
        let message: Value = serde_json::from_str(text).unwrap();
        match message["event"].as_str().unwrap() {
            "start" => {
                self.sid = message["streamSid"].as_str().unwrap().to_owned();
                assert_eq!(message["start"]["customParameters"]["token"], "a & b");
                let mut acts = self.speak(8_000);
                if self.fault == Fault::Sloppy {
                    acts.push(Act::Text(json!({"event": "clear", "streamSid": self.sid, "extra": 1}).to_string()));
                    acts.push(Act::Text("nonsense".into()));
                    acts.push(Act::Binary(vec![1, 2, 3]));
                }
                acts
            }
            "media" => self.on_frame(&STANDARD.decode(message["media"]["payload"].as_str().unwrap()).unwrap()),
            "dtmf" => self.on_digit(message["dtmf"]["digit"].as_str().unwrap()),
            "mark" => {
                self.marks_back.push(message["mark"]["name"].as_str().unwrap().to_owned());
                Vec::new()
            }
            "stop" => {
                self.stopped = true;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn on_frame(&mut self, payload: &[u8]) -> Vec<Act> {
        self.frames += 1;
        if self.echo {
            return vec![self.media(payload)];
        }
        let linear: Vec<i16> = payload.iter().map(|&b| mulaw::decode(b)).collect();
        let loud = dbfs(rms(&linear)) > -35.0 || (self.fault == Fault::Nervous && self.frames == 60);
        if loud && self.frames < self.busy_until_frame && self.fault != Fault::Deaf {
            self.busy_until_frame = 0;
            self.answer_at_frame = Some(self.frames + 120);
            return vec![self.clear()];
        }
        if self.answer_at_frame.is_some_and(|at| self.frames >= at) {
            self.answer_at_frame = None;
            return self.speak(5_000);
        }
        Vec::new()
    }

    fn on_digit(&mut self, digit: &str) -> Vec<Act> {
        let mut acts = vec![self.clear()];
        match digit {
            "0" => acts.push(Act::Close { dial: false }),
            "3" => acts.push(Act::Close { dial: true }),
            "9" => self.echo = true,
            _ => acts.extend(self.speak(5_000)),
        }
        acts
    }

    fn speak(&mut self, ms: usize) -> Vec<Act> {
        self.busy_until_frame = self.frames + ms as u64 / 20;
        self.marks += 1;
        let mark = json!({"event": "mark", "streamSid": self.sid, "mark": {"name": format!("m{}", self.marks)}});
        // A square wave at 200 Hz, about -20 dBFS.
        let sound: Vec<u8> = (0..ms * 8).map(|n| mulaw::encode(if n / 20 % 2 == 0 { 3_000 } else { -3_000 })).collect();
        let mut acts: Vec<Act> = sound.chunks(1_600).map(|chunk| self.media(chunk)).collect();
        acts.push(Act::Text(mark.to_string()));
        acts
    }

    fn media(&self, payload: &[u8]) -> Act {
        let payload = STANDARD.encode(payload);
        Act::Text(json!({"event": "media", "streamSid": self.sid, "media": {"payload": payload}}).to_string())
    }

    fn clear(&self) -> Act {
        Act::Text(json!({"event": "clear", "streamSid": self.sid}).to_string())
    }
}

/// The answer to the voice webhook.
pub(crate) fn voice_twiml(ws_url: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect><Stream url=\"{ws_url}\">\
         <Parameter name=\"token\" value=\"a &amp; b\"/></Stream></Connect><Redirect>after</Redirect></Response>"
    )
}

/// The answer to the webhook behind the stream.
pub(crate) fn after_twiml(dial: bool) -> &'static str {
    if dial { "<Response><Dial>+14155550123</Dial></Response>" } else { "<Response><Hangup/></Response>" }
}

//! Speaks one prompt after the other: asks for its sound, plays it so many times, and knows when it is over.

use std::collections::VecDeque;

use super::{Answer, Job, Output};
use crate::time::Micros;
use crate::twilio::sound::{self, Decoded, Sound};
use crate::twilio::url::Url;
use crate::twilio::warning::{Code, Warning};

/// Even an empty sound takes so long, so that an endless loop of it takes time.
const SHORTEST: Micros = Micros::from_ms(20);
/// How long a sound lasts that nobody fetched or can decode.
const UNKNOWN: Micros = Micros::from_ms(1_000);

/// Something to be heard.
#[derive(Clone, Debug)]
pub(super) enum Prompt {
    /// Words. Loops: 0 is endless.
    Say { text: String, language: String, voice: String, pauses: Micros, loops: u64 },
    /// What a URL answers.
    Fetch { url: Url, loops: u64 },
    /// A sound that is there already.
    Sound { sound: Sound, loops: u64 },
    /// Silence.
    Pause(Micros),
}

#[derive(Debug)]
struct Sounding {
    sound: Option<Sound>,
    lasts: Micros,
    until: Micros,
    /// `None` is endless.
    left: Option<u64>,
    text: Option<String>,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Idle,
    Asked(u64, Prompt),
    Sounding(Sounding),
}

/// The mouth of the TwiML.
#[derive(Debug, Default)]
pub(super) struct Speaker {
    queue: VecDeque<Prompt>,
    phase: Phase,
    asked: u64,
    /// Words whose sound began, from when to when; the executor takes them.
    pub(super) spoken: Vec<(String, Micros, Micros)>,
    /// What the debugger shows for an answer that is no sound.
    pub(super) wrong_type: Option<Code>,
}

impl Speaker {
    pub(super) fn say(&mut self, prompts: impl IntoIterator<Item = Prompt>) {
        self.queue.extend(prompts);
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle) && self.queue.is_empty()
    }

    /// When the sound at hand is over; nothing while one is being fetched.
    pub(super) fn deadline(&self) -> Option<Micros> {
        if let Phase::Sounding(sounding) = &self.phase { Some(sounding.until) } else { None }
    }

    /// Nothing more is said.
    pub(super) fn hush(&mut self, out: &mut VecDeque<Output>) {
        if !self.is_idle() {
            self.queue.clear();
            self.phase = Phase::Idle;
            out.push_back(Output::Hush);
        }
    }

    /// Goes on to what is due by `now`.
    pub(super) fn advance(&mut self, now: Micros, out: &mut VecDeque<Output>) {
        match std::mem::take(&mut self.phase) {
            Phase::Sounding(sounding) if now < sounding.until => self.phase = Phase::Sounding(sounding),
            Phase::Sounding(Sounding { left: Some(0 | 1), .. }) | Phase::Idle => self.next(now, out),
            Phase::Sounding(again) => self.sound(now, Sounding { left: again.left.map(|left| left - 1), ..again }, out),
            asked @ Phase::Asked(..) => self.phase = asked,
        }
    }

    /// What became of [`Output::Prepare`]; `Ok(None)` when this caller hears nothing.
    pub(super) fn prepared(
        &mut self,
        now: Micros,
        number: u64,
        answer: Result<Option<Answer>, String>,
        out: &mut VecDeque<Output>,
    ) {
        let prompt = match std::mem::take(&mut self.phase) {
            Phase::Asked(asked, prompt) if asked == number => prompt,
            other => return self.phase = other,
        };
        let sound = self.decode(&prompt, answer, out);
        match (prompt, sound) {
            (_, Err(warning)) => {
                out.push_back(Output::Warning(warning));
                self.next(now, out);
            }
            (Prompt::Say { text, pauses, loops, .. }, Ok(sound)) => {
                let spoken = Micros::from_ms((text.chars().count() as u64).saturating_mul(66).max(500)) + pauses;
                self.begin(now, sound, spoken, loops, Some(text), out);
            }
            (Prompt::Fetch { loops, .. }, Ok(sound)) => self.begin(now, sound, UNKNOWN, loops, None, out),
            (Prompt::Sound { .. } | Prompt::Pause(_), _) => self.next(now, out),
        }
    }

    fn next(&mut self, now: Micros, out: &mut VecDeque<Output>) {
        let Some(prompt) = self.queue.pop_front() else { return };
        let job = match &prompt {
            Prompt::Say { text, language, voice, .. } => {
                Job::Say { text: text.clone(), language: language.clone(), voice: voice.clone() }
            }
            Prompt::Fetch { url, .. } => Job::Fetch(url.clone()),
            Prompt::Sound { sound, loops } => {
                return self.begin(now, Some(sound.clone()), SHORTEST, *loops, None, out);
            }
            Prompt::Pause(lasts) => return self.begin(now, None, *lasts, 1, None, out),
        };
        self.asked += 1;
        self.phase = Phase::Asked(self.asked, prompt);
        out.push_back(Output::Prepare { number: self.asked, job });
    }

    fn begin(
        &mut self,
        now: Micros,
        sound: Option<Sound>,
        silent: Micros,
        loops: u64,
        text: Option<String>,
        out: &mut VecDeque<Output>,
    ) {
        let lasts = sound.as_ref().map_or(silent, |sound| Micros::from_samples(sound.len() as u64)).max(SHORTEST);
        let left = (loops > 0).then_some(loops);
        self.sound(now, Sounding { sound, lasts, until: now, left, text }, out);
    }

    fn sound(&mut self, now: Micros, mut sounding: Sounding, out: &mut VecDeque<Output>) {
        sounding.until = now + sounding.lasts;
        if let Some(sound) = &sounding.sound {
            out.push_back(Output::Play(sound.clone()));
        }
        if let Some(text) = &sounding.text {
            self.spoken.push((text.clone(), now, sounding.until));
        }
        self.phase = Phase::Sounding(sounding);
    }

    /// The sound to be heard; `None` when silence stands for it.
    fn decode(
        &self,
        prompt: &Prompt,
        answer: Result<Option<Answer>, String>,
        out: &mut VecDeque<Output>,
    ) -> Result<Option<Sound>, Warning> {
        let what = match prompt {
            Prompt::Fetch { url, .. } => url.to_string(),
            _ => "<Say>".into(),
        };
        let answer = answer.map_err(|why| Warning::new(Code::HttpConnection, format!("{what}: {why}")))?;
        let Some(answer) = answer else { return Ok(None) };
        if !(200..300).contains(&answer.status) {
            let text = format!("{what} answered {}; the sound is left out", answer.status);
            return Err(Warning::new(Code::HttpRetrieval, text));
        }
        if answer.body.len() > sound::MAX_FILE_BYTES {
            return Err(Warning::new(Code::PlayType, format!("{what}: more than 16 MB are not played")));
        }
        let code = self.wrong_type.unwrap_or(Code::PlayType);
        match sound::decode(answer.content_type.as_deref(), &answer.body) {
            Ok(Decoded::Sound(sound)) => Ok(Some(sound)),
            Ok(Decoded::Foreign(kind)) => {
                let text = format!(
                    "{what} is {kind}, which Twilio plays and this program does not decode: a second of silence"
                );
                out.push_back(Output::Warning(Warning::new(Code::Silent, text)));
                Ok(None)
            }
            Err(why) => Err(Warning::new(code, format!("{what}: {why}"))),
        }
    }
}

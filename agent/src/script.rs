//! The scripted conversation as a pure state machine: what happened and when goes in, what to do comes out.
//!
//! ```text
//!   Fresh ──Started──► Talking ──echo key──► EchoIntro ──played──► Echo ──10 s or a key──► Talking
//!                         │
//!                         └─ goodbye, transfer, a wish to end, silence twice ──► Leaving ──► (stream ends)
//! ```
//!
//! While it talks, the script waits for exactly one of: its own words to be played, the caller to finish, or the
//! caller to begin. Each has its time limit, so that no lost event leaves a caller in silence for good.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::audio::frame::Frame;
use engine::port::{AgentEvent, UtteranceId};
use engine::time::{Instant, Samples};

use crate::desk::Intent;
use crate::menu::KeyAction;
use crate::profile::{Profile, Prompt};
use crate::rewind::phrase_start;

/// A caller's turn that lasts this long is noise, or will be heard out no longer.
const TURN_MAX: Duration = Duration::from_secs(30);
/// How long after its expected end an utterance that nobody confirmed counts as played.
const PLAYED_GRACE: Duration = Duration::from_secs(10);
/// An interrupted prompt with less than this left was understood: it is not taken up again.
const REST_MIN: Samples = Samples::from_millis(800);

/// What somebody who watches the call wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// End the call, once what is being said has been heard.
    HangUp,
    /// Connect the caller to this number (E.164, checked by whoever dials).
    Transfer(String),
    /// Say this now: µ-law at 8 kHz, not empty.
    Say(Bytes),
}

/// What happens to the script.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Something on the call.
    Event(AgentEvent),
    /// Somebody wants something. Once the call is being ended, nothing more is done for anybody.
    Wish(Wish),
    /// The time asked for by [`Output::WakeAt`] has come. One that comes early changes nothing.
    Timeout,
}

/// What the script wants done, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Say a prompt after what was said before.
    Say {
        /// Which.
        prompt: Prompt,
        /// Where in its sound to begin.
        from: Samples,
        /// Whether the caller's voice stops it.
        interruptible: bool,
    },
    /// Discard all that was said and not yet heard.
    StopSpeaking,
    /// Caller audio on or off.
    Listen(bool),
    /// Begin an uninterruptible utterance made of what [`Output::Echo`] brings.
    EchoBegin,
    /// Send this back to the caller.
    Echo(Frame),
    /// The echo is complete.
    EchoEnd,
    /// Leave word of what comes after the stream.
    SetIntent(Intent),
    /// End the stream when all that was said has been played.
    HangUp,
    /// Come back with [`Input::Timeout`] at this time, and at no other asked for before.
    WakeAt(Instant),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Talking,
    EchoIntro,
    Echo { until: Instant },
    Leaving,
}

/// A prompt, or the rest of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    prompt: Prompt,
    from: Samples,
}

/// Something said that the caller has not yet heard to its end.
#[derive(Debug, Clone, Copy)]
struct Said {
    id: UtteranceId,
    piece: Piece,
}

/// One call's conversation.
#[derive(Debug)]
pub struct Script {
    profile: Arc<Profile>,
    phase: Phase,
    /// Said and not over, oldest first. Bounded: an answer replaces the one before it.
    said: VecDeque<Said>,
    /// What the last interruption took from the caller.
    missed: Vec<Piece>,
    /// The last answer, to be repeated.
    topic: Option<Prompt>,
    /// The sound of [`Prompt::Told`]; a new one replaces it.
    told: Bytes,
    utterances: u32,
    caller_speaks: bool,
    /// The caller's turn stopped us, so it wants an acknowledgement.
    interrupted: bool,
    /// Interruptions, and turns spoken to a silent agent, since the last key.
    interruptions: u32,
    remarks: u32,
    /// The one re-prompt has been given since the caller last did anything.
    prompted: bool,
    /// Since when nobody has said anything, or since when the caller speaks.
    since: Instant,
    /// When our own words should have been heard.
    spoken_at: Instant,
    wake_at: Option<Instant>,
}

impl Script {
    /// A conversation that has not begun.
    #[must_use]
    pub fn new(profile: Arc<Profile>) -> Self {
        Self {
            profile,
            phase: Phase::Fresh,
            said: VecDeque::with_capacity(4),
            missed: Vec::with_capacity(4),
            topic: None,
            told: Bytes::new(),
            utterances: 0,
            caller_speaks: false,
            interrupted: false,
            interruptions: 0,
            remarks: 0,
            prompted: false,
            since: Instant::ZERO,
            spoken_at: Instant::ZERO,
            wake_at: None,
        }
    }

    /// Takes one input that happened at `now`; appends what it leads to.
    pub fn step(&mut self, now: Instant, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Timeout => self.timeout(now, out),
            Input::Wish(wish) => self.fulfil(now, wish, out),
            Input::Event(AgentEvent::Started) => self.greet(now, out),
            Input::Event(AgentEvent::Audio(frame)) => {
                if matches!(self.phase, Phase::Echo { .. }) {
                    out.push(Output::Echo(frame));
                }
            }
            Input::Event(AgentEvent::TurnStarted) => self.turn_started(now),
            Input::Event(AgentEvent::BargeIn { utterance, heard }) => self.barge_in(now, utterance, heard),
            Input::Event(AgentEvent::TurnEnded { .. }) => self.turn_ended(now, out),
            Input::Event(AgentEvent::Digit(digit)) => self.digit(now, digit.0, out),
            Input::Event(AgentEvent::Played { utterance, .. }) => self.played(now, utterance, out),
            Input::Event(AgentEvent::Ended(_)) => self.phase = Phase::Leaving,
        }
        self.arm(out);
    }

    /// The sound of a prompt as this call has it.
    #[must_use]
    pub fn sound(&self, prompt: Prompt) -> Bytes {
        if prompt == Prompt::Told { self.told.clone() } else { self.profile.sound(prompt) }
    }

    fn greet(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.phase = Phase::Talking;
        if self.profile.resumed {
            self.say(now, &[Prompt::Again], out);
            self.offer_again(now, out);
        } else {
            self.say_greeting(now, out);
        }
    }

    fn say_greeting(&mut self, now: Instant, out: &mut Vec<Output>) {
        let profile = Arc::clone(&self.profile);
        self.say(now, &profile.greeting, out);
        self.say(now, &profile.menu.long, out);
    }

    /// The keys, for someone who has heard of them.
    fn offer_again(&mut self, now: Instant, out: &mut Vec<Output>) {
        let profile = Arc::clone(&self.profile);
        self.say(now, &profile.menu.short, out);
    }

    fn fulfil(&mut self, now: Instant, wish: Wish, out: &mut Vec<Output>) {
        if matches!(self.phase, Phase::Fresh | Phase::Leaving) {
            return;
        }
        if let Phase::Echo { .. } = self.phase {
            out.push(Output::EchoEnd);
            out.push(Output::StopSpeaking);
            out.push(Output::Listen(false));
        }
        self.phase = Phase::Talking;
        self.since = now;
        match wish {
            Wish::HangUp => self.end(Intent::HangUp, out),
            Wish::Transfer(number) => {
                self.interrupt_ourselves(out);
                self.leave(now, Prompt::OneMoment, Intent::Dial(number), out);
            }
            Wish::Say(sound) => {
                self.interrupt_ourselves(out);
                self.told = sound;
                self.tell(now, Prompt::Told, out);
            }
        }
    }

    fn turn_started(&mut self, now: Instant) {
        self.caller_speaks = true;
        self.prompted = false;
        self.since = now;
    }

    /// The engine has stopped our words; what to say to that waits for the end of the caller's turn.
    fn barge_in(&mut self, now: Instant, utterance: UtteranceId, heard: Samples) {
        if self.phase != Phase::Talking {
            return;
        }
        self.turn_started(now);
        self.interrupted = true;
        while let Some(said) = self.said.pop_front() {
            if said.id < utterance {
                continue;
            }
            let heard = if said.id == utterance { heard } else { Samples::ZERO };
            self.miss(said.piece, heard);
        }
    }

    /// Remembers the rest of a piece of which `heard` was heard, if there is enough of it left.
    fn miss(&mut self, piece: Piece, heard: Samples) {
        let sound = self.sound(piece.prompt);
        let at = piece.from + heard;
        if Samples(sound.len() as u64).saturating_sub(at) >= REST_MIN {
            let from = if heard == Samples::ZERO { piece.from } else { phrase_start(&sound, at) };
            self.missed.push(Piece { from, ..piece });
        }
    }

    fn turn_ended(&mut self, now: Instant, out: &mut Vec<Output>) {
        let spoke = std::mem::take(&mut self.caller_speaks);
        if self.phase != Phase::Talking || !spoke {
            return;
        }
        self.since = now;
        if std::mem::take(&mut self.interrupted) {
            self.acknowledge(now, out);
        } else if self.said.is_empty() {
            self.remarks += 1;
            if self.remarks == 1 {
                self.say(now, &[Prompt::HeardYou], out);
                self.offer_again(now, out);
            } else {
                self.say(now, &[Prompt::PressKey], out);
            }
        }
    }

    /// Says that the interruption was noticed, then what the caller missed by it.
    fn acknowledge(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.interruptions += 1;
        let ack = if self.interruptions == 1 { Prompt::Ack } else { Prompt::AckShort };
        self.say(now, &[ack], out);
        let missed = std::mem::take(&mut self.missed);
        let profile = Arc::clone(&self.profile);
        if missed.iter().any(|piece| profile.explains_keys(piece.prompt)) {
            return self.offer_again(now, out);
        }
        let mut rest = missed.into_iter().filter(|piece| profile.tells_something(piece.prompt)).peekable();
        if rest.peek().is_some() {
            self.say(now, &[Prompt::Resume], out);
        }
        rest.for_each(|piece| self.say_piece(now, piece, out));
        self.say(now, &[Prompt::AnythingElse], out);
    }

    fn digit(&mut self, now: Instant, digit: char, out: &mut Vec<Output>) {
        self.since = now;
        match self.phase {
            Phase::Fresh | Phase::Leaving => {}
            Phase::Talking => {
                self.interrupt_ourselves(out);
                self.prompted = false;
                self.interruptions = 0;
                self.remarks = 0;
                self.choose(now, digit, out);
            }
            Phase::EchoIntro => {
                self.interrupt_ourselves(out);
                self.after_echo(now, out);
            }
            Phase::Echo { .. } => {
                out.push(Output::EchoEnd);
                out.push(Output::StopSpeaking);
                self.after_echo(now, out);
            }
        }
    }

    fn choose(&mut self, now: Instant, digit: char, out: &mut Vec<Output>) {
        match self.profile.menu.action(digit).cloned() {
            Some(KeyAction::Say(answer)) => self.tell(now, answer, out),
            Some(KeyAction::RepeatAnswer) => match self.topic {
                Some(answer) => self.tell(now, answer, out),
                None => self.say(now, &Arc::clone(&self.profile).menu.long, out),
            },
            Some(KeyAction::RepeatGreeting) => self.say_greeting(now, out),
            Some(KeyAction::Person) => match self.profile.transfer.clone() {
                Some(number) => self.leave(now, Prompt::OneMoment, Intent::Dial(number), out),
                None => self.tell(now, Prompt::NoOne, out),
            },
            Some(KeyAction::Transfer(number)) => self.leave(now, Prompt::OneMoment, Intent::Dial(number), out),
            Some(KeyAction::Echo) => {
                self.phase = Phase::EchoIntro;
                self.say(now, &[Prompt::EchoIntro], out);
            }
            Some(KeyAction::Goodbye) => self.leave(now, Prompt::Goodbye, Intent::HangUp, out),
            None => {
                self.say(now, &[Prompt::UnknownKey], out);
                self.offer_again(now, out);
            }
        }
    }

    /// An utterance is over. Those that were stopped have already been forgotten here.
    fn played(&mut self, now: Instant, utterance: UtteranceId, out: &mut Vec<Output>) {
        let before = self.said.len();
        self.said.retain(|said| said.id != utterance);
        if self.said.len() < before && self.said.is_empty() {
            self.all_heard(now, out);
        }
    }

    fn all_heard(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.since = now;
        if self.phase == Phase::EchoIntro {
            self.phase = Phase::Echo { until: now + self.profile.echo };
            self.utterances += 1;
            out.push(Output::EchoBegin);
            out.push(Output::Listen(true));
        }
    }

    /// Back to talking; what is left of the echo is heard before it.
    fn after_echo(&mut self, now: Instant, out: &mut Vec<Output>) {
        out.push(Output::Listen(false));
        self.phase = Phase::Talking;
        self.caller_speaks = false;
        self.say(now, &[Prompt::EchoDone, Prompt::AnythingElse], out);
    }

    fn timeout(&mut self, now: Instant, out: &mut Vec<Output>) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        if let Phase::Echo { .. } = self.phase {
            out.push(Output::EchoEnd);
            self.after_echo(now, out);
        } else if !self.said.is_empty() {
            self.said.clear();
            self.all_heard(now, out);
        } else if self.caller_speaks {
            self.turn_ended(now, out);
        } else if std::mem::replace(&mut self.prompted, true) {
            self.leave(now, Prompt::Goodbye, Intent::HangUp, out);
        } else {
            self.say(now, &[Prompt::StillThere], out);
            self.offer_again(now, out);
        }
    }

    /// Until when the script waits for what it is waiting for.
    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Fresh | Phase::Leaving => None,
            Phase::Echo { until } => Some(until),
            Phase::Talking | Phase::EchoIntro if !self.said.is_empty() => Some(self.spoken_at + PLAYED_GRACE),
            Phase::Talking | Phase::EchoIntro if self.caller_speaks => Some(self.since + TURN_MAX),
            Phase::Talking | Phase::EchoIntro => Some(self.since + self.profile.silence),
        }
    }

    fn arm(&mut self, out: &mut Vec<Output>) {
        let deadline = self.deadline();
        if deadline != self.wake_at {
            out.extend(deadline.map(Output::WakeAt));
            self.wake_at = deadline;
        }
    }

    fn interrupt_ourselves(&mut self, out: &mut Vec<Output>) {
        self.interrupted = false;
        self.missed.clear();
        if !self.said.is_empty() {
            self.said.clear();
            out.push(Output::StopSpeaking);
        }
    }

    fn leave(&mut self, now: Instant, word: Prompt, intent: Intent, out: &mut Vec<Output>) {
        self.say(now, &[word], out);
        self.end(intent, out);
    }

    fn end(&mut self, intent: Intent, out: &mut Vec<Output>) {
        out.push(Output::SetIntent(intent));
        out.push(Output::HangUp);
        self.phase = Phase::Leaving;
    }

    /// Says an answer that may be asked for again.
    fn tell(&mut self, now: Instant, answer: Prompt, out: &mut Vec<Output>) {
        self.topic = Some(answer);
        self.say(now, &[answer, Prompt::AnythingElse], out);
    }

    fn say(&mut self, now: Instant, prompts: &[Prompt], out: &mut Vec<Output>) {
        for &prompt in prompts {
            self.say_piece(now, Piece { prompt, from: Samples::ZERO }, out);
        }
    }

    fn say_piece(&mut self, now: Instant, piece: Piece, out: &mut Vec<Output>) {
        if self.said.is_empty() {
            self.spoken_at = now;
        }
        let length = Samples(self.sound(piece.prompt).len() as u64);
        self.spoken_at += length.saturating_sub(piece.from).duration();
        self.utterances += 1;
        self.said.push_back(Said { id: UtteranceId(self.utterances), piece });
        let Piece { prompt, from } = piece;
        out.push(Output::Say { prompt, from, interruptible: is_interruptible(prompt) });
    }
}

/// What must be heard whole: the last words, and what would otherwise be stopped by the voice that it asks for.
fn is_interruptible(prompt: Prompt) -> bool {
    !matches!(prompt, Prompt::OneMoment | Prompt::Goodbye | Prompt::EchoIntro)
}

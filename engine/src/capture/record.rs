//! A record: one input of a call, one decision, or what became of the capture itself.

use std::io::BufRead;

use super::decision::{self, Decision, cause, digit, pack_cause};
use super::error::CaptureError;
use super::pack::Pack;
use super::unpack::Unpack;
use crate::audio::frame::{FRAME_SAMPLES, Frame};
use crate::leg::{Command, Generation, Input, Speech};
use crate::port::{Digit, EndCause, UtteranceId};
use crate::time::{Instant, Samples};
use crate::wire::{MarkKind, MarkName};

/// No machine runs for 35 years: a time beyond it is damage, and below it no arithmetic on times overflows.
pub(super) const MICROS_MAX: u64 = 1 << 50;

/// A record with its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recorded {
    /// When it was taken.
    pub at: Instant,
    /// What was taken.
    pub entry: Entry,
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Entry {
    /// The leg was told this.
    Told(Told),
    /// The detector heard the sound told last.
    Heard,
    /// The leg decided this, from what it was told before.
    Decided(Decision),
    /// So many records found no place: the capture has a hole here.
    Missed(u64),
    /// The call is over. Nothing follows.
    End(End),
}

/// What the leg was told, as [`Input`] without its references.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "each is the input of the same name")]
pub enum Told {
    Started,
    Media { frame: Frame, stamp_ms: Option<u32> },
    Lost(u32),
    Digit(Digit),
    Mark(MarkName),
    Written(Samples),
    Stop,
    SocketClosed(EndCause),
    Speech(Speech),
    Command(Command),
    AgentGone,
    Tick,
}

/// The last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Of all outputs, sound included, and their times.
    pub digest: u64,
    /// Outputs that went into it.
    pub outputs: u64,
    /// Records that found no place, in all.
    pub missed: u64,
}

impl Told {
    /// As the leg takes it.
    pub fn input(&self) -> Input<'_> {
        match self {
            Told::Started => Input::Started,
            Told::Media { frame, stamp_ms } => Input::Media { frame, stamp_ms: *stamp_ms },
            Told::Lost(frames) => Input::Lost(*frames),
            Told::Digit(digit) => Input::Digit(*digit),
            Told::Mark(name) => Input::Mark(*name),
            Told::Written(total) => Input::Written(*total),
            Told::Stop => Input::Stop,
            Told::SocketClosed(cause) => Input::SocketClosed(*cause),
            Told::Speech(speech) => Input::Speech(speech),
            Told::Command(command) => Input::Command(*command),
            Told::AgentGone => Input::AgentGone,
            Told::Tick => Input::Tick,
        }
    }
}

const STARTED: u8 = 1;
const MEDIA: u8 = 2;
const HEARD: u8 = 3;
const LOST: u8 = 4;
const DIGIT: u8 = 5;
const MARK: u8 = 6;
const WRITTEN: u8 = 7;
const STOP: u8 = 8;
const SOCKET_CLOSED: u8 = 9;
const SPEECH_BEGIN: u8 = 10;
const SPEECH_AUDIO: u8 = 11;
const SPEECH_END: u8 = 12;
const LISTEN: u8 = 13;
const COMMAND_STOP: u8 = 14;
const HANG_UP: u8 = 15;
const AGENT_GONE: u8 = 16;
const TICK: u8 = 17;
const MISSED: u8 = 62;
const END: u8 = 63;

/// Packs an input. Of what the detector heard only that it heard.
pub(super) fn pack_input(input: &Input<'_>, pack: &mut Pack) {
    match input {
        Input::Started => pack.u8(STARTED),
        Input::Media { frame, stamp_ms } => {
            pack.u8(MEDIA);
            pack.number(stamp_ms.map_or(0, |stamp_ms| u64::from(stamp_ms) + 1));
            pack_frame(frame, pack);
        }
        Input::Heard(_) => pack.u8(HEARD),
        Input::Lost(frames) => pack_number(LOST, *frames, pack),
        Input::Digit(Digit(digit)) => pack_number(DIGIT, u32::from(*digit), pack),
        Input::Mark(name) => {
            pack.u8(MARK);
            pack_mark(*name, pack);
        }
        Input::Written(total) => pack_number(WRITTEN, total.0, pack),
        Input::Stop => pack.u8(STOP),
        Input::SocketClosed(cause) => {
            pack.u8(SOCKET_CLOSED);
            pack_cause(*cause, pack);
        }
        Input::Speech(speech) => pack_speech(speech, pack),
        Input::Command(Command::Listen(on)) => pack_number(LISTEN, u8::from(*on), pack),
        Input::Command(Command::Stop { stops }) => pack_number(COMMAND_STOP, *stops, pack),
        Input::Command(Command::HangUp { after }) => pack_number(HANG_UP, after.0, pack),
        Input::AgentGone => pack.u8(AGENT_GONE),
        Input::Tick => pack.u8(TICK),
    }
}

fn pack_number(kind: u8, number: impl Into<u64>, pack: &mut Pack) {
    pack.u8(kind);
    pack.number(number);
}

fn pack_speech(speech: &Speech, pack: &mut Pack) {
    match speech {
        Speech::Begin { utterance, interruptible, generation } => {
            pack.u8(SPEECH_BEGIN);
            pack.number(utterance.0);
            pack.u8(u8::from(*interruptible));
            pack.number(generation.cuts);
            pack.number(generation.stops);
        }
        Speech::Audio(frame) => {
            pack.u8(SPEECH_AUDIO);
            pack_frame(frame, pack);
        }
        Speech::End => pack.u8(SPEECH_END),
    }
}

fn pack_frame(frame: &Frame, pack: &mut Pack) {
    pack.u8(frame.samples() as u8);
    pack.bytes(frame.bytes());
}

pub(super) fn pack_mark(name: MarkName, pack: &mut Pack) {
    pack.number(name.epoch);
    pack.number(name.sequence);
    pack.u8(match name.kind {
        MarkKind::Progress => 0,
        MarkKind::UtteranceEnd => 1,
        MarkKind::Fence => 2,
    });
}

pub(super) fn pack_missed(records: u64, pack: &mut Pack) {
    pack_number(MISSED, records, pack);
}

pub(super) fn pack_end(end: &End, pack: &mut Pack) {
    pack.u8(END);
    pack.bytes(&end.digest.to_le_bytes());
    pack.number(end.outputs);
    pack.number(end.missed);
}

type Result<T> = std::result::Result<T, CaptureError>;

/// Reads what follows a record's time.
pub(super) fn entry<R: BufRead>(from: &mut Unpack<R>) -> Result<Entry> {
    let told = match from.u8()? {
        STARTED => Told::Started,
        MEDIA => {
            let stamp_ms = from.number::<u64>()?.checked_sub(1).map(u32::try_from).transpose();
            let stamp_ms = stamp_ms.map_err(|_| from.malformed("a stamp that is too large"))?;
            Told::Media { stamp_ms, frame: frame(from)? }
        }
        HEARD => return Ok(Entry::Heard),
        LOST => Told::Lost(from.number()?),
        DIGIT => Told::Digit(digit(from)?),
        MARK => Told::Mark(mark(from)?),
        WRITTEN => Told::Written(Samples(from.number()?)),
        STOP => Told::Stop,
        SOCKET_CLOSED => Told::SocketClosed(cause(from)?),
        SPEECH_BEGIN => Told::Speech(Speech::Begin {
            utterance: UtteranceId(from.number()?),
            interruptible: from.bool()?,
            generation: Generation { cuts: from.number()?, stops: from.number()? },
        }),
        SPEECH_AUDIO => Told::Speech(Speech::Audio(frame(from)?)),
        SPEECH_END => Told::Speech(Speech::End),
        LISTEN => Told::Command(Command::Listen(from.bool()?)),
        COMMAND_STOP => Told::Command(Command::Stop { stops: from.number()? }),
        HANG_UP => Told::Command(Command::HangUp { after: UtteranceId(from.number()?) }),
        AGENT_GONE => Told::AgentGone,
        TICK => Told::Tick,
        MISSED => return from.number().map(Entry::Missed),
        END => {
            let digest = u64::from_le_bytes(from.array()?);
            return Ok(Entry::End(End { digest, outputs: from.number()?, missed: from.number()? }));
        }
        kind @ decision::KINDS.. => return Decision::unpack(kind, from).map(Entry::Decided),
        _ => return Err(from.malformed("a record of no known kind")),
    };
    Ok(Entry::Told(told))
}

fn frame<R: BufRead>(from: &mut Unpack<R>) -> Result<Frame> {
    let samples = usize::from(from.u8()?);
    let mut bytes = [0; FRAME_SAMPLES];
    let Some(sound) = bytes.get_mut(..samples) else { return Err(from.malformed("a frame of more than 20 ms")) };
    from.fill(sound)?;
    Ok(Frame::from_ulaw(sound))
}

pub(super) fn mark<R: BufRead>(from: &mut Unpack<R>) -> Result<MarkName> {
    let (epoch, sequence) = (from.number()?, from.number()?);
    let kind = match from.u8()? {
        0 => MarkKind::Progress,
        1 => MarkKind::UtteranceEnd,
        2 => MarkKind::Fence,
        _ => return Err(from.malformed("a mark of no known kind")),
    };
    Ok(MarkName { epoch, sequence, kind })
}

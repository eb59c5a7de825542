//! A decision: what a leg wants done that is not mere sound, as it is recorded, compared and shown.

use std::fmt;
use std::io::BufRead;

use super::error::CaptureError;
use super::pack::Pack;
use super::record::{mark, pack_mark};
use super::unpack::Unpack;
use crate::leg::Output;
use crate::port::{AgentEvent, Digit, EndCause, Playout, UtteranceId};
use crate::time::Samples;
use crate::wire::{MarkKind, MarkName};

/// Everything that a leg does but for sending and passing on sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// Playback was stopped.
    Clear {
        /// The epoch that began.
        epoch: u32,
        /// For an interruption, the caller's sound from the onset of speech to the decision.
        onset: Option<Samples>,
    },
    /// A mark was sent.
    Mark(MarkName),
    /// The stream was closed with this code.
    Close(u16),
    /// The agent was told; never of sound.
    Event(AgentEvent),
}

/// Kinds of records that hold a decision begin here.
pub(super) const KINDS: u8 = 32;

impl Decision {
    /// The decision in an output, if it is one.
    pub fn of(output: &Output) -> Option<Decision> {
        match *output {
            Output::Clear { epoch, onset } => Some(Decision::Clear { epoch, onset }),
            Output::Mark(name) => Some(Decision::Mark(name)),
            Output::Close(code) => Some(Decision::Close(code)),
            Output::Event(AgentEvent::Audio(_)) | Output::Audio(_) | Output::Measured(_) => None,
            Output::Event(event) => Some(Decision::Event(event)),
        }
    }

    /// Whether it is of the same kind as the other, whatever it holds.
    pub fn is_like(&self, other: &Decision) -> bool {
        self.kind() == other.kind()
    }

    fn kind(&self) -> u8 {
        KINDS
            + match self {
                Decision::Clear { .. } => 0,
                Decision::Mark(_) => 1,
                Decision::Close(_) => 2,
                Decision::Event(AgentEvent::Started | AgentEvent::Audio(_)) => 3,
                Decision::Event(AgentEvent::TurnStarted) => 4,
                Decision::Event(AgentEvent::TurnEnded { .. }) => 5,
                Decision::Event(AgentEvent::BargeIn { .. }) => 6,
                Decision::Event(AgentEvent::Digit(_)) => 7,
                Decision::Event(AgentEvent::Played { .. }) => 8,
                Decision::Event(AgentEvent::Ended(_)) => 9,
            }
    }

    pub(super) fn pack(&self, pack: &mut Pack) {
        pack.u8(self.kind());
        match *self {
            Decision::Clear { epoch, onset } => {
                pack.number(epoch);
                pack.number(onset.map_or(0, |onset| onset.0 + 1));
            }
            Decision::Mark(name) => pack_mark(name, pack),
            Decision::Close(code) => pack.number(code),
            Decision::Event(event) => pack_event(&event, pack),
        }
    }

    pub(super) fn unpack<R: BufRead>(kind: u8, from: &mut Unpack<R>) -> Result<Decision, CaptureError> {
        let event = match kind.wrapping_sub(KINDS) {
            0 => {
                let (epoch, onset) = (from.number()?, from.number::<u64>()?);
                return Ok(Decision::Clear { epoch, onset: onset.checked_sub(1).map(Samples) });
            }
            1 => return mark(from).map(Decision::Mark),
            2 => return from.number().map(Decision::Close),
            3 => AgentEvent::Started,
            4 => AgentEvent::TurnStarted,
            5 => AgentEvent::TurnEnded { speech: Samples(from.number()?) },
            6 => AgentEvent::BargeIn { utterance: UtteranceId(from.number()?), heard: Samples(from.number()?) },
            7 => AgentEvent::Digit(digit(from)?),
            8 => {
                let (utterance, cut) = (UtteranceId(from.number()?), from.bool()?);
                let playout = if cut { Playout::Cut } else { Playout::Finished };
                AgentEvent::Played { utterance, playout, heard: Samples(from.number()?) }
            }
            9 => AgentEvent::Ended(cause(from)?),
            _ => return Err(from.malformed("a record of no known kind")),
        };
        Ok(Decision::Event(event))
    }
}

fn pack_event(event: &AgentEvent, pack: &mut Pack) {
    match *event {
        AgentEvent::Started | AgentEvent::TurnStarted | AgentEvent::Audio(_) => {}
        AgentEvent::TurnEnded { speech } => pack.number(speech.0),
        AgentEvent::BargeIn { utterance, heard } => {
            pack.number(utterance.0);
            pack.number(heard.0);
        }
        AgentEvent::Digit(Digit(digit)) => pack.number(u32::from(digit)),
        AgentEvent::Played { utterance, playout, heard } => {
            pack.number(utterance.0);
            pack.u8(u8::from(playout == Playout::Cut));
            pack.number(heard.0);
        }
        AgentEvent::Ended(cause) => pack_cause(cause, pack),
    }
}

pub(super) fn digit<R: BufRead>(from: &mut Unpack<R>) -> Result<Digit, CaptureError> {
    char::from_u32(from.number()?).map(Digit).ok_or_else(|| from.malformed("a digit that is no character"))
}

/// WebSocket close codes begin at 1000.
pub(super) fn pack_cause(cause: EndCause, pack: &mut Pack) {
    pack.number(match cause {
        EndCause::AgentHungUp => 0u16,
        EndCause::CarrierStopped => 1,
        EndCause::SocketLost => 2,
        EndCause::AgentGone => 3,
        EndCause::Shutdown => 4,
        EndCause::Fault => 5,
        EndCause::ProtocolError(code) => code,
    });
}

pub(super) fn cause<R: BufRead>(from: &mut Unpack<R>) -> Result<EndCause, CaptureError> {
    Ok(match from.number::<u16>()? {
        0 => EndCause::AgentHungUp,
        1 => EndCause::CarrierStopped,
        2 => EndCause::SocketLost,
        3 => EndCause::AgentGone,
        4 => EndCause::Shutdown,
        5 => EndCause::Fault,
        code => EndCause::ProtocolError(code),
    })
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Clear { onset: None, .. } => write!(f, "clear"),
            Decision::Clear { onset: Some(onset), .. } => write!(f, "clear, {} ms after the onset", onset.millis()),
            Decision::Mark(name) if name.kind == MarkKind::Fence => write!(f, "fence {name}"),
            Decision::Mark(name) => write!(f, "mark {name}"),
            Decision::Close(code) => write!(f, "close {code}"),
            Decision::Event(event) => show_event(event, f),
        }
    }
}

fn show_event(event: &AgentEvent, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match event {
        AgentEvent::Started => write!(f, "stream stands"),
        AgentEvent::Audio(_) => write!(f, "sound"),
        AgentEvent::TurnStarted => write!(f, "turn started"),
        AgentEvent::TurnEnded { speech } => write!(f, "turn ended, {} ms long", speech.millis()),
        AgentEvent::BargeIn { utterance, heard } => {
            write!(f, "barge-in at {} ms of utterance {}", heard.millis(), utterance.0)
        }
        AgentEvent::Digit(digit) => write!(f, "digit {}", digit.0),
        AgentEvent::Played { utterance, playout, heard } => {
            let how = if *playout == Playout::Cut { "cut after" } else { "played, all" };
            write!(f, "utterance {} {how} {} ms", utterance.0, heard.millis())
        }
        AgentEvent::Ended(cause) => write!(f, "ended: {cause:?}"),
    }
}

//! What an agent hears of its call.

use crate::audio::frame::Frame;
use crate::time::Samples;

/// One thing that an agent says, numbered from 1 within its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UtteranceId(pub u32);

/// A key of the caller's telephone: `0`–`9`, `*`, `#` (and `A`–`D`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digit(pub char);

/// How an utterance left the caller's ear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playout {
    /// The carrier confirmed that all of it was played.
    Finished,
    /// Cut short: by the caller (see [`AgentEvent::BargeIn`]) or by the agent's own [`AgentPort::stop_speaking`](super::AgentPort::stop_speaking).
    Cut,
}

/// Why a call's stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndCause {
    /// The agent asked for it, and what it had said was played first.
    AgentHungUp,
    /// The carrier said `stop`: the caller hung up or the call was moved.
    CarrierStopped,
    /// The socket closed or broke without a `stop`.
    SocketLost,
    /// The peer broke the protocol or a bound; closed with this WebSocket code.
    ProtocolError(u16),
    /// The agent's task is gone.
    AgentGone,
    /// The engine is shutting down.
    Shutdown,
    /// The engine failed on this call (a panic, a dead worker).
    Fault,
}

/// What an agent hears of its call, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AgentEvent {
    /// The stream stands: the agent may speak. Always first.
    Started,
    /// 20 ms (or less) of the caller, only while [`AgentPort::listen`](super::AgentPort::listen) is on.
    Audio(Frame),
    /// The caller began to speak.
    TurnStarted,
    /// The caller fell silent: the floor is the agent's. `speech` is how long the turn was.
    TurnEnded {
        /// From the first to the last active sample of the turn.
        speech: Samples,
    },
    /// The caller interrupted: playback has been stopped and all that was said and not yet heard is discarded.
    BargeIn {
        /// What was being heard.
        utterance: UtteranceId,
        /// How much of it the caller heard (the ledger's estimate, never more than what was sent).
        heard: Samples,
    },
    /// The caller pressed a key.
    Digit(Digit),
    /// An utterance is over for the caller. Comes once for every utterance.
    Played {
        /// Which.
        utterance: UtteranceId,
        /// How.
        playout: Playout,
        /// How much of it was heard.
        heard: Samples,
    },
    /// The stream is over. Always last.
    Ended(EndCause),
}

/// What happened on a call, sound apart: small enough for a ring that is always there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Happened {
    Started,
    TurnStarted,
    TurnEnded { speech: Samples },
    BargeIn { utterance: UtteranceId, heard: Samples },
    Digit(Digit),
    Played { utterance: UtteranceId, playout: Playout, heard: Samples },
    Ended(EndCause),
}

impl From<Happened> for AgentEvent {
    fn from(happened: Happened) -> Self {
        match happened {
            Happened::Started => Self::Started,
            Happened::TurnStarted => Self::TurnStarted,
            Happened::TurnEnded { speech } => Self::TurnEnded { speech },
            Happened::BargeIn { utterance, heard } => Self::BargeIn { utterance, heard },
            Happened::Digit(digit) => Self::Digit(digit),
            Happened::Played { utterance, playout, heard } => Self::Played { utterance, playout, heard },
            Happened::Ended(cause) => Self::Ended(cause),
        }
    }
}

impl AgentEvent {
    /// What happened, if it is no sound.
    pub(crate) fn happened(&self) -> Option<Happened> {
        Some(match *self {
            Self::Audio(_) => return None,
            Self::Started => Happened::Started,
            Self::TurnStarted => Happened::TurnStarted,
            Self::TurnEnded { speech } => Happened::TurnEnded { speech },
            Self::BargeIn { utterance, heard } => Happened::BargeIn { utterance, heard },
            Self::Digit(digit) => Happened::Digit(digit),
            Self::Played { utterance, playout, heard } => Happened::Played { utterance, playout, heard },
            Self::Ended(cause) => Happened::Ended(cause),
        })
    }
}

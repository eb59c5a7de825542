//! What goes into a leg and what comes out: one enum each.

use std::time::Duration;

use crate::audio::frame::Frame;
use crate::audio::vad::Block;
use crate::port::{AgentEvent, Digit, EndCause, UtteranceId};
use crate::time::Samples;
use crate::wire::MarkName;

/// Which cut of the playback something belongs to: what was said before a cut must never sound after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation {
    /// Cuts made by the leg (the caller interrupted) that the agent knew of.
    pub cuts: u32,
    /// Cuts that the agent had asked for.
    pub stops: u32,
}

/// What an agent says, as it travels to the worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speech {
    /// An utterance begins.
    Begin {
        /// Its number.
        utterance: UtteranceId,
        /// Whether the caller may interrupt it.
        interruptible: bool,
        /// What the agent knew when it began.
        generation: Generation,
    },
    /// Sound of the utterance begun last.
    Audio(Frame),
    /// The utterance begun last is complete.
    End,
}

/// What an agent asks for beside speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Caller audio to the agent, on or off.
    Listen(bool),
    /// Stop what is being said; `stops` counts these.
    Stop {
        /// How many stops were asked for, this one included.
        stops: u32,
    },
    /// End the stream once this utterance (and all before it) is over.
    HangUp {
        /// The last one said; `UtteranceId(0)` when nothing was.
        after: UtteranceId,
    },
}

/// What a leg is told. Comes with the time at which it is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// The stream stands.
    Started,
    /// Sound of the caller.
    Media {
        /// Up to 20 ms of it.
        frame: &'a Frame,
        /// When its first sample was said, by the carrier, in ms since the stream began; where the carrier says it.
        stamp_ms: Option<u32>,
    },
    /// The detector's verdict on 10 ms of that sound. After a stall the detector skips to the newest.
    Heard(&'a Block),
    /// This many frames of the caller were lost on the way from the socket to the leg.
    Lost(u32),
    /// The caller pressed a key.
    Digit(Digit),
    /// A mark of ours came back.
    Mark(MarkName),
    /// The socket's writer has written this many samples in all.
    Written(Samples),
    /// The carrier ended the stream.
    Stop,
    /// The socket is gone.
    SocketClosed(EndCause),
    /// The agent says something.
    Speech(&'a Speech),
    /// The agent asks for something.
    Command(Command),
    /// The agent's task is gone.
    AgentGone,
    /// Nothing but time has passed.
    Tick,
}

/// What a leg wants done, in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Output {
    /// Send this sound, unless the epoch has moved on.
    Audio(Frame),
    /// Send this mark.
    Mark(MarkName),
    /// Everything of older epochs is void; tell the carrier to forget it, ahead of all that waits.
    Clear {
        /// The epoch that begins.
        epoch: u32,
        /// For an interruption, the caller's sound from the onset of speech to the decision.
        onset: Option<Samples>,
    },
    /// Close the stream with this WebSocket code.
    Close(u16),
    /// Tell the agent.
    Event(AgentEvent),
    /// Count this.
    Measured(Measure),
}

/// Something worth a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How much sound waited at the carrier when more was sent.
    PlayoutLead(Duration),
    /// From the end of the caller's turn, its closing silence included, to the agent's first sound.
    TurnResponse(Duration),
}

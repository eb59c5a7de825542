//! One call in the chronicle, and how calls end.

use std::time::Duration;

use engine::port::EndCause;
use engine::wire::Sid;

use crate::calls::sums::Sums;
use crate::carrier::CallStatus;
use crate::clock::Moment;
use crate::directory::Line;
use crate::model::{Call, CallState, Direction, EndedBy};

/// Of one call: more reports than any carrier makes of it.
const SEEN_MAX: usize = 256;

/// From one word of the carrier to the next, where no stream runs.
pub(super) const QUIET: Duration = Duration::from_secs(60);
/// From the end of a stream to the carrier's question: a little longer than the registry waits.
const QUESTION: Duration = Duration::from_secs(31);
/// The same after the carrier's `stop`, when most likely nobody is left.
const STOPPED: Duration = Duration::from_secs(6);

/// A call.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) call: Call,
    pub(super) line: Line,
    pub(super) sums: Sums,
    /// From its agent.
    pub(super) events: u32,
    /// How long nothing need be heard of it, unless its stream runs or it holds a place.
    pub(super) until: Moment,
    /// What it was, if nothing more is heard of it, and nobody can be asked.
    pub(super) silent: Outcome,
    /// The carrier said that it is over while its stream still ran.
    pub(super) over: Option<Outcome>,
    /// Somebody with a key wanted it to end.
    pub(super) by_api: bool,
    /// What the carrier reported, and whether that is on disk; `None`: what an earlier process heard is still to be read.
    pub(super) seen: Option<Vec<(String, bool)>>,
    /// It was told that its webhook was answered; reports may overtake the webhook.
    pub(super) is_answered: bool,
    /// When its first stream must have begun.
    pub(super) stream_by: Option<Moment>,
    /// How often the carrier was asked about it since it was last heard of.
    pub(super) asks: u32,
    /// An earlier process wanted to ask the carrier for it, and died: whether it did nobody knows.
    pub(super) is_orphan: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// A final state.
    pub(crate) state: CallState,
    /// Who ended it.
    pub(crate) by: EndedBy,
    /// Why, in a word.
    pub(crate) reason: &'static str,
}

impl Outcome {
    pub(crate) const fn completed(by: EndedBy, reason: &'static str) -> Self {
        Self { state: CallState::Completed, by, reason }
    }

    /// It was answered, and no stream of it began.
    pub(crate) const STREAMLESS: Self = Self::failed("no stream came");

    pub(crate) const fn failed(reason: &'static str) -> Self {
        Self { state: CallState::Failed, by: EndedBy::Service, reason }
    }

    /// What a carrier's final word means; `None`: it is not final.
    pub(super) fn reported(status: CallStatus, direction: Direction) -> Option<Self> {
        let (state, by, reason) = match status {
            CallStatus::Completed => (CallState::Completed, other(direction), "completed"),
            CallStatus::Busy => (CallState::Busy, other(direction), "busy"),
            CallStatus::NoAnswer => (CallState::NoAnswer, other(direction), "no answer"),
            CallStatus::Failed => (CallState::Failed, EndedBy::Service, "failed"),
            CallStatus::Canceled => (CallState::Canceled, EndedBy::Service, "canceled"),
            _ => return None,
        };
        Some(Self { state, by, reason })
    }
}

impl Entry {
    /// A call that is told of from now on; `seen` as in the field.
    pub(super) fn new(
        mut call: Call,
        line: Line,
        until: Moment,
        silent: Outcome,
        seen: Option<Vec<(String, bool)>>,
    ) -> Self {
        let sums = Sums::from_json(call.quality.as_ref());
        let is_answered = call.state >= CallState::Streaming;
        // A stream is this process's own; that of an earlier one died with it, and nothing will tell of its end.
        if call.state == CallState::Streaming {
            call.state = CallState::Between;
        }
        Self {
            call,
            line,
            sums,
            events: 0,
            until,
            silent,
            over: None,
            by_api: false,
            seen,
            is_answered,
            stream_by: None,
            asks: 0,
            is_orphan: false,
        }
    }

    /// Notes a report of this name; whether it had come before, and was on disk.
    pub(super) fn note(&mut self, key: &str) -> Heard {
        let Some(seen) = &mut self.seen else { return Heard::New };
        match seen.iter().find(|(known, _)| known == key) {
            Some((_, true)) => Heard::Written,
            Some((_, false)) => Heard::Unwritten,
            None => {
                if seen.len() < SEEN_MAX {
                    seen.push((key.to_owned(), false));
                }
                Heard::New
            }
        }
    }

    /// The report of this name is on disk, or on none.
    pub(super) fn settle(&mut self, key: &str, written: bool) {
        let Some(seen) = &mut self.seen else { return };
        if written {
            seen.iter_mut().filter(|(known, _)| known == key).for_each(|(_, on_disk)| *on_disk = true);
        } else {
            seen.retain(|(known, on_disk)| known != key || *on_disk);
        }
    }

    /// Who talks with us.
    pub(super) fn other(&self) -> EndedBy {
        other(self.call.direction)
    }

    /// The carrier's name for it.
    pub(super) fn sid(&self) -> Option<Sid> {
        self.call.carrier_call_id.as_deref().and_then(Sid::parse)
    }
}

/// Whether a report had come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// No.
    New,
    /// Yes, and it is not on disk yet.
    Unwritten,
    /// Yes.
    Written,
}

fn other(direction: Direction) -> EndedBy {
    match direction {
        Direction::Inbound => EndedBy::Caller,
        Direction::Outbound => EndedBy::Called,
    }
}

/// What a stream's end is called, how long the carrier may then be silent, and what its silence means.
pub(super) fn ending(cause: EndCause, other: EndedBy) -> (&'static str, Duration, Outcome) {
    match cause {
        EndCause::AgentHungUp => ("agent_hung_up", QUESTION, Outcome::completed(EndedBy::Agent, "hung up")),
        EndCause::CarrierStopped => ("carrier_stopped", STOPPED, Outcome::completed(other, "hung up")),
        EndCause::SocketLost => ("socket_lost", QUESTION, Outcome::failed("socket lost")),
        EndCause::ProtocolError(_) => ("protocol_error", QUESTION, Outcome::failed("protocol error")),
        EndCause::AgentGone => ("agent_gone", QUESTION, Outcome::failed("agent gone")),
        EndCause::Shutdown => ("shutdown", QUESTION, Outcome::completed(EndedBy::Service, "shutdown")),
        EndCause::Fault => ("fault", QUESTION, Outcome::failed("fault")),
    }
}

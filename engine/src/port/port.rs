//! The port itself: events in, speech and wishes out.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;

use super::pcm::Pcm;
use super::pending::Pending;
use super::{AgentEvent, EndCause, Happened, UtteranceId};
use crate::audio::frame::Frame;
use crate::audio::resample::Rate;
use crate::leg::{Command, Generation};
use crate::ring::{AgentEnds, Event, Heard};
use crate::view::CallView;
use crate::worker::{Lease, Side};

/// How something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Say {
    /// Whether the caller may interrupt it.
    pub interruptible: bool,
}

impl Default for Say {
    fn default() -> Self {
        Self { interruptible: true }
    }
}

/// Too much waits to be said; here is the sound back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("too much waits to be said: take events until some of it has been played")]
pub struct PortFull(pub Bytes);

/// One call, as its agent sees it. Dropping it ends the call once what was said has been played.
#[derive(Debug)]
pub struct AgentPort {
    // Fields are dropped in this order.
    ends: AgentEnds,
    lease: AgentLease,
    view: CallView,
    pending: Pending,
    /// Wishes that the ring had no place for.
    wishes: VecDeque<Command>,
    /// Events that the port itself knows of.
    own_events: VecDeque<AgentEvent>,
    generation: Generation,
    last_utterance: UtteranceId,
    /// Events taken from the ring so far.
    events_taken: u32,
    /// An utterance was begun and not finished.
    open: bool,
    /// The agent's rate, where it is not the telephone's.
    pcm: Option<Box<Pcm>>,
    /// The stream is closed once everything said has moved and been played.
    hang_up: bool,
    ended: Option<EndCause>,
}

impl AgentPort {
    pub(crate) fn new(ends: AgentEnds, lease: Arc<Lease>, view: CallView) -> Self {
        Self {
            ends,
            lease: AgentLease(lease),
            view,
            pending: Pending::default(),
            wishes: VecDeque::new(),
            own_events: VecDeque::new(),
            generation: Generation::default(),
            last_utterance: UtteranceId(0),
            events_taken: 0,
            open: false,
            pcm: None,
            hang_up: false,
            ended: None,
        }
    }

    /// A window on the call, for whoever shows it; outlives the port.
    pub fn view(&self) -> CallView {
        self.view.clone()
    }

    /// The next event; [`AgentEvent::Ended`] is the last one and repeats.
    ///
    /// Also moves what was said towards the worker: an agent that has something to say must be waiting here. May be
    /// dropped and called again at any time without losing an event.
    pub async fn next(&mut self) -> AgentEvent {
        poll_fn(|context| {
            self.pump();
            if let Some(event) = self.take_event() {
                return Poll::Ready(event);
            }
            self.lease.0.register_agent(context.waker());
            // What came between the look and the registration would wake nobody.
            self.pump();
            self.take_event().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Says a finished clip of µ-law at 8 kHz.
    ///
    /// # Errors
    /// [`PortFull`] with the clip when too much waits already.
    pub fn say(&mut self, ulaw: Bytes, how: Say) -> Result<UtteranceId, PortFull> {
        // A beginning, the clip, an end, and the end of what was left open, with its last sound.
        if self.pending.is_full(5) {
            return Err(PortFull(ulaw));
        }
        let utterance = self.begin_unchecked(how);
        self.pending.audio(ulaw);
        self.finish();
        self.pump();
        Ok(utterance)
    }

    /// Begins an utterance whose sound will be [appended](Self::append). One left open is finished first.
    ///
    /// # Errors
    /// [`PortFull`] when too much waits already.
    pub fn begin(&mut self, how: Say) -> Result<UtteranceId, PortFull> {
        if self.pending.is_full(4) {
            return Err(PortFull(Bytes::new()));
        }
        Ok(self.begin_unchecked(how))
    }

    /// Adds µ-law at 8 kHz to the utterance begun last. Nothing is said where that was cut or never begun.
    ///
    /// # Errors
    /// [`PortFull`] with the sound when too much waits already.
    pub fn append(&mut self, ulaw: Bytes) -> Result<(), PortFull> {
        if !self.open {
            return Ok(());
        }
        // Places are kept for the last sound and the end.
        if self.pending.is_full(3) {
            return Err(PortFull(ulaw));
        }
        self.pending.audio(ulaw);
        self.pump();
        Ok(())
    }

    /// From now on this agent hears and speaks PCM at `rate`. Takes 70 KB; µ-law can be said as well.
    pub fn use_rate(&mut self, rate: Rate) {
        self.pcm = Some(Box::new(Pcm::new(rate)));
    }

    /// The sound of an [`AgentEvent::Audio`] at the agent's rate: 20 ms, 10 ms later than it was said. Give it every
    /// frame once and in order. Empty before [`use_rate`](Self::use_rate).
    pub fn heard_pcm(&mut self, frame: &Frame) -> &[i16] {
        self.pcm.as_mut().map_or(&[], |pcm| pcm.hear(frame))
    }

    /// Adds sound at the agent's rate, of any length, to the utterance begun last; [`finish`](Self::finish) lets its last
    /// milliseconds go. Nothing is said where the utterance was cut or never begun, or before
    /// [`use_rate`](Self::use_rate).
    ///
    /// # Errors
    /// [`PortFull`], empty, when too much waits already: nothing was taken.
    pub fn append_pcm(&mut self, pcm: &[i16]) -> Result<(), PortFull> {
        let Some(mouth) = self.pcm.as_mut().filter(|_| self.open) else { return Ok(()) };
        if self.pending.is_full(3) {
            return Err(PortFull(Bytes::new()));
        }
        let ulaw = mouth.say(pcm);
        if !ulaw.is_empty() {
            self.pending.audio(ulaw.into());
            self.pump();
        }
        Ok(())
    }

    /// The utterance begun last is complete.
    pub fn finish(&mut self) {
        if std::mem::take(&mut self.open) {
            let rest = self.pcm.as_mut().map(|pcm| pcm.finish()).unwrap_or_default();
            if !rest.is_empty() {
                self.pending.audio(rest.into());
            }
            self.pending.end();
            self.pump();
        }
    }

    /// Stops at once: everything said and not yet heard is discarded. `Played` follows for each utterance.
    pub fn stop_speaking(&mut self) {
        self.generation.stops += 1;
        self.discard();
        self.wish(Command::Stop { stops: self.generation.stops });
    }

    /// Caller audio as [`AgentEvent::Audio`], on or off. Off at the start.
    pub fn listen(&mut self, on: bool) {
        self.wish(Command::Listen(on));
    }

    /// Ends the stream once everything said so far has been played.
    pub fn hang_up(&mut self) {
        self.finish();
        self.hang_up = true;
        self.pump();
    }

    fn begin_unchecked(&mut self, how: Say) -> UtteranceId {
        self.finish();
        self.last_utterance.0 += 1;
        self.pending.begin(self.last_utterance, how.interruptible);
        self.open = true;
        self.last_utterance
    }

    fn wish(&mut self, command: Command) {
        // Bounded: only the newest of each kind matters.
        let kind = std::mem::discriminant(&command);
        self.wishes.retain(|wish| std::mem::discriminant(wish) != kind);
        self.wishes.push_back(command);
        self.pump();
    }

    /// Moves wishes and speech into the rings and tells the worker.
    fn pump(&mut self) {
        let mut moved = self.pending.pump(&mut self.ends.speech, self.generation);
        if self.hang_up && self.pending.is_empty() {
            self.hang_up = false;
            self.wishes.push_back(Command::HangUp { after: self.last_utterance });
        }
        while let Some(&wish) = self.wishes.front() {
            if self.ends.commands.push(wish).is_err() {
                break;
            }
            self.wishes.pop_front();
            moved = true;
        }
        if moved {
            self.lease.0.set_due(Side::Agent);
        }
    }

    fn take_event(&mut self) -> Option<AgentEvent> {
        if let Some(event) = self.own_events.pop_front() {
            return Some(event);
        }
        if let Some(cause) = self.ended {
            return Some(AgentEvent::Ended(cause));
        }
        if self.audio_is_next()
            && let Ok(Heard { frame, .. }) = self.ends.heard.pop()
        {
            return Some(AgentEvent::Audio(frame));
        }
        // Asked before the ring is looked into: what was pushed before the worker let go is then seen for certain.
        let abandoned = self.ends.events.is_abandoned();
        match self.ends.events.pop() {
            Ok(event) => Some(self.received(event)),
            Err(_) if abandoned => {
                self.ended = Some(EndCause::Fault);
                Some(AgentEvent::Ended(EndCause::Fault))
            }
            Err(_) => None,
        }
    }

    /// Whether the oldest sound comes before the oldest event.
    fn audio_is_next(&self) -> bool {
        self.ends.heard.peek().is_ok_and(|heard| heard.after <= self.events_taken)
    }

    fn received(&mut self, Event { generation, happened }: Event) -> AgentEvent {
        self.events_taken = self.events_taken.wrapping_add(1);
        if generation.cuts > self.generation.cuts {
            self.generation.cuts = generation.cuts;
            self.discard();
        }
        if let Happened::Ended(cause) = happened {
            self.ended = Some(cause);
            self.discard();
            // What never reached the worker is over before the call is.
            self.own_events.push_back(happened.into());
            return self.own_events.pop_front().unwrap_or(AgentEvent::Ended(cause));
        }
        happened.into()
    }

    /// What has not been moved will not be said.
    fn discard(&mut self) {
        self.open = false;
        if let Some(pcm) = &mut self.pcm {
            pcm.cut();
        }
        self.pending.discard(&mut self.own_events);
    }
}

/// The agent's hold on the slot. Dropped behind the rings, it tells a worker, which finds them let go, that the agent is gone.
#[derive(Debug)]
struct AgentLease(Arc<Lease>);

impl Drop for AgentLease {
    fn drop(&mut self) {
        self.0.set_due(Side::Agent);
    }
}

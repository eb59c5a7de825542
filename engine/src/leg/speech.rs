//! What the agent says, as the leg takes it: which utterance is being queued, and what must never sound.

use crate::audio::frame::Frame;
use crate::limits::{MESSAGE_FRAMES_MAX, PROGRESS_MARK_EVERY};
use crate::planted::Planted;
use crate::port::{AgentEvent, Playout as PlayoutEnd, UtteranceId};
use crate::time::{Instant, Samples};
use crate::wire::MarkKind;

use super::io::{Generation, Measure, Output, Speech};
use super::leg::Leg;
use super::sent_levels::frame_dbfs;

/// The utterance being taken from the agent.
#[derive(Debug, Clone, Default)]
pub(super) struct Speaking {
    current: Option<UtteranceId>,
    last_seen: UtteranceId,
    since_mark: Samples,
    orphan: bool,
}

impl Speaking {
    /// The utterance that what comes next belongs to; `None` where it must not sound.
    pub(super) fn current(&self) -> Option<UtteranceId> {
        self.current
    }

    /// The newest utterance that reached the leg, heard or not.
    pub(super) fn last_seen(&self) -> UtteranceId {
        self.last_seen
    }

    /// Playback was cut: the rest of the current utterance must not sound.
    pub(super) fn cut(&mut self) {
        self.current = None;
        self.since_mark = Samples::ZERO;
    }

    /// The agent is gone and will not finish what it began.
    pub(super) fn orphan(&mut self) {
        self.current = None;
        self.orphan = true;
    }

    /// Whether the agent is gone.
    pub(super) fn is_orphan(&self) -> bool {
        self.orphan
    }
}

impl Leg {
    /// How many frames of speech to hand in now.
    pub fn room_frames(&self, now: Instant) -> usize {
        match self.ended() {
            Some(_) => 0,
            None if self.has(Planted::Floods) => MESSAGE_FRAMES_MAX,
            None => self.playout.room_frames(now),
        }
    }

    /// Whether another utterance may begin: so many and no more are live at a time.
    pub fn takes_utterances(&self) -> bool {
        !self.ledger.is_full()
    }

    /// When there will be room for more speech.
    pub fn room_at(&self) -> Instant {
        self.playout.room_at()
    }

    pub(super) fn take_speech(&mut self, now: Instant, speech: &Speech, out: &mut Vec<Output>) {
        match *speech {
            Speech::Begin { utterance, interruptible, generation } => {
                self.begin(now, utterance, interruptible, generation, out);
            }
            Speech::Audio(frame) if self.speaking.current.is_some() => self.say(now, frame, out),
            Speech::End if self.speaking.current.is_some() => self.finish(now, out),
            Speech::Audio(_) | Speech::End => {}
        }
    }

    /// What was begun before the last cut was known is over before it sounded.
    fn begin(
        &mut self,
        now: Instant,
        utterance: UtteranceId,
        interruptible: bool,
        generation: Generation,
        out: &mut Vec<Output>,
    ) {
        self.stop(now, generation.stops, out);
        self.speaking.last_seen = utterance;
        if generation == self.generation {
            self.ledger.begin(utterance, interruptible);
            self.speaking.current = Some(utterance);
        } else {
            self.speaking.current = None;
            let heard = Samples::ZERO;
            out.push(Output::Event(AgentEvent::Played { utterance, playout: PlayoutEnd::Cut, heard }));
        }
    }

    fn say(&mut self, now: Instant, frame: Frame, out: &mut Vec<Output>) {
        self.refill_begins(now, out);
        let samples = Samples(frame.samples() as u64);
        let audible_from = self.playout.queue(now, samples);
        self.ledger.queue(samples, audible_from);
        self.levels.push(frame_dbfs(&frame), audible_from);
        out.push(Output::Audio(frame));
        self.speaking.since_mark += samples;
    }

    /// What the moment at which sound is sent again tells: how long the caller waited for an answer, how much was left
    /// at the carrier, and whether that was nothing in the middle of an utterance. A progress mark has its place here,
    /// between two messages, so that it splits none.
    fn refill_begins(&mut self, now: Instant, out: &mut Vec<Output>) {
        if let Some(ended_at) = self.turn_ended_at.take() {
            let waited = now.since(ended_at) + self.turn.params().end_silence;
            out.push(Output::Measured(Measure::TurnResponse(waited)));
        }
        let begun = self.ledger.live().last().is_some_and(|span| span.audible_from.is_some());
        let buffered = self.playout.buffered(now);
        if begun && self.playout.is_low(now) {
            out.push(Output::Measured(Measure::PlayoutLead(buffered)));
            self.underruns += u32::from(buffered.is_zero());
            if self.speaking.since_mark.duration() >= PROGRESS_MARK_EVERY {
                self.mark_here(now, MarkKind::Progress, out);
            }
        }
    }

    fn finish(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.speaking.current = None;
        self.ledger.finish();
        if self.ledger.settled() < self.ledger.queued() {
            self.mark_here(now, MarkKind::UtteranceEnd, out);
        } else {
            self.settle(self.ledger.settled(), out);
        }
    }

    /// A mark behind everything queued so far. Behind what has been played already it returns at once.
    fn mark_here(&mut self, now: Instant, kind: MarkKind, out: &mut Vec<Output>) {
        self.speaking.since_mark = Samples::ZERO;
        self.issue_mark(kind, self.playout.plays_until().max(now), out);
    }
}

//! The leg's state machine: everything that can happen on a call, and what follows from it.

use std::time::Duration;

use crate::audio::frame::{FRAME_SAMPLES, Frame};
use crate::audio::level::BLOCK_SAMPLES;
use crate::audio::vad::Block;
use crate::limits::{MARK_OVERDUE, SILENT_LINE};
use crate::planted::Planted;
use crate::port::{AgentEvent, EndCause, Playout as PlayoutEnd, UtteranceId};
use crate::time::{Instant, Samples};
use crate::turn::{Playing, Turn, TurnEvent, TurnParams};
use crate::wire::{MarkKind, MarkName};

use super::arrival::Arrival;
use super::io::{Command, Generation, Input, Output};
use super::ledger::{Ledger, Span};
use super::marks::{Marks, Returned};
use super::playout::Playout;
use super::quality::{Quality, Watch};
use super::report::Progress;
use super::sent_levels::SentLevels;
use super::speech::Speaking;

/// What is heard while nothing comes.
const SILENT: Block = Block { level_dbfs: -96.0, floor_dbfs: -96.0, active: false, voiced: false };

/// One call's media, between a carrier's socket and an agent.
#[derive(Debug)]
pub struct Leg {
    pub(super) turn: Turn,
    pub(super) playout: Playout,
    pub(super) marks: Marks,
    pub(super) ledger: Ledger,
    pub(super) levels: SentLevels,
    /// What is being taken from the agent.
    pub(super) speaking: Speaking,
    /// Counts clears; marks and audio carry it.
    pub(super) epoch: u32,
    pub(super) generation: Generation,
    arrival: Arrival,
    /// The agent wants caller audio.
    listen: bool,
    /// The agent wants the stream closed after this utterance.
    hang_up_after: Option<UtteranceId>,
    /// Why the stream ended; decided once.
    ended: Option<EndCause>,
    /// When the carrier last said anything.
    heard_from: Instant,
    /// A silent line has been probed by a mark.
    probed: bool,
    watch: Watch,
    /// When the caller's turn ended, until the agent answers.
    pub(super) turn_ended_at: Option<Instant>,
    /// Times that an utterance ran dry.
    pub(super) underruns: u32,
    frames_in: u64,
    frames_lost: u64,
    turns: u32,
    marks_missing: u32,
    planted: Option<Planted>,
}

impl Leg {
    /// A leg whose stream has just started. `epoch` continues the count of its slot.
    pub fn new(now: Instant, params: TurnParams, epoch: u32) -> Self {
        Self {
            turn: Turn::new(params),
            playout: Playout::default(),
            marks: Marks::default(),
            ledger: Ledger::default(),
            levels: SentLevels::default(),
            speaking: Speaking::default(),
            epoch,
            generation: Generation::default(),
            arrival: Arrival::default(),
            listen: false,
            hang_up_after: None,
            ended: None,
            heard_from: now,
            probed: false,
            watch: Watch::new(now),
            turn_ended_at: None,
            underruns: 0,
            frames_in: 0,
            frames_lost: 0,
            turns: 0,
            marks_missing: 0,
            planted: None,
        }
    }

    /// Plants a fault, or none.
    #[doc(hidden)]
    pub fn plant(&mut self, fault: Option<Planted>) {
        self.planted = fault;
    }

    pub(super) fn has(&self, fault: Planted) -> bool {
        self.planted == Some(fault)
    }

    /// Takes one input; what follows from it is appended to `out`.
    pub fn handle(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        if self.ended.is_some() {
            return;
        }
        match input {
            Input::Started => out.push(Output::Event(AgentEvent::Started)),
            Input::Media { frame, stamp_ms } => self.media(now, frame, stamp_ms, out),
            Input::Heard(block) => self.hear(now, block, out),
            Input::Lost(frames) => self.frames_lost += u64::from(frames),
            Input::Digit(digit) => {
                self.carrier_spoke(now);
                out.push(Output::Event(AgentEvent::Digit(digit)));
            }
            Input::Mark(name) => self.mark_returned(now, name, out),
            Input::Written(total) => self.ledger.written(total),
            Input::Stop => self.end(EndCause::CarrierStopped, Some(1000), out),
            Input::SocketClosed(cause) => self.end(cause, None, out),
            Input::Speech(speech) => self.take_speech(now, speech, out),
            Input::Command(command) => self.command(now, command, out),
            Input::AgentGone => self.agent_gone(out),
            Input::Tick => self.tick(now, out),
        }
        self.hang_up_if_due(out);
    }

    /// When [`Input::Tick`] is needed if nothing else happens.
    pub fn next_due(&self) -> Instant {
        let line = self.heard_from + if self.probed { SILENT_LINE * 2 } else { SILENT_LINE };
        let mark = self.marks.oldest().map(|mark| mark.expected + MARK_OVERDUE);
        let unsettled = self.ledger.settled() < self.ledger.queued();
        let clock = unsettled.then(|| self.playout.plays_until() + MARK_OVERDUE);
        [mark, clock].into_iter().flatten().fold(line, Instant::min)
    }

    /// Why the stream ended, once it has.
    pub fn ended(&self) -> Option<EndCause> {
        self.ended
    }

    /// Cuts made by this leg that an agent must know of to be heard again.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The heard ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The call so far.
    pub fn progress(&self) -> Progress {
        Progress {
            queued: self.ledger.queued(),
            sent: self.ledger.sent(),
            heard: self.ledger.heard(),
            cleared: self.ledger.cleared(),
            barge_ins: self.generation.cuts,
            turns: self.turns,
            frames_in: self.frames_in,
            quality: self.quality(),
        }
    }

    fn quality(&self) -> Quality {
        let mut quality = Quality {
            frames_lost: self.frames_lost,
            gaps: u64::from(self.arrival.gaps()),
            frames_missing: self.arrival.missing_frames(),
            frames_late: self.arrival.late_frames(),
            late_ms_max: self.arrival.late_max().as_millis() as u64,
            round_trip_ms: self.playout.round_trip().as_millis() as u64,
            marks_missing: u64::from(self.marks_missing),
            underruns: u64::from(self.underruns),
            ..Quality::default()
        };
        self.watch.report(&mut quality);
        quality
    }

    /// How much later than the earliest of its call the last frame of the caller came.
    pub fn last_lateness(&self) -> Duration {
        self.arrival.last_lateness()
    }

    fn media(&mut self, now: Instant, frame: &Frame, stamp_ms: Option<u32>, out: &mut Vec<Output>) {
        self.carrier_spoke(now);
        self.frames_in += 1;
        self.watch.frame(frame);
        for _ in 0..self.arrival.frame(now, stamp_ms).missing_frames {
            self.missing(now, out);
        }
        if self.listen {
            out.push(Output::Event(AgentEvent::Audio(*frame)));
        }
    }

    /// 20 ms that never came: silence keeps their place. The echo guard learns nothing from it.
    fn missing(&mut self, now: Instant, out: &mut Vec<Output>) {
        for _ in 0..FRAME_SAMPLES / BLOCK_SAMPLES {
            for event in self.turn.hear(&SILENT, None).into_iter().flatten() {
                self.turned(now, event, out);
            }
        }
        if self.listen {
            out.push(Output::Event(AgentEvent::Audio(Frame::SILENCE)));
        }
    }

    fn carrier_spoke(&mut self, now: Instant) {
        self.heard_from = now;
        self.probed = false;
    }

    fn hear(&mut self, now: Instant, block: &Block, out: &mut Vec<Output>) {
        self.watch.block(now, block, self.playout.audible(now));
        let playing = self.playing(now);
        for event in self.turn.hear(block, playing.as_ref()).into_iter().flatten() {
            self.turned(now, event, out);
        }
    }

    fn turned(&mut self, now: Instant, event: TurnEvent, out: &mut Vec<Output>) {
        match event {
            TurnEvent::Started => {
                self.turns += 1;
                self.turn_ended_at = None;
                out.push(Output::Event(AgentEvent::TurnStarted));
            }
            TurnEvent::Ended { speech } => {
                self.turn_ended_at = Some(now);
                out.push(Output::Event(AgentEvent::TurnEnded { speech }));
            }
            TurnEvent::BargeIn { onset } => {
                self.generation.cuts += 1;
                let position = self.position(now);
                if let Some(span) = self.audible_span(now) {
                    let (utterance, heard) = (span.utterance, span.before(position));
                    out.push(Output::Event(AgentEvent::BargeIn { utterance, heard }));
                }
                self.cut(now, Some(onset), out);
            }
        }
    }

    /// What the caller hears of us now, if anything.
    fn playing(&self, now: Instant) -> Option<Playing> {
        let span = self.audible_span(now)?;
        let round_trip = self.playout.round_trip();
        let window = self.turn.params().echo_window + round_trip;
        Some(Playing {
            age: now.since(span.audible_from? + round_trip),
            interruptible: span.interruptible,
            sent_peak_dbfs: self.levels.peak_dbfs(now, window),
        })
    }

    fn audible_span(&self, now: Instant) -> Option<&Span> {
        if !self.playout.audible(now) {
            return None;
        }
        let ear = now - self.playout.round_trip();
        self.ledger.live().filter(|span| span.audible_from.is_some_and(|from| from <= ear)).last()
    }

    /// The caller's ear on the line, by the clock, never before what is settled.
    fn position(&self, now: Instant) -> Samples {
        self.playout.position(now, self.ledger.queued()).max(self.ledger.settled())
    }

    /// Stops playback: what was not heard by now never will be.
    fn cut(&mut self, now: Instant, onset: Option<Samples>, out: &mut Vec<Output>) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.has(Planted::BelievesMarks) {
            self.speaking.cut();
            self.ledger.finish();
            return out.push(Output::Clear { epoch: self.epoch, onset });
        }
        let position = if self.has(Planted::HearsAhead) { self.ledger.queued() } else { self.position(now) };
        self.ledger.clear(position);
        self.marks.clear();
        self.levels.clear(now);
        self.playout.clear(now);
        self.turn.playback_stopped();
        if !self.has(Planted::GoesOn) {
            self.speaking.cut();
        }
        out.push(Output::Clear { epoch: self.epoch, onset });
        self.issue_mark(MarkKind::Fence, now, out);
        while let Some(span) = self.ledger.cut() {
            let heard = span.before(position);
            out.push(Output::Event(AgentEvent::Played { utterance: span.utterance, playout: PlayoutEnd::Cut, heard }));
        }
    }

    pub(super) fn issue_mark(&mut self, kind: MarkKind, expected: Instant, out: &mut Vec<Output>) {
        let position = self.ledger.queued();
        if let Some(name) = self.marks.issue(kind, self.epoch, position, expected) {
            out.push(Output::Mark(name));
        }
    }

    fn mark_returned(&mut self, now: Instant, name: MarkName, out: &mut Vec<Output>) {
        self.carrier_spoke(now);
        let epoch = if self.has(Planted::BelievesMarks) { name.epoch } else { self.epoch };
        match self.marks.returned(name, epoch) {
            Returned::Played(mark) => {
                self.playout.mark_returned(now, mark.expected);
                self.settle(mark.position, out);
            }
            Returned::Fence(mark) => self.playout.mark_returned(now, mark.expected),
            Returned::Cleared | Returned::Unknown => {}
        }
    }

    /// Everything before `position` was heard.
    pub(super) fn settle(&mut self, position: Samples, out: &mut Vec<Output>) {
        self.ledger.confirm(position);
        while let Some(span) = self.ledger.retire() {
            let (utterance, heard) = (span.utterance, span.before(self.ledger.settled()));
            out.push(Output::Event(AgentEvent::Played { utterance, playout: PlayoutEnd::Finished, heard }));
        }
    }

    fn command(&mut self, now: Instant, command: Command, out: &mut Vec<Output>) {
        match command {
            Command::Listen(on) => self.listen = on,
            Command::Stop { stops } => self.stop(now, stops, out),
            Command::HangUp { after } => self.hang_up_after = Some(after),
        }
    }

    /// The agent wants silence. Asked for twice (by command and by what it said next), done once.
    pub(super) fn stop(&mut self, now: Instant, stops: u32, out: &mut Vec<Output>) {
        if stops <= self.generation.stops {
            return;
        }
        self.generation.stops = stops;
        if self.ledger.live().next().is_some() || self.speaking.current().is_some() {
            self.cut(now, None, out);
        }
    }

    /// What the agent had said is played; then the stream ends.
    fn agent_gone(&mut self, out: &mut Vec<Output>) {
        if self.hang_up_after.is_none() {
            self.hang_up_after = Some(self.speaking.last_seen());
            self.speaking.orphan();
            self.ledger.finish();
            self.settle(self.ledger.settled(), out);
        }
    }

    fn hang_up_if_due(&mut self, out: &mut Vec<Output>) {
        let Some(after) = self.hang_up_after else { return };
        let waiting = self.ledger.live().any(|span| span.utterance <= after);
        if self.speaking.last_seen() >= after && !waiting && self.ended.is_none() {
            let cause = if self.speaking.is_orphan() { EndCause::AgentGone } else { EndCause::AgentHungUp };
            self.end(cause, Some(1000), out);
        }
    }

    fn end(&mut self, cause: EndCause, close: Option<u16>, out: &mut Vec<Output>) {
        self.ended = Some(cause);
        out.extend(close.map(Output::Close));
        out.push(Output::Event(AgentEvent::Ended(cause)));
    }

    fn tick(&mut self, now: Instant, out: &mut Vec<Output>) {
        self.settle_overdue(now, out);
        let silent = now.since(self.heard_from);
        if silent >= SILENT_LINE * 2 {
            self.end(EndCause::SocketLost, Some(1001), out);
        } else if silent >= SILENT_LINE && !self.probed {
            self.probed = true;
            self.issue_mark(MarkKind::Fence, now, out);
        }
    }

    /// Marks that do not come back are replaced by the clock.
    fn settle_overdue(&mut self, now: Instant, out: &mut Vec<Output>) {
        while self.marks.oldest().is_some_and(|mark| now >= mark.expected + MARK_OVERDUE) {
            if let Some(mark) = self.marks.abandon_oldest() {
                self.marks_missing += 1;
                self.settle(mark.position, out);
            }
        }
        let unsettled = self.ledger.settled() < self.ledger.queued();
        if unsettled && now >= self.playout.plays_until() + MARK_OVERDUE {
            self.settle(self.ledger.queued(), out);
        }
    }
}

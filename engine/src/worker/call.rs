//! One call as its worker drives it: rings in, leg, rings out.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::audio::frame::Frame;
use crate::audio::vad::Gates;
use crate::capture::{Header, StartCapture, Tap};
use crate::leg::{EndReport, Input, Leg, Measure, Output, Progress};
use crate::limits::{HEARD_LATE_MAX, RX_RESERVED, RX_RING, RX_ROOM_FRAMES, SPEECH_RING, TX_RESERVED, VIEW_EVERY};
use crate::port::{AgentEvent, EndCause};
use crate::ring::{Event, Heard, Interruption, LegEnds, NO_STAMP, Rx, Tx, since_us};
use crate::stats::{Counters, count};
use crate::time::{Instant, Samples};
use crate::turn::TurnParams;
use crate::view::CallView;

use super::due::Looks;
use super::ear::Ear;
use super::slots::{Lease, Order};

/// Whether it takes a place in the ring to the socket.
fn for_socket(output: &&Output) -> bool {
    !matches!(output, Output::Event(_) | Output::Measured(_))
}

/// What is called when a call is over.
pub(crate) type OnEnd = Box<dyn FnOnce(EndReport) + Send>;

/// A call, made by the socket's task, driven by the worker, freed by the socket's runtime.
pub(crate) struct Call {
    leg: Leg,
    tap: Tap,
    ends: LegEnds,
    lease: Arc<Lease>,
    on_end: Option<OnEnd>,
    /// The I/O thread on which its socket lives.
    io: usize,
    epoch: u32,
    /// When the frame taken last was read from the socket: the low half of the engine's microseconds.
    read_us: u32,
    frames_agent_late: u64,
    view: CallView,
    publish_at: Instant,
    /// Events pushed for the agent so far.
    events_pushed: u32,
    /// The agent let its events pile up.
    agent_lost: bool,
    /// Something was pushed for the socket, for the agent.
    news: News,
    /// The agent has room again for what it says.
    took_speech: bool,
    /// Something that the agent said was left in its ring when it was last looked at.
    speech_waits: bool,
    /// The reader has room again for what it reads.
    read_on: bool,
}

/// Where it is freed, its end is reported: on its socket's thread, or wherever a call is that found no worker.
impl Drop for Call {
    fn drop(&mut self) {
        if let Some(on_end) = self.on_end.take() {
            let cause = self.leg.ended().unwrap_or(EndCause::Fault);
            on_end(EndReport { cause, progress: self.progress() });
        }
    }
}

/// For whom a step made news.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) socket: bool,
    pub(super) agent: bool,
}

impl Call {
    /// A call whose stream has just started.
    pub(crate) fn new(
        now: Instant,
        turn: TurnParams,
        ends: LegEnds,
        lease: Arc<Lease>,
        io: usize,
        view: CallView,
        on_end: OnEnd,
    ) -> Self {
        let epoch = lease.cell().epoch.load(Ordering::Relaxed);
        let mut leg = Leg::new(now, turn, epoch);
        leg.plant(lease.shared().standing());
        Self {
            leg,
            tap: Tap::off(),
            ends,
            lease,
            on_end: Some(on_end),
            io,
            epoch,
            read_us: 0,
            frames_agent_late: 0,
            view,
            publish_at: now,
            events_pushed: 0,
            agent_lost: false,
            news: News::default(),
            took_speech: false,
            speech_waits: false,
            read_on: false,
        }
    }

    /// Everything that it is told and does from its start on is captured. `begun` is when it was made.
    pub(crate) fn capture(&mut self, begun: Instant, turn: TurnParams, start: StartCapture) {
        // The seat's detector listens with these gates.
        self.tap = start(Header { begun, epoch: self.epoch, turn, gates: Gates::default() });
    }

    /// The I/O thread on which its socket lives.
    pub(super) fn io(&self) -> usize {
        self.io
    }

    /// The slot in which it sits.
    pub(super) fn slot(&self) -> usize {
        self.lease.slot()
    }

    /// The stream stands.
    pub(super) fn start(&mut self, now: Instant, out: &mut Vec<Output>) -> News {
        self.tell(now, Input::Started, out);
        self.deliver(out)
    }

    /// Looks at what may have come, in the order: what was written, the socket, the agent, time.
    pub(super) fn step(&mut self, now: Instant, looks: Looks, ear: &mut Ear, out: &mut Vec<Output>) -> News {
        self.tell(now, self.written(), out);
        if looks.socket {
            self.take_rx(now, ear, out);
        }
        if looks.agent || self.agent_lost {
            self.take_agent(now, out);
        }
        self.tell(now, Input::Tick, out);
        self.publish(now);
        self.deliver(out)
    }

    /// When it must be stepped again if nothing comes.
    pub(super) fn next_due(&self) -> Instant {
        let due = self.leg.next_due();
        if self.leg.ended().is_none() && self.speech_waits { due.min(self.leg.room_at()) } else { due }
    }

    /// Why the stream ended, once it has.
    pub(super) fn ended(&self) -> Option<EndCause> {
        self.leg.ended()
    }

    /// Whether its socket is gone and it has been told so.
    pub(super) fn is_over(&self) -> bool {
        self.leg.ended().is_some() && self.ends.rx.is_abandoned() && self.ends.rx.is_empty()
    }

    /// A step panicked: says so to both sides and touches the leg no more.
    pub(super) fn fail(&mut self, now: Instant, out: &mut Vec<Output>) -> News {
        out.clear();
        if self.leg.ended().is_none() {
            self.tell(now, Input::SocketClosed(EndCause::Fault), out);
            out.push(Output::Close(1011));
        }
        self.deliver(out)
    }

    /// The call so far, the agent's slowness included.
    pub(super) fn progress(&self) -> Progress {
        let mut progress = self.leg.progress();
        progress.quality.frames_agent_late = self.frames_agent_late;
        progress
    }

    /// Shows the call to others, once in a while.
    fn publish(&mut self, now: Instant) {
        if now >= self.publish_at {
            self.publish_at = now + VIEW_EVERY;
            self.view.publish(&self.progress());
        }
    }

    /// The one way to the leg.
    fn tell(&mut self, now: Instant, input: Input<'_>, out: &mut Vec<Output>) {
        self.tap.record(now, &input);
        self.leg.handle(now, input, out);
    }

    fn counters(&self) -> &Counters {
        &self.lease.shared().counters
    }

    fn written(&self) -> Input<'static> {
        Input::Written(Samples(self.lease.cell().written.load(Ordering::Acquire)))
    }

    fn take_rx(&mut self, now: Instant, ear: &mut Ear, out: &mut Vec<Output>) {
        // Asked before the ring is emptied: what was pushed before the socket went is then seen for certain.
        let gone = self.ends.rx.is_abandoned();
        // The reader may be waiting for room.
        self.read_on = self.ends.rx.slots() + RX_ROOM_FRAMES >= RX_RING - RX_RESERVED;
        while let Ok(message) = self.ends.rx.pop() {
            match message {
                Rx::Media { frame, stamp_ms, read_us } => {
                    self.read_us = read_us;
                    let stamp_ms = (stamp_ms != NO_STAMP).then_some(stamp_ms);
                    self.tell(now, Input::Media { frame: &frame, stamp_ms }, out);
                    let late = self.leg.last_lateness();
                    self.counters().frame_wait.add(since_us(now, read_us));
                    self.counters().frame_late.add(late);
                    if late <= HEARD_LATE_MAX {
                        self.hear(now, &frame, ear, out);
                    }
                }
                Rx::Digit(digit) => self.tell(now, Input::Digit(digit), out),
                Rx::Mark(name) => {
                    self.tell(now, self.written(), out);
                    self.tell(now, Input::Mark(name), out);
                }
                Rx::Stop => {
                    // Of what was lost before it the leg would not hear behind it.
                    self.take_lost(now, out);
                    self.tell(now, Input::Stop, out);
                }
            }
        }
        self.take_lost(now, out);
        if gone {
            self.tell(now, Input::SocketClosed(self.lease.cell().cause()), out);
        }
    }

    /// Frames that found the ring full.
    fn take_lost(&mut self, now: Instant, out: &mut Vec<Output>) {
        let lost = &self.lease.cell().lost;
        if lost.load(Ordering::Relaxed) > 0 {
            let frames = lost.swap(0, Ordering::Relaxed);
            self.tell(now, Input::Lost(frames), out);
        }
    }

    fn hear(&mut self, now: Instant, frame: &Frame, ear: &mut Ear, out: &mut Vec<Output>) {
        ear.hear(frame, |block| self.tell(now, Input::Heard(block), out));
    }

    fn take_agent(&mut self, now: Instant, out: &mut Vec<Output>) {
        let gone = self.ends.events.is_abandoned() || self.agent_lost;
        while let Ok(command) = self.ends.commands.pop() {
            self.tell(now, Input::Command(command), out);
        }
        self.take_speech(now, out);
        if gone && self.ends.speech.is_empty() {
            self.tell(now, Input::AgentGone, out);
        }
    }

    /// As much as the carrier's buffer should have. What a cut has made void takes no room. The places of the ring to
    /// the socket that are kept for what is no sound are never used up from here, however many marks come of it.
    fn take_speech(&mut self, now: Instant, out: &mut Vec<Output>) {
        let room = self.leg.room_frames(now);
        let mut places = self.ends.tx.slots().saturating_sub(TX_RESERVED + out.iter().filter(for_socket).count());
        let (mut taken, mut popped) = (0, false);
        while taken < room
            && places > 0
            && self.leg.takes_utterances()
            && let Ok(speech) = self.ends.speech.pop()
        {
            popped = true;
            let before = out.len();
            self.tell(now, Input::Speech(&speech), out);
            let new = &out[before..];
            taken += new.iter().filter(|output| matches!(output, Output::Audio(_))).count();
            places = places.saturating_sub(new.iter().filter(for_socket).count());
        }
        // An agent that is woken for every message would wake twice as often. What a cut has made void leaves places too.
        let waiting = self.ends.speech.slots();
        self.took_speech = popped && waiting <= SPEECH_RING / 2;
        self.speech_waits = waiting > 0;
    }

    /// Carries out what the leg wants.
    fn deliver(&mut self, out: &mut Vec<Output>) -> News {
        self.news = News { socket: std::mem::take(&mut self.read_on), agent: std::mem::take(&mut self.took_speech) };
        for output in out.drain(..) {
            self.tap.outputs(&output);
            match output {
                Output::Event(event) => self.tell_agent(event),
                Output::Clear { epoch, onset } => {
                    self.epoch = epoch;
                    // Before the clear is queued: from here on the writer drops what is older.
                    self.lease.cell().epoch.store(epoch, Ordering::Release);
                    let read_us = self.read_us;
                    self.tell_socket(Tx::Clear(onset.map(|onset| Interruption { onset, read_us })));
                }
                Output::Audio(frame) => self.tell_socket(Tx::Audio { epoch: self.epoch, frame }),
                Output::Mark(name) => self.tell_socket(Tx::Mark(name)),
                Output::Close(code) => self.tell_socket(Tx::Close(code)),
                Output::Measured(Measure::PlayoutLead(lead)) => self.counters().playout_lead.add(lead),
                Output::Measured(Measure::TurnResponse(time)) => self.counters().turn_response.add(time),
            }
        }
        self.news
    }

    /// Audio was given room before; a peer that lets the reserved places fill up is cut off.
    fn tell_socket(&mut self, message: Tx) {
        self.news.socket = true;
        if self.ends.tx.push(message).is_err() {
            self.lease.cell().order(Order::Abort);
        }
    }

    fn tell_agent(&mut self, event: AgentEvent) {
        self.news.agent = true;
        if let AgentEvent::BargeIn { .. } = event {
            count(&self.counters().barge_ins, 1);
        }
        if let AgentEvent::Audio(frame) = event {
            let item = Heard { after: self.events_pushed, frame };
            if self.ends.heard.push(item).is_err() {
                self.frames_agent_late += 1;
                count(&self.counters().frames_agent_late, 1);
            }
        } else if let Some(happened) = event.happened() {
            self.events_pushed = self.events_pushed.wrapping_add(1);
            let item = Event { generation: self.leg.generation(), happened };
            self.agent_lost |= self.ends.events.push(item).is_err();
        }
    }
}

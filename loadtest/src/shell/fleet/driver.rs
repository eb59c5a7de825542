//! The fleet's own thread: serves the wheel by the clock, and in between whatever the sockets bring.
//!
//! Everything here is bounded: sockets by the number of calls, events by one batch, what waits for a socket by its
//! line, marks by their buffers. A thread that is late serves all that it owes, in order, and shows how late it was.

mod sockets;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;

use rustix::event::epoll;
use rustix::fd::OwnedFd;
use rustix::time::Timespec;
use tokio::sync::mpsc::Sender;

use super::dial::{Dialed, Errand};
use super::line::Line;
use crate::fleet::call::{Call, Shared};
use crate::fleet::measures::Measures;
use crate::fleet::recent::Glance;
use crate::fleet::timeline::{Stage, Timeline};
use crate::fleet::voice::Voices;
use crate::fleet::wheel::{self, Wheel};
use crate::rng::Rng;
use crate::shell::clock::Clock;
use crate::time::Micros;

/// Events taken at once, before the clock is looked at again.
const BATCH: usize = 64;
/// One read takes at most so much.
const READ_BYTES: usize = 64 * 1024;
/// Points of the wheel served at once: 20 ms. A thread that is later than that still has to read.
const POINTS: usize = wheel::PHASES;
/// New sockets taken per look at the clock.
const JOINS: usize = 4;
/// How long a socket may take to close behind its last words.
const LINGER: Micros = Micros::from_ms(3_000);
const MINUTE: Micros = Micros::from_ms(60_000);
const SECOND: Micros = Micros::from_ms(1_000);

/// What the driver shows to who watches.
#[derive(Debug, Default)]
pub struct Gauges {
    stage: AtomicU8,
    /// Calls on the line.
    pub calls: AtomicUsize,
    /// Calls lost or refused.
    pub lost: AtomicUsize,
    /// Frames sent since the run began.
    pub frames: AtomicU64,
    /// Interruptions without a `clear`.
    pub missed: AtomicU64,
    /// Onset of speech to `clear` in the last second, p95 in µs; zero when there was none.
    pub clear_p95_us: AtomicU64,
    /// The latest of our own frames in the last second, µs.
    pub late_max_us: AtomicU64,
}

impl Gauges {
    /// The stage that the run is in.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Ramp,
            1 => Stage::Settle,
            2 => Stage::Measure,
            3 => Stage::HangUp,
            _ => Stage::Done,
        }
    }

    fn show(&self, glance: Glance, missed: u64) {
        self.missed.store(missed, Ordering::Relaxed);
        self.clear_p95_us.store(glance.clear_p95.0, Ordering::Relaxed);
        self.late_max_us.store(glance.late_max.0, Ordering::Relaxed);
    }
}

/// What the driver is to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Calls at once.
    pub calls: usize,
    /// Over how long they begin.
    pub ramp: Micros,
    /// How long is measured.
    pub length: Micros,
    /// Mean length of a call; `None`: all stay to the end.
    pub churn: Option<Micros>,
    /// How often a fifth of all calls ends, and as many begin, all at once; `None`: never.
    pub burst: Option<Micros>,
    /// When after the beginning of measuring everything stops being sent, and for how long.
    pub stall: Option<(Micros, Micros)>,
    /// Everything random.
    pub seed: u64,
}

struct Slot {
    line: Line,
    call: Call,
    generation: u32,
    /// Hangs up then, to be replaced.
    ends: Micros,
    /// Its last words have been said.
    closing: bool,
}

/// The driver.
pub struct Driver {
    clock: Clock,
    plan: Plan,
    gauges: Arc<Gauges>,
    dialed: Receiver<Dialed>,
    errands: Option<Sender<Errand>>,
    epoll: OwnedFd,
    timeline: Timeline,
    wheel: Wheel,
    shared: Shared,
    slots: Vec<Option<Box<Slot>>>,
    free: Vec<u32>,
    generation: u32,
    marks: BinaryHeap<Reverse<(Micros, u32, u32)>>,
    closing: VecDeque<(Micros, u32, u32)>,
    rng: Rng,
    /// Orders that have been settled, connected or not.
    settled: usize,
    ordered: u64,
    open: usize,
    stall: Option<(Micros, Micros)>,
    minute_ends: Micros,
    second_ends: Micros,
    burst_at: Micros,
    out: Vec<u8>,
    input: Box<[u8]>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("plan", &self.plan).field("open", &self.open).finish_non_exhaustive()
    }
}

impl Driver {
    /// A driver that begins now.
    ///
    /// # Errors
    /// When the system gives no epoll.
    pub fn new(
        clock: Clock,
        plan: Plan,
        voices: Voices,
        gauges: Arc<Gauges>,
        dialed: Receiver<Dialed>,
        errands: Sender<Errand>,
    ) -> std::io::Result<Self> {
        let now = clock.now();
        Ok(Self {
            clock,
            plan,
            gauges,
            dialed,
            errands: Some(errands),
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            timeline: Timeline::new(now, plan.calls, plan.ramp, plan.length),
            wheel: Wheel::new(now),
            shared: Shared { measures: Measures::new(voices.clips.len()), voices },
            slots: Vec::new(),
            free: Vec::new(),
            generation: 0,
            marks: BinaryHeap::new(),
            closing: VecDeque::new(),
            rng: Rng::new(plan.seed ^ 0x00C0_FFEE),
            settled: 0,
            ordered: plan.calls as u64,
            open: 0,
            stall: None,
            minute_ends: Micros::MAX,
            second_ends: now + SECOND,
            burst_at: Micros::MAX,
            out: Vec::with_capacity(READ_BYTES),
            input: vec![0; READ_BYTES].into_boxed_slice(),
        })
    }

    /// Runs until all calls are over. Returns what was measured.
    pub fn run(mut self) -> Shared {
        super::machine::wake_exactly();
        let mut events = Vec::with_capacity(BATCH);
        let mut due = Vec::with_capacity(self.plan.calls);
        while self.timeline.stage() != Stage::Done {
            self.serve_wheel(&mut due);
            let now = self.clock.now();
            self.serve_marks(now);
            self.serve_timeline(now, &mut due);
            self.take_new(now);
            self.close_lingering(now);
            self.wait(&mut events);
            for event in &events {
                let data = event.data.u64();
                self.socket_ready((data >> 32) as u32, data as u32, event.flags);
            }
        }
        // Who came up at the last moment has his end reported; then there is nothing more to do for the other thread.
        self.take_new(self.clock.now());
        self.errands = None;
        self.shared
    }

    /// Sends every frame that is due.
    fn serve_wheel(&mut self, due: &mut Vec<u32>) {
        if self.stall.is_some_and(|(begins, _)| self.clock.now() >= begins) {
            return;
        }
        let mut now = self.clock.now();
        for _ in 0..POINTS {
            let Some(point) = self.wheel.turn(now, due) else { break };
            for &id in due.iter() {
                now = self.clock.now();
                self.send_frames(id, now, point);
            }
        }
    }

    /// Sends the frames of one call that are due by `point`: one, or behind a stall all that it owes at once.
    fn send_frames(&mut self, id: u32, now: Micros, point: Micros) {
        let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        if slot.ends <= now {
            return self.hang_up(id, now);
        }
        self.out.clear();
        let mut frames = 0;
        while slot.call.frame_due() <= point {
            slot.call.frame(now, &mut self.shared, &mut self.out);
            frames += 1;
        }
        let sent = self.gauges.frames.load(Ordering::Relaxed) + frames;
        self.gauges.frames.store(sent, Ordering::Relaxed);
        self.write(id, frames);
    }

    fn serve_marks(&mut self, now: Micros) {
        while let Some(Reverse((due, id, generation))) = self.marks.peek().copied()
            && due <= now
        {
            self.marks.pop();
            if let Some(slot) = self.slots[id as usize].as_mut().filter(|s| s.generation == generation && !s.closing) {
                self.out.clear();
                slot.call.play(now, &mut self.shared, &mut self.out);
                self.write(id, 0);
            }
        }
    }

    fn serve_timeline(&mut self, now: Micros, due: &mut Vec<u32>) {
        if let Some(stage) = self.timeline.step(now, self.settled, self.open) {
            self.enter(stage, now);
        }
        if now >= self.minute_ends {
            self.shared.measures.roll();
            self.minute_ends += MINUTE;
        }
        if now >= self.burst_at {
            self.burst_at = now + self.plan.burst.unwrap_or(Micros::MAX);
            self.end_a_fifth(now);
        }
        if now >= self.second_ends {
            let measures = &mut self.shared.measures;
            self.gauges.show(measures.recent.roll(), measures.counts.missed);
            self.second_ends = now + SECOND;
        }
        if let Some((begins, ends)) = self.stall {
            if now >= ends {
                self.stall = None;
                self.wheel.skip(now, due);
                self.shared.measures.stall(now);
                for &id in due.iter() {
                    self.send_frames(id, self.clock.now(), now);
                }
            } else if now >= begins && !self.shared.measures.is_stalled(now) {
                self.shared.measures.stall(ends);
            }
        }
        self.shared.measures.is_stalled(now);
    }

    fn enter(&mut self, stage: Stage, now: Micros) {
        match stage {
            Stage::Measure => {
                self.shared.measures.open();
                self.minute_ends = now + MINUTE;
                self.burst_at = now + self.plan.burst.unwrap_or(Micros::MAX);
                self.stall = self.plan.stall.map(|(at, length)| (now + at, now + at + length));
            }
            Stage::HangUp => {
                // The last row, unless hardly anything of its minute has passed.
                if now + MINUTE > self.minute_ends + Micros::from_ms(30_000) {
                    self.shared.measures.roll();
                }
                (self.minute_ends, self.burst_at) = (Micros::MAX, Micros::MAX);
                self.shared.measures.shut();
                self.stall = None;
                self.spread_goodbyes(now);
            }
            Stage::Ramp | Stage::Settle | Stage::Done => {}
        }
        self.gauges.stage.store(stage as u8, Ordering::Release);
    }

    /// Not everybody hangs up in the same instant: a thousand a second at most, once the observer has looked.
    fn spread_goodbyes(&mut self, now: Micros) {
        let mut ends = now + Micros::from_ms(100);
        for slot in self.slots.iter_mut().flatten().filter(|slot| !slot.closing) {
            slot.ends = ends;
            ends += Micros::from_ms(1);
        }
    }

    fn wait(&mut self, events: &mut Vec<epoll::Event>) {
        let mark = self.marks.peek().map_or(Micros::MAX, |Reverse((due, ..))| *due);
        let wait = self.wheel.next_point().min(mark).since(self.clock.now());
        // While nothing is sent the wheel stands still in the past.
        let wait = if self.stall.is_some() { wait.max(Micros(200)) } else { wait }.min(Micros::from_ms(5));
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::try_from(wait.0 * 1_000).unwrap_or_default() };
        events.clear();
        // Interrupted by a signal or not: the clock decides what is next.
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout));
    }
}

//! A world: many calls on one worker, on one clock, event by event.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use engine::port::AgentEvent;
use engine::stepped::SteppedWorker;
use engine::time::Instant;
use engine::{Planted, Stats};
use loadtest::rng::Rng;

use crate::check::ends::Left;
use crate::check::isolation::Toll;
use crate::check::{Invariant, Violation, bounds, ends, isolation};
use crate::digest::Digest;
use crate::lane::Letter;
use crate::line::Line;
use crate::plan::{Options, Plan};
use crate::stream::{Anybody, Stream};

/// Time after the last call in which everything must have been given back: a line that nobody closed is given up.
const GIVEN_BACK: Duration = Duration::from_secs(45);
/// The longest that a world lasts.
const WORLD_MAX: Duration = Duration::from_secs(400);
/// Violations of which one world tells.
const VIOLATIONS_MAX: usize = 20;

/// What can happen next, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A call rings.
    Ring(usize),
    /// A call's model wants to know the time.
    Model(usize),
    /// A webhook is answered.
    Answer(usize),
    /// The upgrade of a call's socket is answered.
    Opened(usize),
    /// Something arrives at a stream's server.
    Inward(usize),
    /// Something arrives at a stream's carrier.
    Outward(usize),
    /// A stream's server gets to what it was woken for.
    Step(usize),
    /// A stream's agent gets to what it was woken for.
    Look(usize),
    /// The time that a stream's agent asked for.
    Timer(usize),
    /// A fault of a call, by its place in the plan.
    Fault(usize, usize),
    /// A connection that died is noticed, by the server or the carrier.
    Noticed(usize, usize),
    /// A panic, by its place in the plan.
    Panic(usize),
    /// Every stream is closed.
    Drain,
    /// Without a wire: what has arrived is read though the worker stalls.
    Read,
}

/// What came of a world.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Everything that happened, as a number.
    pub digest: u64,
    /// What did not hold, oldest first.
    pub violations: Vec<Violation>,
    /// Calls.
    pub calls: usize,
    /// How long all of them lasted.
    pub call_time: Duration,
    /// Frames of callers that reached their legs, and that were lost on the way, counted.
    pub frames: [u64; 2],
    /// Interruptions, turns, streams, refusals, faults that calls ended by.
    pub counts: [u64; 5],
    /// The timeline of the call that was asked for.
    pub timeline: Vec<(Instant, String)>,
}

/// Everything that exists.
pub struct World {
    /// What was drawn.
    pub plan: Plan,
    /// What was asked for.
    pub options: Options,
    /// Now.
    pub now: Instant,
    /// The worker.
    pub worker: SteppedWorker,
    /// All streams so far; one that is over stays in its place.
    pub streams: Vec<Stream>,
    /// Those of which something may still come.
    pub live: Vec<usize>,
    /// The calls.
    pub lines: Vec<Line>,
    /// Everything random that is nobody's own.
    pub rng: Rng,
    /// Everything that happened.
    pub digest: Digest,
    queue: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    sequence: u64,
    violations: Vec<Violation>,
    timeline: Vec<(Instant, String)>,
    toll: Toll,
    /// When the worker ticks next, as far as that is arranged: not in the queue, since it is most of what happens.
    next_tick: Option<Instant>,
    /// Calls that are not over.
    pub open_calls: usize,
    /// Ticks so far.
    pub ticks: usize,
    /// Somebody was woken since the last tick.
    pub anybody: Anybody,
    /// A stream was over when it was last looked at.
    pub over: bool,
    /// Room for what an agent is told in one look, and for what a server writes in one step.
    pub(crate) events: Vec<AgentEvent>,
    pub(crate) letters: Vec<Letter>,
    /// Counts beside those of the engine.
    pub refused: u64,
    /// Interruptions and turns of calls that are over.
    pub heard: [u64; 2],
}

/// Lets the world of a seed happen.
#[must_use]
pub fn run(seed: u64, options: &Options) -> Outcome {
    World::new(seed, options).run(seed)
}

impl World {
    fn new(seed: u64, options: &Options) -> Self {
        let plan = Plan::draw(seed, options);
        let worker = SteppedWorker::new(plan.slots, options.ears);
        if let Some(fault) = options.planted {
            worker.plant(fault);
        }
        let lines = plan.calls.iter().map(|call| Line::new(call.clone())).collect();
        let mut world = Self {
            now: plan.begins,
            options: *options,
            worker,
            streams: Vec::new(),
            live: Vec::new(),
            lines,
            rng: Rng::new(seed ^ 0x3017_D011),
            digest: Digest::default(),
            queue: BinaryHeap::new(),
            sequence: 0,
            violations: Vec::new(),
            timeline: Vec::new(),
            toll: Toll::default(),
            next_tick: None,
            open_calls: plan.calls.len(),
            ticks: 0,
            anybody: Anybody::default(),
            over: false,
            events: Vec::new(),
            letters: Vec::new(),
            refused: 0,
            heard: [0; 2],
            plan,
        };
        for (index, call) in world.plan.calls.clone().iter().enumerate() {
            world.at(call.rings, Event::Ring(index));
            for (place, (at, _)) in call.faults.iter().enumerate() {
                world.at(*at, Event::Fault(index, place));
            }
        }
        for (place, (at, _)) in world.plan.panics.clone().iter().enumerate() {
            world.at(*at, Event::Panic(place));
        }
        for at in world.plan.drains.clone() {
            world.at(at, Event::Drain);
        }
        world
    }

    fn run(mut self, seed: u64) -> Outcome {
        let end = self.plan.begins + WORLD_MAX;
        let mut quiet_since = None;
        while let Some((at, event)) = self.next() {
            self.now = self.now.max(at);
            if self.now > end || self.violations.len() > VIOLATIONS_MAX {
                break;
            }
            match event {
                Some(event) => self.happen(event),
                None => self.tick(),
            }
            if self.open_calls > 0 {
                continue;
            }
            // Streams may outlive their calls: a connection that died is noticed late.
            let since = *quiet_since.get_or_insert(self.now);
            if self.live.is_empty() || self.now.since(since) > GIVEN_BACK {
                break;
            }
        }
        self.finish(seed)
    }

    /// What comes next, and when; without an event it is a tick of the worker. That is most of what happens, so it has its
    /// own place beside the queue, behind all that happens at the same time.
    fn next(&mut self) -> Option<(Instant, Option<Event>)> {
        let queued = self.queue.peek().map(|Reverse((at, _, _))| *at);
        if let Some(tick) = self.next_tick
            && queued.is_none_or(|at| tick < at)
        {
            self.next_tick = None;
            return Some((tick, None));
        }
        self.queue.pop().map(|Reverse((at, _, event))| (at, Some(event)))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Ring(call) => self.ring(call),
            Event::Model(call) => self.model_ticks(call),
            Event::Answer(call) => self.answer(call),
            Event::Opened(call) => self.opened(call),
            Event::Inward(stream) => self.arrives_inward(stream),
            Event::Outward(stream) => self.arrives_outward(stream),
            Event::Step(stream) => self.step(stream),
            Event::Look(stream) => self.look(stream),
            Event::Timer(stream) => self.timer(stream),
            Event::Fault(call, place) => self.fault(call, place),
            Event::Noticed(stream, by) => self.noticed(stream, by),
            Event::Panic(place) => self.panic(place),
            Event::Drain => self.drain_streams(),
            Event::Read => self.read_on(),
        }
    }

    /// Arranges that something happens.
    pub fn at(&mut self, at: Instant, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at.max(self.now), self.sequence, event)));
    }

    /// Something was done that the worker should see: it ticks at the next point of its grid. Ticks in which nothing is due
    /// are left out: they change nothing.
    pub fn tick_soon(&mut self) {
        self.tick_from(self.now);
    }

    /// A tick not before `from`; none where that is never.
    pub(crate) fn tick_from(&mut self, from: Instant) {
        if from.since(self.now) >= WORLD_MAX {
            return;
        }
        let every = self.plan.tick.as_micros() as u64;
        // On the grid, some 400 µs behind the looks at the sockets.
        let on_grid = Instant::from_micros((from.max(self.now).micros() / every + 1) * every + 400);
        if self.next_tick.is_some_and(|arranged| arranged <= on_grid + self.plan.tick_late) {
            return;
        }
        // Never quite in time.
        let late = Duration::from_micros(self.rng.below(self.plan.tick_late.as_micros() as u64 + 1));
        let mut at = on_grid + late;
        for stall in &self.plan.stalls {
            if at >= stall.from && at < stall.from + stall.lasts {
                at = stall.from + stall.lasts;
            }
        }
        self.next_tick = Some(self.next_tick.map_or(at, |arranged| arranged.min(at)));
    }

    fn tick(&mut self) {
        self.ticks += 1;
        let reads = self.read_all();
        let before = (self.worker.panics(), self.worker.seated());
        self.worker.tick(self.now);
        self.count_panics(before);
        self.worker.answer_bells();
        self.after_tick();
        self.tick_from(self.worker.next_due().min(reads));
        self.read_in_a_stall(reads);
    }

    /// Reading waits for the tick in front of which it is done, but not for a worker that stalls.
    fn read_in_a_stall(&mut self, reads: Instant) {
        let usual = self.plan.tick * 2 + self.plan.tick_late;
        if self.next_tick.is_some_and(|tick| tick.since(reads) > usual) {
            self.at(reads, Event::Read);
        }
    }

    fn read_on(&mut self) {
        let reads = self.read_all();
        self.read_in_a_stall(reads);
    }

    /// What can have been read by now is read before the worker looks; gives when there is something to read again.
    fn read_all(&mut self) -> Instant {
        let mut next = Instant::from_micros(u64::MAX);
        for place in 0..self.live.len() {
            let index = self.live[place];
            if self.streams[index].reads_at <= self.now {
                self.read(index);
            }
            next = next.min(self.streams[index].reads_at);
        }
        next
    }

    /// What panicked in this tick, and who sat there.
    fn count_panics(&mut self, ([steps, ticks], seated): ([u64; 2], usize)) {
        let now = self.worker.panics();
        if now == [steps, ticks] {
            return;
        }
        // Only what was planted counts as met: anything else is a violation at the end.
        if now[0] > steps && self.was_planted(Planted::Step) {
            self.toll.steps += 1;
        }
        if now[1] > ticks && self.was_planted(Planted::Tick) {
            self.toll.ticks += 1;
            self.toll.seated += seated as u64;
        }
        self.tell_all(&format!("panics: {now:?}"));
    }

    fn was_planted(&self, fault: Planted) -> bool {
        self.plan.panics.iter().any(|(at, planted)| *planted == fault && *at <= self.now)
    }

    fn panic(&mut self, place: usize) {
        self.worker.plant(self.plan.panics[place].1);
    }

    /// Something that did not hold.
    pub fn violate(&mut self, invariant: Invariant, call: Option<usize>, what: String) {
        let violation = Violation { invariant, call, at: self.now, what };
        if let Some(call) = call {
            self.tell(call, || violation.to_string());
        }
        self.violations.push(violation);
    }

    /// A line for the timeline of a call, if that is the one asked for.
    pub fn tell(&mut self, call: usize, what: impl FnOnce() -> String) {
        if self.options.told == Some(call) {
            self.timeline.push((self.now, what()));
        }
    }

    fn tell_all(&mut self, what: &str) {
        if self.options.told.is_some() {
            self.timeline.push((self.now, what.to_owned()));
        }
    }

    fn finish(mut self, seed: u64) -> Outcome {
        let stats = self.worker.stats();
        self.check_world(&stats);
        let streams = self.streams.len() as u64;
        let call_time = self.lines.iter().map(Line::lasted).sum();
        if let Some(told) = self.options.told.filter(|told| *told < self.lines.len()) {
            self.timeline.extend(self.lines[told].timeline());
            self.timeline.sort_by_key(|(at, _)| *at);
        }
        self.digest.number(stats.frames_in);
        self.digest.number(stats.ticks);
        self.digest.number(stats.frames_out);
        Outcome {
            seed,
            digest: self.digest.value(),
            violations: self.violations,
            calls: self.lines.len(),
            call_time,
            frames: [stats.frames_in, stats.frames_dropped],
            counts: [self.heard[0], self.heard[1], streams, self.refused, self.toll.faults],
            timeline: self.timeline,
        }
    }

    fn check_world(&mut self, stats: &Stats) {
        let left = Left {
            calls: self.lines.iter().filter(|line| !line.is_done()).count(),
            slots: self.worker.active(),
            seats: self.worker.seated(),
            admitted: self.streams.iter().filter(|stream| stream.admitted).count(),
            reported: self.streams.iter().filter(|stream| stream.reported).count(),
            untold: self.streams.iter().filter(|stream| stream.mind.is_some()).count(),
        };
        let mut found = Vec::new();
        ends::world(&left, stats, &mut found);
        bounds::world(&self.plan, stats, &mut found);
        isolation::world(&self.toll, stats, &mut found);
        for (invariant, what) in found {
            self.violate(invariant, None, what);
        }
    }

    /// A call ended by a fault of the engine's.
    pub fn count_fault(&mut self) {
        self.toll.faults += 1;
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).field("calls", &self.lines.len()).finish_non_exhaustive()
    }
}

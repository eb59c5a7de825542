//! The tick: take what arrived, look at what is due, step it, ring.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rtrb::Producer;

use crate::leg::Output;
use crate::planted::Planted;
use crate::stats::count;
use crate::time::Instant;

use super::bell::Bell;
use super::call::{Call, News};
use super::due::Looks;
use super::ear::{Ear, Ears};
use super::slots::Shared;

/// Outputs of one step: a full lead of audio, its marks, and a few events.
const OUTPUTS: usize = 256;

/// A place for one call, with the detector that serves whoever sits there.
struct Seat {
    ear: Ear,
    // A call is taken off its seat and freed elsewhere: it must be movable without a copy of its kilobytes.
    #[allow(clippy::vec_box)]
    call: Option<Box<Call>>,
}

/// Everything that a worker owns.
pub(super) struct Seats {
    shared: Arc<Shared>,
    seats: Vec<Seat>,
    /// When each seat must be looked at again; the end of time for an empty one.
    deadlines: Vec<Instant>,
    /// The slots due in this tick, and what to look at there.
    worklist: Vec<(usize, Looks)>,
    out: Vec<Output>,
    /// One per I/O thread.
    exits: Vec<Exit>,
    agent_bell: Bell,
    seated: usize,
}

/// The way to one I/O thread.
pub(super) struct Exit {
    /// Wakes the sockets that live there.
    pub(super) bell: Bell,
    /// Finished calls, on their way to be freed there. Has a place for every slot.
    pub(super) finished: Producer<Box<Call>>,
}

const NEVER: Instant = Instant::from_micros(u64::MAX);

impl Seats {
    /// Seats for all slots, detectors included: nothing is allocated later.
    pub(super) fn new(shared: Arc<Shared>, ears: Ears, exits: Vec<Exit>, agent_bell: Bell) -> Self {
        let slots = shared.slots.len();
        let seat = |_| Seat { ear: Ear::new(ears), call: None };
        Self {
            seats: (0..slots).map(seat).collect(),
            deadlines: vec![NEVER; slots],
            worklist: Vec::with_capacity(slots * 2),
            out: Vec::with_capacity(OUTPUTS),
            shared,
            exits,
            agent_bell,
            seated: 0,
        }
    }

    /// How many calls sit here.
    pub(super) fn seated(&self) -> usize {
        self.seated
    }

    /// When a call must be looked at though nothing comes.
    pub(super) fn next_due(&self) -> Instant {
        self.deadlines.iter().copied().min().unwrap_or(NEVER)
    }

    /// The call in a slot.
    pub(super) fn call(&self, slot: usize) -> Option<&Call> {
        self.seats.get(slot)?.call.as_deref()
    }

    /// A call takes its seat.
    pub(super) fn seat(&mut self, now: Instant, mut call: Box<Call>) {
        let slot = call.slot();
        let seat = &mut self.seats[slot];
        seat.ear.reset();
        let (io, news) = (call.io(), call.start(now, &mut self.out));
        seat.call = Some(call);
        self.seated += 1;
        self.deadlines[slot] = now;
        self.note(slot, io, news);
    }

    /// One tick: collects the slots that are due, steps each, rings once per runtime.
    pub(super) fn tick(&mut self, now: Instant) {
        self.shared.panic_if_planted(Planted::Tick);
        self.collect_due(now);
        for index in 0..self.worklist.len() {
            let (slot, looks) = self.worklist[index];
            self.step(slot, looks, now);
        }
        self.worklist.clear();
        self.exits.iter_mut().for_each(|exit| exit.bell.ring());
        self.agent_bell.ring();
        count(&self.shared.counters.ticks, 1);
    }

    fn collect_due(&mut self, now: Instant) {
        let Self { shared, worklist, deadlines, .. } = self;
        shared.due.take(|slot, looks| {
            // Whose time has come as well is looked at whole.
            let looks = if deadlines[slot] <= now { Looks::ALL } else { looks };
            deadlines[slot] = NEVER;
            worklist.push((slot, looks));
        });
        for (slot, deadline) in deadlines.iter().enumerate() {
            if *deadline <= now {
                worklist.push((slot, Looks::ALL));
            }
        }
    }

    /// Steps one call; a panic in it ends that call and nothing else.
    fn step(&mut self, slot: usize, looks: Looks, now: Instant) {
        let Seat { ear, call } = &mut self.seats[slot];
        let Some(sitting) = call.as_deref_mut() else { return };
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            self.shared.panic_if_planted(Planted::Step);
            sitting.step(now, looks, ear, &mut self.out)
        }));
        let news = stepped.unwrap_or_else(|_| {
            count(&self.shared.counters.panics, 1);
            if self.shared.has(Planted::Spreads) {
                panic!("planted by a test");
            }
            sitting.fail(now, &mut self.out)
        });
        self.deadlines[slot] = sitting.next_due();
        let (io, over) = (sitting.io(), sitting.is_over());
        self.note(slot, io, news);
        if over {
            self.finish(slot);
        }
    }

    fn note(&mut self, slot: usize, io: usize, news: News) {
        if news.socket {
            self.exits[io].bell.note(slot);
        }
        if news.agent && !self.shared.has(Planted::LosesWakes) {
            self.agent_bell.note(slot);
        }
    }

    /// A call leaves its seat and is sent off to be freed where its socket lives.
    fn finish(&mut self, slot: usize) {
        self.deadlines[slot] = NEVER;
        let Some(call) = self.seats[slot].call.take() else { return };
        self.seated -= 1;
        count(&self.shared.counters.calls_ended, 1);
        let exit = &mut self.exits[call.io()];
        exit.bell.note(slot);
        // One that was not told of the end finds its rings let go.
        if !self.shared.has(Planted::ForgetsAgents) {
            self.agent_bell.note(slot);
        }
        // Every call holds its slot until it has been freed, so there is a place for each.
        if exit.finished.push(call).is_err() {
            debug_assert!(false, "more finished calls than slots");
        }
    }

    /// The worker failed outside of any one call: every call here is given up. Their sockets close, and the carrier
    /// asks what to do next.
    pub(super) fn abandon(&mut self) {
        count(&self.shared.counters.workers_failed, 1);
        self.worklist.clear();
        self.out.clear();
        for slot in 0..self.seats.len() {
            self.finish(slot);
        }
        self.exits.iter_mut().for_each(|exit| exit.bell.ring());
        self.agent_bell.ring();
    }
}

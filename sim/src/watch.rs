//! Who was woken gets to it, and everybody is looked at: what is seen of a stream is held against the invariants.

use std::sync::atomic::Ordering;

use engine::port::EndCause;

use crate::check::{Invariant, Seen, Ticked};
use crate::world::World;

/// Ticks after which all streams are looked at though nothing came of them.
const CHECK_EVERY: usize = 16;

impl World {
    /// Those who were woken get to it.
    pub(crate) fn wake_tasks(&mut self) {
        for place in 0..self.live.len() {
            let index = self.live[place];
            if self.streams[index].task.was_woken() {
                self.step_soon(index);
            }
        }
    }

    /// Everybody who was woken by a tick gets to it, and everybody is looked at.
    pub(crate) fn after_tick(&mut self) {
        let is_turn = self.ticks.is_multiple_of(CHECK_EVERY);
        if !self.anybody.swap(false, Ordering::Relaxed) && !is_turn && !self.over {
            return;
        }
        self.over = false;
        for place in 0..self.live.len() {
            let index = self.live[place];
            let woken = [self.streams[index].task.was_woken(), self.streams[index].mind_task.was_woken()];
            if woken[0] {
                self.step_soon(index);
            }
            if woken[1] {
                self.look_soon(index);
            }
            let over = self.streams[index].socket.is_over();
            self.over |= over;
            if is_turn || over || woken.contains(&true) {
                self.check(index);
            }
        }
        self.live.retain(|&index| !self.streams[index].is_over());
    }

    fn check(&mut self, index: usize) {
        let frames = self.streams[index].frames_taken();
        self.see(index, &Seen::Read(frames));
        let stream = &mut self.streams[index];
        if let Some((progress, ended)) = stream.socket.slot().and_then(|slot| self.worker.look(slot)) {
            stream.truth.advance(self.now);
            let (truth, desk) = (std::mem::take(&mut stream.truth), stream.desk.clone());
            let stands = stream.stands && stream.caller_open;
            let ticked = Ticked { progress: &progress, ended, truth: &truth, desk: &desk, stands };
            self.see(index, &Seen::Ticked(ticked));
            self.streams[index].truth = truth;
        }
        if let Some(report) = self.streams[index].take_report() {
            let call = self.streams[index].call;
            self.tell(call, || format!("engine: over, {report:?}"));
            self.see(index, &Seen::Ended(&report));
            if report.cause == EndCause::Fault {
                self.count_fault();
            }
            self.heard[0] += u64::from(report.progress.barge_ins);
            self.heard[1] += u64::from(report.progress.turns);
            self.streams[index].reported = true;
        }
        if self.streams[index].is_over() {
            let truth = std::mem::take(&mut self.streams[index].truth);
            self.see(index, &Seen::Over(&truth));
        }
    }

    pub(crate) fn see(&mut self, index: usize, seen: &Seen<'_>) {
        let (now, stream) = (self.now, &mut self.streams[index]);
        let mut found = Vec::new();
        stream.checks.see(now, seen, &mut found);
        if !found.is_empty() {
            let call = stream.call;
            self.complain(call, found);
        }
    }

    pub(crate) fn complain(&mut self, call: usize, found: Vec<(Invariant, String)>) {
        for (invariant, what) in found {
            self.violate(invariant, Some(call), what);
        }
    }
}

//! What the driver does with its sockets: take new ones, write, read, hang up, forget.

use std::cmp::Reverse;
use std::sync::atomic::Ordering;

use rustix::event::epoll::{self, EventData, EventFlags};

use super::{Driver, JOINS, LINGER, Slot};
use crate::fleet::call::{Begin, Call};
use crate::fleet::timeline::Stage;
use crate::shell::fleet::dial::{Dialed, Errand, Order};
use crate::shell::fleet::handshake::Open;
use crate::shell::fleet::line::{Line, Lost};
use crate::time::Micros;

impl Driver {
    pub(super) fn take_new(&mut self, now: Micros) {
        for _ in 0..JOINS {
            match self.dialed.try_recv() {
                Ok(Dialed::Connected(connected)) => {
                    let (open, begin) = *connected;
                    self.settled += 1;
                    if self.timeline.stage() < Stage::HangUp {
                        self.join(now, open, begin);
                    } else {
                        self.send(Errand::Ended(begin.sids, Micros::ZERO));
                    }
                }
                Ok(Dialed::Failed(why)) => {
                    self.settled += 1;
                    self.note_loss(format!("set-up: {why}"));
                }
                Ok(Dialed::Unreported(why)) => self.shared.measures.lose(format!("status callback: {why}")),
                Err(_) => break,
            }
        }
    }

    fn join(&mut self, now: Micros, open: Open, begin: Begin) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        let data = EventData::new_u64(u64::from(generation) << 32 | u64::from(id));
        if let Err(error) = epoll::add(&self.epoll, &open.stream, data, flags) {
            self.free.push(id);
            return self.note_loss(format!("epoll: {error}"));
        }
        let started = self.wheel.join(id);
        self.out.clear();
        let call = Call::start(now, started, begin, &self.shared, &mut self.out);
        let ends = now + self.call_length();
        let line = Line::new(open.stream);
        self.slots[id as usize] = Some(Box::new(Slot { line, call, generation, ends, closing: false }));
        self.open += 1;
        self.gauges.calls.fetch_add(1, Ordering::Relaxed);
        self.write(id, 0);
        if !open.read_ahead.is_empty() {
            self.feed(id, &open.read_ahead);
        }
    }

    /// Exponentially distributed, so that calls end independently of each other.
    fn call_length(&mut self) -> Micros {
        let Some(mean) = self.plan.churn else { return Micros::MAX };
        let length = -(1.0 - self.rng.unit()).ln() * mean.0 as f64;
        Micros(length as u64)
    }

    /// Writes what stands in `out` to the call's socket.
    pub(super) fn write(&mut self, id: u32, frames: u64) {
        if self.out.is_empty() {
            return;
        }
        let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        match slot.line.write(&self.out) {
            Ok(true) => {}
            Ok(false) => {
                if let Some(counts) = self.shared.measures.count() {
                    counts.frames_blocked += frames;
                }
            }
            Err(lost) => self.lose(id, &lost),
        }
    }

    pub(super) fn socket_ready(&mut self, generation: u32, id: u32, flags: EventFlags) {
        let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        if slot.generation != generation {
            return;
        }
        if flags.contains(EventFlags::OUT)
            && let Err(lost) = slot.line.flush()
        {
            return self.lose(id, &lost);
        }
        if flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
            self.read(id);
        }
    }

    /// Reads until there is nothing left; a read that does not fill the buffer has taken all.
    fn read(&mut self, id: u32) {
        let mut input = std::mem::take(&mut self.input);
        while let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::as_mut) {
            match slot.line.read(&mut input) {
                Ok(Some(count)) => {
                    self.feed(id, &input[..count]);
                    // A full buffer may hide more, and so may the end of the connection behind the last words.
                    let ending = self.slots[id as usize].as_ref().is_some_and(|slot| slot.closing);
                    if count < input.len() && !ending {
                        break;
                    }
                }
                Ok(None) => break,
                Err(lost) => {
                    self.lose(id, &lost);
                    break;
                }
            }
        }
        self.input = input;
    }

    fn feed(&mut self, id: u32, bytes: &[u8]) {
        let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        if slot.closing {
            return;
        }
        let now = self.clock.now();
        let (generation, marks) = (slot.generation, &mut self.marks);
        self.out.clear();
        let result = slot.call.receive(now, bytes, &mut self.shared, &mut self.out, &mut |due| {
            marks.push(Reverse((due, id, generation)));
        });
        self.write(id, 0);
        if let Err(ended) = result {
            self.note_loss(ended.to_string());
            self.remove(id, now);
        }
    }

    /// Our own end of a call, which is then replaced.
    pub(super) fn hang_up(&mut self, id: u32, now: Micros) {
        let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::as_mut) else { return };
        self.wheel.leave(id, slot.call.started());
        slot.closing = true;
        self.out.clear();
        slot.call.hang_up(&mut self.out);
        let ended = Errand::Ended(slot.call.sids().clone(), now.since(slot.call.started()));
        self.closing.push_back((now + LINGER, id, slot.generation));
        self.gauges.calls.fetch_sub(1, Ordering::Relaxed);
        self.write(id, 0);
        self.send(ended);
        self.replace(now);
    }

    /// Every fifth call ends with its next frame, and is replaced.
    pub(super) fn end_a_fifth(&mut self, now: Micros) {
        self.slots.iter_mut().step_by(5).flatten().filter(|slot| !slot.closing).for_each(|slot| slot.ends = now);
    }

    pub(super) fn close_lingering(&mut self, now: Micros) {
        while let Some((_, id, generation)) = self.closing.pop_front_if(|(until, ..)| *until <= now) {
            if self.slots[id as usize].as_ref().is_some_and(|slot| slot.generation == generation) {
                self.remove(id, now);
            }
        }
    }

    fn lose(&mut self, id: u32, lost: &Lost) {
        let closing = self.slots[id as usize].as_ref().is_some_and(|slot| slot.closing);
        if !closing {
            self.note_loss(lost.to_string());
        }
        self.remove(id, self.clock.now());
    }

    fn note_loss(&mut self, why: String) {
        self.gauges.lost.fetch_add(1, Ordering::Relaxed);
        self.shared.measures.lose(why);
    }

    /// Forgets a call and closes its socket; a call that did not end by our will is replaced.
    fn remove(&mut self, id: u32, now: Micros) {
        let Some(slot) = self.slots.get_mut(id as usize).and_then(Option::take) else { return };
        self.free.push(id);
        self.open -= 1;
        if !slot.closing {
            self.wheel.leave(id, slot.call.started());
            self.gauges.calls.fetch_sub(1, Ordering::Relaxed);
            self.send(Errand::Ended(slot.call.sids().clone(), now.since(slot.call.started())));
            // A second later: a server that refuses everybody is not to be stormed.
            self.replace(now + Micros::from_ms(1_000));
        }
    }

    fn replace(&mut self, at: Micros) {
        if self.timeline.stage() >= Stage::HangUp {
            return;
        }
        let order = Order { index: self.ordered, at, seed: self.rng.next_u64() };
        self.ordered += 1;
        self.send(Errand::Call(order));
    }

    fn send(&mut self, errand: Errand) {
        if self.errands.as_ref().is_some_and(|errands| errands.try_send(errand).is_err()) {
            self.note_loss("given up: too many calls wait to be set up, or reported".into());
        }
    }
}

//! What goes wrong in a world: connections, agents, and the engine that stops.

use crate::plan::Fault;
use crate::stream::UNNOTICED;
use crate::world::{Event, World};

impl World {
    pub(crate) fn fault(&mut self, call: usize, place: usize) {
        let Some(index) = self.lines[call].stream else { return };
        let fault = self.lines[call].plan.faults[place].1;
        self.read(index);
        let (now, stream) = (self.now, &mut self.streams[index]);
        match fault {
            Fault::Reset => {
                stream.reset(now);
                self.step_soon(index);
                self.hears_nothing_more(index, "connection reset");
            }
            Fault::HalfOpen => {
                stream.stands = false;
                stream.inward.die(now);
                stream.outward.die(now);
                for (by, unnoticed) in UNNOTICED.into_iter().enumerate() {
                    self.at(now + unnoticed, Event::Noticed(index, by));
                }
            }
            Fault::NotRead(lasts) => {
                stream.outward.hold(now + lasts);
                self.outward_soon(index);
            }
            Fault::AgentDies => {
                stream.mind = None;
                self.tick_soon();
            }
        }
        self.tell(call, || format!("fault: {fault:?}"));
    }

    /// A connection that died is given up, by the server or by the carrier.
    pub(crate) fn noticed(&mut self, index: usize, by: usize) {
        if by == 0 {
            self.streams[index].reset(self.now);
            self.step_soon(index);
        } else {
            self.hears_nothing_more(index, "no acknowledgement");
        }
    }

    /// The engine stops serving the streams that it has.
    pub(crate) fn drain_streams(&mut self) {
        self.worker.stop();
        self.wake_tasks();
        (0..self.lines.len()).for_each(|call| self.tell(call, || "every stream is to close".to_owned()));
    }
}

//! The caller's sound where there is no wire: every 20 ms two labels, looked up when the server reads them.
//!
//! Nothing is rendered and nothing is an event of its own: whoever ticks asks before that who has something to read.

use engine::audio::frame::FRAME_MS;
use engine::stepped::Told;
use engine::time::Instant;

use crate::lane::{Lane, Parcel};
use crate::stream::Stream;
use crate::world::{Event, World};

const FRAME_US: u64 = FRAME_MS as u64 * 1_000;
const BLOCK_US: u64 = FRAME_US / 2;

/// How a server's thread gets to what has arrived.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// It looks so often; zero: at once.
    pub every_us: u64,
    /// And within so long.
    pub late_us: u64,
}

/// The frames of one stream.
#[derive(Debug)]
pub struct Talk {
    started: Instant,
    made: u32,
    /// By how much the network delays the next one, and its reader.
    delays_us: [u64; 2],
    /// When the reader has read all before.
    read: Instant,
    over: bool,
}

impl Talk {
    /// Of a stream that begins now.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { started: now, made: 0, delays_us: [0; 2], read: now, over: false }
    }

    /// When the next frame is complete.
    fn due(&self) -> Instant {
        Instant::from_micros(self.started.micros() + u64::from(self.made + 1) * FRAME_US)
    }

    /// Something is sent; gives when it is read, if it ever is.
    fn sent(&mut self, lane: &mut Lane, (now, jitter, late): (Instant, u64, u64), every_us: u64) -> Option<Instant> {
        let arrives = lane.way.arrival_with(now, jitter)?;
        self.read = self.reads(arrives, late, every_us);
        Some(self.read)
    }

    fn reads(&self, arrives: Instant, late_us: u64, every_us: u64) -> Instant {
        let arrives = arrives.micros();
        let looked = if every_us > 0 { arrives.div_ceil(every_us) * every_us } else { arrives };
        self.read.max(Instant::from_micros(looked + late_us))
    }
}

impl Stream {
    /// The caller says no more on it.
    pub fn hush(&mut self) {
        if let Some(talk) = &mut self.talk {
            talk.over = true;
        }
    }

    /// Sends what the caller has said by now, and then a parcel.
    pub fn talk(&mut self, now: Instant, reads: Reads, parcel: Parcel) {
        while let Some((at, stamp_ms)) = self.says(now, reads) {
            self.inward.put(at, Parcel::Frame(stamp_ms));
        }
        if let Some(talk) = &mut self.talk {
            let [jitter, late] = draw(&mut self.inward, reads);
            if let Some(at) = talk.sent(&mut self.inward, (now, jitter, late), reads.every_us) {
                self.inward.put(at, parcel);
            }
        }
        self.look_ahead(reads);
    }

    /// The next frame that the caller has said by now and the network does not lose: when it is read, and its stamp.
    fn says(&mut self, now: Instant, reads: Reads) -> Option<(Instant, u32)> {
        let Self { talk: Some(talk), inward, .. } = self else { return None };
        while !talk.over && talk.due() <= now {
            let (due, [jitter, late]) = (talk.due(), talk.delays_us);
            let stamp_ms = talk.made * FRAME_MS;
            talk.made += 1;
            let read = talk.sent(inward, (due, jitter, late), reads.every_us);
            talk.delays_us = draw(inward, reads);
            if let Some(at) = read {
                return Some((at, stamp_ms));
            }
        }
        None
    }

    /// When there is something to read again.
    fn look_ahead(&mut self, reads: Reads) {
        let Self { talk: Some(talk), inward, .. } = self else { return };
        let ahead = || {
            let arrives = inward.way.earliest(talk.due(), talk.delays_us[0]);
            talk.reads(arrives, talk.delays_us[1], reads.every_us)
        };
        let ahead = (!talk.over && !inward.way.is_dead()).then(ahead);
        self.reads_at = inward.next().or(ahead).unwrap_or(Instant::from_micros(u64::MAX));
    }
}

fn draw(lane: &mut Lane, reads: Reads) -> [u64; 2] {
    [lane.way.draw(), lane.way.below(reads.late_us)]
}

impl World {
    pub(crate) fn reads(&self) -> Reads {
        Reads { every_us: self.plan.look_every.as_micros() as u64, late_us: self.plan.io_late.as_micros() as u64 }
    }

    /// The server's end of a stream without a wire reads what it can have read by now.
    pub(crate) fn read(&mut self, index: usize) {
        let (now, reads) = (self.now, self.reads());
        if self.streams[index].talk.is_none() {
            return;
        }
        let mut steps = false;
        while let Some((at, parcel)) = self.streams[index].inward.arrived_at(now) {
            steps |= self.read_parcel(index, at, parcel);
        }
        // What was said since goes the same way, most of it without a stay.
        while let Some((at, stamp_ms)) = self.streams[index].says(now, reads) {
            if at <= now {
                steps |= self.read_frame(index, at, stamp_ms);
            } else {
                self.streams[index].inward.put(at, Parcel::Frame(stamp_ms));
            }
        }
        self.streams[index].look_ahead(reads);
        if steps {
            self.step_at(index, now);
        }
        self.greets(index);
    }

    /// Whether its task has something to do now.
    fn read_parcel(&mut self, index: usize, at: Instant, parcel: Parcel) -> bool {
        let stream = &mut self.streams[index];
        match parcel {
            Parcel::Frame(stamp_ms) => return self.read_frame(index, at, stamp_ms),
            Parcel::Told(told) => return !stream.tell(at, told),
            Parcel::Bytes(bytes, is_frame) => {
                stream.receive(&bytes, is_frame);
                if stream.has_start() {
                    stream.started_at.get_or_insert(at);
                }
            }
            Parcel::End => stream.socket.peer_gone(),
            Parcel::Letter(_) => return false,
        }
        true
    }

    fn read_frame(&mut self, index: usize, at: Instant, stamp_ms: u32) -> bool {
        let stream = &mut self.streams[index];
        let starts = stream.talk.as_ref().map_or(at, |talk| talk.started).micros() + u64::from(stamp_ms) * 1_000;
        let line = &self.lines[stream.call];
        let voiced = [starts, starts + BLOCK_US].map(|block| line.spoke(Instant::from_micros(block)));
        self.digest.number(at.micros() ^ u64::from(voiced[0]) ^ u64::from(voiced[1]) << 1);
        !stream.tell(at, Told::Frame { voiced, stamp_ms })
    }

    /// Who says hello is answered at once, not with the next tick of a worker that knows nothing of him.
    pub(crate) fn greets(&mut self, index: usize) {
        let stream = &self.streams[index];
        if stream.inward.carries_bytes() {
            self.at(stream.reads_at, Event::Read);
        }
    }
}

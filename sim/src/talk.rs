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

    /// Sends what the caller has said by now, and then, if there is one, a parcel.
    pub fn talk(&mut self, now: Instant, reads: Reads, parcel: Option<Parcel>) {
        let Self { talk: Some(talk), inward, .. } = self else { return };
        while !talk.over && talk.due() <= now {
            let (due, [jitter, late]) = (talk.due(), talk.delays_us);
            let stamp_ms = talk.made * FRAME_MS;
            talk.made += 1;
            send(talk, inward, (due, jitter, late), reads.every_us, Parcel::Frame(stamp_ms));
            talk.delays_us = draw(inward, reads);
        }
        if let Some(parcel) = parcel {
            let [jitter, late] = draw(inward, reads);
            send(talk, inward, (now, jitter, late), reads.every_us, parcel);
        }
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

fn send(talk: &mut Talk, lane: &mut Lane, (now, jitter, late): (Instant, u64, u64), every_us: u64, parcel: Parcel) {
    if let Some(arrives) = lane.way.arrival_with(now, jitter) {
        talk.read = talk.reads(arrives, late, every_us);
        lane.put(talk.read, parcel);
    }
}

impl World {
    pub(crate) fn reads(&self) -> Reads {
        Reads { every_us: self.plan.look_every.as_micros() as u64, late_us: self.plan.io_late.as_micros() as u64 }
    }

    /// The server's end of a stream without a wire reads what it can have read by now.
    pub(crate) fn read(&mut self, index: usize) {
        let (now, reads) = (self.now, self.reads());
        let stream = &mut self.streams[index];
        if stream.talk.is_none() {
            return;
        }
        let line = &self.lines[stream.call];
        stream.talk(now, reads, None);
        let mut steps = false;
        while let Some((at, parcel)) = stream.inward.arrived_at(now) {
            let told = match parcel {
                Parcel::Frame(stamp_ms) => {
                    let starts = stream.talk.as_ref().map_or(at, |talk| talk.started);
                    let starts = starts.micros() + u64::from(stamp_ms) * 1_000;
                    let voiced = [starts, starts + BLOCK_US].map(|block| line.spoke(Instant::from_micros(block)));
                    self.digest.number(at.micros() ^ u64::from(voiced[0]) ^ u64::from(voiced[1]) << 1);
                    Told::Frame { voiced, stamp_ms }
                }
                Parcel::Told(told) => told,
                Parcel::Bytes(bytes, is_frame) => {
                    stream.receive(&bytes, is_frame);
                    if stream.has_start() {
                        stream.started_at.get_or_insert(at);
                    }
                    steps = true;
                    continue;
                }
                Parcel::End => {
                    stream.socket.peer_gone();
                    steps = true;
                    continue;
                }
                Parcel::Letter(_) => continue,
            };
            steps |= !stream.tell(at, told);
        }
        stream.talk(now, reads, None);
        if steps {
            self.step_at(index, now);
        }
        self.greets(index);
    }

    /// Who says hello is answered at once, not with the next tick of a worker that knows nothing of him.
    pub(crate) fn greets(&mut self, index: usize) {
        let stream = &self.streams[index];
        if stream.inward.carries_bytes() {
            self.at(stream.reads_at, Event::Read);
        }
    }
}

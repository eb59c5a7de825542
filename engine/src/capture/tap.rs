//! The tap: what the worker hands everything to that a captured call is told and does. It never waits.

use std::io::Write;

use rtrb::{Producer, RingBuffer};

use super::RING_BYTES;
use super::decision::Decision;
use super::digest::Digest;
use super::header::Header;
use super::pack::Pack;
use super::record::{End, pack_end, pack_input, pack_missed};
use super::recorder::Recorder;
use crate::audio::level::BLOCK_SAMPLES;
use crate::leg::{Input, Output};
use crate::port::AgentEvent;
use crate::time::Instant;

/// Places of the ring that records may not take: the end, and how many were missed before it.
const RESERVED: usize = 64;

/// Everything that a captured call is told and does; of a call that is not captured, nothing.
///
/// Made and dropped where memory may be taken and given back; in between it does neither. Dropped, it writes the end.
#[derive(Debug, Default)]
pub struct Tap(Option<Box<Open>>);

/// Asked for the tap of a call that is about to begin, with what its leg is made from. Must not block.
pub type StartCapture = Box<dyn FnOnce(Header) -> Tap + Send>;

/// A capture of the call that `header` describes, to `file`: the worker's end and the end of whoever writes.
pub fn tap<W: Write>(header: Header, file: W) -> (Tap, Recorder<W>) {
    let (bytes, drained) = RingBuffer::new(RING_BYTES);
    let open = Open {
        bytes,
        begun: header.begun,
        now: header.begun,
        written_at: header.begun,
        unheard: false,
        outputs: 0,
        digest: Digest::new(),
        missed: 0,
        missed_unsaid: 0,
    };
    (Tap(Some(Box::new(open))), Recorder::new(&header, drained, file))
}

impl Tap {
    /// Of a call that is not captured.
    pub const fn off() -> Tap {
        Tap(None)
    }

    /// The leg is about to be told this.
    pub fn record(&mut self, now: Instant, input: &Input<'_>) {
        if let Some(open) = &mut self.0 {
            open.input(now, input);
        }
    }

    /// The leg, from what it was told last, wants this done.
    pub fn outputs(&mut self, output: &Output) {
        if let Some(open) = &mut self.0 {
            open.output(output);
        }
    }

    /// Records that found no place so far. More than none: the capture has a hole.
    pub fn missed(&self) -> u64 {
        self.0.as_ref().map_or(0, |open| open.missed)
    }
}

#[derive(Debug)]
struct Open {
    bytes: Producer<u8>,
    begun: Instant,
    /// The time of what was told last.
    now: Instant,
    /// The time of the record written last.
    written_at: Instant,
    /// Sound was told of which the detector has heard nothing yet.
    unheard: bool,
    outputs: u64,
    digest: Digest,
    missed: u64,
    /// Of them, those that no record tells of yet.
    missed_unsaid: u64,
}

impl Open {
    fn input(&mut self, now: Instant, input: &Input<'_>) {
        self.now = self.now.max(now);
        match input {
            Input::Media { frame, .. } => self.unheard = frame.samples() >= BLOCK_SAMPLES,
            // Of the blocks of a frame only the first is noted.
            Input::Heard(_) if !std::mem::take(&mut self.unheard) => return,
            _ => {}
        }
        self.write(|pack| pack_input(input, pack));
    }

    fn output(&mut self, output: &Output) {
        let decision = Decision::of(output);
        self.outputs += u64::from(digest_output(&mut self.digest, self.begun, self.now, output));
        if let Some(decision) = decision {
            self.write(|pack| decision.pack(pack));
        }
    }

    /// Writes one record, and before it how many are missing there. Whole or not at all.
    fn write(&mut self, what: impl FnOnce(&mut Pack)) {
        let mut missed = Pack::new();
        if self.missed_unsaid > 0 {
            missed.u8(0);
            pack_missed(self.missed_unsaid, &mut missed);
        }
        let mut pack = Pack::new();
        pack.number(self.now.since(self.written_at).as_micros() as u64);
        what(&mut pack);
        let (missed, pack) = (missed.as_slice(), pack.as_slice());
        if self.bytes.slots() < missed.len() + pack.len() + RESERVED {
            self.missed += 1;
            self.missed_unsaid += 1;
            return;
        }
        // There is room for both: nobody else writes.
        let _ = self.bytes.push_entire_slice(missed);
        let _ = self.bytes.push_entire_slice(pack);
        self.missed_unsaid = 0;
        self.written_at = self.now;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut last = Pack::new();
        if self.missed_unsaid > 0 {
            last.u8(0);
            pack_missed(self.missed_unsaid, &mut last);
        }
        last.number(self.now.since(self.written_at).as_micros() as u64);
        pack_end(&End { digest: self.digest.value(), outputs: self.outputs, missed: self.missed }, &mut last);
        // It has its reserved places.
        let _ = self.bytes.push_entire_slice(last.as_slice());
    }
}

/// Adds an output and its time to a digest; false for what is a measurement and no deed.
pub(super) fn digest_output(digest: &mut Digest, begun: Instant, now: Instant, output: &Output) -> bool {
    let mut pack = Pack::new();
    pack.number(now.since(begun).as_micros() as u64);
    match output {
        Output::Measured(_) => return false,
        Output::Audio(frame) | Output::Event(AgentEvent::Audio(frame)) => {
            pack.u8(u8::from(matches!(output, Output::Audio(_))));
            pack.u8(frame.samples() as u8);
            pack.bytes(frame.bytes());
        }
        Output::Clear { .. } | Output::Mark(_) | Output::Close(_) | Output::Event(_) => {
            if let Some(decision) = Decision::of(output) {
                decision.pack(&mut pack);
            }
        }
    }
    digest.bytes(pack.as_slice());
    true
}

//! One call of the fleet without socket or clock: frames out, bytes in, both through one scratch buffer.
//!
//! It does what [`crate::twilio::stream`] and [`crate::caller`] do together, at a hundredth of their cost: no sound is
//! decoded, nothing is allocated for a frame.

use super::buffer::{Buffer, Fate};
use super::diary::{Diary, Entry};
use super::measures::Measures;
use super::mind::{Begins, Judged, Mind, Verdict};
use super::outbound::{Outbound, Said};
use super::read::{Broken, Reader, Received};
use super::voice::Voices;
use super::worst::Bad;
use super::write::{self, Opcode};
use crate::rng::Rng;
use crate::time::Micros;
use crate::twilio::ids::Sids;
use crate::twilio::message;
use crate::twilio::stream::FRAME;

/// Frames between two pings of one call: 10 s. Each has 10 s to be answered.
const PING_FRAMES: u64 = 500;
/// The same behind a stall: 0.5 s.
const PING_FRAMES_STALLED: u64 = 25;

/// What all calls share.
#[derive(Debug)]
pub struct Shared {
    /// What can be said.
    pub voices: Voices,
    /// What was seen.
    pub measures: Measures,
}

/// How a stream ended that we did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The server closed the WebSocket.
    Closed(Option<u16>),
    /// The server broke the protocol.
    Broken(Broken),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed(Some(code)) => write!(f, "the server closed the stream with code {code}"),
            Self::Closed(None) => write!(f, "the server closed the stream without a code"),
            Self::Broken(broken) => write!(f, "the server broke the WebSocket protocol: {broken}"),
        }
    }
}

/// One call.
#[derive(Debug)]
pub struct Call {
    sids: Sids,
    /// The first frame is due 20 ms later, and every 20 ms from there.
    started: Micros,
    /// When `start` was really sent.
    start_sent: Micros,
    frames: u64,
    sequence: u64,
    keys: Rng,
    reader: Reader,
    outbound: Outbound,
    buffer: Buffer,
    mind: Mind,
    heard_anything: bool,
    audible: bool,
    last_sent: Micros,
    pinged: Option<Micros>,
    ping_phase: u64,
    diary: Diary,
    ended: Option<Ended>,
}

impl Call {
    /// A call whose schedule begins at `started`; writes `connected` and `start`, which go out at `now`.
    pub fn start(now: Micros, started: Micros, plan: Begin, shared: &Shared, out: &mut Vec<u8>) -> Self {
        let mut keys = Rng::new(plan.seed);
        let start = message::start(1, &plan.sids, &plan.stream_sid, &plan.parameters);
        for text in [message::connected(), start] {
            write::frame(out, Opcode::Text, key(&mut keys), |out| out.extend_from_slice(text.as_bytes()));
        }
        let mind = Mind::new(keys.next_u64(), &shared.voices, now);
        let ping_phase = keys.below(PING_FRAMES);
        Self {
            sids: plan.sids,
            started,
            start_sent: now,
            frames: 0,
            sequence: 1,
            keys,
            reader: Reader::default(),
            outbound: Outbound::new(plan.stream_sid),
            buffer: Buffer::default(),
            mind,
            heard_anything: false,
            audible: false,
            last_sent: now,
            pinged: None,
            ping_phase,
            diary: Diary::default(),
            ended: None,
        }
    }

    /// Account and call.
    #[must_use]
    pub const fn sids(&self) -> &Sids {
        &self.sids
    }

    /// When its schedule began.
    #[must_use]
    pub const fn started(&self) -> Micros {
        self.started
    }

    /// When its next frame is due.
    #[must_use]
    pub const fn frame_due(&self) -> Micros {
        Micros(self.started.0 + (self.frames + 1) * FRAME.0)
    }

    /// Writes the frame that is due; it goes out at `now`.
    pub fn frame(&mut self, now: Micros, shared: &mut Shared, out: &mut Vec<u8>) {
        let due = self.frame_due();
        let act = self.mind.frame(due, self.buffer.dry_at(), self.audible, &shared.voices);
        self.sequence += 1;
        let (sequence, frames, sid) = (self.sequence, self.frames, self.outbound.sid());
        write::frame(out, Opcode::Text, key(&mut self.keys), |out| {
            write::media(out, sequence, frames, act.payload, sid);
        });
        self.frames += 1;
        self.last_sent = now;
        shared.measures.sent(now.since(due));
        let (begins, verdict, digit) = (act.begins, act.verdict, act.digit);
        if let Some(Begins { onset, offset, .. }) = begins {
            self.diary.note(Entry::Caller { from: onset, to: offset });
        }
        if let Some(verdict) = verdict {
            shared.measures.judged(verdict);
            if let Verdict::Missed { .. } = verdict {
                self.diary.note(Entry::Missed { at: now });
                self.blame(Bad::Missed, now, shared);
            }
        }
        if let Some(digit) = digit {
            self.diary.note(Entry::Key { at: now });
            self.sequence += 1;
            let text = message::dtmf(self.sequence, digit, self.outbound.sid());
            self.text(&text, out);
            if let Some(counts) = shared.measures.count() {
                counts.digits += 1;
            }
        }
        self.ping(now, shared, out);
    }

    /// Takes what the socket brought at `now`; writes what answers it. Marks that will fall due go to `due`.
    ///
    /// # Errors
    /// [`Ended`]: the stream is over.
    pub fn receive(
        &mut self,
        now: Micros,
        bytes: &[u8],
        shared: &mut Shared,
        out: &mut Vec<u8>,
        due: &mut dyn FnMut(Micros),
    ) -> Result<(), Ended> {
        let mut reader = std::mem::take(&mut self.reader);
        let fed = reader.feed(bytes, &mut |received| self.handle(now, received, shared, out, due));
        self.reader = reader;
        fed.map_err(Ended::Broken)?;
        self.ended.map_or(Ok(()), Err)
    }

    /// Echoes the marks that are due at `now`.
    pub fn play(&mut self, now: Micros, shared: &mut Shared, out: &mut Vec<u8>) {
        while let Some(name) = self.buffer.played(now) {
            self.echo(&name, out);
            if let Some(counts) = shared.measures.count() {
                counts.marks_played += 1;
            }
        }
    }

    /// Writes the last words: `stop`, and the WebSocket's close.
    pub fn hang_up(&mut self, out: &mut Vec<u8>) {
        self.sequence += 1;
        let text = message::stop(self.sequence, &self.sids, self.outbound.sid());
        self.text(&text, out);
        write::frame(out, Opcode::Close, key(&mut self.keys), |out| out.extend_from_slice(&1_000_u16.to_be_bytes()));
    }

    fn handle(
        &mut self,
        now: Micros,
        received: Received<'_>,
        shared: &mut Shared,
        out: &mut Vec<u8>,
        due: &mut dyn FnMut(Micros),
    ) {
        match received {
            Received::Text(text) => match self.outbound.read(text) {
                Ok(Said::Media { samples, audible }) => self.media(now, samples, audible, shared),
                Ok(Said::Mark(name)) => self.mark(now, name, shared, out, due),
                Ok(Said::Clear) => self.clear(now, shared, out),
                Err(invalid) => shared.measures.refused(|| format!("31951: {invalid}")),
            },
            Received::Binary(bytes) => {
                shared.measures.refused(|| format!("31950: a binary message of {} bytes", bytes.len()));
            }
            Received::Ping(content) => {
                write::frame(out, Opcode::Pong, key(&mut self.keys), |out| out.extend_from_slice(content));
            }
            Received::Pong(_) => {
                if let Some(pinged) = self.pinged.take() {
                    shared.measures.ponged(now, now.since(pinged));
                }
            }
            Received::Close(code) => {
                let answer = code.unwrap_or(1_000).to_be_bytes();
                write::frame(out, Opcode::Close, key(&mut self.keys), |out| out.extend_from_slice(&answer));
                self.ended = Some(Ended::Closed(code));
            }
        }
    }

    fn media(&mut self, now: Micros, samples: u64, audible: bool, shared: &mut Shared) {
        if !std::mem::replace(&mut self.heard_anything, true) {
            let took = now.since(self.start_sent);
            shared.measures.first_audio.add(took);
            self.blame(Bad::FirstAudio(took), now, shared);
        }
        self.audible = audible;
        let from = self.buffer.dry_at().max(now);
        let gap = self.buffer.media(now, samples);
        if audible {
            self.diary.heard(from, self.buffer.dry_at());
        }
        if let Some(counts) = shared.measures.count() {
            counts.media += 1;
            if gap > Micros::ZERO {
                counts.gaps += 1;
                shared.measures.gap.add(gap);
                self.diary.note(Entry::Gap { from: now - gap, to: now });
            }
        }
    }

    fn mark(&mut self, now: Micros, name: String, shared: &mut Shared, out: &mut Vec<u8>, due: &mut dyn FnMut(Micros)) {
        match self.buffer.mark(now, name) {
            Fate::Echo(name) => {
                self.echo(&name, out);
                if let Some(counts) = shared.measures.count() {
                    counts.marks_played += 1;
                }
            }
            Fate::Due(at) => due(at),
            Fate::Refused => shared.measures.refused(|| "31951: too many marks wait".into()),
        }
    }

    fn clear(&mut self, now: Micros, shared: &mut Shared, out: &mut Vec<u8>) {
        let (lost, marks) = self.buffer.clear(now);
        let judged = self.mind.cleared(now, lost);
        shared.measures.cleared(now, now.since(self.last_sent), judged);
        self.diary.cleared(now, judged);
        match judged {
            Judged::Interruption { onset, .. } => self.blame(Bad::Late(now.since(onset)), now, shared),
            Judged::Unprovoked => self.blame(Bad::FalseStop, now, shared),
            Judged::Provoked => {}
        }
        if let Some(counts) = shared.measures.count() {
            counts.marks_cleared += marks.len() as u64;
        }
        for (_, name) in marks {
            self.echo(&name, out);
        }
    }

    /// Something came out badly; if badly enough, the call is kept as one of the worst.
    fn blame(&self, bad: Bad, now: Micros, shared: &mut Shared) {
        let is_measured = shared.measures.count().is_some();
        if is_measured || matches!(bad, Bad::FirstAudio(_)) {
            shared.measures.worst.offer(bad, now, &self.sids.call, self.started, &self.diary);
        }
    }

    fn ping(&mut self, now: Micros, shared: &mut Shared, out: &mut Vec<u8>) {
        let every = if shared.measures.is_stalled(now) { PING_FRAMES_STALLED } else { PING_FRAMES };
        if !(self.frames + self.ping_phase).is_multiple_of(every) {
            return;
        }
        if self.pinged.replace(now).is_some()
            && let Some(counts) = shared.measures.count()
        {
            counts.pings_lost += 1;
        }
        write::frame(out, Opcode::Ping, key(&mut self.keys), |_| ());
    }

    fn echo(&mut self, name: &str, out: &mut Vec<u8>) {
        self.sequence += 1;
        let text = message::mark(self.sequence, name, self.outbound.sid());
        self.text(&text, out);
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        write::frame(out, Opcode::Text, key(&mut self.keys), |out| out.extend_from_slice(text.as_bytes()));
    }
}

/// What a call begins with.
#[derive(Debug)]
pub struct Begin {
    /// Account and call.
    pub sids: Sids,
    /// `MZ…`
    pub stream_sid: String,
    /// The `<Parameter>`s of the TwiML.
    pub parameters: Vec<(String, String)>,
    /// Everything random about this call.
    pub seed: u64,
}

fn key(rng: &mut Rng) -> u32 {
    u32::try_from(rng.next_u64() >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests;

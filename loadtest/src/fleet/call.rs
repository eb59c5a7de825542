//! One call of the fleet without socket or clock: frames out, bytes in, both through one scratch buffer.
//!
//! It does what [`crate::twilio::stream`] and [`crate::caller`] do together, at a hundredth of their cost: no sound is
//! decoded, nothing is allocated for a frame.

use super::buffer::{Buffer, Fate};
use super::measures::Measures;
use super::mind::Mind;
use super::outbound::{Outbound, Said};
use super::read::{Broken, Reader, Received};
use super::voice::Voices;
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
        if let Some(verdict) = act.verdict {
            shared.measures.judged(verdict);
        }
        if let Some(digit) = act.digit {
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
            shared.measures.first_audio.add(now.since(self.start_sent));
        }
        self.audible = audible;
        let gap = self.buffer.media(now, samples);
        if let Some(counts) = shared.measures.count() {
            counts.media += 1;
            if gap > Micros::ZERO {
                counts.gaps += 1;
                shared.measures.gap.add(gap);
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
        if let Some(counts) = shared.measures.count() {
            counts.marks_cleared += marks.len() as u64;
        }
        for (_, name) in marks {
            self.echo(&name, out);
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
mod tests {
    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    use super::*;

    struct Line {
        call: Call,
        shared: Shared,
        now: Micros,
        due: Vec<Micros>,
        out: Vec<u8>,
    }

    fn line() -> Line {
        let voices = Voices::load(&["en/im-sorry".into()], 1).unwrap();
        let mut shared = Shared { measures: Measures::new(voices.clips.len()), voices };
        shared.measures.open();
        let sids = Sids { account: "AC1".into(), call: "CA1".into() };
        let begin = Begin { sids, stream_sid: "MZ1".into(), parameters: Vec::new(), seed: 7 };
        let now = Micros::from_ms(1_000);
        let mut out = Vec::new();
        let call = Call::start(now, now, begin, &shared, &mut out);
        Line { call, shared, now, due: Vec::new(), out }
    }

    impl Line {
        fn frame(&mut self) {
            self.now = self.call.frame_due();
            self.call.frame(self.now, &mut self.shared, &mut self.out);
        }

        fn hear(&mut self, text: &str) -> Result<(), Ended> {
            let mut peer = WebSocket::from_raw_socket(std::io::Cursor::new(Vec::new()), Role::Server, None);
            peer.send(Message::text(text)).unwrap();
            let bytes = peer.get_ref().get_ref().clone();
            let due = &mut |at| self.due.push(at);
            self.call.receive(self.now, &bytes, &mut self.shared, &mut self.out, due)
        }

        fn sent(&mut self) -> Vec<Message> {
            let bytes = std::mem::take(&mut self.out);
            let mut peer = WebSocket::from_raw_socket(std::io::Cursor::new(bytes), Role::Server, None);
            std::iter::from_fn(|| peer.read().ok()).collect()
        }
    }

    fn sound(ms: usize) -> String {
        let payload = "AAAA".repeat(ms * 8 / 3);
        format!(r#"{{"event":"media","streamSid":"MZ1","media":{{"payload":"{payload}"}}}}"#)
    }

    #[test]
    fn it_starts_and_counts_as_a_carrier_does() {
        let mut line = line();
        (0..3).for_each(|_| line.frame());
        let texts: Vec<String> = line.sent().iter().filter(|m| m.is_text()).map(ToString::to_string).collect();
        assert!(texts[0].contains("connected") && texts[1].contains(r#""event":"start","sequenceNumber":"1""#));
        assert!(texts[2].contains(r#""sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"0""#));
        assert!(texts[4].contains(r#""sequenceNumber":"4","media":{"track":"inbound","chunk":"3","timestamp":"40""#));
        assert_eq!(line.shared.measures.counts.frames, 3);
    }

    #[test]
    fn speech_is_cleared_and_its_marks_go_back_with_the_measured_time() {
        let mut line = line();
        while line.shared.measures.clear.figures().count == 0 {
            line.frame();
            line.call.play(line.now, &mut line.shared, &mut line.out);
            if line.now.0.is_multiple_of(1_000_000) {
                line.hear(&sound(999)).unwrap();
                line.hear(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"end"}}"#).unwrap();
            }
            assert!(line.now < Micros::from_ms(60_000));
            // A detector that needs the frame with the onset and four more.
            line.now += Micros::from_ms(1);
            if line.call.mind.interrupting_since().is_some_and(|onset| line.now > onset + Micros::from_ms(80)) {
                line.sent();
                line.hear(r#"{"event":"clear","streamSid":"MZ1"}"#).unwrap();
            }
        }
        let clear = line.shared.measures.clear.figures().max_ms;
        assert!((80.0..=101.5).contains(&clear), "{clear}");
        assert!((line.shared.measures.share.figures().max_ms - 1.0).abs() < 0.01);
        assert_eq!(line.sent().len(), 1, "the mark");
        assert_eq!(line.shared.measures.counts.marks_cleared, 1);
    }

    #[test]
    fn marks_go_back_when_they_were_played() {
        let mut line = line();
        line.sent();
        line.hear(&sound(300)).unwrap();
        line.hear(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"end"}}"#).unwrap();
        assert_eq!(line.due, [line.now + Micros::from_ms(300)]);
        line.call.play(line.due[0] - Micros(1), &mut line.shared, &mut line.out);
        assert!(line.sent().is_empty());
        line.call.play(line.due[0], &mut line.shared, &mut line.out);
        assert!(line.sent()[0].to_string().contains(r#""mark":{"name":"end"}"#));
        line.hear(r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"late"}}"#).unwrap();
        assert_eq!(line.due.len(), 2, "sound still waits by the clock of the line");
    }

    #[test]
    fn a_close_is_answered_and_ends_the_call_and_refusals_are_counted() {
        let mut line = line();
        line.hear("nonsense").unwrap();
        assert_eq!(line.shared.measures.counts.refused, 1);
        assert!(line.shared.measures.first_refused.as_ref().unwrap().starts_with("31951"));
        line.sent();
        let closed = line.call.receive(line.now, &[0x88, 2, 3, 0xE9], &mut line.shared, &mut line.out, &mut |_| ());
        assert_eq!(closed, Err(Ended::Closed(Some(1_001))));
        assert!(line.sent()[0].is_close());
    }

    #[test]
    fn pings_are_timed() {
        let mut line = line();
        (0..PING_FRAMES).for_each(|_| line.frame());
        assert_eq!(line.sent().iter().filter(|m| m.is_ping()).count(), 1);
        line.now += Micros::from_ms(3);
        line.call.receive(line.now, &[0x8A, 0], &mut line.shared, &mut line.out, &mut |_| ()).unwrap();
        assert_eq!(line.shared.measures.ping.figures().count, 1);
    }
}

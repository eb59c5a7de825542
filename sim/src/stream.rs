//! One stream of a world: the server's end, the agent, both ways of the connection, and what the caller heard of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

use agent::Desk;
use base64::Engine as _;
use base64::engine::{GeneralPurposeConfig, Simd};
use engine::audio::frame::Frame;
use engine::port::{AgentPort, UtteranceId};
use engine::stepped::{Said, SteppedStream, SteppedWorker, Told};
use engine::time::Instant;
use engine::turn::TurnParams;
use engine::wire::Outbound;
use engine::{Admission, EndReport, Gate};

use crate::check::{Checks, Message};
use crate::dye;
use crate::lane::{Lane, Letter, Parcel};
use crate::mind::Mind;
use crate::talk::Talk;
use crate::truth::Truth;
use crate::wire::{Decoder, Sent};

/// The sound in a message.
static BASE64: LazyLock<Simd> = LazyLock::new(|| Simd::standard(GeneralPurposeConfig::new()));

/// Bytes that kernels and network hold between server and carrier before a write must wait.
const WINDOW: usize = 48 * 1024;

/// Whether anybody was woken.
pub type Anybody = Arc<AtomicBool>;

/// Remembers that it was woken.
#[derive(Debug)]
struct Flag {
    woken: AtomicBool,
    anybody: Anybody,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.anybody.store(true, Ordering::Relaxed);
    }
}

/// A task as its runtime knows it.
#[derive(Debug)]
pub struct Task {
    flag: Arc<Flag>,
    /// What wakes it.
    pub waker: Waker,
}

impl Task {
    /// One that sleeps.
    #[must_use]
    pub fn new(anybody: Anybody) -> Self {
        let flag = Arc::new(Flag { woken: AtomicBool::new(false), anybody });
        Self { waker: Waker::from(flag.clone()), flag }
    }

    /// Whether it was woken since it was last asked.
    pub fn was_woken(&self) -> bool {
        self.flag.woken.load(Ordering::Relaxed) && self.flag.woken.swap(false, Ordering::Relaxed)
    }
}

/// What the engine hands out when it admits a stream, and when the stream is over.
#[derive(Default)]
struct Handed {
    port: Option<AgentPort>,
    report: Option<EndReport>,
}

/// A stream.
pub struct Stream {
    /// Whose.
    pub call: usize,
    /// The server's end.
    pub socket: SteppedStream,
    /// Its task.
    pub task: Task,
    /// When that will next do something, as far as that is arranged.
    pub steps_at: Option<Instant>,
    /// When something next arrives at the carrier, as far as that is arranged.
    pub arrives_at: Option<Instant>,
    /// The caller's sound, where there is no wire.
    pub talk: Option<Talk>,
    /// When the server next reads something, where there is no wire.
    pub reads_at: Instant,
    /// The way to the server.
    pub inward: Lane,
    /// The way to the carrier.
    pub outward: Lane,
    /// The agent, while there is one.
    pub mind: Option<Mind>,
    /// Its task.
    pub mind_task: Task,
    /// When it will next look, as far as that is arranged.
    pub looks_at: Option<Instant>,
    /// When it wants to be told the time.
    pub timer: Option<Instant>,
    /// Where it leaves word.
    pub desk: Desk,
    /// What the caller heard.
    pub truth: Truth,
    /// What is watched.
    pub checks: Checks,
    /// The carrier's end is open.
    pub caller_open: bool,
    /// Nothing has gone wrong with the connection.
    pub stands: bool,
    /// The engine admitted it.
    pub admitted: bool,
    /// The agent was told of the end.
    pub told_end: bool,
    /// Its end was reported.
    pub reported: bool,
    /// When `start` came.
    pub started_at: Option<Instant>,
    /// What the server has written.
    written: Decoder,
    last_utterance: UtteranceId,
    unread: Unread,
    handed: Arc<Mutex<Handed>>,
}

/// What has arrived at the server and was not taken: whether each is a frame of the caller's.
#[derive(Debug, Default)]
struct Unread {
    parcels: VecDeque<bool>,
    taken: u64,
    frames_taken: u64,
}

impl Stream {
    /// A stream whose upgrade has just been answered.
    #[must_use]
    pub fn new(
        now: Instant,
        call: usize,
        worker: &SteppedWorker,
        lanes: [Lane; 2],
        anybody: &Anybody,
        checks: Checks,
    ) -> Self {
        let handed = Arc::new(Mutex::new(Handed::default()));
        let socket = SteppedStream::new(now, worker, gate(&handed));
        let [inward, outward] = lanes;
        Self {
            call,
            socket,
            task: Task::new(anybody.clone()),
            steps_at: None,
            arrives_at: None,
            talk: None,
            reads_at: Instant::from_micros(u64::MAX),
            inward,
            outward,
            mind: None,
            mind_task: Task::new(anybody.clone()),
            looks_at: None,
            timer: None,
            desk: Desk::new(),
            truth: Truth::default(),
            checks,
            caller_open: true,
            stands: true,
            admitted: false,
            told_end: false,
            reported: false,
            started_at: None,
            written: Decoder::default(),
            last_utterance: UtteranceId(0),
            unread: Unread::default(),
            handed,
        }
    }

    /// What has arrived at the server by now; gives whether anything did.
    pub fn deliver_inward(&mut self, now: Instant) -> bool {
        let mut any = false;
        while let Some(parcel) = self.inward.arrived(now) {
            any = true;
            match parcel {
                Parcel::Bytes(bytes, is_frame) => self.receive(&bytes, is_frame),
                Parcel::Letter(_) | Parcel::Frame(_) | Parcel::Told(_) => {}
                Parcel::End => self.socket.peer_gone(),
            }
        }
        any
    }

    /// Bytes have come to the server; whether they are a frame of the caller's.
    pub fn receive(&mut self, bytes: &[u8], is_frame: bool) {
        self.unread.parcels.push_back(is_frame);
        self.socket.receive(bytes);
    }

    /// The server is told something without a wire; whether it has taken it.
    pub fn tell(&mut self, now: Instant, told: Told) -> bool {
        let is_frame = matches!(told, Told::Frame { .. });
        let taken = self.socket.tell(now, told);
        self.unread.came(is_frame, self.socket.taken());
        taken
    }

    /// The server's end does what it can; what it writes is added to `letters`.
    pub fn step(&mut self, now: Instant, worker: &SteppedWorker, letters: &mut Vec<Letter>) {
        let room = WINDOW.saturating_sub(self.outward.bytes + self.written.waiting());
        if self.talk.is_some() {
            let last = &mut self.last_utterance;
            let said = |said: Said<'_>| letters.push(letter(said, last));
            self.socket.step_values(now, worker, &self.task.waker, room > 0, said);
        } else {
            let written = &mut self.written;
            self.socket.step(now, worker, &self.task.waker, room, |bytes| written.push(bytes));
        }
        self.unread.take(self.socket.taken());
        while let Some((sent, bytes)) = self.written.pop() {
            if let Some(message) = message(&sent, &mut self.last_utterance) {
                let text = if let Sent::Text(text) = sent { Some(text) } else { None };
                letters.push(Letter { message, text, audible: true, bytes });
            }
        }
    }

    /// Whether `start`, the second message, has arrived.
    #[must_use]
    pub fn has_start(&self) -> bool {
        self.unread.taken + self.unread.parcels.len() as u64 >= 2
    }

    /// Frames of the caller's that the server has taken.
    #[must_use]
    pub fn frames_taken(&self) -> u64 {
        self.unread.frames_taken
    }

    /// The connection broke: neither side hears of the other again.
    pub fn reset(&mut self, now: Instant) {
        self.stands = false;
        self.inward.die(now);
        self.outward.die(now);
        self.socket.reset();
    }

    /// The port, once.
    pub fn take_port(&self) -> Option<AgentPort> {
        self.handed().port.take()
    }

    /// The engine's last word, once.
    pub fn take_report(&self) -> Option<EndReport> {
        self.handed().report.take()
    }

    /// Time for which nothing has to be done for the server's end.
    #[must_use]
    pub fn wakes_by_itself_at(&self) -> Option<Instant> {
        self.socket.deadline()
    }

    /// Whether nothing more can come of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.socket.is_over() && self.mind.is_none() && !self.caller_open && (self.reported || !self.admitted)
    }

    fn handed(&self) -> std::sync::MutexGuard<'_, Handed> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unread {
    /// Something has come; so many have been taken in all, mostly this as well.
    fn came(&mut self, is_frame: bool, taken: u64) {
        if self.parcels.is_empty() && taken > self.taken {
            self.taken += 1;
            self.frames_taken += u64::from(is_frame);
        } else {
            self.parcels.push_back(is_frame);
            self.take(taken);
        }
    }

    /// So many have been taken in all.
    fn take(&mut self, taken: u64) {
        while self.taken < taken
            && let Some(is_frame) = self.parcels.pop_front()
        {
            self.taken += 1;
            self.frames_taken += u64::from(is_frame);
        }
    }
}

/// Admits everybody for whom there is room.
fn gate(handed: &Arc<Mutex<Handed>>) -> Gate {
    let (at_start, at_end) = (handed.clone(), handed.clone());
    let lock = |handed: &Mutex<Handed>, change: &mut dyn FnMut(&mut Handed)| {
        change(&mut handed.lock().unwrap_or_else(PoisonError::into_inner));
    };
    Box::new(move |_| {
        Ok(Admission {
            turn: TurnParams::default(),
            capture: None,
            agent: Box::new(move |port| {
                let mut port = Some(port);
                lock(&at_start, &mut |handed| handed.port = port.take());
            }),
            on_end: Box::new(move |report| lock(&at_end, &mut |handed| handed.report = Some(report))),
        })
    })
}

/// What a message of the server's says; `last` is the utterance that undyed sound belongs to.
fn message(sent: &Sent, last: &mut UtteranceId) -> Option<Message> {
    let text = match sent {
        Sent::Close(code) => return Some(Message::Close(*code)),
        Sent::Other => return None,
        Sent::Text(text) => text,
    };
    let after = |key: &str| {
        let rest = &text[text.find(key)? + key.len()..];
        Some(&rest[..rest.find('"')?])
    };
    match after("\"event\":\"")? {
        "media" => {
            let sound = BASE64.decode(after("\"payload\":\"")?).ok()?;
            Some(Message::Media(parts(&sound, last)))
        }
        "mark" => Some(Message::Mark(after("\"name\":\"")?.to_owned())),
        "clear" => Some(Message::Clear),
        _ => None,
    }
}

/// What the server says without a wire.
fn letter(said: Said<'_>, last: &mut UtteranceId) -> Letter {
    let (message, bytes) = match said {
        Said::Message(Outbound::Media(frames)) => {
            let audible = frames.iter().any(is_audible);
            let sound: usize = frames.iter().map(Frame::samples).sum();
            let mut parts = Vec::with_capacity(2);
            frames.iter().for_each(|frame| add_part(&mut parts, frame.bytes(), last));
            return Letter { message: Message::Media(parts), text: None, audible, bytes: sound * 4 / 3 + 100 };
        }
        Said::Message(Outbound::Mark(name)) => (Message::Mark(name.to_string()), 100),
        Said::Message(Outbound::Clear) => (Message::Clear, 70),
        Said::Close(code) => (Message::Close(code), 4),
    };
    Letter { message, text: None, audible: false, bytes }
}

/// By its labels: what is dyed is a voice, and so is what is not silent where a label stands.
fn is_audible(frame: &Frame) -> bool {
    const LABELS: usize = 80;
    frame.bytes().iter().step_by(LABELS).any(|code| code & 0x7F != 0x7F)
}

/// Frame by frame: of which utterance, how many samples. The last frame of an utterance may be short, and what is too
/// short to be dyed belongs to what was before it.
fn parts(sound: &[u8], last: &mut UtteranceId) -> Vec<(UtteranceId, u64)> {
    const FRAME: usize = 160;
    let mut parts: Vec<(UtteranceId, u64)> = Vec::new();
    let mut at = 0;
    while at < sound.len() {
        let end = (at + FRAME).min(sound.len());
        let begins = |&next: &usize| dye::read(&sound[next..]).is_some();
        let next = if begins(&end) { end } else { (at + 1..end).find(begins).unwrap_or(end) };
        add_part(&mut parts, &sound[at..next], last);
        at = next;
    }
    parts
}

fn add_part(parts: &mut Vec<(UtteranceId, u64)>, frame: &[u8], last: &mut UtteranceId) {
    let utterance = match dye::read(frame) {
        Some((utterance, _)) => utterance,
        None if frame.len() < dye::DYED => *last,
        None => UtteranceId(0),
    };
    *last = utterance;
    match parts.last_mut() {
        Some((of, samples)) if *of == utterance => *samples += frame.len() as u64,
        _ => parts.push((utterance, frame.len() as u64)),
    }
}

/// How long a connection that is dead stays unnoticed: by the server, whose data is not acknowledged, and by the carrier.
pub const UNNOTICED: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(13)];

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("call", &self.call).field("socket", &self.socket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn short_last_frames_are_told_from_what_follows_them() {
        let (one, two) = (UtteranceId(1), UtteranceId(2));
        let sound: Vec<u8> = [(one, 250), (two, 165), (UtteranceId(3), 40)]
            .iter()
            .flat_map(|&(id, n)| dye::dye(id, Bytes::from(vec![0x90; n])))
            .collect();
        let mut last = UtteranceId(0);
        assert_eq!(parts(&sound, &mut last), [(one, 250), (two, 165), (UtteranceId(3), 40)]);
        assert_eq!(last, UtteranceId(3));
        assert_eq!(parts(&[0x33; 200], &mut last), [(UtteranceId(0), 200)]);
    }
}

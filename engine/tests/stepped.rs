//! A stream on a stepped worker: what a worker or a socket that is late makes of a call.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use engine::port::{AgentEvent, AgentPort, EndCause, Say};
use engine::stepped::{Ears, Said, SteppedStream, SteppedWorker, Told};
use engine::time::Instant;
use engine::turn::TurnParams;
use engine::{Admission, EndReport};

const STREAM: &str = "MZ0123456789abcdef0123456789abcdef";

/// A message as a client sends it, with a mask of zeros.
fn framed(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short message").to_be_bytes();
    [&[0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0], text.as_bytes()].concat()
}

fn start() -> Vec<u8> {
    framed(&format!(
        r#"{{"event":"start","streamSid":"{STREAM}","start":{{"accountSid":"AC1","callSid":"CA1","streamSid":"{STREAM}"}}}}"#
    ))
}

fn media(n: u64) -> Vec<u8> {
    let (stamp, payload) = (n * 20, "/".repeat(213) + "w==");
    framed(&format!(
        r#"{{"event":"media","streamSid":"{STREAM}","media":{{"track":"inbound","chunk":"{n}","timestamp":"{stamp}","payload":"{payload}"}}}}"#
    ))
}

#[test]
fn what_was_lost_before_the_stop_is_told_before_it() {
    let mut worker = SteppedWorker::new(1, Ears::Labels);
    let (ends, end) = mpsc::channel::<EndReport>();
    let admission = Admission {
        turn: TurnParams::default(),
        capture: None,
        agent: Box::new(std::mem::forget),
        on_end: Box::new(move |report| ends.send(report).expect("somebody waits")),
    };
    let mut now = Instant::from_millis(1_000);
    let mut stream = SteppedStream::new(now, &worker, Box::new(move |_| Ok(admission)));
    stream.receive(&start());
    (0..40).for_each(|n| stream.receive(&media(n)));
    stream.receive(&framed(&format!(r#"{{"event":"stop","streamSid":"{STREAM}","stop":{{}}}}"#)));
    // The worker ticks only when the reader has lost its patience, dropped what found no place and read the stop.
    for _ in 0..200 {
        stream.step(now, &worker, Waker::noop(), usize::MAX, |_| {});
        now += Duration::from_millis(1);
    }
    stream.peer_gone();
    for _ in 0..3 {
        worker.tick(now);
        worker.answer_bells();
        stream.step(now, &worker, Waker::noop(), usize::MAX, |_| {});
        now += Duration::from_millis(1);
    }
    let report = end.try_recv().expect("the call is over");
    let (arrived, lost) = (report.progress.frames_in, report.progress.quality.frames_lost);
    assert_eq!((report.cause, arrived + lost), (EndCause::CarrierStopped, 40));
    assert!(lost > 0, "nothing was lost");
}

#[test]
fn without_a_wire_frames_find_the_same_places_and_are_counted_in_the_same_way() {
    let mut worker = SteppedWorker::new(1, Ears::Labels);
    let (ends, end) = mpsc::channel::<EndReport>();
    let admission = Admission {
        turn: TurnParams::default(),
        capture: None,
        agent: Box::new(std::mem::forget),
        on_end: Box::new(move |report| ends.send(report).expect("somebody waits")),
    };
    let mut now = Instant::from_millis(1_000);
    let mut stream = SteppedStream::new(now, &worker, Box::new(move |_| Ok(admission)));
    stream.receive(&start());
    let mut said = Vec::new();
    stream.step_values(now, &worker, Waker::noop(), true, |_| {});
    for n in 0..40 {
        let taken = stream.tell(now, Told::Frame { voiced: [true; 2], stamp_ms: n * 20 });
        assert_eq!(taken, n < 9, "frame {n}: the reader waits for room of four frames");
    }
    assert!(!stream.tell(now, Told::Stop));
    for _ in 0..200 {
        stream.step_values(now, &worker, Waker::noop(), true, |_| {});
        now += Duration::from_millis(1);
    }
    stream.peer_gone();
    for _ in 0..3 {
        worker.tick(now);
        worker.answer_bells();
        stream.step_values(now, &worker, Waker::noop(), true, |word| {
            said.extend(if let Said::Close(code) = word { Some(code) } else { None });
        });
        now += Duration::from_millis(1);
    }
    let report = end.try_recv().expect("the call is over");
    let (arrived, lost) = (report.progress.frames_in, report.progress.quality.frames_lost);
    assert_eq!((report.cause, arrived + lost, stream.taken()), (EndCause::CarrierStopped, 40, 42));
    assert!(lost > 0, "nothing was lost");
    assert_eq!(said, [1000]);
}

/// Remembers that it was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An agent as its runtime sees it: it looks at its port only when it was woken.
struct Agent {
    port: AgentPort,
    flag: Arc<Flag>,
}

impl Agent {
    fn look(&mut self) -> Vec<AgentEvent> {
        let waker = Waker::from(self.flag.clone());
        let mut events = Vec::new();
        while let Poll::Ready(event) = pin!(self.port.next()).as_mut().poll(&mut Context::from_waker(&waker)) {
            events.push(event);
        }
        events
    }

    fn look_if_woken(&mut self) -> Vec<AgentEvent> {
        if self.flag.0.swap(false, Ordering::Relaxed) { self.look() } else { Vec::new() }
    }
}

#[test]
fn an_agent_that_stops_itself_is_heard_again_however_late_the_socket_is() {
    let mut worker = SteppedWorker::new(1, Ears::Labels);
    let (ports, port) = mpsc::channel();
    let admission = Admission {
        turn: TurnParams::default(),
        capture: None,
        agent: Box::new(move |port| ports.send(port).expect("somebody waits")),
        on_end: Box::new(|_| {}),
    };
    let mut now = Instant::from_millis(1_000);
    let mut stream = SteppedStream::new(now, &worker, Box::new(move |_| Ok(admission)));
    stream.receive(&start());
    stream.step(now, &worker, Waker::noop(), usize::MAX, |_| {});
    let mut agent = Agent { port: port.recv().expect("an admitted stream"), flag: Arc::default() };
    let mut tick = |worker: &mut SteppedWorker, agent: &mut Agent| {
        now += Duration::from_millis(1);
        worker.tick(now);
        worker.answer_bells();
        (now, agent.look_if_woken())
    };
    agent.look();
    tick(&mut worker, &mut agent);
    agent.port.say(Bytes::from(vec![0x10; 80_000]), Say::default()).expect("room");
    agent.look();
    // The socket takes nothing, so what was said fills all rings.
    (0..20).for_each(|_| drop(tick(&mut worker, &mut agent)));
    agent.port.stop_speaking();
    agent.port.say(Bytes::from(vec![0x20; 1_600]), Say::default()).expect("room");
    agent.look();
    (0..20).for_each(|_| drop(tick(&mut worker, &mut agent)));
    // Now it does.
    let mut sent = Vec::new();
    for _ in 0..20 {
        let (now, _) = tick(&mut worker, &mut agent);
        stream.step(now, &worker, Waker::noop(), usize::MAX, |bytes| sent.extend_from_slice(bytes));
    }
    // In base64, eight samples of 0x20 in a row.
    let text = String::from_utf8_lossy(&sent);
    assert!(text.contains("ICAgICAg"), "nothing of what was said after the stop: {text:?}");
}

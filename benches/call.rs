//! All of it: 20 ms of so many calls, in both directions, through parser, rings, worker, detector, leg, agent's port and
//! writer; without kernel and threads. The more calls, the less of each is in the processor's cache. Items are calls:
//! 1,000 divided by the `Kitem/s` are the microseconds per call and 20 ms.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use benches::{quiet, voice};
use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use engine::Admission;
use engine::audio::frame::Frame;
use engine::port::{AgentPort, Say};
use engine::stepped::{Ears, SteppedStream, SteppedWorker};
use engine::time::Instant;
use engine::turn::TurnParams;

fn main() {
    divan::main();
}

const SID: &str = "MZ0123456789abcdef0123456789abcdef";
const FRAME: Duration = Duration::from_millis(20);

/// A message as a client sends it, with a mask of zeros.
fn framed(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short message").to_be_bytes();
    [&[0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0], text.as_bytes()].concat()
}

fn media(n: usize, frame: &Frame) -> Vec<u8> {
    let (stamp, payload) = (n * 20, STANDARD.encode(frame.bytes()));
    framed(&format!(
        r#"{{"event":"media","sequenceNumber":"{n}","media":{{"track":"inbound","chunk":"{n}","timestamp":"{stamp}","payload":"{payload}"}},"streamSid":"{SID}"}}"#
    ))
}

struct World {
    now: Instant,
    worker: SteppedWorker,
    calls: Vec<(SteppedStream, AgentPort)>,
    /// What is said for long.
    clip: Bytes,
    line: Vec<Vec<u8>>,
    frames: usize,
    /// Bytes that were sent.
    sent: usize,
}

impl World {
    fn new(calls: usize) -> Self {
        let now = Instant::from_millis(1_000);
        let mut worker = SteppedWorker::new(calls, Ears::Detector);
        let (ports, taken) = mpsc::channel();
        let mut streams: Vec<_> = (0..calls).map(|_| stream(now, &worker, ports.clone())).collect();
        let start = framed(&format!(
            r#"{{"event":"start","streamSid":"{SID}","start":{{"accountSid":"AC1","callSid":"CA1","streamSid":"{SID}"}}}}"#
        ));
        for stream in &mut streams {
            stream.receive(&start);
            stream.step(now, &worker, Waker::noop(), usize::MAX, |_| {});
        }
        worker.tick(now);
        let calls = streams.into_iter().zip(taken.try_iter()).collect();
        let sound: Vec<u8> = voice().iter().flat_map(|frame| frame.bytes().to_vec()).collect();
        // The stamps go on for as long as anybody measures.
        let line = quiet().iter().cycle().take(1_000).enumerate().map(|(n, frame)| media(n, frame)).collect();
        Self { now, worker, calls, clip: sound.repeat(20).into(), line, frames: 0, sent: 0 }
    }

    /// 20 ms of every call.
    fn step(&mut self) {
        let Self { now, worker, calls, clip, line, frames, sent } = self;
        let message = &line[*frames % line.len()];
        *frames += 1;
        *now += FRAME;
        for (stream, port) in calls.iter_mut() {
            stream.receive(message);
            stream.step(*now, worker, Waker::noop(), usize::MAX, |_| {});
            // As often as it is woken.
            if frames.is_multiple_of(8) {
                let _ = pin!(port.next()).poll(&mut Context::from_waker(Waker::noop()));
            }
            if *frames % 1_200 == 1 {
                let _ = port.say(clip.clone(), Say::default());
            }
        }
        worker.tick(*now);
        worker.answer_bells();
        for (stream, _) in calls {
            stream.step(*now, worker, Waker::noop(), usize::MAX, |bytes| *sent += bytes.len());
        }
    }
}

fn stream(now: Instant, worker: &SteppedWorker, ports: mpsc::Sender<AgentPort>) -> SteppedStream {
    let admission = Admission {
        turn: TurnParams::default(),
        capture: None,
        agent: Box::new(move |port| ports.send(port).expect("somebody waits")),
        on_end: Box::new(drop),
    };
    SteppedStream::new(now, worker, Box::new(move |_| Ok(admission)))
}

#[divan::bench(args = [1, 100, 1_000], sample_count = 300)]
fn both_directions(bencher: Bencher<'_, '_>, calls: usize) {
    let mut world = World::new(calls);
    (0..100).for_each(|_| world.step());
    let stats = world.worker.stats();
    assert_eq!((stats.frames_in, stats.barge_ins), (100 * calls as u64, 0));
    assert!(world.sent > 100 * 160 * calls, "{} bytes were sent", world.sent);
    bencher.counter(ItemsCount::new(calls)).bench_local(|| world.step());
}

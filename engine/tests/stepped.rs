//! A stream on a stepped worker: what a worker that is late makes of a call.

use std::sync::mpsc;
use std::task::Waker;
use std::time::Duration;

use engine::port::EndCause;
use engine::stepped::{Ears, SteppedStream, SteppedWorker};
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
        on_end: Box::new(move |report| drop(ends.send(report))),
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

//! Step 1: 20 ms of a caller, as a WebSocket message, become a frame. Budget: 0.9 µs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use benches::voice;
use divan::{Bencher, black_box};
use engine::audio::frame::Frame;
use engine::wire::{Chop, Inbound, twilio};

fn main() {
    divan::main();
}

fn message(n: usize, frame: &Frame) -> Vec<u8> {
    let (sequence, stamp, payload) = (n + 2, n * 20, STANDARD.encode(frame.bytes()));
    format!(
        r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{n}","timestamp":"{stamp}","payload":"{payload}"}},"streamSid":"MZ0123456789abcdef0123456789abcdef"}}"#
    )
    .into_bytes()
}

fn frame(message: &[u8], chop: &mut Chop) -> Option<Frame> {
    let Ok(Inbound::Media(media)) = twilio::parse(message) else { return None };
    let mut last = None;
    media.payload.frames(chop, |frame| last = Some(frame)).ok()?;
    last
}

#[divan::bench(sample_size = 100)]
fn media(bencher: Bencher<'_, '_>) {
    let frames = voice();
    let messages: Vec<_> = frames.iter().enumerate().map(|(n, frame)| message(n, frame)).collect();
    let mut chop = Chop::new();
    for (message, sent) in messages.iter().zip(&frames) {
        assert_eq!(frame(message, &mut chop).as_ref(), Some(sent));
    }
    let mut next = messages.iter().cycle();
    bencher.bench_local(|| frame(black_box(next.next()?), &mut chop));
}

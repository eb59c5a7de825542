//! Step 5: 160 ms of what we say become a message. Budget: 2 µs, eight frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use benches::voice;
use divan::{Bencher, black_box};
use engine::audio::frame::Frame;
use engine::wire::{Outbound, Sid, twilio};

fn main() {
    divan::main();
}

#[divan::bench(sample_size = 100)]
fn a_message_of_eight_frames(bencher: Bencher<'_, '_>) {
    let stream = Sid::parse("MZ0123456789abcdef0123456789abcdef").expect("a sid");
    let frames = voice();
    let mut out = Vec::new();
    twilio::encode(&mut out, &stream, Outbound::Media(&frames[..8]));
    let sound: Vec<u8> = frames[..8].iter().flat_map(Frame::bytes).copied().collect();
    assert!(String::from_utf8_lossy(&out).contains(&STANDARD.encode(sound)));
    bencher.bench_local(|| {
        out.clear();
        twilio::encode(&mut out, &stream, Outbound::Media(black_box(&frames[..8])));
        out.len()
    });
}

//! Step 2: 20 ms of a caller, decoded and heard by the detector. Budget: 3 µs where somebody speaks, 0.4 where nobody does.

use benches::{quiet, voice};
use divan::{Bencher, black_box};
use engine::audio::frame::{FRAME_SAMPLES, Frame};
use engine::audio::g711::decode_ulaw_into;
use engine::audio::level::BLOCK_SAMPLES;
use engine::audio::vad::{Gates, Hearing};

fn main() {
    divan::main();
}

/// How many of its two blocks are a voice.
fn voiced(hearing: &mut Hearing, frame: &Frame) -> usize {
    let mut pcm = [0; FRAME_SAMPLES];
    decode_ulaw_into(frame.bytes(), &mut pcm);
    pcm.as_chunks::<BLOCK_SAMPLES>().0.iter().filter(|block| hearing.hear(block).voiced).count()
}

#[divan::bench(sample_size = 100)]
fn a_voice(bencher: Bencher<'_, '_>) {
    let frames = voice();
    let mut hearing = Hearing::new(Gates::default());
    let all: usize = frames.iter().map(|frame| voiced(&mut hearing, frame)).sum();
    assert!(all > frames.len() / 2, "{all} blocks of {} frames are a voice", frames.len());
    let mut next = frames.iter().cycle();
    bencher.bench_local(|| Some(voiced(&mut hearing, black_box(next.next()?))));
}

#[divan::bench(sample_size = 100)]
fn a_quiet_line(bencher: Bencher<'_, '_>) {
    let frames = quiet();
    let mut hearing = Hearing::new(Gates::default());
    assert_eq!(frames.iter().map(|frame| voiced(&mut hearing, frame)).sum::<usize>(), 0);
    let mut next = frames.iter().cycle();
    bencher.bench_local(|| Some(voiced(&mut hearing, black_box(next.next()?))));
}

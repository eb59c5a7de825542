//! Any pieces of sound: every byte comes out once and in order, in full frames but the last.
#![no_main]

use engine::audio::frame::{FRAME_SAMPLES, Frame};
use engine::wire::Chop;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pieces: Vec<Vec<u8>>| {
    let mut chop = Chop::new();
    let mut frames: Vec<Frame> = Vec::new();
    for piece in &pieces {
        chop.feed(piece, |frame| frames.push(frame));
        assert!(chop.held_samples() < FRAME_SAMPLES);
    }
    assert!(frames.iter().all(Frame::is_full));
    frames.extend(chop.flush());
    let out: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
    assert_eq!(out, pieces.concat());
});

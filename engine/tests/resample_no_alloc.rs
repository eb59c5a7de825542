//! A resampler takes its memory once: a frame neither allocates nor frees.
//!
//! The only test of its binary: the allocator below counts for the whole process.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use engine::audio::frame::FRAME_SAMPLES;
use engine::audio::resample::{AGENT_FRAME_SAMPLES_MAX, Downsampler, Rate, Upsampler};

static TOUCHED: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it is; counting touches an atomic only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TOUCHED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        TOUCHED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above; the pointer came from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_frame_neither_allocates_nor_frees_at_any_rate() {
    let before = TOUCHED.load(Ordering::Relaxed);
    drop(std::hint::black_box(Box::new(1)));
    assert!(TOUCHED.load(Ordering::Relaxed) >= before + 2, "the counter counts");
    for rate in Rate::ALL {
        let (mut up, mut down) = (Upsampler::new(rate), Downsampler::new(rate));
        let (mut wide, mut narrow) = ([0; AGENT_FRAME_SAMPLES_MAX], [7_000; FRAME_SAMPLES]);
        // The harness's own thread may print while we count: it is quiet in one of a few tries.
        let quiet = (0..20).any(|_| {
            let before = TOUCHED.load(Ordering::Relaxed);
            for _ in 0..100 {
                let samples = up.frame(&narrow, &mut wide);
                down.frame(&wide[..samples], &mut narrow);
                down.frame(&[], &mut narrow);
            }
            up.reset();
            down.reset();
            TOUCHED.load(Ordering::Relaxed) == before
        });
        assert!(quiet, "{rate:?} allocates");
    }
}

//! A tap takes its memory once: nothing that it is handed makes it allocate or free.
//!
//! The only test of its binary: the allocator below counts for the whole process.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::audio::frame::Frame;
use engine::audio::vad::{Block, Gates};
use engine::capture::{Header, tap};
use engine::leg::{Command, Generation, Input, Output, Speech};
use engine::port::{AgentEvent, Digit, EndCause, Playout, UtteranceId};
use engine::time::{Instant, Samples};
use engine::turn::TurnParams;
use engine::wire::{MarkKind, MarkName};

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
fn a_tap_neither_allocates_nor_frees_not_even_when_its_ring_is_full() {
    let before = TOUCHED.load(Ordering::Relaxed);
    drop(std::hint::black_box(Box::new(1)));
    assert!(TOUCHED.load(Ordering::Relaxed) >= before + 2, "the counter counts");

    let header = Header { begun: Instant::ZERO, epoch: 0, turn: TurnParams::default(), gates: Gates::default() };
    let (mut tap, _recorder) = tap(header, std::io::sink());
    let (frame, utterance, heard) = (Frame::SILENCE, UtteranceId(1), Samples(160));
    let mark = MarkName { epoch: 0, sequence: 7, kind: MarkKind::Progress };
    let block = Block { level_dbfs: -20.0, floor_dbfs: -60.0, active: true, voiced: true };
    let speech = [
        Speech::Begin { utterance, interruptible: true, generation: Generation::default() },
        Speech::Audio(frame),
        Speech::End,
    ];
    let outputs = [
        Output::Audio(frame),
        Output::Mark(mark),
        Output::Clear { epoch: 1, onset: Some(heard) },
        Output::Event(AgentEvent::Audio(frame)),
        Output::Event(AgentEvent::Played { utterance, playout: Playout::Cut, heard }),
        Output::Event(AgentEvent::Ended(EndCause::SocketLost)),
        Output::Close(1000),
    ];
    let mut hand_over = |n: u64| {
        let now = Instant::ZERO + Duration::from_millis(n * 20);
        tap.record(now, &Input::Media { frame: &frame, stamp_ms: Some(n as u32 * 20) });
        tap.record(now, &Input::Heard(&block));
        for speech in &speech {
            tap.record(now, &Input::Speech(speech));
        }
        for input in [Input::Started, Input::Digit(Digit('5')), Input::Mark(mark), Input::Written(heard), Input::Tick] {
            tap.record(now, &input);
        }
        tap.record(now, &Input::Command(Command::Stop { stops: 1 }));
        outputs.iter().for_each(|output| tap.outputs(output));
        tap.missed()
    };
    // The harness's own thread may print while we count: it is quiet in one of a few tries.
    let mut quiet = 0;
    for round in 0..20 {
        let before = TOUCHED.load(Ordering::Relaxed);
        let missed = (0..100).map(|n| hand_over(round * 100 + n)).max();
        quiet += u32::from(TOUCHED.load(Ordering::Relaxed) == before);
        assert_eq!(missed > Some(0), round > 0, "the ring is full after a while");
    }
    assert!(quiet >= 18, "quiet in {quiet} of 20 rounds");
}

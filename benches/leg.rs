//! Step 4: 20 ms of a call's state machine, in either direction. Budget: 0.2 µs each.

use std::time::Duration;

use benches::voice;
use divan::{Bencher, black_box};
use engine::audio::vad::Block;
use engine::leg::{Generation, Input, Leg, Output, Speech};
use engine::port::UtteranceId;
use engine::time::{Instant, Samples};
use engine::turn::TurnParams;

fn main() {
    divan::main();
}

const FRAME: Duration = Duration::from_millis(20);
const SILENCE: Block = Block { level_dbfs: -65.0, floor_dbfs: -65.0, active: false, voiced: false };

/// A leg whose agent has begun an utterance.
fn speaking(now: Instant) -> Leg {
    let (mut leg, mut out) = (Leg::new(now, TurnParams::default(), 0), Vec::new());
    leg.handle(now, Input::Started, &mut out);
    let begin = Speech::Begin { utterance: UtteranceId(1), interruptible: true, generation: Generation::default() };
    leg.handle(now, Input::Speech(&begin), &mut out);
    leg
}

#[divan::bench(sample_size = 100)]
fn a_frame_of_the_caller_while_we_speak(bencher: Bencher<'_, '_>) {
    let (frames, mut now, mut out) = (voice(), Instant::from_millis(1_000), Vec::new());
    let mut leg = speaking(now);
    let mut next = frames.iter().cycle();
    let mut step = |now: Instant| {
        let frame = next.next()?;
        leg.handle(now, Input::Media { frame: black_box(frame), stamp_ms: Some(now.millis() as u32) }, &mut out);
        leg.handle(now, Input::Heard(black_box(&SILENCE)), &mut out);
        leg.handle(now, Input::Heard(black_box(&SILENCE)), &mut out);
        leg.handle(now, Input::Tick, &mut out);
        out.clear();
        Some(leg.progress().frames_in)
    };
    assert_eq!((step(now), step(now + FRAME)), (Some(1), Some(2)));
    now += FRAME;
    bencher.bench_local(|| {
        now += FRAME;
        step(now)
    });
}

#[divan::bench(sample_size = 100)]
fn a_frame_that_we_say(bencher: Bencher<'_, '_>) {
    let speech: Vec<_> = voice().into_iter().map(Speech::Audio).collect();
    let (mut now, mut out, mut sent) = (Instant::from_millis(1_000), Vec::new(), Samples::ZERO);
    let mut leg = speaking(now);
    let mut next = speech.iter().cycle();
    let mut step = |now: Instant| {
        out.clear();
        leg.handle(now, Input::Speech(black_box(next.next()?)), &mut out);
        sent += Samples(160);
        leg.handle(now, Input::Written(sent), &mut out);
        // Of marks that stay away the clock takes the place.
        leg.handle(now, Input::Tick, &mut out);
        Some(out.iter().filter(|output| matches!(output, Output::Audio(_))).count())
    };
    assert_eq!(step(now), Some(1));
    bencher.bench_local(|| {
        now += FRAME;
        step(now)
    });
}

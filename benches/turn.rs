//! Step 3: who has the floor, for two blocks of 10 ms, while we are heard. Budget: 0.05 µs.

use std::time::Duration;

use divan::{Bencher, black_box};
use engine::audio::vad::Block;
use engine::turn::{Playing, Turn, TurnEvent, TurnParams};

fn main() {
    divan::main();
}

const SILENCE: Block = Block { level_dbfs: -65.0, floor_dbfs: -65.0, active: false, voiced: false };
const VOICE: Block = Block { level_dbfs: -20.0, floor_dbfs: -65.0, active: true, voiced: true };
const PLAYING: Playing = Playing { age: Duration::from_secs(2), interruptible: true, sent_peak_dbfs: -16.0 };

#[divan::bench(sample_size = 100)]
fn nobody_interrupts(bencher: Bencher<'_, '_>) {
    let mut turn = Turn::new(TurnParams::default());
    let told = (0..4).map(|_| turn.hear(&VOICE, Some(&PLAYING))).last();
    assert!(matches!(told, Some([Some(TurnEvent::Started), Some(TurnEvent::BargeIn { .. })])), "{told:?}");
    let mut turn = Turn::new(TurnParams::default());
    bencher.bench_local(|| [(); 2].map(|()| turn.hear(black_box(&SILENCE), Some(black_box(&PLAYING)))));
}

#[divan::bench(sample_size = 100)]
fn somebody_speaks(bencher: Bencher<'_, '_>) {
    let mut turn = Turn::new(TurnParams::default());
    (0..4).for_each(|_| {
        turn.hear(&VOICE, None);
    });
    assert!(turn.caller_speaks());
    bencher.bench_local(|| [(); 2].map(|()| turn.hear(black_box(&VOICE), None)));
}

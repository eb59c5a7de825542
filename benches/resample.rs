//! For agents that hear and speak PCM at their own rate: 20 ms, once up and once down. In the agent's task, not in a worker.

use divan::{Bencher, black_box};
use engine::audio::frame::FRAME_SAMPLES;
use engine::audio::resample::{Downsampler, Rate, Upsampler};

fn main() {
    divan::main();
}

/// 400 Hz at 8 kHz: ten samples of 20 ms.
fn tone() -> [i16; FRAME_SAMPLES] {
    std::array::from_fn(|n| (10_000.0 * (n as f32 * std::f32::consts::TAU / 20.0).sin()) as i16)
}

#[divan::bench(args = [16_000, 24_000], sample_size = 20)]
fn up_and_down(bencher: Bencher<'_, '_>, hz: u32) {
    let rate = Rate::from_hz(hz).expect("a rate");
    let (mut up, mut down) = (Upsampler::new(rate), Downsampler::new(rate));
    let (tone, mut high, mut back) = (tone(), vec![0; FRAME_SAMPLES * 6], [0; FRAME_SAMPLES]);
    let mut both = |tone: &[i16; FRAME_SAMPLES]| {
        let samples = up.frame(tone, &mut high);
        down.frame(&high[..samples], &mut back);
        back.iter().map(|sample| sample.unsigned_abs()).max()
    };
    let loudest = (0..10).map(|_| both(&tone)).last().flatten();
    assert!(loudest.is_some_and(|peak| (9_500..10_500).contains(&peak)), "{loudest:?}");
    bencher.bench_local(|| both(black_box(&tone)));
}

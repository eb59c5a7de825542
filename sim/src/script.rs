//! Random scripts: what a caller of a simulation does, drawn from its seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use loadtest::caller::clips::{self, Clip};
use loadtest::caller::script::{self, Script};
use loadtest::caller::steps::{Expect, Step};
use loadtest::rng::Rng;
use loadtest::time::Micros;
use loadtest::twilio::callee::Reply;

/// The longest that any caller stays.
pub const CALL_MAX: Micros = Micros::from_ms(90_000);

/// Loudness of a labelled clip: any value that µ-law does not write as zero.
const LABELLED: i16 = 8_000;

/// A caller's script. `labelled`: sound is a label, silence is digital.
#[must_use]
pub fn draw(rng: &mut Rng, labelled: bool) -> Script {
    let mut script = base().clone();
    // Three in four have a long conversation; the others are there for beginnings and ends.
    let is_long = rng.below(4) > 0;
    let (steps, at_least) = if is_long { (8 + rng.below(20), 40_000) } else { (1 + rng.below(7), 4_000) };
    // Who does not listen first begins anywhere in the greeting.
    let begin = if rng.below(3) > 0 { wait(true, 8_000) } else { silence(rng, 3_000) };
    let step = if is_long { one_of_many } else { step };
    script.steps = std::iter::once(begin).chain((0..steps).map(|_| step(rng))).collect();
    script.clips = named(&script.steps, labelled);
    script.max = Micros::from_ms(at_least + rng.below(CALL_MAX.0 / 1_000 - at_least));
    if labelled {
        script.noise.comfort_dbfs = -200.0;
    } else if rng.below(4) == 0 {
        script.noise.comfort_dbfs = -60.0;
        script.noise.coughs_per_min = 6.0;
        script.noise.clicks_per_min = 20.0;
        script.noise.typing_per_min = 4.0;
    }
    script.callees.others.reply = if rng.below(3) > 0 { Reply::Answers } else { Reply::NoAnswer };
    script
}

/// What every script has in common.
fn base() -> &'static Script {
    static BASE: OnceLock<Script> = OnceLock::new();
    let base = "about = \"drawn\"\n[[step]]\nsilence_ms = 1";
    BASE.get_or_init(|| script::parse("drawn", base, Path::new(".")).unwrap_or_else(|bad| panic!("{bad}")))
}

fn step(rng: &mut Rng) -> Step {
    let ms = Micros::from_ms;
    match rng.below(20) {
        0..3 => Step::Say(vec![clip(rng)]),
        3..9 => {
            let (clips, after) = (vec![clip(rng)], ms(rng.below(3_000)));
            Step::Interrupt { clips, after, within: ms(1_000) }
        }
        9..12 => Step::Digits(keys(rng, 8)),
        12..15 => silence(rng, 4_000),
        15 => Step::Silence(ms(9_000 + rng.below(9_000))),
        16 => wait(false, 20_000),
        17 => wait(true, 12_000),
        18 => Step::Expect { what: Expect::BotSpeaks, within: ms(6_000), optional: true },
        _ if rng.below(3) == 0 => Step::HangUp,
        _ => Step::KeepTalking { digit: '2', lasts: ms(3_000 + rng.below(8_000)) },
    }
}

/// A step of a long conversation: one that mostly leaves the call going, whatever comes of it.
fn one_of_many(rng: &mut Rng) -> Step {
    let ms = Micros::from_ms;
    match rng.below(20) {
        0..3 => Step::Say(vec![clip(rng)]),
        3..7 => {
            let (clips, after) = (vec![clip(rng)], ms(rng.below(2_000)));
            Step::Interrupt { clips, after, within: ms(1_500) }
        }
        7..10 => {
            let (clips, after, every) = (vec![clip(rng), clip(rng)], ms(rng.below(1_500)), ms(rng.below(2_000)));
            Step::TalkOver { clips, after, every, times: 1 + rng.below(4) as u32 }
        }
        10..13 => Step::Digits(keys(rng, 100)),
        13..15 => Step::KeepTalking { digit: '2', lasts: ms(2_000 + rng.below(6_000)) },
        15..17 => silence(rng, 4_000),
        17 => Step::Expect { what: Expect::BotSpeaks, within: ms(6_000), optional: true },
        18 => Step::Expect { what: Expect::BotSilent, within: ms(12_000), optional: true },
        _ if rng.below(3) == 0 => Step::Silence(ms(9_000 + rng.below(9_000))),
        _ => Step::Digits("2".to_owned()),
    }
}

fn wait(audible: bool, within_ms: u64) -> Step {
    Step::Wait { audible, within: Micros::from_ms(within_ms) }
}

fn silence(rng: &mut Rng, ms_max: u64) -> Step {
    Step::Silence(Micros::from_ms(rng.below(ms_max)))
}

/// Goodbye and the transfer are rarer than the rest, one key in `ends_in`: they end the conversation.
fn keys(rng: &mut Rng, ends_in: u64) -> String {
    const KEYS: &[u8; 14] = b"11222999#*5778";
    const ENDS: &[u8; 2] = b"03";
    let one_of = |rng: &mut Rng, keys: &[u8]| char::from(keys[rng.below(keys.len() as u64) as usize]);
    let key = |rng: &mut Rng| if rng.below(ends_in) == 0 { one_of(rng, ENDS) } else { one_of(rng, KEYS) };
    (0..=rng.below(2)).map(|_| key(rng)).collect()
}

fn clip(rng: &mut Rng) -> String {
    let clips = voices();
    clips[rng.below(clips.len() as u64) as usize].name.clone()
}

fn named(steps: &[Step], labelled: bool) -> BTreeMap<String, Arc<Clip>> {
    let (voices, labels) = (voices(), labels());
    let find = |name: &String| voices.iter().position(|voice| voice.name == *name);
    let of = |at: usize| if labelled { labels[at].clone() } else { voices[at].clone() };
    let clips = steps.iter().flat_map(Step::clips);
    clips.filter_map(|name| find(name).map(|at| (name.clone(), of(at)))).collect()
}

/// The built-in voices.
fn voices() -> &'static [Arc<Clip>] {
    static VOICES: OnceLock<Vec<Arc<Clip>>> = OnceLock::new();
    VOICES.get_or_init(|| {
        let load = |name: String| clips::load(&name, Path::new(".")).unwrap_or_else(|bad| panic!("{bad}"));
        clips::names().into_iter().map(load).collect()
    })
}

/// The same, loud from onset to offset and silent around it.
fn labels() -> &'static [Arc<Clip>] {
    static LABELS: OnceLock<Vec<Arc<Clip>>> = OnceLock::new();
    LABELS.get_or_init(|| {
        let label = |voice: &Arc<Clip>| {
            let speech = voice.onset.samples()..voice.offset.samples();
            let sample = |n: u64| if speech.contains(&n) { LABELLED } else { 0 };
            let samples = (0..voice.samples.len() as u64).map(sample).collect();
            let (name, text) = (voice.name.clone(), voice.text.clone());
            Arc::new(Clip { name, text, samples, onset: voice.onset, offset: voice.offset })
        };
        voices().iter().map(label).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_script_with_all_its_clips() {
        for seed in 0..50 {
            let (one, two) = (draw(&mut Rng::new(seed), false), draw(&mut Rng::new(seed), true));
            assert_eq!((&one.steps, one.max), (&two.steps, two.max));
            assert!(one.steps.iter().flat_map(Step::clips).all(|clip| one.clips.contains_key(clip)));
            assert!(one.max <= CALL_MAX);
        }
    }
}

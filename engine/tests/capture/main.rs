//! Captures: a call that was recorded decides the same again, other parameters show what would have differed, and a
//! damaged file says so.

mod call;
#[path = "../audio_hearing/noises.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod noises;
#[path = "../audio_hearing/voices.rs"]
#[allow(dead_code, reason = "each test uses its part of it")]
mod voices;

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Duration;

use call::{Drain, capture_of, captured};
use engine::capture::{CaptureError, Decision, Drained, Moment, Reader, Scribe, Story, Tap, Verdict, create, tap};
use engine::leg::Input;
use engine::port::{AgentEvent, Playout};
use engine::time::Instant;
use engine::turn::TurnParams;
use proptest::prelude::*;

fn reader(file: &[u8]) -> Reader<&[u8]> {
    Reader::new(file).expect("a capture")
}

fn count(moments: &[Moment], wanted: impl Fn(&Decision) -> bool) -> usize {
    moments.iter().filter(|moment| wanted(&moment.decision)).count()
}

fn is_barge_in(decision: &Decision) -> bool {
    matches!(decision, Decision::Event(AgentEvent::BargeIn { .. }))
}

#[test]
fn a_captured_call_decides_the_same_again() {
    let (mut barge_ins, mut turns) = (0, 0);
    for seed in 0..10 {
        let (decisions, file) = capture_of(seed);
        let story = Story::replay(reader(&file));
        assert!(story.broken.is_none() && story.missed.is_empty());
        assert_eq!(story.recorded, decisions, "seed {seed}: the capture has what the call did");
        assert_eq!(story.replayed, decisions, "seed {seed}: the replay does what the call did");
        assert_eq!(story.verdict(), Verdict::Identical, "seed {seed}: in sound and times too");
        let same = Story::what_if(reader(&file), TurnParams::default());
        assert_eq!(same.verdict(), Verdict::Identical, "seed {seed}: the same parameters change nothing");
        assert!(story.rows().iter().all(|(a, b)| a.is_some() && a == b));
        barge_ins += count(&decisions, is_barge_in);
        turns += count(&decisions, |decision| *decision == Decision::Event(AgentEvent::TurnStarted));
    }
    assert!(barge_ins >= 20 && turns >= 40, "calls in which little happens prove little: {barge_ins}, {turns}");
}

#[test]
fn a_later_onset_shows_every_interruption_later() {
    for seed in 0..10 {
        let (decisions, file) = capture_of(seed);
        let slower = TurnParams { onset_blocks: 8, ..TurnParams::default() };
        let story = Story::what_if(reader(&file), slower);
        let Verdict::Differs(at) = story.verdict() else { panic!("seed {seed}: {:?}", story.verdict()) };
        assert_eq!(story.recorded, decisions);
        assert_eq!(story.recorded[..at], story.replayed[..at]);
        let turns = |(a, b): (Option<Moment>, Option<Moment>)| {
            let (a, b) = (a?, b?);
            (b.decision == Decision::Event(AgentEvent::TurnStarted)).then_some((a.at, b.at))
        };
        // Some turns begin as soon: an onset that was late already has its eight blocks.
        let moved = story.rows().into_iter().filter_map(turns).find(|(was, would_be)| was != would_be);
        let (was, would_be) = moved.expect("a turn that begins at another time");
        let later = would_be.saturating_sub(was);
        assert!((Duration::from_millis(10)..=Duration::from_millis(400)).contains(&later), "seed {seed}: {later:?}");
    }
}

#[test]
fn without_interruptions_everything_would_have_been_played() {
    let (mut was, mut would_be) = (0, 0);
    let played = |decision: &Decision| {
        matches!(decision, Decision::Event(AgentEvent::Played { playout: Playout::Finished, .. }))
    };
    for seed in 0..10 {
        let (_, file) = capture_of(seed);
        let deaf = TurnParams { onset_blocks: 255, early_onset_blocks: 255, ..TurnParams::default() };
        let story = Story::what_if(reader(&file), deaf);
        assert_eq!(count(&story.replayed, is_barge_in), 0);
        was += count(&story.recorded, played);
        would_be += count(&story.replayed, played);
    }
    assert!(would_be > was, "{would_be} utterances instead of {was}");
}

#[test]
fn nobody_drains_and_the_call_goes_on_with_a_hole_in_its_capture() {
    let (decisions, tap, mut recorder) = captured(3, Drain::OnlyAtTheEnd, Vec::new());
    let missed = tap.missed();
    assert!(missed > 1_000, "{missed} records in half a minute");
    drop(tap);
    assert_eq!(recorder.drain().expect("memory"), Drained::Complete);
    let file = recorder.into_file();
    let story = Story::replay(reader(&file));
    assert!(story.broken.is_none());
    assert_eq!(story.missed.iter().map(|(_, records)| records).sum::<u64>(), missed, "all are accounted for");
    let (hole, _) = story.missed[0];
    assert!(hole > Duration::from_secs(2), "the ring holds some seconds: {hole:?}");
    assert_eq!(story.verdict(), Verdict::Identical, "up to the hole");
    let known = story.recorded.iter().take_while(|moment| moment.at < hole).count();
    assert!(known > 0 && story.recorded[..known] == decisions[..known]);
}

#[test]
fn a_hole_in_the_middle_is_said_where_it_is() {
    let (_, file) = capture_of(1);
    let header = *reader(&file).header();
    let (mut tap, mut recorder) = tap(header, Vec::new());
    for n in 0..100_000u64 {
        tap.record(header.begun + Duration::from_millis(n), &Input::Tick);
        // Nobody drains for the time between.
        if !(10_000..80_000).contains(&n) {
            recorder.drain().expect("memory");
        }
    }
    let missed = tap.missed();
    drop(tap);
    recorder.drain().expect("memory");
    let file = recorder.into_file();
    let entries: Vec<_> = reader(&file).map(|record| record.expect("whole")).collect();
    let hole: Vec<_> = entries.iter().filter(|r| matches!(r.entry, engine::capture::Entry::Missed(_))).collect();
    assert_eq!(hole.len(), 1);
    assert_eq!(hole[0].entry, engine::capture::Entry::Missed(missed));
    let after = entries.iter().position(|r| r == hole[0]).expect("there") + 1;
    assert_eq!(entries[after].at.since(entries[after - 1].at), Duration::from_millis(missed + 1));
}

/// A disk that is full after a while.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_capture_and_not_the_call() {
    let (decisions, _) = capture_of(2);
    let (undisturbed, tap, mut recorder) = captured(2, Drain::Often, Full(100_000));
    assert_eq!(undisturbed, decisions);
    assert!(tap.missed() > 0);
    let error = recorder.drain().expect_err("nothing follows a part that is missing");
    assert!(error.to_string().contains("an earlier part"), "{error}");
}

#[test]
fn a_scribe_writes_many_captures_and_gives_up_those_that_fail() {
    let folder = std::env::temp_dir().join(format!("offhook-captures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let scribe = Scribe::start().expect("a thread");
    let header = *reader(some_capture()).header();
    let mut taps = Vec::new();
    for n in 0..40 {
        let path = folder.join(n.to_string());
        let file: Box<dyn Write + Send> =
            if n == 7 { Box::new(Full(10)) } else { Box::new(create(&path).expect("a file")) };
        assert!(n == 7 || create(&path).is_err(), "nothing is overwritten");
        let (tap, recorder) = tap(header, file);
        assert!(scribe.write(recorder).is_ok());
        taps.push(tap);
    }
    for (tap, n) in taps.iter_mut().zip(0..) {
        (0..=n).for_each(|ms| tap.record(header.begun + Duration::from_millis(ms), &Input::Tick));
    }
    drop(taps);
    assert_eq!(scribe.finish(), 1);
    for n in (0..40).filter(|n| *n != 7) {
        let file = std::fs::read(folder.join(n.to_string())).expect("written");
        // Its ticks and its end.
        assert_eq!(reader(&file).filter(|record| record.is_ok()).count(), n + 2);
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn what_was_written_before_it_broke_off_is_replayed() {
    let (decisions, file) = capture_of(4);
    let mut lengths = Vec::new();
    for keep in (30..file.len() - 1).step_by(file.len() / 40) {
        let Ok(capture) = Reader::new(&file[..keep]) else { continue };
        let story = Story::replay(capture);
        let broken = story.broken.as_ref().expect("it says so");
        assert!(matches!(broken, CaptureError::BrokenOff { at } if *at <= keep as u64), "{broken}");
        assert_eq!(story.recorded, decisions[..story.recorded.len()]);
        assert_eq!(story.verdict(), Verdict::Identical, "as far as it goes: {keep} bytes");
        lengths.push(story.recorded.len());
    }
    assert!(lengths.is_sorted() && lengths.last() > lengths.first());
}

#[test]
fn another_file_or_another_version_is_refused_by_name() {
    for other in [&b""[..], b"RIFF", b"RIFF....WAVEfmt "] {
        assert!(matches!(Reader::new(other), Err(CaptureError::NotACapture)), "{other:?}");
    }
    let (_, mut file) = capture_of(0);
    file[8] = 9;
    let error = Reader::new(&file[..]).expect_err("from the future");
    assert_eq!(
        error.to_string(),
        "this capture has format 9 and this program reads format 1: replay it with the version that made it"
    );
}

#[test]
fn one_bit_that_turned_is_found() {
    let (_, file) = capture_of(5);
    for at in (10..file.len()).step_by(file.len() / 50) {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        let Ok(capture) = Reader::new(&damaged[..]) else { continue };
        let story = Story::replay(capture);
        assert!(story.broken.is_some(), "byte {at} of {}", file.len());
    }
}

#[test]
fn something_behind_the_end_is_no_part_of_it() {
    let (_, mut file) = capture_of(5);
    file.push(0);
    let story = Story::replay(reader(&file));
    assert!(matches!(story.broken, Some(CaptureError::Malformed { .. })), "{:?}", story.broken);
}

#[test]
fn a_tap_can_go_to_the_worker_and_a_call_that_is_not_captured_costs_nothing() {
    fn is_send<T: Send>(_: &T) {}
    let mut tap = Tap::off();
    is_send(&tap);
    tap.record(Instant::ZERO, &Input::Tick);
    assert_eq!((tap.missed(), size_of::<Tap>()), (0, size_of::<usize>()));
}

/// One call for all cases.
fn some_capture() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| capture_of(6).1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes changed, cut out, put in: an error or a story, never a panic, never without end.
    #[test]
    fn whatever_a_file_holds_nothing_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..30),
        from in any::<prop::sample::Index>(),
        onset_blocks in 0..20u8,
        echo_margin_db in -1e30f32..1e30,
    ) {
        let mut file = some_capture()[..60_000].to_vec();
        // Most changes near each other, so that some lie behind the last that is refused.
        let from = from.index(file.len());
        for (at, byte, how) in changes {
            let at = (from + at.index(2_000)).min(file.len() - 1);
            match how {
                0 => file[at] = byte,
                1 => { file.remove(at); }
                _ => file.insert(at, byte),
            }
        }
        if let Ok(capture) = Reader::new(&file[..]) {
            let _ = Story::replay(capture).verdict();
        }
        if let Ok(capture) = Reader::new(&file[..]) {
            let turn = TurnParams { onset_blocks, echo_margin_db, ..TurnParams::default() };
            prop_assert!(Story::what_if(capture, turn).rows().len() < 60_000);
        }
    }

    /// Records of any kinds with any numbers in them: what the file says is what the leg is told.
    #[test]
    fn any_bytes_behind_a_header_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..4_000), kinds in any::<bool>()) {
        let mut file = some_capture()[..48].to_vec();
        let bytes = bytes.iter().map(|byte| if kinds { byte % 64 } else { *byte });
        file.extend(bytes);
        if let Ok(capture) = Reader::new(&file[..]) {
            let _ = Story::replay(capture).rows();
        }
    }
}

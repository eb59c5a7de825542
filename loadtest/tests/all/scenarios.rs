//! Every built-in scenario against the minimal server, on a virtual clock.

use crate::support::Fault;
use crate::support::world::World;
use loadtest::call::event::What;
use loadtest::caller::{library, script};
use loadtest::report::verdict::{Outcome, judge};

#[test]
fn a_server_that_does_its_part_passes_them_all() {
    // The minimal server does not ask again, and takes every cough for a word.
    let beyond_it = ["silent", "noise"];
    for (name, _) in library::SCENARIOS.iter().filter(|(name, _)| !beyond_it.contains(name)) {
        let call = World::run(name, 1, Fault::None);
        let good = match judge(&call) {
            Outcome::Good => true,
            Outcome::Informed(_) => script::load(name).unwrap().informs.is_some(),
            _ => false,
        };
        assert!(good, "{name}: {:?} {:#?}", judge(&call), call.events);
    }
}

#[test]
fn a_deaf_server_misses_every_interruption() {
    for name in ["interrupt", "first-word", "interrupts-thrice", "long-monologue", "jittery-line", "lost-frames"] {
        let outcome = judge(&World::run(name, 1, Fault::Deaf));
        assert!(matches!(outcome, Outcome::Missed(_)), "{name}: {outcome:?}");
    }
}

#[test]
fn a_nervous_server_is_told_of_but_only_for_information_where_a_scenario_only_informs() {
    let outcome = |name| judge(&World::run(name, 1, Fault::Nervous));
    assert!(matches!(outcome("greeting"), Outcome::Missed(_)));
    assert!(matches!(outcome("music"), Outcome::Informed(_)));
}

/// What the timeline says of a script with these steps and tables.
fn told(script: &str) -> Vec<String> {
    let call = World::run(&format!("about = \"x\"\n{script}"), 1, Fault::None);
    call.events.iter().map(|event| event.what.to_string()).collect()
}

#[test]
fn a_backchannel_is_said_as_often_as_asked_while_the_bot_speaks() {
    let script = "[[step]]\ntalk_over = { clip = \"voice:40\", after_ms = 500, every_ms = 900, times = 3 }";
    let said = told(script).iter().filter(|line| line.contains("voice:40")).count();
    assert_eq!(said, 3);
}

#[test]
fn the_echo_of_the_bot_is_in_the_callers_line() {
    let quiet = "[noise]\ncomfort_dbfs = -96.0\n[[step]]\nwait = \"bot_starts\"\n[[step]]\nsilence_ms = 2000";
    let loudest = |extra: &str| {
        let call = World::run(&format!("about = \"x\"\n{extra}\n{quiet}"), 1, Fault::None);
        let level = |&byte: &u8| loadtest::audio::mulaw::decode(byte).unsigned_abs();
        (call.record.said.iter().map(level).max().unwrap(), call)
    };
    assert!(loudest("").0 < 50);
    // The bot's square wave has an amplitude of 3,000.
    let (peak, call) = loudest("[echo]\ndb = -20.0\nafter_ms = 150");
    assert!((270..330).contains(&peak), "{peak}");
    let first =
        |track: &[u8]| track.iter().position(|&b| loadtest::audio::mulaw::decode(b).unsigned_abs() > 200).unwrap();
    assert_eq!(first(&call.record.said) - first(&call.record.heard), 150 * 8);
}

#[test]
fn expectations_tell_what_they_saw() {
    let told = told(
        "[[step]]\nwait = \"bot_starts\"\n[[step]]\nexpect = \"no_clear\"\nwithin_ms = 500\n\
         [[step]]\ninterrupt = { clip = \"voice:600\", after_ms = 100 }\n\
         [[step]]\nexpect = \"bot_resumes\"\nwithin_ms = 3000\n[[step]]\nexpect = \"mark\"\nwithin_ms = 9000",
    );
    for line in ["ok: no clear (after 500.0 ms)", "ok: the bot goes on", "ok: a mark"] {
        assert!(told.iter().any(|seen| seen.starts_with(line)), "{line} in {told:#?}");
    }
    let missed = |script: &str| match judge(&World::run(&format!("about = \"x\"\n{script}"), 1, Fault::None)) {
        Outcome::Missed(causes) => causes.join("; "),
        other => panic!("{other:?}"),
    };
    let over = "[[step]]\ntalk_over = { clip = \"voice:600\", after_ms = 500 }\n[[step]]\n";
    assert!(
        missed(&format!("{over}expect = \"bot_resumes\"\nwithin_ms = 300")).contains("the bot goes on: not within")
    );
    assert!(missed("[budget]\nfirst_audio_ms = 1\n[[step]]\nwait = \"bot_starts\"").contains("first audio: "));
    assert!(missed("[budget]\nclear_ms = 5\n[[step]]\nsay = \"voice:600\"\n").contains("onset of speech"));
    let call = World::run("about = \"x\"\n[[step]]\nsay = \"cough:300\"", 1, Fault::None);
    assert!(call.measures.barges.is_empty() && call.measures.false_clears == 1, "a cough is no speech");
    assert!(call.events.iter().any(|e| matches!(&e.what, What::Disturbance { kind } if kind == "cough:300")));
}

#[test]
fn a_timeline_begins_with_the_sentence_and_the_line() {
    let title = |name| loadtest::report::timeline::title(&World::run(name, 1, Fault::None));
    let speakerphone = title("speakerphone");
    assert!(speakerphone.starts_with("speakerphone: listens on a speakerphone;"), "{speakerphone}");
    assert!(speakerphone.contains("(only informs: echo)\nline: echo -20 dB after 150 ms\n"), "{speakerphone}");
    assert!(title("noisy-street").contains("line: noise -55 dBFS; babble -42 dBFS\n"));
    assert!(title("stalled-line").contains("line: nothing is sent for 1000.0 ms, then all at once\n"));
    assert_eq!(title("greeting").lines().count(), 1);
}

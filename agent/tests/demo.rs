//! The demo's conversation, whole calls at a time, on a virtual clock.

mod support;

use std::time::Duration;

use agent::desk::Intent;
use agent::profile::{Profile, Prompt};
use agent::script::Output;
use engine::audio::frame::Frame;
use engine::port::{AgentEvent, EndCause};
use engine::time::Samples;
use proptest::prelude::*;
use support::virtual_call::Call;

const SECOND: Duration = Duration::from_secs(1);

/// The demo with a person to reach.
fn staffed() -> Profile {
    Profile::demo().with_transfer(Some("+15550100".to_owned()))
}

#[test]
fn it_greets_long_enough_to_be_interrupted_and_explains_the_keys() {
    let mut call = Call::started(Profile::demo());
    call.wait(15 * SECOND);
    assert_eq!(call.said(), [Prompt::Welcome, Prompt::About, Prompt::Menu]);
    assert_eq!(call.intent, Intent::Resume);
}

#[test]
fn the_first_sound_is_asked_for_at_once() {
    let call = Call::started(Profile::demo());
    assert!(matches!(call.log[0], Output::Say { prompt: Prompt::Welcome, from: Samples::ZERO, interruptible: true }));
}

#[test]
fn a_resumed_call_is_not_greeted_as_a_new_one() {
    let mut call = Call::started(Profile::demo().resumed());
    assert_eq!(call.said(), [Prompt::Again, Prompt::MenuShort]);
}

#[test]
fn an_interruption_is_acknowledged_only_when_the_caller_has_finished() {
    let mut call = Call::started(Profile::demo());
    call.wait(2 * SECOND);
    call.log.clear();
    call.begin_speaking();
    call.wait(3 * SECOND);
    assert_eq!(call.said(), []);
    call.event(AgentEvent::TurnEnded { speech: Samples::from_millis(3_000) });
    assert_eq!(call.said(), [Prompt::Ack, Prompt::MenuShort]);
}

#[test]
fn an_interrupted_answer_goes_on_with_the_phrase_that_was_cut() {
    let mut call = Call::greeted(Profile::demo());
    call.press('1');
    call.wait(Duration::from_millis(5_500));
    call.log.clear();
    call.speak();
    let hours = call.log.iter().find_map(|output| match output {
        Output::Say { prompt: Prompt::Hours, from, .. } => Some(*from),
        _ => None,
    });
    // The pause before "On Saturday" ends 5.0 s into the prompt.
    let from = hours.expect("the hours again");
    assert!((4_600..=5_100).contains(&from.millis()), "from {} ms", from.millis());
    assert_eq!(call.said(), [Prompt::Ack, Prompt::Resume, Prompt::Hours, Prompt::AnythingElse]);
}

#[test]
fn an_answer_that_was_all_but_over_is_not_said_again() {
    let mut call = Call::greeted(Profile::demo());
    call.press('1');
    call.wait(9 * SECOND);
    call.log.clear();
    call.speak();
    assert_eq!(call.said(), [Prompt::Ack, Prompt::AnythingElse]);
}

#[test]
fn interrupting_the_acknowledgement_keeps_what_was_missed_and_shortens_it() {
    let mut call = Call::started(Profile::demo());
    call.wait(SECOND);
    call.speak();
    call.wait(Duration::from_millis(500));
    call.log.clear();
    call.speak();
    assert_eq!(call.said(), [Prompt::AckShort, Prompt::MenuShort]);
}

#[test]
fn a_caller_who_speaks_to_a_silent_agent_is_told_about_keys_once_at_length() {
    let mut call = Call::greeted(Profile::demo());
    call.speak();
    assert_eq!(call.said(), [Prompt::HeardYou, Prompt::MenuShort]);
    call.hear_out();
    call.speak();
    assert_eq!(call.said(), [Prompt::PressKey]);
}

#[test]
fn keys_answer_and_stop_what_is_being_said() {
    let mut call = Call::started(Profile::demo());
    call.wait(SECOND);
    call.log.clear();
    call.press('1');
    assert_eq!(call.log[0], Output::StopSpeaking);
    assert_eq!(call.said(), [Prompt::Hours, Prompt::AnythingElse]);
    call.press('2');
    assert_eq!(call.said(), [Prompt::Hours, Prompt::AnythingElse]);
    call.press('#');
    assert_eq!(call.said(), [Prompt::UnknownKey, Prompt::MenuShort]);
}

#[test]
fn key_2_repeats_the_menu_when_nothing_else_was_asked() {
    let mut call = Call::greeted(Profile::demo());
    call.press('2');
    assert_eq!(call.said(), [Prompt::Menu]);
}

#[test]
fn key_3_transfers_where_somebody_can_be_reached() {
    let mut call = Call::greeted(staffed());
    call.press('3');
    assert_eq!(call.intent, Intent::Dial("+15550100".to_owned()));
    assert!(call.hung_up);
    let word = Output::Say { prompt: Prompt::OneMoment, from: Samples::ZERO, interruptible: false };
    assert_eq!(call.log[0], word);
}

#[test]
fn key_3_says_that_nobody_is_there_and_stays() {
    let mut call = Call::greeted(Profile::demo());
    call.press('3');
    assert_eq!(call.said(), [Prompt::NoOne, Prompt::AnythingElse]);
    assert!(!call.hung_up);
}

#[test]
fn key_0_says_goodbye_that_no_voice_can_stop_and_ends_the_call() {
    let mut call = Call::greeted(Profile::demo());
    call.press('0');
    let word = Output::Say { prompt: Prompt::Goodbye, from: Samples::ZERO, interruptible: false };
    assert_eq!(call.log, [word, Output::SetIntent(Intent::HangUp), Output::HangUp]);
    call.press('1');
    call.event(AgentEvent::Ended(EndCause::AgentHungUp));
    assert_eq!(call.log.len(), 3, "nothing is done after hanging up");
}

#[test]
fn silence_is_asked_about_once_and_then_ends_the_call() {
    let mut call = Call::greeted(Profile::demo());
    call.wait(Duration::from_millis(7_900));
    assert_eq!(call.said(), []);
    call.wait(Duration::from_millis(200));
    assert_eq!(call.said(), [Prompt::StillThere, Prompt::MenuShort]);
    call.hear_out();
    call.wait(9 * SECOND);
    assert_eq!(call.said(), [Prompt::Goodbye]);
    assert_eq!(call.intent, Intent::HangUp);
}

#[test]
fn a_caller_who_answers_the_question_is_asked_again_after_the_next_silence() {
    let mut call = Call::greeted(Profile::demo());
    call.wait(9 * SECOND);
    call.speak();
    call.hear_out();
    call.log.clear();
    call.wait(9 * SECOND);
    assert_eq!(call.said(), [Prompt::StillThere, Prompt::MenuShort]);
}

#[test]
fn a_turn_without_end_is_not_waited_for_longer_than_half_a_minute() {
    let mut call = Call::greeted(Profile::demo());
    call.begin_speaking();
    call.wait(29 * SECOND);
    assert_eq!(call.said(), []);
    call.wait(2 * SECOND);
    assert_eq!(call.said(), [Prompt::HeardYou, Prompt::MenuShort]);
}

#[test]
fn the_echo_gives_back_every_frame_for_ten_seconds_and_no_voice_stops_it() {
    let mut call = Call::greeted(Profile::demo());
    call.press('9');
    call.begin_speaking();
    call.event(AgentEvent::TurnEnded { speech: Samples::from_millis(500) });
    assert_eq!(call.said(), [Prompt::EchoIntro]);
    call.hear_out();
    assert_eq!(call.log, [Output::EchoBegin, Output::Listen(true)]);
    call.log.clear();
    let frame = Frame::from_ulaw(&[7; 160]);
    for _ in 0..499 {
        call.event(AgentEvent::Audio(frame));
        call.wait(Duration::from_millis(20));
    }
    assert_eq!(call.log, vec![Output::Echo(frame); 499]);
    call.log.clear();
    call.wait(SECOND);
    assert_eq!(call.log[..2], [Output::EchoEnd, Output::Listen(false)]);
    assert_eq!(call.said(), [Prompt::EchoDone, Prompt::AnythingElse]);
    call.event(AgentEvent::Audio(frame));
    assert_eq!(call.log, [], "caller audio that was under way is not echoed");
}

#[test]
fn any_key_ends_the_echo_and_its_introduction() {
    let mut call = Call::greeted(Profile::demo());
    for heard_out in [false, true] {
        call.press('9');
        if heard_out {
            call.hear_out();
        }
        call.log.clear();
        call.press('0');
        assert!(call.log.contains(&Output::StopSpeaking) && call.log.contains(&Output::Listen(false)));
        assert_eq!(call.said(), [Prompt::EchoDone, Prompt::AnythingElse]);
        call.hear_out();
    }
}

#[test]
fn a_carrier_that_never_confirms_leaves_nobody_in_silence() {
    let mut call = Call::started(Profile::demo());
    call.mute_marks = true;
    call.wait(100 * SECOND);
    assert_eq!(call.said()[3..], [Prompt::StillThere, Prompt::MenuShort, Prompt::Goodbye]);
    assert!(call.hung_up);
}

/// What a caller may do.
#[derive(Debug, Clone)]
enum Act {
    Press(char),
    Speak,
    BeginSpeaking,
    StopSpeaking,
    Wait(u64),
    Audio,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        prop::sample::select("12345679*#D".chars().collect::<Vec<_>>()).prop_map(Act::Press),
        Just(Act::Speak),
        Just(Act::BeginSpeaking),
        Just(Act::StopSpeaking),
        (0_u64..12_000).prop_map(Act::Wait),
        Just(Act::Audio),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the caller does, little waits to be said (the model asserts it), something always comes next, and a
    /// caller who falls silent hears goodbye within two minutes.
    #[test]
    fn whatever_a_caller_does_the_call_goes_on_and_ends(acts in prop::collection::vec(act(), 0..60), mute in any::<bool>()) {
        let mut call = Call::started(Profile::demo());
        call.mute_marks = mute;
        for act in acts {
            match act {
                Act::Press(digit) => call.press(digit),
                Act::Speak => call.speak(),
                Act::BeginSpeaking => call.begin_speaking(),
                Act::StopSpeaking => call.event(AgentEvent::TurnEnded { speech: Samples::ZERO }),
                Act::Wait(ms) => call.wait(Duration::from_millis(ms)),
                Act::Audio => call.event(AgentEvent::Audio(Frame::SILENCE)),
            }
            prop_assert!(!call.is_stuck());
        }
        call.wait(150 * SECOND);
        prop_assert!(call.hung_up);
        prop_assert_eq!(call.intent, Intent::HangUp);
    }
}

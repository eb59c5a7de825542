//! A script of somebody's own: greeting, menu and wishes, whole calls at a time, on a virtual clock.

mod support;

use std::time::Duration;

use agent::desk::Intent;
use agent::menu::{OwnAction, OwnKey};
use agent::profile::{Profile, Prompt};
use agent::script::{Input, Output, Wish};
use bytes::Bytes;
use engine::time::Samples;
use support::virtual_call::Call;

const GREETING: Prompt = Prompt::Own(0);
const OFFER: Prompt = Prompt::Own(1);
const ANSWER: Prompt = Prompt::Own(2);

/// So many milliseconds of a tone that nothing takes for a pause.
fn sound(ms: usize) -> Bytes {
    vec![0x90; ms * 8].into()
}

fn key(digit: char, offer: Option<Bytes>, action: OwnAction) -> OwnKey {
    OwnKey { digit, offer, action }
}

fn own() -> Profile {
    Profile::demo().with_greeting(Some(sound(3_000))).with_menu(vec![
        key('1', Some(sound(1_000)), OwnAction::Say(Some(sound(2_000)))),
        key('4', None, OwnAction::Transfer("+15550199".into())),
        key('5', None, OwnAction::Repeat),
        key('*', None, OwnAction::Goodbye),
    ])
}

#[test]
fn it_greets_with_its_own_words_and_offers_its_own_keys() {
    let mut call = Call::started(own());
    assert_eq!(call.said(), [GREETING, OFFER]);
    call.hear_out();
    call.press('1');
    assert_eq!(call.said(), [ANSWER, Prompt::AnythingElse]);
    call.press('5');
    assert_eq!(call.said(), [GREETING, OFFER]);
    call.press('2');
    assert_eq!(call.said(), [Prompt::UnknownKey, OFFER], "the demo's keys are not its keys");
}

#[test]
fn an_interrupted_greeting_is_followed_by_its_own_menu() {
    let mut call = Call::started(own());
    call.wait(Duration::from_secs(1));
    call.log.clear();
    call.speak();
    assert_eq!(call.said(), [Prompt::Ack, OFFER]);
}

#[test]
fn its_keys_transfer_and_say_goodbye() {
    let mut call = Call::greeted(own());
    call.press('4');
    assert_eq!((call.intent.clone(), call.hung_up), (Intent::Dial("+15550199".to_owned()), true));
    let mut call = Call::greeted(own());
    call.press('*');
    assert_eq!((call.intent.clone(), call.hung_up), (Intent::HangUp, true));
}

#[test]
fn without_sound_callers_are_asked_for_a_key_and_what_needs_none_still_works() {
    let keys = vec![key('1', None, OwnAction::Say(None)), key('0', None, OwnAction::Goodbye)];
    let mut call = Call::started(Profile::demo().with_greeting(None).with_menu(keys));
    assert_eq!(call.said(), [Prompt::PressKey]);
    call.press('1');
    assert_eq!(call.said(), [Prompt::UnknownKey, Prompt::PressKey]);
    call.press('0');
    assert!(call.hung_up);
}

#[test]
fn what_somebody_wants_said_is_said_at_once_and_the_conversation_goes_on() {
    let mut call = Call::started(own());
    call.wait(Duration::from_secs(1));
    call.log.clear();
    call.step(Input::Wish(Wish::Say(sound(1_500))));
    assert_eq!(call.log[0], Output::StopSpeaking);
    assert_eq!(call.said(), [Prompt::Told, Prompt::AnythingElse]);
    call.hear_out();
    call.wait(Duration::from_secs(9));
    assert_eq!(call.said(), [Prompt::StillThere, OFFER]);
}

#[test]
fn a_wish_to_hang_up_lets_what_is_being_said_be_heard() {
    let mut call = Call::started(own());
    call.log.clear();
    call.step(Input::Wish(Wish::HangUp));
    assert_eq!(call.log, [Output::SetIntent(Intent::HangUp), Output::HangUp]);
    call.step(Input::Wish(Wish::Say(sound(100))));
    assert_eq!(call.log.len(), 2, "nothing is done after hanging up");
}

#[test]
fn a_wish_to_transfer_ends_even_the_echo() {
    let mut call = Call::greeted(Profile::demo());
    call.press('9');
    call.hear_out();
    call.log.clear();
    call.step(Input::Wish(Wish::Transfer("+15550199".into())));
    assert_eq!(call.log[..3], [Output::EchoEnd, Output::StopSpeaking, Output::Listen(false)]);
    let word = Output::Say { prompt: Prompt::OneMoment, from: Samples::ZERO, interruptible: false };
    assert_eq!(call.log[3], word);
    assert_eq!(call.intent, Intent::Dial("+15550199".to_owned()));
}

//! The driver on a real engine and a real socket: what the script decides is what the caller hears.

mod support;

use std::sync::Arc;

use agent::profile::{Profile, Prompt};
use agent::{Desk, Intent, run_demo};
use engine::{Admission, Engine, EngineConfig};
use support::carrier::Carrier;
use tokio::runtime::Handle;

/// A call to the demo agent, and its desk.
async fn call_demo(profile: &Arc<Profile>) -> (Engine, Carrier, Desk) {
    let engine = Engine::start(EngineConfig { calls_max: 2, ..EngineConfig::default() }).expect("a started engine");
    let (desk, profile, runtime) = (Desk::new(), Arc::clone(profile), Handle::current());
    let agents_desk = desk.clone();
    let admission = Admission {
        turn: engine::turn::TurnParams::default(),
        capture: None,
        agent: Box::new(move |port| drop(runtime.spawn(run_demo(port, agents_desk, profile)))),
        on_end: Box::new(|_| {}),
    };
    let carrier = Carrier::call(&engine, admission).await;
    (engine, carrier, desk)
}

/// Whether `sound` came anywhere in what the carrier received.
fn came(carrier: &Carrier, sound: &[u8]) -> bool {
    carrier.received.windows(sound.len()).any(|window| window == sound)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_caller_hears_the_greeting_and_after_key_0_a_whole_goodbye_and_the_end() {
    let profile = Arc::new(Profile::demo());
    let (_engine, mut carrier, desk) = call_demo(&profile).await;
    assert!(carrier.until(5, |carrier| carrier.received.len() >= 8_000).await, "no greeting");
    assert_eq!(carrier.received[..8_000], profile.sound(Prompt::Welcome)[..8_000]);
    carrier.press('0').await;
    assert!(carrier.until(10, |carrier| carrier.closed).await, "still there after goodbye");
    assert!(carrier.received.ends_with(&profile.sound(Prompt::Goodbye)), "goodbye was cut");
    assert_eq!((carrier.clears, desk.intent()), (1, Intent::HangUp));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn in_the_echo_test_the_caller_hears_themselves_until_a_key() {
    let profile = Arc::new(Profile::demo());
    let (_engine, mut carrier, _desk) = call_demo(&profile).await;
    carrier.until(1, |_| false).await;
    carrier.press('9').await;
    let intro = profile.sound(Prompt::EchoIntro);
    assert!(carrier.until(10, |carrier| came(carrier, &intro)).await, "no introduction");
    // What was sent lies ahead of what was played.
    carrier.until(1, |_| false).await;
    let clears = carrier.clears;
    carrier.voice = 0x2a;
    assert!(carrier.until(5, |carrier| came(carrier, &[0x2a; 8_000])).await, "no echo");
    assert_eq!(carrier.clears, clears, "the caller's own voice stopped the echo");
    carrier.press('#').await;
    let done = profile.sound(Prompt::EchoDone);
    assert!(carrier.until(5, |carrier| came(carrier, &done)).await, "the echo goes on after a key");
}

//! Calls that the TwiML of another dialled, as the REST API shows and ends them: the exchange alone, on a virtual
//! clock.

use crate::support::rest::{Bench, OWNED};
use loadtest::call::model::Order;
use loadtest::rest::news::News;
use loadtest::time::Micros;
use loadtest::twilio::executor::LegNews;
use loadtest::twilio::params::{CallStatus, Parties};

const LEG: &str = "CA00000000000000000000000000000001";

fn stands(bench: &mut Bench, call: &str, status: CallStatus, at_ms: u64) {
    let parties = Parties { from: OWNED.into(), to: "(415) 555-0101".into() };
    bench.now = Micros::from_ms(at_ms);
    bench.tell(call, News::Leg(LegNews { sid: LEG.into(), parties, status, at: bench.now }));
}

fn ringing() -> (Bench, String) {
    let mut bench = Bench::with(|plan| plan.accounts[0].concurrent_calls = Some(2));
    let call = bench.call();
    bench.news(&call, CallStatus::InProgress);
    stands(&mut bench, &call, CallStatus::Ringing, 2_000);
    (bench, call)
}

#[test]
fn a_dialled_call_is_shown_with_its_parent_and_found_by_it() {
    let (mut bench, call) = ringing();
    stands(&mut bench, &call, CallStatus::InProgress, 3_000);
    stands(&mut bench, &call, CallStatus::Completed, 10_500);
    let shown = bench.get(&format!("/Calls/{LEG}.json")).body;
    assert_eq!((&shown["parent_call_sid"], &shown["direction"]), (&call.as_str().into(), &"outbound-dial".into()));
    assert_eq!((&shown["to"], &shown["from"]), (&"+14155550101".into(), &OWNED.into()));
    assert_eq!((&shown["status"], &shown["duration"]), (&"completed".into(), &"8".into()));
    assert_eq!(shown["start_time"], "Tue, 24 Nov 2026 10:00:02 +0000");
    assert!(shown["phone_number_sid"].as_str().unwrap().starts_with("PN"), "{shown}");
    let found = bench.get(&format!("/Calls.json?ParentCallSid={call}")).body;
    let found: Vec<&str> =
        found["calls"].as_array().unwrap().iter().map(|call| call["sid"].as_str().unwrap()).collect();
    assert_eq!(found, [LEG]);
    assert_eq!(bench.get("/Calls.json").body["calls"].as_array().unwrap().len(), 2);
}

#[test]
fn a_dialled_call_takes_no_place_among_the_calls_at_once() {
    let (mut bench, _) = ringing();
    bench.call();
    assert_eq!(bench.begun.len(), 2, "the account may have two");
}

#[test]
fn ending_a_dialled_call_is_ordered_of_the_call_that_dialled_it() {
    let (mut bench, call) = ringing();
    let path = format!("/Calls/{LEG}.json");
    assert_eq!(bench.post(&path, &[("Status", "canceled")]).body["status"], "ringing");
    assert_eq!(bench.post(&path, &[("Twiml", "<Response/>")]).code(), 21_220);
    stands(&mut bench, &call, CallStatus::InProgress, 3_000);
    assert_eq!(bench.post(&path, &[("Status", "canceled")]).code(), 21_220);
    assert_eq!(bench.post(&path, &[("Url", "http://127.0.0.1:1/x")]).code(), 21_220, "is not modelled");
    assert_eq!(bench.post(&path, &[("Status", "completed")]).status, 200);
    let ordered = [(call.clone(), Order::EndLeg(LEG.into(), true)), (call.clone(), Order::EndLeg(LEG.into(), false))];
    assert_eq!(bench.orders, ordered);
    stands(&mut bench, &call, CallStatus::Completed, 4_000);
    assert_eq!(bench.post(&path, &[("Status", "completed")]).code(), 21_220);
}

#[test]
fn the_legs_of_a_call_that_breaks_have_failed() {
    let (mut bench, call) = ringing();
    bench.tell(&call, News::Over);
    assert_eq!((bench.status(LEG), bench.status(&call)), ("failed".into(), "failed".into()));
}

//! Calls as the REST API makes, shows and changes them: the exchange alone, on a virtual clock.

use crate::support::rest::{ACCOUNT, Bench, OTHER, OWNED};
use loadtest::call::model::{MAX_ORDERS, Order, Settings};
use loadtest::rest::news::News;
use loadtest::time::Micros;
use loadtest::twilio::executor::First;
use loadtest::twilio::params::{CallStatus, Direction};
use loadtest::twilio::url::Url;
use loadtest::twilio::warning::{Code, Warning};

const SECOND: Micros = Micros::from_ms(1_000);

fn seconds(n: u64) -> Micros {
    Micros(SECOND.0 * n)
}

#[test]
fn a_call_is_created_queued_and_begun_as_outbound_api() {
    let mut bench = Bench::new();
    let got = bench.create(&[("To", "(555) 123-0001"), ("Method", "GET")]);
    let call = &got.body;
    assert_eq!((got.status, &call["status"], &call["direction"]), (201, &"queued".into(), &"outbound-api".into()));
    assert_eq!((&call["to"], &call["to_formatted"]), (&"+15551230001".into(), &"(555) 123-0001".into()));
    assert_eq!((&call["queue_time"], &call["start_time"]), (&"0".into(), &serde_json::Value::Null));
    assert_eq!(call["date_created"], "Tue, 24 Nov 2026 10:00:00 +0000");
    assert_eq!(call["uri"], format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{}.json", call["sid"].as_str().unwrap()));
    assert_eq!(call["subresource_uris"].as_object().unwrap().len(), 9);
    let (_, plan) = &bench.begun[0];
    assert_eq!(plan.first, First::Ask(Url::parse("http://127.0.0.1:1/twiml").unwrap(), true));
    assert_eq!((plan.direction, plan.auth_token.as_str()), (Direction::OutboundApi, "token"));
    assert_eq!(plan.script.name, "first", "the party of that number answers");
    bench.until(SECOND);
    bench.create(&[("Twiml", "<Response/>"), ("Url", "")]);
    let (_, plan) = &bench.begun[1];
    assert_eq!((plan.first.clone(), plan.script.name.as_str()), (First::Inline("<Response/>".into()), "anybody"));
}

#[test]
fn a_call_that_was_played_shows_its_times_as_strings() {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.until(seconds(4));
    bench.news(&call, CallStatus::InProgress);
    assert_eq!(bench.status(&call), "in-progress");
    bench.until(Micros::from_ms(18_500));
    bench.news(&call, CallStatus::Completed);
    let shown = bench.get(&format!("/Calls/{call}.json")).body;
    assert_eq!((&shown["status"], &shown["duration"]), (&"completed".into(), &"15".into()));
    assert_eq!(shown["start_time"], "Tue, 24 Nov 2026 10:00:00 +0000");
    assert_eq!(shown["end_time"], "Tue, 24 Nov 2026 10:00:18 +0000");
    assert_eq!((&shown["price"], &shown["price_unit"]), (&serde_json::Value::Null, &"USD".into()));
    // Nothing changes it any more.
    bench.news(&call, CallStatus::Failed);
    assert_eq!(bench.status(&call), "completed");
}

#[test]
fn duration_and_end_are_empty_where_nobody_answered() {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.news(&call, CallStatus::Busy);
    let shown = bench.get(&format!("/Calls/{call}.json")).body;
    assert!(shown["status"] == "busy" && shown["duration"].is_null() && shown["end_time"].is_null(), "{shown}");
}

#[test]
fn one_call_a_second_is_dialled_and_the_rest_waits_its_turn() {
    let mut bench = Bench::new();
    let waits: Vec<_> = (0..4).map(|_| bench.create(&[]).body["queue_time"].clone()).collect();
    assert_eq!(waits, ["0", "1000", "2000", "3000"]);
    assert_eq!(bench.begun.len(), 1);
    bench.until(seconds(10));
    let begun: Vec<_> = bench.begun.iter().map(|(at, _)| *at).collect();
    assert_eq!(begun, [seconds(0), seconds(1), seconds(2), seconds(3)]);
    let mut fast = Bench::with(|plan| plan.accounts[0].calls_per_second = 4);
    (0..4).for_each(|_| drop(fast.call()));
    fast.until(SECOND);
    assert_eq!(fast.begun.iter().map(|(at, _)| at.0 / 1_000).collect::<Vec<_>>(), [0, 250, 500, 750]);
}

#[test]
fn a_queued_call_can_be_called_off_and_those_behind_it_move_up() {
    let mut bench = Bench::new();
    let calls: Vec<_> = (0..3).map(|_| bench.call()).collect();
    let got = bench.post(&format!("/Calls/{}.json", calls[1]), &[("Status", "canceled")]);
    assert_eq!((got.status, &got.body["status"]), (200, &"canceled".into()));
    bench.until(seconds(1));
    assert_eq!(bench.begun[1].1.sids.call, calls[2]);
    assert_eq!(bench.get(&format!("/Calls/{}.json", calls[2])).body["queue_time"], "1000");
    assert!(bench.orders.is_empty());
}

#[test]
fn the_end_of_a_call_that_was_never_dialled_is_told_where_that_is_wanted() {
    let mut bench = Bench::with(|plan| plan.accounts[0].concurrent_calls = Some(1));
    let told = [("StatusCallback", "http://127.0.0.1:1/status")];
    let queue =
        |bench: &mut Bench, fields: &[(&str, &str)]| bench.create(fields).body["sid"].as_str().unwrap().to_owned();
    bench.call();
    let called_off = queue(&mut bench, &told);
    let unheard = queue(&mut bench, &[("StatusCallback", "http://127.0.0.1:1/s"), ("StatusCallbackEvent", "ringing")]);
    let too_many = queue(&mut bench, &told);
    for call in [&called_off, &unheard] {
        assert_eq!(bench.post(&format!("/Calls/{call}.json"), &[("Status", "canceled")]).body["status"], "canceled");
    }
    bench.until(seconds(2));
    let begun: Vec<_> = bench.begun.iter().skip(1).map(|(_, plan)| (&plan.sids.call, plan.course.undialled)).collect();
    assert_eq!(begun, [(&called_off, Some((CallStatus::Canceled, 487))), (&too_many, Some((CallStatus::Failed, 503)))]);
    assert_eq!(bench.status(&unheard), "canceled");
    assert_eq!(bench.status(&too_many), "failed");
}

#[test]
fn a_call_is_dialled_with_the_settings_that_it_was_given_while_it_waited() {
    let mut bench = Bench::new();
    let (_, waits) = (bench.call(), bench.call());
    let settings = [
        ("StatusCallback", "http://127.0.0.1:1/status"),
        ("StatusCallbackMethod", "GET"),
        ("FallbackUrl", "http://127.0.0.1:1/fallback"),
        ("TimeLimit", "90"),
    ];
    assert_eq!(bench.post(&format!("/Calls/{waits}.json"), &settings).body["status"], "queued");
    bench.until(SECOND);
    let course = &bench.begun[1].1.course;
    assert_eq!(course.reports.as_ref().unwrap().to, (Url::parse("http://127.0.0.1:1/status").unwrap(), true));
    assert_eq!(course.fallback, Some((Url::parse("http://127.0.0.1:1/fallback").unwrap(), false)));
    assert_eq!(course.time_limit, Some(seconds(90)));
}

#[test]
fn a_live_call_is_given_settings_before_it_is_redirected() {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.news(&call, CallStatus::InProgress);
    let both = [("TimeLimit", "90"), ("Twiml", "<Response/>")];
    assert_eq!(bench.post(&format!("/Calls/{call}.json"), &both).status, 200);
    let settings = Settings { time_limit: Some(seconds(90)), ..Settings::default() };
    let redirect = Order::Redirect(First::Inline("<Response/>".into()));
    assert_eq!(bench.orders, [(call.clone(), Order::Set(Box::new(settings))), (call, redirect)]);
}

#[test]
fn a_call_that_takes_no_orders_is_given_no_more_than_it_can_hold() {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.news(&call, CallStatus::InProgress);
    let path = format!("/Calls/{call}.json");
    for _ in 0..MAX_ORDERS {
        assert_eq!(bench.post(&path, &[("TimeLimit", "90")]).status, 200);
    }
    let refused = bench.post(&path, &[("Status", "completed")]);
    assert_eq!((refused.status, refused.code()), (429, 20_429));
    assert_eq!(bench.post(&format!("/Calls/{call}/Recordings.json"), &[]).code(), 20_429);
    assert!(bench.get("/Recordings.json").body["recordings"].as_array().unwrap().is_empty(), "nothing was done");
    assert_eq!(bench.orders.len(), MAX_ORDERS);
    bench.tell(&call, News::Obeyed(1));
    assert_eq!(bench.post(&path, &[("Status", "completed")]).status, 200);
}

#[test]
fn a_call_that_waits_for_a_day_is_canceled() {
    let mut bench = Bench::new();
    let calls: Vec<_> = (0..2).map(|_| bench.call()).collect();
    // Nobody told the time for a day: the second call's turn had come, but by now it is too old.
    bench.now = seconds(86_400);
    assert_eq!((bench.status(&calls[0]), bench.status(&calls[1])), ("ringing".into(), "canceled".into()));
    assert_eq!(bench.begun.len(), 1);
}

#[test]
fn ringing_and_running_calls_are_ended_by_an_order() {
    let mut bench = Bench::new();
    let call = bench.call();
    let path = format!("/Calls/{call}.json");
    assert_eq!(bench.post(&path, &[("Status", "canceled")]).status, 200);
    bench.news(&call, CallStatus::InProgress);
    assert_eq!(bench.post(&path, &[("Status", "canceled")]).code(), 21_220);
    assert_eq!(bench.post(&path, &[("Status", "completed")]).status, 200);
    assert_eq!(bench.orders, [(call.clone(), Order::Cancel), (call.clone(), Order::HangUp)]);
    bench.news(&call, CallStatus::Completed);
    assert_eq!(bench.post(&path, &[("Status", "completed")]).code(), 21_220);
}

#[test]
fn a_call_in_progress_is_redirected_to_a_url_or_to_twiml() {
    let mut bench = Bench::new();
    let call = bench.call();
    let path = format!("/Calls/{call}.json");
    let url = [("Url", "http://127.0.0.1:1/other"), ("Method", "GET")];
    let refused = bench.post(&path, &url);
    assert_eq!(
        (refused.code(), refused.body["message"].as_str().unwrap()),
        (21_220, "Call is not in-progress. Cannot redirect.")
    );
    bench.news(&call, CallStatus::InProgress);
    assert_eq!(bench.post(&path, &url).body["status"], "in-progress");
    assert_eq!(bench.post(&path, &[("Twiml", "<Response><Hangup/></Response>")]).status, 200);
    let other = First::Ask(Url::parse("http://127.0.0.1:1/other").unwrap(), true);
    let inline = First::Inline("<Response><Hangup/></Response>".into());
    assert_eq!(bench.orders, [(call.clone(), Order::Redirect(other)), (call, Order::Redirect(inline))]);
}

#[test]
fn only_a_call_that_has_ended_is_deleted_and_then_it_is_gone() {
    let mut bench = Bench::new();
    let call = bench.call();
    let target = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{call}.json");
    assert_eq!(bench.ask("DELETE", &target, "").status, 400);
    bench.news(&call, CallStatus::Completed);
    let got = bench.ask("DELETE", &target, "");
    assert_eq!((got.status, got.bytes.len()), (204, 0));
    assert_eq!(bench.ask("GET", &target, "").code(), 20_404);
    assert_eq!(bench.ask("DELETE", &target, "").code(), 20_404);
}

#[test]
fn too_many_calls_at_once_fail_and_the_debugger_says_why() {
    let mut bench = Bench::with(|plan| {
        plan.accounts[0].concurrent_calls = Some(1);
        plan.accounts[0].calls_per_second = 10;
    });
    let (first, second) = (bench.call(), bench.call());
    bench.until(SECOND);
    assert_eq!((bench.status(&first), bench.status(&second)), ("ringing".into(), "failed".into()));
    let log = bench.ask("GET", &format!("/loadtest/Accounts/{ACCOUNT}/Debugger.json?CallSid={second}"), "");
    assert_eq!(log.body["entries"][0]["error_code"], "10004");
    bench.news(&first, CallStatus::Completed);
    bench.call();
    assert_eq!(bench.begun.len(), 2, "there is room again");
}

#[test]
fn somebody_calls_a_number_of_the_accounts() {
    let mut bench = Bench::new();
    let target = format!("/loadtest/Accounts/{ACCOUNT}/InboundCalls.json");
    let got = bench.ask("POST", &target, "To=%2B14155550199&From=%2B15551230001&Script=rude");
    assert_eq!((got.status, &got.body["direction"], &got.body["status"]), (201, &"inbound".into(), &"ringing".into()));
    let (_, plan) = &bench.begun[0];
    assert_eq!(plan.first, First::Ask(Url::parse("http://127.0.0.1:1/voice").unwrap(), false));
    assert_eq!((plan.direction, plan.script.name.as_str()), (Direction::Inbound, "rude"));
    for (body, part) in [
        ("To=%2B14155550199", "give To"),
        ("To=%2B14155550100&From=%2B15551230001", "no number of this account"),
        ("To=%2B14155550199&From=%2B15551230001&Script=x", "one of rude"),
    ] {
        let got = bench.ask("POST", &target, body);
        assert!(got.status == 400 && got.body["message"].as_str().unwrap().contains(part), "{got:?}");
    }
}

#[test]
fn a_number_without_a_webhook_fails_its_calls_without_a_word() {
    let mut bench = Bench::new();
    let target = format!("/loadtest/Accounts/{ACCOUNT}/InboundCalls.json");
    let got = bench.ask("POST", &target, "To=%2B442071838750&From=%2B15551230001");
    assert_eq!((got.status, &got.body["status"]), (201, &"failed".into()));
    let log = bench.ask("GET", &format!("/loadtest/Accounts/{ACCOUNT}/Debugger.json"), "");
    assert_eq!(log.body["entries"].as_array().unwrap().len(), 0);
}

#[test]
fn warnings_of_a_call_are_read_in_the_debugger_and_not_by_others() {
    let mut bench = Bench::new();
    let call = bench.call();
    bench.tell(&call, News::Warning(Warning::new(Code::StreamHandshake, "answered 403")));
    let log = bench.ask("GET", &format!("/loadtest/Accounts/{ACCOUNT}/Debugger.json"), "").body;
    let entry = &log["entries"][0];
    assert_eq!((&entry["call_sid"], &entry["error_code"]), (&call.as_str().into(), &"31920".into()));
    assert_eq!((&entry["log_level"], &entry["text"]), (&"error".into(), &"answered 403".into()));
    bench.tell(&call, News::Warning(Warning::new(Code::Silent, "a query was dropped")));
    let debugger = format!("/loadtest/Accounts/{ACCOUNT}/Debugger.json");
    assert_eq!(bench.ask("GET", &debugger, "").body["entries"].as_array().unwrap().len(), 1, "Twilio is silent");
    let notices = bench.ask("GET", &format!("{debugger}?LogLevel=notice"), "").body;
    assert_eq!(
        (&notices["entries"][0]["text"], &notices["entries"][1]),
        (&"a query was dropped".into(), &serde_json::Value::Null)
    );
    let target = format!("/loadtest/Accounts/{OTHER}/Debugger.json");
    assert_eq!(bench.ask("GET", &target, "").code(), 20_003);
    bench.send("GET", &target, "", OTHER, "other");
    let (_, other) = bench.answers.pop().unwrap();
    assert_eq!(other.body["entries"].as_array().unwrap().len(), 0);
}

#[test]
fn requests_wait_for_their_answers_and_too_many_at_once_are_refused_unprocessed() {
    let mut bench = Bench::with(|plan| {
        plan.answers_after = Micros::from_ms(100);
        plan.accounts[0].concurrent_requests = 2;
    });
    let body = crate::support::rest::body(&[("To", "+15551230009"), ("From", OWNED), ("Url", "http://127.0.0.1:1/")]);
    let target = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json");
    for _ in 0..3 {
        bench.send("POST", &target, &body, ACCOUNT, "token");
    }
    assert!(bench.answers.is_empty());
    bench.until(Micros::from_ms(100));
    let statuses: Vec<u16> = bench.answers.iter().map(|(_, got)| got.status).collect();
    assert_eq!((statuses, bench.answers[2].1.code()), (vec![201, 201, 429], 20_429));
    bench.answers.clear();
    bench.send("GET", &target, "", ACCOUNT, "token");
    bench.until(Micros::from_ms(200));
    assert_eq!(bench.answers[0].1.body["calls"].as_array().unwrap().len(), 2, "the refused one made no call");
}

#[test]
fn a_call_that_breaks_has_failed_and_makes_room() {
    let mut bench = Bench::with(|plan| plan.accounts[0].concurrent_calls = Some(1));
    let call = bench.call();
    bench.news(&call, CallStatus::InProgress);
    bench.tell(&call, News::Over);
    assert_eq!(bench.status(&call), "failed");
    bench.until(SECOND);
    bench.call();
    assert_eq!(bench.begun.len(), 2);
}

#[test]
fn who_answered_is_shown_once_it_is_found_out() {
    let mut bench = Bench::new();
    let call = bench.create(&[("MachineDetection", "Enable")]).body["sid"].as_str().unwrap().to_owned();
    assert!(bench.begun[0].1.course.detection.is_some());
    assert_eq!(bench.begun[0].1.course.api.as_deref(), Some("http://127.0.0.1:9080"));
    bench.tell(&call, News::AnsweredBy("machine_start".into()));
    assert_eq!(bench.get(&format!("/Calls/{call}.json")).body["answered_by"], "machine_start");
}
